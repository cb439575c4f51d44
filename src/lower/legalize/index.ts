/**
 * Legalization: f16, math functions, and operations without an instruction, rewritten in terms of what the target has.
 * In this order: `legalizeF16` (statements), `expandMath`, `legalizeOps` (expressions).
 */
export { expandF16, legalizeF16 } from "./f16.ts";
export { expandMath } from "./math.ts";
export { isLegal, type LegalizeFacts, legalizeOps } from "./ops.ts";

/** Emission of bool vectors, which are masks (see compare.ts). */
import { constInt, type Expr } from "../../src/ir/index.ts";
import type { Ref } from "./binaryen.ts";
import { isComparison, splatBool, unsupported, VECTOR_COMPARE } from "./compare.ts";
import { type Context, instructionFor } from "./context.ts";
import { CodegenError } from "./error.ts";
import { emitShuffle } from "./lanes.ts";
import { emitLoad } from "./memory.ts";

/** A bool vector, at its natural width (`bits` is that, or the wanted one where any will do). */
export function emitMask(c: Context, e: Expr, bits: number): Ref {
  const { w } = c;
  switch (e.kind) {
    case "broadcast": {
      const known = constInt(e.value);
      if (known !== undefined) return w.splat("bool", known, bits);
      return splatBool(w, c.value(e.value), bits);
    }
    case "load":
      // any byte but 0 counts as true
      return w.m.i8x16.ne(emitLoad(c, e), w.splat("u8", 0));
    case "shuffle":
      return emitShuffle(c, e, bits);
    case "op":
      break;
    default:
      throw new CodegenError("internal", `a ${e.kind} is no bool vector`);
  }
  const arg = (i: number): Ref => c.mask(e.args[i]!, bits);
  switch (e.op) {
    case "and":
      // a & !b is one instruction
      if (e.args[1]!.kind === "op" && e.args[1]!.op === "not" && !c.held(e.args[1]!))
        return w.m.v128.andnot(arg(0), c.mask(e.args[1]!.args[0]!, bits));
      return w.m.v128.and(arg(0), arg(1));
    case "or":
    case "xor":
      return w.i(`v128.${e.op}`, arg(0), arg(1));
    case "not":
      return w.m.v128.not(arg(0));
    case "select":
      return w.m.v128.bitselect(arg(1), arg(2), arg(0));
    case "where": {
      const condition = e.args[0]!;
      // one condition for all lanes; lowering leaves no other kind
      if (condition.kind !== "broadcast") throw unsupported(e);
      return c.choose(condition.value, [e.args[1]!, e.args[2]!], (x) => c.mask(x, bits));
    }
    default:
  }
  const rule = VECTOR_COMPARE.get(`${e.op} ${e.args[0]!.dtype}`);
  if (typeof rule !== "string" || !isComparison(e)) throw unsupported(e);
  return w.i(instructionFor(rule, e.args[0]!.dtype, true), c.value(e.args[0]!), c.value(e.args[1]!));
}

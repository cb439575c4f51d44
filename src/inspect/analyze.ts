/**
 * Warnings about a schedule, in the manner of a profiler but without running anything: each says what is likely slow, by how
 * much, and which loops and blocks it means.
 */
import type { Schedule } from "../../schedule/index.ts";
import { printFunc } from "../ir/index.ts";
import { type Target, wasm } from "../target/index.ts";
import { checkOptions, type Inspectable, type Rule, scheduleOf } from "./options.ts";
import { type Quantities, quantitiesOf } from "./quantities.ts";
import type { AnalyzeOptions, Found, Limits, Warning } from "./types.ts";
import { findAll } from "./warnings/index.ts";
import { Workshop } from "./workshop.ts";

const LIMITS: Limits = { cache: 1 << 20, recomputation: 1.5, shortVectors: 0.4, share: 0.05 };
const RULES: { readonly [K in keyof AnalyzeOptions]-?: Rule } = {
  sizes: "record",
  cache: "count",
  recomputation: "count",
  shortVectors: "count",
  share: "count",
};

/**
 * What is likely slow about a schedule, or about tensors without one.
 *
 *     for (const w of analyze(s, wasm({ relaxed: true }))) console.log(w.message);
 *     analyze(s, wasm(), { sizes: { n: 1000 } });
 *
 * Warnings come in the order of their blocks' work, the most first. Throws TilewrightError `inspect-sizes` where a symbolic size has no
 * value, `size-range` where one has a value that `dim` excludes, `inspect-options` for options that make no sense, and what
 * lowering throws.
 */
export function analyze(x: Inspectable, target: Target = wasm(), options: AnalyzeOptions = {}): Warning[] {
  checkOptions("analyze", options, RULES);
  checkOptions("analyze", { target }, { target: "target" });
  const s = scheduleOf(x);
  const { sizes, ...rest } = options;
  const given = Object.fromEntries(Object.entries(rest).filter(([, v]) => v !== undefined));
  const q = quantitiesOf(s.func, { ...(sizes ? { sizes } : {}), target });
  return warningsOf(s, target, q, { ...LIMITS, ...given });
}
/** What `analyze` says, of quantities that are known already. */
export function warningsOf(s: Schedule<unknown>, target: Target, q: Quantities, limits: Limits = LIMITS): Warning[] {
  const w = new Workshop(s.func, s.unscheduled().func, target, q, limits);
  return findAll(w).map((x) => describe(s, x));
}

function describe(s: Schedule<unknown>, x: Found): Warning {
  const blocks = s.blocks().filter((b) => x.blocks.includes(b.id));
  const all = s.blocks().flatMap((b) => s.loopList(b));
  const loops = x.loops.flatMap((v) => all.find((l) => l.var === v) ?? []);
  const refs = [...loops, ...blocks].flatMap((h) => s.refOf(h) ?? []);
  const nest = printFunc(s.func, { marks: new Set<object>([...x.loops, ...x.blocks]) });
  const { code, message, buffers = [], quantities = {} } = x;
  return { code, message, loops, blocks, refs, buffers, quantities, nest };
}

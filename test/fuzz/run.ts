/** One fuzz case: a random program, a random schedule, every comparison. Shared by the short test and the long runs. */
import fc from "fast-check";
import { schedule } from "../../schedule/index.ts";
import {
  applyOp,
  childStmts,
  type Expr,
  type Func,
  printFunc,
  type Stmt,
  TilewrightError,
  verify,
} from "../../src/ir/index.ts";
import { interpret } from "../../src/reference/index.ts";
import { createFunc } from "../../te/index.ts";
import { checkLowering, checkTrace, inputsOf, judge, sameBits } from "./check.ts";
import { makeProgram, type ProgramSpec } from "./program.ts";
import { checkRaces } from "./races.ts";
import { applySteps, type StepSpec, type Tally, vectorizeAll } from "./steps/index.ts";

export interface CaseSpec {
  readonly program: ProgramSpec;
  readonly steps: readonly StepSpec[];
  readonly data: number;
}
const n = fc.nat(9999);
/** Without bias towards small numbers: they pick among kinds, and the first kinds are no more interesting than the others. */
export const caseSpec: fc.Arbitrary<CaseSpec> = fc.noBias(
  fc.record({
    program: fc.record({
      dtype: n,
      outputs: n,
      stages: fc.array(fc.record({ kind: n, pick: n, x: n, y: n, z: n }), { minLength: 1, maxLength: 5, size: "max" }),
    }),
    steps: fc.array(fc.record({ primitive: n, a: n, b: n, c: n }), { minLength: 0, maxLength: 16, size: "max" }),
    data: n,
  }),
);

/** Limits that a legal schedule may run into, each named in the error. */
const LIMITS = new Set(["unroll-budget"]);

export interface CaseResult {
  readonly limited?: string;
  readonly kinds: readonly string[];
  readonly dtypes: readonly string[];
  readonly symbolic: boolean;
}
/** Points of blocks that a case may visit. */
const WORK = 400_000;
function workOf(f: Func, sizes: Readonly<Record<string, number>>): number {
  const value = (e: Expr): number => {
    if (e.kind === "const") return Number(e.value);
    if (e.kind === "var") return sizes[e.name] ?? 1;
    if (e.kind !== "op") return 1;
    const types = e.args.map((a) => a.dtype);
    return Number(applyOp(e.op, e.dtype, types, e.args.map(value)));
  };
  let total = 0;
  const walk = (s: Stmt, times: number): void => {
    if (s.kind === "for") walk(s.body, times * value(s.extent));
    else if (s.kind === "block") total += times;
    else for (const c of childStmts(s)) walk(c, times);
  };
  walk(f.body, 1);
  return total;
}

/** Throws (Mismatch, or whatever broke) when anything is wrong with the case. */
export async function runCase(spec: CaseSpec, tally?: Tally): Promise<CaseResult> {
  const p = makeProgram(spec.program);
  const inputs = inputsOf(p, spec.data);
  const created = createFunc(Object.values(p.outputs));
  const options = { sizes: p.sizes };
  const judged = judge(p, inputs);
  const start = interpret(created.func, inputs, options);
  judged("unscheduled", start);

  const dtypes = [...created.func.inputs, ...created.func.outputs].map((b) => b.dtype);
  const result: CaseResult = { kinds: p.kinds, dtypes, symbolic: created.func.sizes.length > 0 };

  const s = schedule(created);
  applySteps(s, spec.steps, tally);
  if (spec.data % 2 === 1) vectorizeAll(s, spec.data, tally);
  verify(s.func, "scheduled");
  // legal, but it would take minutes to interpret: recomputation inside recomputation
  if (workOf(s.func, p.sizes) > WORK) return { ...result, limited: "work" };
  const scheduled = interpret(s.func, inputs, options);
  if (s.trace.some((t) => t.reassociates)) judged("scheduled", scheduled);
  else sameBits("scheduled", s.func, start, scheduled);

  checkRaces(s.func, inputs, p.sizes);
  checkTrace(s, () => schedule(createFunc(Object.values(p.outputs))));
  try {
    await checkLowering(s.func, p, inputs, scheduled, judged, {
      everyStage: spec.data % 5 === 0,
      canaries: spec.data % 3 === 0,
      relaxed: spec.data % 4 === 1,
    });
  } catch (e) {
    if (e instanceof TilewrightError && LIMITS.has(e.code)) return { ...result, limited: e.code };
    throw e;
  }
  return result;
}

/** A case as text: the program, the steps that were taken, the loop nest. For reports. */
export function describeCase(spec: CaseSpec): string {
  let func: Func | undefined;
  const lines: string[] = [JSON.stringify(spec)];
  try {
    const p = makeProgram(spec.program);
    const created = createFunc(Object.values(p.outputs));
    lines.push(`sizes ${JSON.stringify(p.sizes)}`, printFunc(created.func));
    const s = schedule(created);
    applySteps(s, spec.steps);
    if (spec.data % 2 === 1) vectorizeAll(s, spec.data);
    func = s.func;
    lines.push(...s.trace.map((t) => `${t.primitive} ${JSON.stringify(t.args)}`));
  } catch (e) {
    lines.push(String(e));
  }
  if (func) lines.push(printFunc(func));
  return lines.join("\n");
}

/** What the tests of lowering share: a function through the pipeline with every stage verified and carried out. */
import { expect } from "vitest";
import { emitWasm } from "../../codegen/wasm/index.ts";
import { type DType, type Func, printFunc, printStmt, type Scalar, type Stmt, verify } from "../../src/ir/index.ts";
import { verifyLowered } from "../../src/ir/verify.ts";
import { type LowerResult, lowerFunc } from "../../src/lower/index.ts";
import { type InterpretOptions, interpret, interpretLowered, type TypedArrayLike } from "../../src/reference/index.ts";
import { load } from "../../src/runtime/index.ts";
import { type Target, wasm } from "../../src/target/index.ts";
import { firstDifference, generator, randomArray } from "../fuzz/data.ts";

export type Arrays = Record<string, TypedArrayLike>;
export interface Run {
  readonly sizes?: Record<string, number>;
  readonly scalars?: Record<string, Scalar>;
  readonly inputs?: Arrays;
  readonly target?: Target;
}

/** The lines of a statement or function; a snapshot starts on a line of its own. */
export const text = (x: Func | Stmt): string =>
  `\n${"params" in x || "inputs" in x ? printFunc(x as Func) : printStmt(x as Stmt)}\n`;

const count = (e: { kind: string }, sizes: Record<string, number>): number => {
  const v = e as never as { kind: string; value: number; name: string; op: string; args: { kind: string }[] };
  if (v.kind === "const") return v.value;
  if (v.kind === "var") return sizes[v.name]!;
  const [a, b] = v.args.map((x) => count(x, sizes)) as [number, number];
  const ops: Record<string, () => number> = {
    add: () => a + b,
    sub: () => a - b,
    mul: () => a * b,
    floordiv: () => Math.floor(a / b),
    min: () => Math.min(a, b),
    max: () => Math.max(a, b),
  };
  return ops[v.op]!();
};

/** Random contents for every input, the same every time. */
export function inputsFor(f: Func, sizes: Record<string, number> = {}, seed = 1): Arrays {
  const next = generator(seed);
  return Object.fromEntries(
    f.inputs.map((b) => {
      const shape = b.shape.map((e) => count(e, sizes));
      const strides = b.strides?.map((e) => count(e, sizes));
      const n = strides
        ? shape.reduce((s, x, d) => s + Math.max(0, x - 1) * strides[d]!, 1)
        : shape.reduce((x, y) => x * y, 1);
      return [b.name, randomArray(b.dtype as DType, n, next, true)];
    }),
  );
}

export function same(what: string, f: Func, want: Arrays, got: Arrays): void {
  for (const b of f.outputs) {
    const at = firstDifference(b.dtype, want[b.name]!, got[b.name]!);
    if (at !== undefined)
      expect.fail(`${what}: ${b.name}[${at}] is ${got[b.name]![at]}, expected ${want[b.name]![at]} (${b.dtype})`);
  }
}

/** Carries out `after` and compares with `before`; verifies it first where it has left scheduled form. */
export function unchanged(before: Func, after: Func, run: Run = {}, level: "lowered" | "none" = "lowered"): Func {
  const inputs = run.inputs ?? inputsFor(before, run.sizes);
  const options: InterpretOptions = { sizes: run.sizes ?? {}, scalars: run.scalars ?? {} };
  if (level === "lowered") verify(after, "lowered");
  same("after", before, interpret(before, inputs, options), interpret(after, inputs, options));
  return after;
}

/** The whole pipeline: every stage verified and carried out, the last one in memory and by the engine. */
export async function check(f: Func, ...runs: Run[]): Promise<LowerResult> {
  const stages: [string, Func][] = [];
  const target = runs[0]?.target ?? wasm();
  const lowered = lowerFunc(f, target, { onStage: (n, s) => stages.push([n, s]) });
  const module = await emitWasm(lowered, target);
  expect(WebAssembly.validate(module.wasm as BufferSource)).toBe(true);
  verifyLowered(lowered);
  const late = stages.findIndex(([n]) => n === "dissolve blocks");
  stages.forEach(([n, s], at) => {
    if (at >= late && n !== "plan scratch" && n !== "addresses")
      try {
        verify(s, "lowered");
      } catch (e) {
        throw new Error(`after ${n}: ${(e as Error).message}`);
      }
  });
  const kernel = await load(module.wasm);
  for (const run of runs.length > 0 ? runs : [{}]) {
    const inputs = run.inputs ?? inputsFor(f, run.sizes);
    const options: InterpretOptions = { sizes: run.sizes ?? {}, scalars: run.scalars ?? {} };
    const want = interpret(f, inputs, options);
    for (const [n, s] of stages) {
      if (n === "plan scratch" || n === "addresses") continue;
      let got: Arrays;
      try {
        got = interpret(s, inputs, options);
      } catch (e) {
        throw new Error(`after ${n} (${JSON.stringify(run.sizes)}): ${(e as Error).message}\n${printFunc(s)}`);
      }
      same(`after ${n} ${JSON.stringify(run.sizes ?? {})}`, f, want, got);
    }
    same("lowered", f, want, interpretLowered(lowered, inputs, options));
    const result = kernel({ ...inputs, ...run.sizes, ...run.scalars } as never) as TypedArrayLike | Arrays;
    const got = (f.outputs.length === 1 ? { [f.outputs[0]!.name]: result } : result) as Arrays;
    same("wasm", f, want, got);
  }
  return lowered;
}

/** A function as it stands after one pass of the pipeline. */
export function stage(f: Func, name: string): Func {
  let out: Func | undefined;
  lowerFunc(f, wasm(), {
    onStage: (n, s) => {
      if (n === name) out = s;
    },
  });
  if (out === undefined) throw new Error(`no pass is called ${name}`);
  return out;
}
/** The text of a function after one pass; what it computes must not have changed. */
export function golden(f: Func, name: string, run: Run = {}): string {
  const scheduled = ["scheduled", "init reductions", "layouts", "allocate"].includes(name);
  return text(unchanged(f, stage(f, name), run, scheduled ? "none" : "lowered"));
}

/**
 * An idiom: a schedule that people write, which must be accepted and right. It is checked from both ends: interpreted as it stands,
 * and compiled and run; both against the oracle that knows the expressions only.
 */
import { expect } from "vitest";
import type { Schedule } from "../../schedule/index.ts";
import { type Artifact, build, isTensor, load, type Tensor, wasm } from "../../src/index.ts";
import { type Buffer, type Func, verify } from "../../src/ir/index.ts";
import { evaluateWithBound, interpret, readElement, type TypedArrayLike } from "../../src/reference/index.ts";
import { isApproximate } from "../fuzz/check.ts";
import { firstDifference, generator, randomArray } from "../fuzz/data.ts";
import { lengthOf, type Sizes } from "./sizes.ts";

// biome-ignore lint/suspicious/noExplicitAny: a schedule of anything
export type AnySchedule = Schedule<any>;
export type Arrays = Record<string, TypedArrayLike>;

export interface Idiom {
  readonly name: string;
  /** Writes the tensors down and schedules them. Throws nothing. */
  readonly make: () => AnySchedule;
  /** Symbolic sizes to run with; once without any when absent. */
  readonly sizes?: readonly Sizes[];
  readonly scalars?: Readonly<Record<string, number>>;
  /** What the loop nest must (or, in `not`, must not) look like. */
  readonly nest?: readonly RegExp[];
  /** What the module's text must hold. */
  readonly wat?: readonly RegExp[];
  readonly not?: { readonly nest?: readonly RegExp[]; readonly wat?: readonly RegExp[] };
  /** Codes of the compiler's warnings that are in order here; none when absent. */
  readonly warnings?: readonly string[];
}

const tensorsOf = (s: AnySchedule): Tensor[] => (isTensor(s.of) ? [s.of as Tensor] : Object.values<Tensor>(s.of));

export function inputsOf(f: Func, sizes: Sizes, seed: number): Arrays {
  const next = generator(seed);
  return Object.fromEntries(f.inputs.map((b) => [b.name, randomArray(b.dtype, lengthOf(b, sizes), next, true)]));
}

/** Each element within its bound; most bounds must say something. */
export function withinBounds(what: string, tensors: readonly Tensor[], got: Arrays, want: Wanted): void {
  for (const t of tensors) {
    const { values, bound } = want[t.name]!;
    const mine = got[t.name]!;
    expect(mine.length, `${what}: length of ${t.name}`).toBe(values.length);
    let vague = 0;
    for (let i = 0; i < values.length; i++) {
      if (bound[i] === Infinity) vague++;
      const [w, g] = [Number(readElement(t.dtype, values, i)), Number(readElement(t.dtype, mine, i))];
      if (w === g || Math.abs(w - g) <= bound[i]! || (Number.isNaN(w) && Number.isNaN(g)) || bound[i] === Infinity)
        continue;
      throw new Error(`${what}: ${t.name}[${i}] is ${g}, the oracle says ${w} within ${bound[i]}`);
    }
    expect(vague, `${what}: elements of ${t.name} without a bound`).toBeLessThanOrEqual(values.length / 10);
  }
}
export type Wanted = ReturnType<typeof evaluateWithBound>;
function sameBits(what: string, outputs: readonly Buffer[], want: Arrays, got: Arrays): void {
  for (const b of outputs) {
    const at = firstDifference(b.dtype, want[b.name]!, got[b.name]!);
    if (at !== undefined)
      throw new Error(`${what}: ${b.name}[${at}] is ${got[b.name]![at]}, interpreted ${want[b.name]![at]}`);
  }
}

/** Outputs of a loaded kernel by tensor name, whatever it returns. */
export async function runnerOf(s: AnySchedule, artifact: Artifact): Promise<(args: object) => Arrays> {
  const kernel = await load(artifact);
  return (args) => {
    const r = kernel(args as never) as unknown;
    if (isTensor(s.of)) return { [s.of.name]: r as TypedArrayLike };
    return Object.fromEntries(Object.entries<Tensor>(s.of).map(([key, t]) => [t.name, (r as Arrays)[key]!]));
  };
}

export async function checkIdiom(idiom: Idiom): Promise<void> {
  const s = idiom.make();
  verify(s.func, "scheduled");
  const text = `${s}`;
  for (const r of idiom.nest ?? []) expect(text).toMatch(r);
  for (const r of idiom.not?.nest ?? []) expect(text).not.toMatch(r);

  const artifact = await build(s, { target: wasm() });
  expect([...new Set(artifact.warnings.map((w) => w.code))]).toEqual(idiom.warnings ?? []);
  for (const r of idiom.wat ?? []) expect(r.test(artifact.wat), `${r} in the module of\n${text}`).toBe(true);
  for (const r of idiom.not?.wat ?? []) expect(r.test(artifact.wat), `no ${r} in the module of\n${text}`).toBe(false);

  const tensors = tensorsOf(s);
  const run = await runnerOf(s, artifact);
  const exact = !isApproximate(s.func);
  for (const [n, sizes] of (idiom.sizes ?? [{}]).entries()) {
    const inputs = inputsOf(s.func, sizes, n + 1);
    const scalars = idiom.scalars ?? {};
    const want = evaluateWithBound(Object.fromEntries(tensors.map((t) => [t.name, t])), inputs, { sizes, scalars });
    const read = interpret(s.func, inputs, { sizes, scalars }) as Arrays;
    withinBounds(`interpreted, sizes ${JSON.stringify(sizes)}`, tensors, read, want);
    const ran = run({ ...inputs, ...sizes, ...scalars });
    withinBounds(`compiled, sizes ${JSON.stringify(sizes)}`, tensors, ran, want);
    if (exact) sameBits(`compiled, sizes ${JSON.stringify(sizes)}`, s.func.outputs, read, ran);
  }
}

export type { Sizes };

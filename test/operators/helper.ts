/** What tests of operators share: inputs, and the comparison of definition, compiled code and plain computation. */
import { expect, vi } from "vitest";
import { compile, createFunc, type Tensor } from "../../src/index.ts";
import { evaluate } from "../../src/oracle.ts";
import { type Plain, sizeOf } from "./plain.ts";

// Many small kernels are compiled in each test.
vi.setConfig({ testTimeout: 60_000 });

/** Numbers that repeat from run to run, in [-1, 1] and exact in f32. */
export function random(shape: readonly number[], seed = 1, scale = 1, shift = 0): Plain {
  let state = (seed * 2654435761) >>> 0;
  const data = Array.from({ length: sizeOf(shape) }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.fround(((state >>> 8) / 2 ** 23 - 1) * scale + shift);
  });
  return { shape, data };
}
/** Whole numbers from `low` to `high`. */
export function integers(shape: readonly number[], low: number, high: number, seed = 1): Plain {
  const r = random(shape, seed);
  return { shape, data: r.data.map((x) => low + Math.floor(((x + 1) / 2) * (high - low + 0.999))) };
}

const ARRAYS = { f32: Float32Array, f64: Float64Array, i32: Int32Array, u8: Uint8Array, i8: Int8Array } as const;

/**
 * Compares `evaluate` and the kernel of the default schedule with a plain result. `sizes` are those of symbolic dimensions; the
 * shape of the tensor at these sizes must be the plain result's. `tolerance` is relative to 1 and to the value.
 */
export async function check(
  t: Tensor,
  inputs: Readonly<Record<string, Plain>>,
  want: Plain,
  options: { readonly sizes?: Readonly<Record<string, number>>; readonly tolerance?: number } = {},
): Promise<void> {
  const { sizes = {}, tolerance = 2e-6 } = options;
  const rank = t.shape.length;
  expect(rank, "rank").toBe(want.shape.length);
  t.shape.forEach((n, d) => {
    if (typeof n === "number") expect(n, `extent ${d}`).toBe(want.shape[d]);
  });
  const dtypes = new Map<string, keyof typeof ARRAYS>();
  for (const b of createFunc([t]).func.inputs) dtypes.set(b.name, b.dtype as keyof typeof ARRAYS);
  expect([...dtypes.keys()].sort(), "inputs").toEqual(Object.keys(inputs).sort());
  const args = Object.fromEntries(
    Object.entries(inputs).map(([k, p]) => [k, new ARRAYS[dtypes.get(k)!](p.data)] as const),
  );
  close("evaluate", [...evaluate(t, args, { sizes })].map(Number), want, tolerance);
  const kernel = await compile(t);
  const got = kernel({ ...args, ...sizes } as never) as unknown as Iterable<number>;
  close("compiled", [...got].map(Number), want, tolerance);
}

function close(who: string, got: readonly number[], want: Plain, tolerance: number): void {
  expect(got.length, `${who}: elements`).toBe(want.data.length);
  got.forEach((x, i) => {
    const w = want.data[i]!;
    if (Object.is(x, w) || x === w) return;
    if (!(Math.abs(x - w) <= tolerance * (1 + Math.abs(w))))
      expect.fail(`${who}: element ${i} of [${want.shape}] is ${x}, not ${w}`);
  });
}

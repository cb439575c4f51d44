/** What the driver's tests share: inputs for whatever is built, and comparison with the oracle. */
import wabt from "wabt";
import { evaluateWithBound } from "../../src/reference/index.ts";
import { type AnyTensor, createFunc, isTensor, type Tensor } from "../../te/index.ts";
import { type Arrays, inputsOf, withinBounds } from "../idioms/idiom.ts";
import type { Sizes } from "../idioms/sizes.ts";

export type Outputs = AnyTensor | Readonly<Record<string, AnyTensor>>;
export const tensorsOf = (x: Outputs): Tensor[] => (isTensor(x) ? [x as Tensor] : (Object.values(x) as Tensor[]));

/** Random inputs by name, of the lengths that the sizes say. */
export const randomInputs = (x: Outputs, sizes: Sizes = {}, seed = 1): Arrays =>
  inputsOf(createFunc(tensorsOf(x)).func, sizes, seed);

type Scalars = Readonly<Record<string, number | bigint>>;
/** Calls a kernel with random inputs; every element must lie within the oracle's bound. */
export function agrees(
  x: Outputs,
  kernel: unknown,
  options: { readonly sizes?: Sizes; readonly scalars?: Scalars; readonly seed?: number } = {},
): void {
  const { sizes = {}, scalars = {}, seed = 1 } = options;
  const inputs = randomInputs(x, sizes, seed);
  const tensors = tensorsOf(x);
  const named = Object.fromEntries(tensors.map((t) => [t.name, t]));
  const want = evaluateWithBound(named, inputs, { sizes, scalars });
  const result = (kernel as (a: object) => unknown)({ ...inputs, ...sizes, ...scalars });
  const got = isTensor(x)
    ? { [x.name]: result }
    : Object.fromEntries(Object.entries(x).map(([key, t]) => [t.name, (result as Arrays)[key]]));
  withinBounds(`sizes ${JSON.stringify(sizes)}`, tensors, got as Arrays, want);
}

const tools = wabt();
/** By wabt, with simd128 and, where asked for, relaxed SIMD. */
export async function validate(bytes: Uint8Array, relaxed: boolean): Promise<void> {
  const w = await tools;
  const features = {
    simd: true,
    sat_float_to_int: true,
    sign_extension: true,
    bulk_memory: true,
    mutable_globals: true,
    relaxed_simd: relaxed,
  };
  const m = w.readWasm(bytes, features);
  m.validate();
  m.destroy();
}

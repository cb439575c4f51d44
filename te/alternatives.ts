/**
 * Other ways to compute a tensor: algorithms that give the same up to the rounding of floats. The expression of a tensor stays what
 * it is (it defines the tensor, and is what a schedule by hand schedules); who compiles may have another one computed in its place.
 */
import { TeError } from "./error.ts";
import { isTensor, type Tensor } from "./tensor.ts";
import { describe } from "./text.ts";

export interface Alternative {
  /** Of the algorithm: "winograd-4x4". */
  readonly name: string;
  /** The tensor computed that way: same name, dtype and shape, from the same inputs. */
  readonly make: () => Tensor;
}
const known = new WeakMap<Tensor, readonly Alternative[]>();

/**
 * Says how else a tensor may be computed. Each alternative is made only when somebody asks for it.
 *
 *     withAlternatives(direct, [{ name: "winograd-4x4", make: () => winogradConv2d(name, X, W) }]);
 */
export function withAlternatives<T extends Tensor>(t: T, list: readonly Alternative[]): T {
  if (!isTensor(t)) throw new TeError("te.alternative", `alternatives are given for ${describe(t)}: expected a tensor`);
  const bad = Array.isArray(list)
    ? list.find((a) => typeof a?.name !== "string" || typeof a?.make !== "function")
    : list;
  if (!Array.isArray(list) || (bad !== undefined && list.includes(bad)))
    throw new TeError(
      "te.alternative",
      `an alternative of "${t.name}" is ${describe(bad)}: expected a list of { name, make }, make a function that returns the tensor`,
    );
  const made = new Map<Alternative, Tensor>();
  const once = list.map(
    (a): Alternative => ({
      name: a.name,
      make: () => {
        const old = made.get(a) ?? checked(t, a);
        made.set(a, old);
        return old;
      },
    }),
  );
  known.set(t, once);
  return t;
}
/** The alternatives that were stated for a tensor, in that order. */
export const alternativesOf = (t: Tensor): readonly Alternative[] => known.get(t) ?? [];

function checked(t: Tensor, a: Alternative): Tensor {
  const other = a.make();
  const same =
    other.dtype === t.dtype &&
    other.shape.length === t.shape.length &&
    other.shape.every((e, d) => other.buffer.shape[d] === t.buffer.shape[d] || e === t.shape[d]);
  if (!same || other.name !== t.name || other.source.kind === "placeholder" || other.source.outputs.length !== 1)
    throw new TeError(
      "te.alternative",
      `alternative "${a.name}" of "${t.name}" computes ${other.dtype} "${other.name}" of another shape, or several results: expected what "${t.name}" is`,
    );
  return other;
}

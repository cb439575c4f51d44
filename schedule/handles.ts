import type { BlockId, Var } from "../src/ir/index.ts";
import { type AnyTensor, isTensor, type LoopNames } from "../te/index.ts";

/** A loop of a schedule: an identity, whatever happens around it. `N` is its name. */
export interface Loop<N extends string = string> {
  readonly kind: "loop";
  readonly name: N;
  readonly var: Var;
}
/** A block of a schedule: the statement that computes one tensor. `L` are the names of its loops when it was made. */
export interface BlockHandle<L extends string = string> {
  readonly kind: "block";
  readonly name: string;
  readonly id: BlockId;
  /** Types only. */
  readonly loopNames?: L;
}
/** Wherever a block is expected, a tensor means the block that computes it (its reduction, where it has one). */
export type BlockLike = AnyTensor | BlockHandle<string>;

/** Names of the loops of a tensor's or handle's block, as it was made. */
export type LoopNamesOf<X> = X extends BlockHandle<infer L> ? L : LoopNames<X>;
export type LoopRecord<X> = { readonly [N in LoopNamesOf<X>]: Loop<N> };

const loopHandles = new WeakMap<Var, Loop>();
/** One object per loop, so that handles of one loop are equal. */
export function loopHandle<N extends string = string>(v: Var): Loop<N> {
  let h = loopHandles.get(v);
  if (h === undefined) {
    h = Object.freeze({ kind: "loop", name: v.name, var: v });
    loopHandles.set(v, h);
  }
  return h as Loop<N>;
}
const blockHandles = new WeakMap<BlockId, BlockHandle>();
export function blockHandle<L extends string = string>(id: BlockId): BlockHandle<L> {
  let h = blockHandles.get(id);
  if (h === undefined) {
    h = Object.freeze({ kind: "block", name: id.name, id });
    blockHandles.set(id, h);
  }
  return h as BlockHandle<L>;
}
const isObject = (x: unknown): x is Record<string, unknown> => typeof x === "object" && x !== null;
export const isLoop = (x: unknown): x is Loop => isObject(x) && x.kind === "loop" && "var" in x;
export const isBlockHandle = (x: unknown): x is BlockHandle => isObject(x) && x.kind === "block" && "id" in x;
export { isTensor };

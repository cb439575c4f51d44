import type { GridIndex, Intrinsic } from "../src/ir/index.ts";
import { badArgument, describe } from "./arguments.ts";
import { refuse } from "./error.ts";
import type { BlockLike, Loop } from "./handles.ts";
import type { Annotation } from "./primitives/annotate.ts";
import type { PadValue } from "./primitives/pad.ts";
import type { Factor, SplitOptions } from "./primitives/split.ts";
import type { TensorizeOptions } from "./primitives/tensorize.ts";
import type { Schedule } from "./schedule.ts";

/**
 * One block, scheduled by the names of its loops. Its type knows which names there are.
 *
 *     s.stage(C).split("i", { io: "rest", ii: 6 }).reorder("io", "j", "k", "ii").unroll("ii");
 */
export class Stage<L extends string> {
  readonly #schedule: Schedule<unknown>;
  readonly #block: BlockLike;
  constructor(s: Schedule<unknown>, block: BlockLike) {
    this.#schedule = s;
    this.#block = block;
  }
  /** The block's loops as they are now. */
  get loops(): { readonly [N in L]: Loop<N> } {
    return this.#schedule.loops(this.#block) as unknown as { readonly [N in L]: Loop<N> };
  }
  #loop(name: string): Loop {
    const list = this.#schedule.loopList(this.#block);
    const l = list.findLast((x) => x.name === name);
    if (l) return l;
    return refuse(this.#schedule.func, {
      primitive: "stage",
      condition: 0,
      code: "unknown-loop",
      message: `no loop ${describe(name)} around ${this.#block.name}`,
      legal: list.map((x) => x.name),
    });
  }
  #do(method: (...args: never[]) => unknown, f: () => void): this {
    try {
      f();
    } catch (e) {
      if (e instanceof Error) Error.captureStackTrace(e, method);
      throw e;
    }
    return this;
  }
  split<K extends L, const F extends { readonly [n: string]: Factor }>(
    loop: K,
    factors: F,
    options?: SplitOptions,
  ): Stage<Exclude<L, K> | Extract<keyof F, string>> {
    this.#do(this.split, () => void this.#schedule.split(this.#loop(loop), factors, options));
    return this as unknown as Stage<Exclude<L, K> | Extract<keyof F, string>>;
  }
  fuse<const K extends readonly L[], N extends string>(loops: K, name: N): Stage<Exclude<L, K[number]> | N> {
    this.#do(this.fuse, () => {
      if (!Array.isArray(loops))
        badArgument(this.#schedule.func, "fuse", `expected a list of loop names, but was given ${describe(loops)}`, [
          'stage.fuse(["i", "j"], "ij")',
        ]);
    });
    this.#do(this.fuse, () => void this.#schedule.fuseAs(name, ...loops.map((l) => this.#loop(l))));
    return this as unknown as Stage<Exclude<L, K[number]> | N>;
  }
  reorder(...loops: readonly L[]): this {
    return this.#do(this.reorder, () => this.#schedule.reorder(...loops.map((l) => this.#loop(l))));
  }
  tile<
    I extends L,
    J extends L,
    const F extends { readonly [n: string]: Factor },
    const G extends { readonly [n: string]: Factor },
  >(i: I, j: J, fi: F, fj: G): Stage<Exclude<L, I | J> | Extract<keyof F | keyof G, string>> {
    this.#do(this.tile, () => void this.#schedule.tile(this.#loop(i), this.#loop(j), fi, fj));
    return this as unknown as Stage<Exclude<L, I | J> | Extract<keyof F | keyof G, string>>;
  }
  /** All of them or none. */
  unroll(...loops: readonly L[]): this {
    return this.#do(this.unroll, () => {
      const illegal = this.#schedule.attempt(() => {
        for (const l of loops) this.#schedule.unroll(this.#loop(l));
      });
      if (illegal) throw illegal;
    });
  }
  /** With `n`: the loop is split by n, and both parts are named after it, with o and i. */
  vectorize(loop: L): this;
  vectorize<K extends L>(loop: K, n: number): Stage<Exclude<L, K> | `${K}o` | `${K}i`>;
  vectorize(loop: L, n?: number): unknown {
    return this.#do(this.vectorize, () => {
      if (n === undefined) this.#schedule.vectorize(this.#loop(loop));
      else this.#schedule.vectorize(this.#loop(loop), n);
    });
  }
  parallel(loop: L): this {
    return this.#do(this.parallel, () => this.#schedule.parallel(this.#loop(loop)));
  }
  bind(loop: L, index: GridIndex): this {
    return this.#do(this.bind, () => this.#schedule.bind(this.#loop(loop), index));
  }
  tensorize(loop: L, intrinsic: Intrinsic, options?: TensorizeOptions): this {
    return this.#do(this.tensorize, () => this.#schedule.tensorize(this.#loop(loop), intrinsic, options));
  }
  /** A note on a loop of the chain. */
  annotate(loop: L, key: string, value: Annotation | undefined): this {
    return this.#do(this.annotate, () => this.#schedule.annotate(this.#loop(loop), key, value));
  }
  /** Lengthens the axis that the loop is. */
  pad(loop: L, multiple: number, value?: PadValue): this {
    return this.#do(this.pad, () => this.#schedule.pad(this.#block, this.#loop(loop), multiple, value));
  }
}

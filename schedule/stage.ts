import { badArgument, describe } from "./arguments.ts";
import { refuse } from "./error.ts";
import type { BlockLike, Loop } from "./handles.ts";
import type { Factor, SplitOptions } from "./primitives/split.ts";
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
  unroll(loop: L): this {
    return this.#do(this.unroll, () => this.#schedule.unroll(this.#loop(loop)));
  }
  vectorize(loop: L): this {
    return this.#do(this.vectorize, () => this.#schedule.vectorize(this.#loop(loop)));
  }
}

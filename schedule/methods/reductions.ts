/** Primitives that change reductions: what each does, and its conditions, stands at the function of the same name in primitives/. */

import type { Var } from "../../src/ir/index.ts";
import type { AnyTensor } from "../../te/index.ts";
import { checkOptions } from "../arguments.ts";
import { type BlockHandle, type BlockLike, blockHandle, type Loop, loopHandle } from "../handles.ts";
import { named } from "../outcome.ts";
import { decomposeReduction } from "../primitives/decompose.ts";
import { type RfactorOptions, rfactor } from "../primitives/rfactor.ts";
import { NUMBER, optional, type Replay, TEXT, TEXTS } from "../replay.ts";
import { LayoutMethods } from "./layouts.ts";

/** Names of the loops given, one or several. */
type NamesOf<L> = L extends Loop<infer N> ? N : L extends readonly Loop<infer N>[] ? N : never;
export interface Rfactored<L> {
  /** The block that computes the partial results. */
  readonly rf: BlockHandle<string>;
  /** Its loops over the new axes. */
  readonly loops: { readonly [N in NamesOf<L>]: Loop<N> };
}

export class ReductionMethods<X> extends LayoutMethods<X> {
  /** Gives a reduction's init a block of its own before a loop; returns it. */
  decomposeReduction<Y extends BlockLike>(
    block: Y,
    loop: Loop,
  ): BlockHandle<Y extends AnyTensor ? Y["axes"][number] : string> {
    const [b, v] = [
      this.session.block(block, this.decomposeReduction),
      this.session.loop(loop, this.decomposeReduction),
    ];
    const args = { block: this.session.ref(b), loop: this.session.ref(v) };
    const o = this.session.apply("decomposeReduction", this.decomposeReduction, args, (f) =>
      decomposeReduction(f, b, v),
    );
    return blockHandle(o.init);
  }
  /**
   * Reduces in two stages: partial results for every iteration of the loops given, kept by a block of their own, and then
   * those. Returns that block, and its loops over the new axes by name.
   *
   *     const { ko, ki } = s.split(k, { ko: "rest", ki: 4 });
   *     const { rf } = s.rfactor(C, ki);
   */
  rfactor<const L extends Loop | readonly Loop[]>(
    block: BlockLike,
    loops: L,
    options: RfactorOptions = {},
  ): Rfactored<L> {
    const b = this.session.block(block, this.rfactor);
    const given: readonly Loop[] = Array.isArray(loops) ? loops : [loops as Loop];
    const vs = given.map((l) => this.session.loop(l, this.rfactor));
    this.check(this.rfactor, () => checkOptions(this.func, "rfactor", options, ["at"]));
    const ref = { block: this.session.ref(b), loops: vs.map((v) => this.session.ref(v)) };
    const args = options.at === undefined ? ref : { ...ref, at: options.at };
    const o = this.session.apply("rfactor", this.rfactor, args, (f) => rfactor(f, b, vs, options));
    const fresh = [...named(o.loops)].map(([n, v]) => [n, loopHandle(v as Var)]);
    return { rf: blockHandle(o.rf), loops: Object.fromEntries(fresh) as Rfactored<L>["loops"] };
  }
}

export const reductionReplay: Replay = {
  decomposeReduction: {
    args: { block: TEXT, loop: TEXT },
    again: (s, a) => s.decomposeReduction(a.block(), a.loop()),
  },
  rfactor: {
    args: { block: TEXT, loops: TEXTS, at: optional(NUMBER) },
    again: (s, a) => {
      const at = a.get<number | undefined>("at");
      return s.rfactor(a.block(), a.loops(), at === undefined ? {} : { at });
    },
  },
};

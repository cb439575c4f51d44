/** Primitives that change reductions: what each does, and its conditions, stands at the function of the same name in primitives/. */
import type { AnyTensor } from "../../te/index.ts";
import { type BlockHandle, type BlockLike, blockHandle, type Loop } from "../handles.ts";
import { decomposeReduction } from "../primitives/decompose.ts";
import type { Replay } from "../replay.ts";
import { BufferMethods } from "./buffers.ts";

export class ReductionMethods<X> extends BufferMethods<X> {
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
}

export const reductionReplay: Replay = {
  decomposeReduction: (s, a) => s.decomposeReduction(a.block(), a.loop()),
};

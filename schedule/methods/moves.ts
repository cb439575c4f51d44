/** Primitives that move computations: what each does, and its conditions, stands at the function of the same name in primitives/. */
import type { BlockLike, Loop, LoopRecord } from "../handles.ts";
import { computeAt } from "../primitives/compute-at.ts";
import { computeInline, reverseComputeInline } from "../primitives/inline.ts";
import { reverseComputeAt } from "../primitives/reverse-compute-at.ts";
import { storeAt } from "../primitives/store-at.ts";
import type { Replay } from "../replay.ts";
import { LoopMethods } from "./loops.ts";

export class MoveMethods<X> extends LoopMethods<X> {
  /** Computes a block inside a loop of its consumers; returns its new loops by name. */
  computeAt<Y extends BlockLike>(block: Y, loop: Loop): LoopRecord<Y> {
    const [b, v] = [this.session.block(block, this.computeAt), this.session.loop(loop, this.computeAt)];
    this.session.apply("computeAt", this.computeAt, { block: this.session.ref(b), loop: this.session.ref(v) }, (f) =>
      computeAt(f, b, v),
    );
    return this.loops(block);
  }
  /** Computes a block inside a loop of its producers; returns its new loops by name. */
  reverseComputeAt<Y extends BlockLike>(block: Y, loop: Loop): LoopRecord<Y> {
    const [b, v] = [this.session.block(block, this.reverseComputeAt), this.session.loop(loop, this.reverseComputeAt)];
    const args = { block: this.session.ref(b), loop: this.session.ref(v) };
    this.session.apply("reverseComputeAt", this.reverseComputeAt, args, (f) => reverseComputeAt(f, b, v));
    return this.loops(block);
  }
  /** Allocates what a block writes in the body of a loop around it. */
  storeAt(block: BlockLike, loop: Loop): void {
    const [b, v] = [this.session.block(block, this.storeAt), this.session.loop(loop, this.storeAt)];
    this.session.apply("storeAt", this.storeAt, { block: this.session.ref(b), loop: this.session.ref(v) }, (f) =>
      storeAt(f, b, v),
    );
  }
  /** Puts what a block computes into its consumers. */
  computeInline(block: BlockLike): void {
    const b = this.session.block(block, this.computeInline);
    this.session.apply("computeInline", this.computeInline, { block: this.session.ref(b) }, (f) => computeInline(f, b));
  }
  /** Puts a block into its producer. */
  reverseComputeInline(block: BlockLike): void {
    const b = this.session.block(block, this.reverseComputeInline);
    const args = { block: this.session.ref(b) };
    this.session.apply("reverseComputeInline", this.reverseComputeInline, args, (f) => reverseComputeInline(f, b));
  }
}

export const moveReplay: Replay = {
  computeAt: (s, a) => s.computeAt(a.block(), a.loop()),
  reverseComputeAt: (s, a) => s.reverseComputeAt(a.block(), a.loop()),
  storeAt: (s, a) => s.storeAt(a.block(), a.loop()),
  computeInline: (s, a) => s.computeInline(a.block()),
  reverseComputeInline: (s, a) => s.reverseComputeInline(a.block()),
};

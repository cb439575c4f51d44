/** Primitives that move computations: what each does, and its conditions, stands at the function of the same name in primitives/. */
import { checkOptions } from "../arguments.ts";
import type { BlockLike, Loop, LoopRecord } from "../handles.ts";
import { computeAt } from "../primitives/compute-at.ts";
import { computeRoot } from "../primitives/compute-root.ts";
import { computeWith } from "../primitives/compute-with.ts";
import { doubleBuffer } from "../primitives/double-buffer.ts";
import { type FoldOptions, foldStorage } from "../primitives/fold-storage.ts";
import { computeInline, reverseComputeInline } from "../primitives/inline.ts";
import { reverseComputeAt } from "../primitives/reverse-compute-at.ts";
import { storeAt } from "../primitives/store-at.ts";
import { NUMBER, optional, type Replay, TEXT } from "../replay.ts";
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
  /** Computes a block outside of all loops, before its first consumer; returns its new loops by name. */
  computeRoot<Y extends BlockLike>(block: Y): LoopRecord<Y> {
    const b = this.session.block(block, this.computeRoot);
    this.session.apply("computeRoot", this.computeRoot, { block: this.session.ref(b) }, (f) => computeRoot(f, b));
    return this.loops(block);
  }
  /**
   * Runs a block's nest in that of another one: its outermost loops join those of the other, down to the loop given.
   *
   *     s.computeWith(D, s.loops(C).i);
   */
  computeWith(block: BlockLike, loop: Loop): void {
    const [b, v] = [this.session.block(block, this.computeWith), this.session.loop(loop, this.computeWith)];
    const args = { block: this.session.ref(b), loop: this.session.ref(v) };
    this.session.apply("computeWith", this.computeWith, args, (f) => computeWith(f, b, v));
  }
  /** Computes a block inside a loop of its producers; returns its new loops by name. */
  reverseComputeAt<Y extends BlockLike>(block: Y, loop: Loop): LoopRecord<Y> {
    const [b, v] = [this.session.block(block, this.reverseComputeAt), this.session.loop(loop, this.reverseComputeAt)];
    const args = { block: this.session.ref(b), loop: this.session.ref(v) };
    this.session.apply("reverseComputeAt", this.reverseComputeAt, args, (f) => reverseComputeAt(f, b, v));
    return this.loops(block);
  }
  /** Allocates what a block writes in the body of a loop around it, or outside of all loops: it stays for all loops inside. */
  storeAt(block: BlockLike, loop: Loop | "root"): void {
    const b = this.session.block(block, this.storeAt);
    const v = loop === "root" ? loop : this.session.loop(loop, this.storeAt);
    const args = { block: this.session.ref(b), loop: v === "root" ? v : this.session.ref(v) };
    this.session.apply("storeAt", this.storeAt, args, (f) => storeAt(f, b, v));
  }
  /**
   * A sliding window: inside a loop, a block computes only what earlier iterations have not, and no more is kept than is needed at
   * one time. Returns the block's loops by name.
   *
   *     s.computeAt(bx, y);
   *     s.foldStorage(bx, y);
   */
  foldStorage<Y extends BlockLike>(block: Y, loop: Loop, options: FoldOptions = {}): LoopRecord<Y> {
    const [b, v] = [this.session.block(block, this.foldStorage), this.session.loop(loop, this.foldStorage)];
    this.check(this.foldStorage, () => checkOptions(this.func, "foldStorage", options, ["factor"]));
    const { factor } = options;
    const ref = { block: this.session.ref(b), loop: this.session.ref(v) };
    const args = factor === undefined ? ref : { ...ref, factor };
    this.session.apply("foldStorage", this.foldStorage, args, (f) => foldStorage(f, b, v, options));
    return this.loops(block);
  }
  /**
   * A block runs one iteration of a loop ahead of those that read it, and writes two copies of its buffer in turn. Without a loop:
   * the innermost one around them all.
   *
   *     s.doubleBuffer(copy, ko);
   */
  doubleBuffer(block: BlockLike, loop?: Loop): void {
    const b = this.session.block(block, this.doubleBuffer);
    const v = loop === undefined ? undefined : this.session.loop(loop, this.doubleBuffer);
    const ref = { block: this.session.ref(b) };
    const args = v ? { ...ref, loop: this.session.ref(v) } : ref;
    this.session.apply("doubleBuffer", this.doubleBuffer, args, (f) => doubleBuffer(f, b, v));
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

const BLOCK = { block: TEXT };
const PLACE = { block: TEXT, loop: TEXT };
export const moveReplay: Replay = {
  computeAt: { args: PLACE, again: (s, a) => s.computeAt(a.block(), a.loop()) },
  computeRoot: { args: BLOCK, again: (s, a) => s.computeRoot(a.block()) },
  computeWith: { args: PLACE, again: (s, a) => s.computeWith(a.block(), a.loop()) },
  reverseComputeAt: { args: PLACE, again: (s, a) => s.reverseComputeAt(a.block(), a.loop()) },
  storeAt: { args: PLACE, again: (s, a) => s.storeAt(a.block(), a.get("loop") === "root" ? "root" : a.loop()) },
  foldStorage: {
    args: { ...PLACE, factor: optional(NUMBER) },
    again: (s, a) => {
      const factor = a.get<number | undefined>("factor");
      return s.foldStorage(a.block(), a.loop(), factor === undefined ? {} : { factor });
    },
  },
  doubleBuffer: {
    args: { block: TEXT, loop: optional(TEXT) },
    again: (s, a) => s.doubleBuffer(a.block(), a.get("loop") === undefined ? undefined : a.loop()),
  },
  computeInline: { args: BLOCK, again: (s, a) => s.computeInline(a.block()) },
  reverseComputeInline: { args: BLOCK, again: (s, a) => s.reverseComputeInline(a.block()) },
};

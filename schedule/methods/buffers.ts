/** Primitives that change buffers: what each does, and its conditions, stands at the function of the same name in primitives/. */
import type { Scope } from "../../src/ir/index.ts";
import type { AnyTensor } from "../../te/index.ts";
import { badArgument, checkOptions, describe } from "../arguments.ts";
import { type BlockHandle, type BlockLike, blockHandle, isTensor, type LoopNamesOf } from "../handles.ts";
import type { Handle } from "../outcome.ts";
import { cacheRead, cacheWrite, setScope } from "../primitives/cache.ts";
import type { Replay } from "../replay.ts";
import { MoveMethods } from "./moves.ts";

export class BufferMethods<X> extends MoveMethods<X> {
  /**
   * A copy of what `consumer` reads, in another scope: the tensor, or a buffer by name. Returns the copy's block. `order` stores
   * its dimensions in another order, `axes` names its loops.
   *
   *     s.computeAt(s.cacheRead(C, B, "workspace"), jo);
   *     s.cacheRead(C, Bt, "workspace", { order: [1, 0] });
   */
  cacheRead<Y extends AnyTensor | string>(
    consumer: BlockLike,
    read: Y,
    scope: Scope,
    options: { readonly axes?: readonly string[]; readonly order?: readonly number[] } = {},
  ): BlockHandle<Y extends AnyTensor ? ([LoopNamesOf<Y>] extends [never] ? string : LoopNamesOf<Y>) : string> {
    const id = this.session.block(consumer, this.cacheRead);
    const b = this.session.buffer(read, this.cacheRead);
    this.check(this.cacheRead, () => {
      checkOptions(this.func, "cacheRead", options, ["axes", "order"]);
      const { axes, order } = options;
      if (axes !== undefined && !Array.isArray(axes))
        badArgument(this.func, "cacheRead", `axes is ${describe(axes)}, not a list of names`, ['axes: ["k", "j"]']);
      if (order !== undefined && !Array.isArray(order))
        badArgument(this.func, "cacheRead", `order is ${describe(order)}, not a list of dimensions`, ["order: [1, 0]"]);
    });
    const { axes = isTensor(read) ? read.axes : [], order } = options;
    const ref = { block: this.session.ref(id), buffer: this.session.bufferRef(b), scope, axes: [...axes] };
    const args = order ? { ...ref, order: [...order] } : ref;
    const o = this.session.apply("cacheRead", this.cacheRead, args, (f) => cacheRead(f, id, b, scope, axes, order));
    return blockHandle(o.copy);
  }
  /**
   * A block writes to another scope, and another block copies that out. For a tensor with an epilogue, whose accumulator is a
   * buffer of its own already, that buffer's scope is set, and `copy` is the epilogue.
   *
   *     const { copy } = s.cacheWrite(C, "local");
   */
  cacheWrite<Y extends BlockLike>(
    block: Y,
    scope: Scope,
  ): {
    readonly compute: BlockHandle<LoopNamesOf<Y>>;
    readonly copy: BlockHandle<Y extends AnyTensor ? Y["axes"][number] : string>;
  } {
    const id = this.session.block(block, this.cacheWrite);
    const args = { block: this.session.ref(id), scope };
    const epilogue = this.session.epilogueOf(id);
    if (epilogue) {
      const o = this.session.apply("cacheWrite", this.cacheWrite, args, (f) => ({
        ...setScope(f, id, scope),
        born: new Map<string, Handle>(),
      }));
      void o;
      return { compute: blockHandle(id), copy: blockHandle(epilogue) };
    }
    const o = this.session.apply("cacheWrite", this.cacheWrite, args, (f) => cacheWrite(f, id, scope));
    return { compute: blockHandle(id), copy: blockHandle(o.copy) };
  }
  /** Sets where the buffers that a block writes live. */
  setScope(block: BlockLike, scope: Scope): void {
    const b = this.session.block(block, this.setScope);
    this.session.apply("setScope", this.setScope, { block: this.session.ref(b), scope }, (f) => setScope(f, b, scope));
  }
}

export const bufferReplay: Replay = {
  cacheRead: (s, a) =>
    s.cacheRead(a.block(), a.get<string>("buffer"), a.get("scope"), { axes: a.get("axes"), order: a.get("order") }),
  cacheWrite: (s, a) => s.cacheWrite(a.block(), a.get("scope")),
  setScope: (s, a) => s.setScope(a.block(), a.get("scope")),
};

/** Primitives that change buffers: what each does, and its conditions, stands at the function of the same name in primitives/. */
import type { BlockId, Scope } from "../../src/ir/index.ts";
import type { AnyTensor } from "../../te/index.ts";
import { badArgument, checkOptions, describe } from "../arguments.ts";
import { type BlockHandle, type BlockLike, blockHandle, isTensor, type LoopNamesOf } from "../handles.ts";
import type { Handle } from "../outcome.ts";
import { cacheRead, cacheWrite, setScope } from "../primitives/cache.ts";
import { prepare } from "../primitives/prepare.ts";
import { type Kind, optional, type Replay, TEXT, TEXTS } from "../replay.ts";
import type { Json } from "../trace.ts";
import { MoveMethods } from "./moves.ts";

const isList = (x: BlockLike | readonly BlockLike[]): x is readonly BlockLike[] => Array.isArray(x);

export class BufferMethods<X> extends MoveMethods<X> {
  /**
   * A copy of what `consumers` read, in another scope: the tensor, or a buffer by name; one copy for a block, several or all
   * that read it. Returns the copy's block. `axes` names its loops.
   *
   *     s.computeAt(s.cacheRead(C, B, "workspace"), jo);
   *     s.cacheRead([C, D], B, "workspace");
   *     s.cacheRead("all", B, "workspace");
   */
  cacheRead<Y extends AnyTensor | string>(
    consumers: BlockLike | readonly BlockLike[] | "all",
    read: Y,
    scope: Scope,
    options: { readonly axes?: readonly string[] } = {},
  ): BlockHandle<Y extends AnyTensor ? ([LoopNamesOf<Y>] extends [never] ? string : LoopNamesOf<Y>) : string> {
    const idOf = (x: BlockLike): BlockId => this.session.block(x, this.cacheRead);
    const ids = consumers === "all" ? consumers : isList(consumers) ? consumers.map(idOf) : idOf(consumers);
    const b = this.session.buffer(read, this.cacheRead);
    this.check(this.cacheRead, () => {
      checkOptions(this.func, "cacheRead", options, ["axes"]);
      const { axes } = options;
      if (axes !== undefined && !Array.isArray(axes))
        badArgument(this.func, "cacheRead", `axes is ${describe(axes)}, not a list of names`, ['axes: ["k", "j"]']);
    });
    const { axes = isTensor(read) ? read.axes : [] } = options;
    const ref = (x: BlockId): string => this.session.ref(x);
    const several = ids === "all" || Array.isArray(ids);
    const whose: { readonly [k: string]: Json } = several
      ? { consumers: ids === "all" ? ids : ids.map(ref) }
      : { block: ref(ids) };
    const said = options.axes !== undefined || axes.length > 0;
    const args = { ...whose, buffer: this.session.bufferRef(b), scope, ...(said ? { axes: [...axes] } : {}) };
    const o = this.session.apply("cacheRead", this.cacheRead, args, (f) => cacheRead(f, ids, b, scope, axes));
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
  /**
   * Computes a block once for all calls with the same constants, instead of in each call.
   *
   *     s.prepare(s.cacheRead(C, W, "workspace"));      // then: kernel.prepare({ W: w })
   */
  prepare(block: BlockLike): void {
    const b = this.session.block(block, this.prepare);
    this.session.apply("prepare", this.prepare, { block: this.session.ref(b) }, (f) => prepare(f, b));
  }
}

const CONSUMERS: Kind = { what: 'a list of blocks or "all"', fits: (x) => x === "all" || TEXTS.fits(x) };
export const bufferReplay: Replay = {
  cacheRead: {
    args: {
      block: optional(TEXT),
      consumers: optional(CONSUMERS),
      buffer: TEXT,
      scope: TEXT,
      axes: optional(TEXTS),
    },
    either: ["block", "consumers"],
    again: (s, a) => {
      const several = a.get<readonly string[] | "all" | undefined>("consumers");
      const whose = several === undefined ? a.block() : several === "all" ? several : several.map((x) => a.block(x));
      return s.cacheRead(whose, a.get<string>("buffer"), a.get("scope"), { axes: a.get("axes") });
    },
  },
  cacheWrite: { args: { block: TEXT, scope: TEXT }, again: (s, a) => s.cacheWrite(a.block(), a.get("scope")) },
  prepare: { args: { block: TEXT }, again: (s, a) => s.prepare(a.block()) },
  setScope: { args: { block: TEXT, scope: TEXT }, again: (s, a) => s.setScope(a.block(), a.get("scope")) },
};

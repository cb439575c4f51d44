import { type Func, type IterKind, printFunc, type Scope, TilewrightError, type Var } from "../src/ir/index.ts";
import { type AnyTensor, type CreatedFunc, createFunc, type TensorRecord } from "../te/index.ts";
import { feeding } from "./analysis.ts";
import { badArgument, checkNames, checkOptions, describe, isRecord } from "./arguments.ts";
import { refuse, ScheduleError } from "./error.ts";
import {
  type BlockHandle,
  type BlockLike,
  blockHandle,
  isBlockHandle,
  isLoop,
  isTensor,
  type Loop,
  type LoopNamesOf,
  type LoopRecord,
  loopHandle,
} from "./handles.ts";
import type { Handle } from "./outcome.ts";
import { cacheRead, cacheWrite, setScope } from "./primitives/cache.ts";
import { computeAt } from "./primitives/compute-at.ts";
import { decomposeReduction } from "./primitives/decompose.ts";
import { fuse } from "./primitives/fuse.ts";
import { computeInline, reverseComputeInline } from "./primitives/inline.ts";
import { reorder } from "./primitives/reorder.ts";
import { unroll, vectorize } from "./primitives/retag.ts";
import { reverseComputeAt } from "./primitives/reverse-compute-at.ts";
import { type Factor, type SplitOptions, split } from "./primitives/split.ts";
import { storeAt } from "./primitives/store-at.ts";
import { type Method, Session } from "./session.ts";
import { Stage } from "./stage.ts";
import type { TraceStep } from "./trace.ts";
import { ownLoops, treeOf } from "./tree.ts";

type Factors = { readonly [n: string]: Factor };

export type SplitLoops<F> = { readonly [N in Extract<keyof F, string>]: Loop<N> };
/**
 * A function under rewriting. Every primitive acts at once, keeps the meaning (float rounding aside), and throws ScheduleError
 * where it is illegal, leaving the schedule as it was. Print it at any time.
 *
 *     const s = schedule(C);
 *     const { i, j, k } = s.loops(C);
 *     const { io, ii } = s.split(i, { io: "rest", ii: 6 });
 *     console.log(`${s}`);
 */
export class Schedule<X = AnyTensor> {
  /** What was given to `schedule`. */
  readonly of: X;
  readonly #session: Session;

  constructor(of: X, from: CreatedFunc | Session) {
    this.of = of;
    this.#session = from instanceof Session ? from : new Session(from);
  }

  /** The function as it stands now. */
  get func(): Func {
    return this.#session.state.func;
  }
  /** The steps so far, as plain JSON. */
  get trace(): readonly TraceStep[] {
    return this.#session.state.trace;
  }
  /** The loop nest as it stands now. */
  toString(): string {
    return printFunc(this.#session.state.func);
  }
  /** A schedule of its own that begins where this one stands. Handles are good for both. */
  copy(): Schedule<X> {
    return new Schedule(this.of, this.#session.copy());
  }

  // ---- handles

  /**
   * The loops around a block by name (the inner one of two of the same name).
   *
   *     const { i, j, k } = s.loops(C);
   */
  loops<Y extends BlockLike>(block: Y): LoopRecord<Y> {
    const id = this.#session.block(block, this.loops);
    const p = treeOf(this.func).blocks.get(id)!;
    const out: Record<string, Loop> = {};
    for (const l of p.loops) out[l.var.name] = loopHandle(l.var);
    // a loop that was there once says what became of it, instead of being undefined
    for (const [v, ref] of this.#session.state.refs) {
      if (!("kind" in v) || v.name in out || !ref.startsWith(`${id.name}.`) || !this.#session.state.dead.has(v))
        continue;
      Object.defineProperty(out, v.name, { enumerable: false, get: () => this.#session.gone(v, "loops", this.loops) });
    }
    return out as LoopRecord<Y>;
  }
  /** The loops around a block, outermost first. */
  loopList(block: BlockLike): Loop[] {
    const id = this.#session.block(block, this.loopList);
    return treeOf(this.func)
      .blocks.get(id)!
      .loops.map((l) => loopHandle(l.var));
  }
  /** A block by its name. */
  block(name: string): BlockHandle {
    const id = [...treeOf(this.func).blocks.keys()].find((b) => b.name === name);
    if (id) return blockHandle(id);
    const names = [...treeOf(this.func).blocks.keys()].map((b) => b.name);
    return this.#session.at(this.block, () =>
      refuse(this.func, {
        primitive: "block",
        condition: 0,
        code: "unknown",
        message: `no block "${name}"`,
        legal: names,
      }),
    );
  }
  /** The handle of a block, or of a tensor's. */
  handle<Y extends BlockLike>(block: Y): BlockHandle<LoopNamesOf<Y>> {
    return blockHandle(this.#session.block(block, this.handle));
  }
  /** The innermost loops around a block that hold nothing else, outermost first. */
  ownLoops(block: BlockLike): Loop[] {
    const id = this.#session.block(block, this.ownLoops);
    return ownLoops(treeOf(this.func).blocks.get(id)!).map((l) => loopHandle(l.var));
  }
  /** Which axes of a block a loop carries: reduction or ordered ones count before spatial ones. */
  axisKind(block: BlockLike, loop: Loop): IterKind {
    const b = treeOf(this.func).blocks.get(this.#session.block(block, this.axisKind))!.node;
    if (!isLoop(loop)) this.#session.loop(loop, this.axisKind);
    const kinds: readonly IterKind[] = ["ordered", "reduction"];
    return kinds.find((k) => feeding(b, k).has(loop.var)) ?? "spatial";
  }
  /** All blocks, in program order. */
  blocks(): BlockHandle[] {
    return [...treeOf(this.func).blocks.keys()].map((b) => blockHandle(b));
  }
  /** The block that computes a tensor from its reduction, where that is a block of its own. */
  epilogue(tensor: AnyTensor): BlockHandle {
    if (!isTensor(tensor))
      this.#session.unknown("epilogue", this.epilogue, `expected a tensor, but was given ${describe(tensor)}`);
    const e = this.#session.tensors.get(tensor)?.epilogue;
    if (e && treeOf(this.func).blocks.has(e)) return blockHandle(e);
    return this.#session.at(this.epilogue, () => {
      if (e) this.#session.gone(e, "epilogue", this.epilogue);
      return refuse(this.func, {
        primitive: "epilogue",
        condition: 0,
        code: "none",
        message: `${tensor.name} has no epilogue: one block computes it`,
      });
    });
  }
  /** Scheduling one block by the names of its loops, in a chain. */
  stage<Y extends BlockLike>(block: Y): Stage<LoopNamesOf<Y>> {
    this.#session.block(block, this.stage);
    return new Stage<LoopNamesOf<Y>>(this as Schedule<unknown>, block);
  }
  /** The loop a trace refers to. */
  loopAt(ref: string): Loop {
    const h = this.#session.state.byRef.get(ref);
    if (h && "kind" in h) return loopHandle(h);
    throw new TilewrightError("schedule.trace", `no loop "${ref}" in this schedule`);
  }
  /** The block a trace refers to. */
  blockAt(ref: string): BlockHandle {
    const h = this.#session.state.byRef.get(ref);
    if (h && !("kind" in h)) return blockHandle(h);
    throw new TilewrightError("schedule.trace", `no block "${ref}" in this schedule`);
  }
  /** How traces refer to a loop or block. */
  refOf(h: Loop | BlockHandle): string | undefined {
    if (!isLoop(h) && !isBlockHandle(h))
      this.#session.unknown("refOf", this.refOf, `expected a loop or a block, but was given ${describe(h)}`);
    return this.#session.state.refs.get(h.kind === "loop" ? h.var : h.id);
  }

  // ---- primitives (what each does, and its conditions: the function of the same name in primitives/)

  /**
   * One loop becomes several, outermost first; one factor may be "rest".
   *
   *     const { io, ii } = s.split(i, { io: "rest", ii: 6 }, { tail: "peel" });
   */
  split<const F extends Factors>(loop: Loop, factors: F, options: SplitOptions = {}): SplitLoops<F> {
    const v = this.#session.loop(loop, this.split);
    this.#check(this.split, () => checkOptions(this.func, "split", options, ["tail"]));
    const args = { loop: this.#session.ref(v), factors: { ...factors }, tail: options.tail ?? "guard" };
    const o = this.#session.apply("split", this.split, args, (f) => split(f, v, factors, options));
    return Object.fromEntries([...o.born!].map(([n, x]) => [n, loopHandle(x as Var)])) as SplitLoops<F>;
  }
  /** Several loops that stand directly inside each other become one. */
  fuse(...loops: readonly Loop[]): Loop {
    return this.#fuse(undefined, loops, this.fuse);
  }
  /** As `fuse`, with a name for the new loop. */
  fuseAs<N extends string>(name: N, ...loops: readonly Loop[]): Loop<N> {
    return this.#fuse(name, loops, this.fuseAs) as Loop<N>;
  }
  #fuse(name: string | undefined, loops: readonly Loop[], method: Method): Loop {
    const vs = loops.map((l) => this.#session.loop(l, method));
    if (name !== undefined || method === this.fuseAs)
      this.#check(method, () => checkNames(this.func, "fuse", "the fused loop", [name]));
    const title = name ?? vs.map((v) => v.name).join("_");
    const o = this.#session.apply("fuse", method, { loops: vs.map((v) => this.#session.ref(v)), name: title }, (f) =>
      fuse(f, vs, title),
    );
    return loopHandle([...o.born!.values()][0] as Var);
  }
  /** Puts loops of one chain in the order given, outermost first. */
  reorder(...loops: readonly Loop[]): void {
    const vs = loops.map((l) => this.#session.loop(l, this.reorder));
    this.#session.apply("reorder", this.reorder, { loops: vs.map((v) => this.#session.ref(v)) }, (f) => reorder(f, vs));
  }
  /**
   * Splits two loops that stand directly inside each other by the factors and moves the inner parts inside.
   *
   *     const { io, jo, ii, ji } = s.tile(i, j, { io: "rest", ii: 6 }, { jo: "rest", ji: 8 });
   */
  tile<const F extends Factors, const G extends Factors>(
    i: Loop,
    j: Loop,
    fi: F,
    fj: G,
  ): SplitLoops<F> & SplitLoops<G> {
    return this.#together(this.tile, () => {
      if (isRecord(fi) && isRecord(fj))
        checkNames(this.func, "tile", "the parts", [...Object.keys(fi), ...Object.keys(fj)]);
      const a = this.split(i, fi);
      const b = this.split(j, fj);
      const [x, y] = [Object.values<Loop>(a), Object.values<Loop>(b)];
      const rounds = Math.max(x.length, y.length);
      const order: Loop[] = [];
      for (let n = 0; n < rounds; n++) order.push(...[x[n], y[n]].filter((l): l is Loop => l !== undefined));
      this.reorder(...order);
      return { ...a, ...b };
    });
  }
  /** Writes a loop out iteration by iteration. */
  unroll(loop: Loop): void {
    const v = this.#session.loop(loop, this.unroll);
    this.#session.apply("unroll", this.unroll, { loop: this.#session.ref(v) }, (f) => unroll(f, v));
  }
  /**
   * Makes a loop vector operations. With `n`: splits it by n, vectorizes the inner part and unrolls the outer one (if its extent
   * is constant), and returns both parts, named after the loop with o and i.
   */
  vectorize(loop: Loop): void;
  vectorize(loop: Loop, n: number): { readonly outer: Loop; readonly inner: Loop };
  vectorize(loop: Loop, n?: number): { readonly outer: Loop; readonly inner: Loop } | void {
    const v = this.#session.loop(loop, this.vectorize);
    if (n === undefined) {
      this.#session.apply("vectorize", this.vectorize, { loop: this.#session.ref(v) }, (f) => vectorize(f, v));
      return;
    }
    return this.#together(this.vectorize, () => {
      const parts = this.split(loop, { [`${v.name}o`]: "rest", [`${v.name}i`]: n }) as Record<string, Loop>;
      const [outer, inner] = [parts[`${v.name}o`]!, parts[`${v.name}i`]!];
      this.vectorize(inner);
      if (treeOf(this.func).loops.get(outer.var)!.node.extent.kind === "const") this.unroll(outer);
      return { outer, inner };
    });
  }
  /** Computes a block inside a loop of its consumers; returns its new loops by name. */
  computeAt<Y extends BlockLike>(block: Y, loop: Loop): LoopRecord<Y> {
    const [b, v] = [this.#session.block(block, this.computeAt), this.#session.loop(loop, this.computeAt)];
    this.#session.apply("computeAt", this.computeAt, { block: this.#session.ref(b), loop: this.#session.ref(v) }, (f) =>
      computeAt(f, b, v),
    );
    return this.loops(block);
  }
  /** Computes a block inside a loop of its producers; returns its new loops by name. */
  reverseComputeAt<Y extends BlockLike>(block: Y, loop: Loop): LoopRecord<Y> {
    const [b, v] = [this.#session.block(block, this.reverseComputeAt), this.#session.loop(loop, this.reverseComputeAt)];
    const args = { block: this.#session.ref(b), loop: this.#session.ref(v) };
    this.#session.apply("reverseComputeAt", this.reverseComputeAt, args, (f) => reverseComputeAt(f, b, v));
    return this.loops(block);
  }
  /** Allocates what a block writes in the body of a loop around it. */
  storeAt(block: BlockLike, loop: Loop): void {
    const [b, v] = [this.#session.block(block, this.storeAt), this.#session.loop(loop, this.storeAt)];
    this.#session.apply("storeAt", this.storeAt, { block: this.#session.ref(b), loop: this.#session.ref(v) }, (f) =>
      storeAt(f, b, v),
    );
  }
  /** Puts what a block computes into its consumers. */
  computeInline(block: BlockLike): void {
    const b = this.#session.block(block, this.computeInline);
    this.#session.apply("computeInline", this.computeInline, { block: this.#session.ref(b) }, (f) =>
      computeInline(f, b),
    );
  }
  /** Puts a block into its producer. */
  reverseComputeInline(block: BlockLike): void {
    const b = this.#session.block(block, this.reverseComputeInline);
    const args = { block: this.#session.ref(b) };
    this.#session.apply("reverseComputeInline", this.reverseComputeInline, args, (f) => reverseComputeInline(f, b));
  }
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
    const id = this.#session.block(consumer, this.cacheRead);
    const b = this.#session.buffer(read, this.cacheRead);
    this.#check(this.cacheRead, () => {
      checkOptions(this.func, "cacheRead", options, ["axes", "order"]);
      const { axes, order } = options;
      if (axes !== undefined && !Array.isArray(axes))
        badArgument(this.func, "cacheRead", `axes is ${describe(axes)}, not a list of names`, ['axes: ["k", "j"]']);
      if (order !== undefined && !Array.isArray(order))
        badArgument(this.func, "cacheRead", `order is ${describe(order)}, not a list of dimensions`, ["order: [1, 0]"]);
    });
    const { axes = isTensor(read) ? read.axes : [], order } = options;
    const ref = { block: this.#session.ref(id), buffer: this.#session.bufferRef(b), scope, axes: [...axes] };
    const args = order ? { ...ref, order: [...order] } : ref;
    const o = this.#session.apply("cacheRead", this.cacheRead, args, (f) => cacheRead(f, id, b, scope, axes, order));
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
    const id = this.#session.block(block, this.cacheWrite);
    const args = { block: this.#session.ref(id), scope };
    const epilogue = this.#session.epilogueOf(id);
    if (epilogue) {
      const o = this.#session.apply("cacheWrite", this.cacheWrite, args, (f) => ({
        ...setScope(f, id, scope),
        born: new Map<string, Handle>(),
      }));
      void o;
      return { compute: blockHandle(id), copy: blockHandle(epilogue) };
    }
    const o = this.#session.apply("cacheWrite", this.cacheWrite, args, (f) => cacheWrite(f, id, scope));
    return { compute: blockHandle(id), copy: blockHandle(o.copy) };
  }
  /** Sets where the buffers that a block writes live. */
  setScope(block: BlockLike, scope: Scope): void {
    const b = this.#session.block(block, this.setScope);
    this.#session.apply("setScope", this.setScope, { block: this.#session.ref(b), scope }, (f) =>
      setScope(f, b, scope),
    );
  }
  /** Gives a reduction's init a block of its own before a loop; returns it. */
  decomposeReduction<Y extends BlockLike>(
    block: Y,
    loop: Loop,
  ): BlockHandle<Y extends AnyTensor ? Y["axes"][number] : string> {
    const [b, v] = [
      this.#session.block(block, this.decomposeReduction),
      this.#session.loop(loop, this.decomposeReduction),
    ];
    const args = { block: this.#session.ref(b), loop: this.#session.ref(v) };
    const o = this.#session.apply("decomposeReduction", this.decomposeReduction, args, (f) =>
      decomposeReduction(f, b, v),
    );
    return blockHandle(o.init);
  }

  #check(method: Method, run: () => void): void {
    this.#session.at(method, run);
  }
  #together<T>(method: Method, run: () => T): T {
    return this.#session.at(method, () => this.#session.together(run));
  }
  /**
   * Several steps as one: when one of them is illegal, none is done. Returns that error, or undefined when all went well.
   *
   *     const why = s.attempt(() => { s.reorder(j, i); s.vectorize(i); });
   */
  attempt(recipe: () => void): ScheduleError | undefined {
    if (typeof recipe !== "function")
      this.#check(this.attempt, () =>
        badArgument(this.func, "attempt", `expected a function of steps, but was given ${describe(recipe)}`),
      );
    try {
      this.#session.together(recipe);
      return undefined;
    } catch (e) {
      if (e instanceof ScheduleError) return e;
      throw e;
    }
  }
}

/**
 * Begins a schedule: of a tensor, of several by name, or of a function made with createFunc.
 *
 *     const s = schedule(C);
 *     const t = schedule({ C, D });
 */
export function schedule<const X extends AnyTensor | TensorRecord | CreatedFunc>(x: X): Schedule<X> {
  if (isTensor(x)) return new Schedule<X>(x, createFunc([x]));
  const plain: boolean = isRecord(x);
  if (!plain)
    badArgument(undefined, "schedule", `expected a tensor, or a record of tensors, but was given ${describe(x)}`, [
      "schedule(C)",
      "schedule({ C, D })",
    ]);
  if ("func" in x && "blocks" in x) return new Schedule<X>(x, x as CreatedFunc);
  return new Schedule<X>(x, createFunc(Object.values(x as TensorRecord)));
}

import {
  type BlockId,
  type Buffer,
  type Func,
  type IterKind,
  printFunc,
  type Scope,
  TilewrightError,
  type Var,
} from "../src/ir/index.ts";
import { type AnyTensor, type CreatedFunc, createFunc, type TensorBlocks, type TensorRecord } from "../te/index.ts";
import { feeding } from "./analysis.ts";
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
import { type Handle, named, type Outcome } from "./outcome.ts";
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
import { Stage } from "./stage.ts";
import type { Json, TraceStep } from "./trace.ts";
import { freshStores, io, ownLoops, treeOf } from "./tree.ts";

type Factors = { readonly [n: string]: Factor };

export type SplitLoops<F> = { readonly [N in Extract<keyof F, string>]: Loop<N> };
// biome-ignore lint/complexity/noBannedTypes: any method of the class, to cut stacks at
type Method = Function;

interface State {
  func: Func;
  trace: TraceStep[];
  /** Loops and blocks that are gone, and what came of them. */
  dead: Map<Handle, { heirs: readonly Handle[]; primitive: string }>;
  refs: Map<Handle, string>;
  byRef: Map<string, Handle>;
  buffers: Map<Buffer, Buffer>;
}

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
  readonly #tensors: ReadonlyMap<AnyTensor, TensorBlocks>;
  #state: State;

  constructor(of: X, created: CreatedFunc, state?: State) {
    this.of = of;
    this.#tensors = created.blocks;
    this.#created = created;
    if (state) {
      this.#state = state;
      return;
    }
    this.#state = {
      func: created.func,
      trace: [],
      dead: new Map(),
      refs: new Map(),
      byRef: new Map(),
      buffers: new Map(),
    };
    for (const [id, p] of treeOf(created.func).blocks) {
      this.#name(id, id.name);
      for (const [n, v] of named(p.loops.map((l) => l.var))) this.#name(v, `${id.name}.${n}`);
    }
  }
  readonly #created: CreatedFunc;

  /** The function as it stands now. */
  get func(): Func {
    return this.#state.func;
  }
  /** The steps so far, as plain JSON. */
  get trace(): readonly TraceStep[] {
    return this.#state.trace;
  }
  /** The loop nest as it stands now. */
  toString(): string {
    return printFunc(this.#state.func);
  }
  /** A schedule of its own that begins where this one stands. Handles are good for both. */
  copy(): Schedule<X> {
    const s = this.#state;
    return new Schedule(this.of, this.#created, {
      func: s.func,
      trace: [...s.trace],
      dead: new Map(s.dead),
      refs: new Map(s.refs),
      byRef: new Map(s.byRef),
      buffers: new Map(s.buffers),
    });
  }

  // ---- handles

  /**
   * The loops around a block by name (the inner one of two of the same name).
   *
   *     const { i, j, k } = s.loops(C);
   */
  loops<Y extends BlockLike>(block: Y): LoopRecord<Y> {
    const id = this.#block(block, this.loops);
    const p = treeOf(this.func).blocks.get(id)!;
    const out: Record<string, Loop> = {};
    for (const l of p.loops) out[l.var.name] = loopHandle(l.var);
    // a loop that was there once says what became of it, instead of being undefined
    for (const [v, ref] of this.#state.refs) {
      if (!("kind" in v) || v.name in out || !ref.startsWith(`${id.name}.`) || !this.#state.dead.has(v)) continue;
      Object.defineProperty(out, v.name, { enumerable: false, get: () => this.#gone(v, "loops", this.loops) });
    }
    return out as LoopRecord<Y>;
  }
  /** The loops around a block, outermost first. */
  loopList(block: BlockLike): Loop[] {
    const id = this.#block(block, this.loopList);
    return treeOf(this.func)
      .blocks.get(id)!
      .loops.map((l) => loopHandle(l.var));
  }
  /** A block by its name. */
  block(name: string): BlockHandle {
    const id = [...treeOf(this.func).blocks.keys()].find((b) => b.name === name);
    if (id) return blockHandle(id);
    const names = [...treeOf(this.func).blocks.keys()].map((b) => b.name);
    return this.#at(this.block, () =>
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
    return blockHandle(this.#block(block, this.handle));
  }
  /** The innermost loops around a block that hold nothing else, outermost first. */
  ownLoops(block: BlockLike): Loop[] {
    const id = this.#block(block, this.ownLoops);
    return ownLoops(treeOf(this.func).blocks.get(id)!).map((l) => loopHandle(l.var));
  }
  /** Which axes of a block a loop carries: reduction or ordered ones count before spatial ones. */
  axisKind(block: BlockLike, loop: Loop): IterKind {
    const b = treeOf(this.func).blocks.get(this.#block(block, this.axisKind))!.node;
    const kinds: readonly IterKind[] = ["ordered", "reduction"];
    return kinds.find((k) => feeding(b, k).has(loop.var)) ?? "spatial";
  }
  /** All blocks, in program order. */
  blocks(): BlockHandle[] {
    return [...treeOf(this.func).blocks.keys()].map((b) => blockHandle(b));
  }
  /** The block that computes a tensor from its reduction, where that is a block of its own. */
  epilogue(tensor: AnyTensor): BlockHandle {
    const e = this.#tensors.get(tensor)?.epilogue;
    if (e && treeOf(this.func).blocks.has(e)) return blockHandle(e);
    return this.#at(this.epilogue, () => {
      if (e) this.#gone(e, "epilogue", this.epilogue);
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
    this.#block(block, this.stage);
    return new Stage<LoopNamesOf<Y>>(this as Schedule<unknown>, block);
  }
  /** The loop a trace refers to. */
  loopAt(ref: string): Loop {
    const h = this.#state.byRef.get(ref);
    if (h && "kind" in h) return loopHandle(h);
    throw new TilewrightError("schedule.trace", `no loop "${ref}" in this schedule`);
  }
  /** The block a trace refers to. */
  blockAt(ref: string): BlockHandle {
    const h = this.#state.byRef.get(ref);
    if (h && !("kind" in h)) return blockHandle(h);
    throw new TilewrightError("schedule.trace", `no block "${ref}" in this schedule`);
  }
  /** How traces refer to a loop or block. */
  refOf(h: Loop | BlockHandle): string | undefined {
    return this.#state.refs.get(h.kind === "loop" ? h.var : h.id);
  }

  // ---- primitives (what each does, and its conditions: the function of the same name in primitives/)

  /**
   * One loop becomes several, outermost first; one factor may be "rest".
   *
   *     const { io, ii } = s.split(i, { io: "rest", ii: 6 }, { tail: "peel" });
   */
  split<const F extends Factors>(loop: Loop, factors: F, options: SplitOptions = {}): SplitLoops<F> {
    const v = this.#loop(loop, this.split);
    const args = { loop: this.#ref(v), factors: { ...factors }, tail: options.tail ?? "guard" };
    const o = this.#apply("split", this.split, args, (f) => split(f, v, factors, options));
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
    const vs = loops.map((l) => this.#loop(l, method));
    const title = name ?? vs.map((v) => v.name).join("_");
    const o = this.#apply("fuse", method, { loops: vs.map((v) => this.#ref(v)), name: title }, (f) =>
      fuse(f, vs, title),
    );
    return loopHandle([...o.born!.values()][0] as Var);
  }
  /** Puts loops of one chain in the order given, outermost first. */
  reorder(...loops: readonly Loop[]): void {
    const vs = loops.map((l) => this.#loop(l, this.reorder));
    this.#apply("reorder", this.reorder, { loops: vs.map((v) => this.#ref(v)) }, (f) => reorder(f, vs));
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
    const before = this.#state;
    this.#state = this.copy().#state;
    try {
      const a = this.split(i, fi);
      const b = this.split(j, fj);
      const [x, y] = [Object.values<Loop>(a), Object.values<Loop>(b)];
      const rounds = Math.max(x.length, y.length);
      const order: Loop[] = [];
      for (let n = 0; n < rounds; n++) order.push(...[x[n], y[n]].filter((l): l is Loop => l !== undefined));
      this.reorder(...order);
      return { ...a, ...b };
    } catch (e) {
      this.#state = before;
      if (e instanceof Error) Error.captureStackTrace(e, this.tile);
      throw e;
    }
  }
  /** Writes a loop out iteration by iteration. */
  unroll(loop: Loop): void {
    const v = this.#loop(loop, this.unroll);
    this.#apply("unroll", this.unroll, { loop: this.#ref(v) }, (f) => unroll(f, v));
  }
  /**
   * Makes a loop vector operations. With `n`: splits it by n, vectorizes the inner part and unrolls the outer one (if its extent
   * is constant), and returns both parts, named after the loop with o and i.
   */
  vectorize(loop: Loop): void;
  vectorize(loop: Loop, n: number): { readonly outer: Loop; readonly inner: Loop };
  vectorize(loop: Loop, n?: number): { readonly outer: Loop; readonly inner: Loop } | void {
    const v = this.#loop(loop, this.vectorize);
    if (n === undefined) {
      this.#apply("vectorize", this.vectorize, { loop: this.#ref(v) }, (f) => vectorize(f, v));
      return;
    }
    const before = this.#state;
    this.#state = this.copy().#state;
    try {
      const parts = this.split(loop, { [`${v.name}o`]: "rest", [`${v.name}i`]: n }) as Record<string, Loop>;
      const [outer, inner] = [parts[`${v.name}o`]!, parts[`${v.name}i`]!];
      this.vectorize(inner);
      if (treeOf(this.func).loops.get(outer.var)!.node.extent.kind === "const") this.unroll(outer);
      return { outer, inner };
    } catch (e) {
      this.#state = before;
      if (e instanceof Error) Error.captureStackTrace(e, this.vectorize);
      throw e;
    }
  }
  /** Computes a block inside a loop of its consumers; returns its new loops by name. */
  computeAt<Y extends BlockLike>(block: Y, loop: Loop): LoopRecord<Y> {
    const [b, v] = [this.#block(block, this.computeAt), this.#loop(loop, this.computeAt)];
    this.#apply("computeAt", this.computeAt, { block: this.#ref(b), loop: this.#ref(v) }, (f) => computeAt(f, b, v));
    return this.loops(block);
  }
  /** Computes a block inside a loop of its producers; returns its new loops by name. */
  reverseComputeAt<Y extends BlockLike>(block: Y, loop: Loop): LoopRecord<Y> {
    const [b, v] = [this.#block(block, this.reverseComputeAt), this.#loop(loop, this.reverseComputeAt)];
    const args = { block: this.#ref(b), loop: this.#ref(v) };
    this.#apply("reverseComputeAt", this.reverseComputeAt, args, (f) => reverseComputeAt(f, b, v));
    return this.loops(block);
  }
  /** Allocates what a block writes in the body of a loop around it. */
  storeAt(block: BlockLike, loop: Loop): void {
    const [b, v] = [this.#block(block, this.storeAt), this.#loop(loop, this.storeAt)];
    this.#apply("storeAt", this.storeAt, { block: this.#ref(b), loop: this.#ref(v) }, (f) => storeAt(f, b, v));
  }
  /** Puts what a block computes into its consumers. */
  computeInline(block: BlockLike): void {
    const b = this.#block(block, this.computeInline);
    this.#apply("computeInline", this.computeInline, { block: this.#ref(b) }, (f) => computeInline(f, b));
  }
  /** Puts a block into its producer. */
  reverseComputeInline(block: BlockLike): void {
    const b = this.#block(block, this.reverseComputeInline);
    const args = { block: this.#ref(b) };
    this.#apply("reverseComputeInline", this.reverseComputeInline, args, (f) => reverseComputeInline(f, b));
  }
  /**
   * A copy of what `consumer` reads, in another scope: the tensor, or a buffer by name. Returns the copy's block.
   *
   *     s.computeAt(s.cacheRead(C, B, "workspace"), jo);
   */
  cacheRead<Y extends AnyTensor | string>(
    consumer: BlockLike,
    read: Y,
    scope: Scope,
    axes: readonly string[] = [],
  ): BlockHandle<Y extends AnyTensor ? ([LoopNamesOf<Y>] extends [never] ? string : LoopNamesOf<Y>) : string> {
    const id = this.#block(consumer, this.cacheRead);
    const b = this.#buffer(read, this.cacheRead);
    const names = axes.length > 0 || !isTensor(read) ? axes : read.axes;
    const args = { block: this.#ref(id), buffer: this.#bufferRef(b), scope, axes: [...names] };
    const o = this.#apply("cacheRead", this.cacheRead, args, (f) => cacheRead(f, id, b, scope, names));
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
    const id = this.#block(block, this.cacheWrite);
    const args = { block: this.#ref(id), scope };
    const epilogue = this.#epilogueOf(id);
    if (epilogue) {
      const o = this.#apply("cacheWrite", this.cacheWrite, args, (f) => ({
        ...setScope(f, id, scope),
        born: new Map<string, Handle>(),
      }));
      void o;
      return { compute: blockHandle(id), copy: blockHandle(epilogue) };
    }
    const o = this.#apply("cacheWrite", this.cacheWrite, args, (f) => cacheWrite(f, id, scope));
    return { compute: blockHandle(id), copy: blockHandle(o.copy) };
  }
  /** Sets where the buffers that a block writes live. */
  setScope(block: BlockLike, scope: Scope): void {
    const b = this.#block(block, this.setScope);
    this.#apply("setScope", this.setScope, { block: this.#ref(b), scope }, (f) => setScope(f, b, scope));
  }
  /** Gives a reduction's init a block of its own before a loop; returns it. */
  decomposeReduction<Y extends BlockLike>(
    block: Y,
    loop: Loop,
  ): BlockHandle<Y extends AnyTensor ? Y["axes"][number] : string> {
    const [b, v] = [this.#block(block, this.decomposeReduction), this.#loop(loop, this.decomposeReduction)];
    const args = { block: this.#ref(b), loop: this.#ref(v) };
    const o = this.#apply("decomposeReduction", this.decomposeReduction, args, (f) => decomposeReduction(f, b, v));
    return blockHandle(o.init);
  }

  /**
   * Several steps as one: when one of them is illegal, none is done. Returns that error, or undefined when all went well.
   *
   *     const why = s.attempt(() => { s.reorder(j, i); s.vectorize(i); });
   */
  attempt(recipe: () => void): ScheduleError | undefined {
    const before = this.#state;
    this.#state = this.copy().#state;
    try {
      recipe();
      return undefined;
    } catch (e) {
      this.#state = before;
      if (e instanceof ScheduleError) return e;
      throw e;
    }
  }

  // ---- the machinery

  #at<T>(method: Method, run: () => T): T {
    try {
      return run();
    } catch (e) {
      if (e instanceof ScheduleError) Error.captureStackTrace(e, method);
      throw e;
    }
  }
  #apply<T extends Outcome>(
    primitive: string,
    method: Method,
    args: { readonly [k: string]: Json },
    run: (f: Func) => T,
  ): T {
    const o = this.#at(method, () => run(this.func));
    const s = this.#state;
    s.func = freshStores(o.func);
    for (const [h, heirs] of o.died ?? []) s.dead.set(h, { heirs, primitive });
    for (const [a, b] of o.replaced ?? []) {
      for (const [k, v] of s.buffers) if (v === a) s.buffers.set(k, b);
      s.buffers.set(a, b);
    }
    const n = s.trace.length;
    const born = o.born ?? new Map<string, Handle>();
    for (const [name, h] of born) this.#name(h, `@${n}.${name}`);
    const step: TraceStep = {
      primitive,
      args,
      results: [...born.keys()],
      ...(o.reassociates ? { reassociates: true } : {}),
    };
    s.trace.push(step);
    return o;
  }
  #name(h: Handle, ref: string): void {
    this.#state.refs.set(h, ref);
    this.#state.byRef.set(ref, h);
  }
  #ref(h: Handle): string {
    return this.#state.refs.get(h)!;
  }
  #gone(h: Handle, primitive: string, method: Method): never {
    const s = this.#state;
    const d = s.dead.get(h)!;
    const heirs = (x: Handle): string[] =>
      (s.dead.get(x)?.heirs ?? []).flatMap((y) => (s.dead.has(y) ? heirs(y) : [y.name]));
    const what = "kind" in h ? "loop" : "block";
    const now = heirs(h);
    const way = now.length > 0 ? `in its place: ${now.join(", ")}` : "nothing stands in its place";
    return this.#at(method, () =>
      refuse(this.func, {
        primitive,
        condition: 0,
        code: "dead-handle",
        message: `${what} ${h.name} is gone since ${d.primitive}; ${way}`,
        legal: now,
      }),
    );
  }
  #loop(l: Loop, method: Method): Var {
    const name = (method as { name: string }).name;
    if (!isLoop(l))
      return this.#unknown(name, method, `expected a loop (from s.loops or a primitive), but was given ${describe(l)}`);
    if (treeOf(this.func).loops.has(l.var)) return l.var;
    if (this.#state.dead.has(l.var)) this.#gone(l.var, name, method);
    return this.#unknown(name, method, `loop ${l.name} is not of this schedule`);
  }
  #block(b: BlockLike, method: Method): BlockId {
    const name = (method as { name: string }).name;
    let id: BlockId | undefined;
    if (isBlockHandle(b)) id = b.id;
    else if (isTensor(b)) {
      id = this.#tensors.get(b)?.main;
      if (id === undefined) {
        const input = this.func.inputs.includes(b.buffer);
        return this.#unknown(
          name,
          method,
          input ? `${b.name} is an input: no block computes it` : `${b.name} is not part of this schedule`,
        );
      }
    } else return this.#unknown(name, method, `expected a tensor or a block, but was given ${describe(b)}`);
    if (treeOf(this.func).blocks.has(id)) return id;
    if (this.#state.dead.has(id)) this.#gone(id, name, method);
    return this.#unknown(name, method, `block ${id.name} is not of this schedule`);
  }
  #unknown(primitive: string, method: Method, message: string): never {
    return this.#at(method, () =>
      refuse(this.func, {
        primitive,
        condition: 0,
        code: "unknown-handle",
        message,
        legal: this.blocks().map((b) => b.name),
      }),
    );
  }
  #buffers(): readonly Buffer[] {
    return [...this.func.inputs, ...this.func.outputs, ...this.func.intermediates];
  }
  #buffer(x: AnyTensor | string, method: Method): Buffer {
    if (isTensor(x)) return this.#state.buffers.get(x.buffer) ?? x.buffer;
    const at = /^(.*)#(\d+)$/.exec(x);
    const list = this.#buffers().filter((b) => b.name === (at ? at[1] : x));
    const b = list[at ? Number(at[2]) : 0];
    if (b) return b;
    return this.#at(method, () =>
      refuse(this.func, {
        primitive: (method as { name: string }).name,
        condition: 0,
        code: "unknown-buffer",
        message: `no buffer "${x}"`,
        legal: this.#buffers().map((y) => y.name),
      }),
    );
  }
  #bufferRef(b: Buffer): string {
    const n = this.#buffers()
      .filter((x) => x.name === b.name)
      .indexOf(b);
    return n > 0 ? `${b.name}#${n}` : b.name;
  }
  /** The epilogue that reads the accumulator of a reduction, while both stand. */
  #epilogueOf(id: BlockId): BlockId | undefined {
    const tree = treeOf(this.func);
    for (const t of this.#tensors.values()) {
      if (t.main !== id || t.epilogue === undefined || t.epilogue === id) continue;
      const [w, e] = [tree.blocks.get(id), tree.blocks.get(t.epilogue)];
      const own = w && [...io(w.node).writes];
      if (w && e && own!.every((b) => this.func.intermediates.includes(b) && io(e.node).reads.has(b)))
        return t.epilogue;
    }
    return undefined;
  }
}
const describe = (x: unknown): string => (x === undefined ? "undefined" : typeof x === "string" ? `"${x}"` : typeof x);

/**
 * Begins a schedule: of a tensor, of several by name, or of a function made with createFunc.
 *
 *     const s = schedule(C);
 *     const t = schedule({ C, D });
 */
export function schedule<const X extends AnyTensor | TensorRecord | CreatedFunc>(x: X): Schedule<X> {
  if (isTensor(x)) return new Schedule<X>(x, createFunc([x]));
  if ("func" in x && "blocks" in x) return new Schedule<X>(x, x as CreatedFunc);
  return new Schedule<X>(x, createFunc(Object.values(x as TensorRecord)));
}

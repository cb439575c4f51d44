/** Primitives that change loops: what each does, and its conditions, stands at the function of the same name in primitives/. */
import type { GridIndex, Var } from "../../src/ir/index.ts";
import { badArgument, checkNames, checkOptions, describe, isRecord } from "../arguments.ts";
import { givenToJson } from "../expr-data.ts";
import { type BlockLike, isLoop, type Loop, loopHandle } from "../handles.ts";
import { type Annotation, annotate } from "../primitives/annotate.ts";
import { bind } from "../primitives/bind.ts";
import { fuse } from "../primitives/fuse.ts";
import { type PadValue, pad } from "../primitives/pad.ts";
import { parallel } from "../primitives/parallel.ts";
import { reorder } from "../primitives/reorder.ts";
import { unroll, vectorize } from "../primitives/retag.ts";
import { type Factor, type SplitOptions, split } from "../primitives/split.ts";
import { type Args, NUMBER, optional, RECORD, type Replay, SCALAR, TEXT, TEXTS } from "../replay.ts";
import type { Schedule } from "../schedule.ts";
import type { Method } from "../session.ts";
import type { Json } from "../trace.ts";
import { treeOf } from "../tree.ts";
import { Handles } from "./handles.ts";

type Factors = { readonly [n: string]: Factor };

export type SplitLoops<F> = { readonly [N in Extract<keyof F, string>]: Loop<N> };

export class LoopMethods<X> extends Handles<X> {
  /**
   * One loop becomes several, outermost first; one factor may be "rest".
   *
   *     const { io, ii } = s.split(i, { io: "rest", ii: 6 }, { tail: "peel" });
   */
  split<const F extends Factors>(loop: Loop, factors: F, options: SplitOptions = {}): SplitLoops<F> {
    const v = this.session.loop(loop, this.split);
    this.check(this.split, () => checkOptions(this.func, "split", options, ["tail"]));
    const args = { loop: this.session.ref(v), factors: { ...factors }, tail: options.tail ?? "guard" };
    const o = this.session.apply("split", this.split, args, (f) => split(f, v, factors, options));
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
    const vs = loops.map((l) => this.session.loop(l, method));
    if (name !== undefined || method === this.fuseAs)
      this.check(method, () => checkNames(this.func, "fuse", "the fused loop", [name]));
    const title = name ?? vs.map((v) => v.name).join("_");
    const o = this.session.apply("fuse", method, { loops: vs.map((v) => this.session.ref(v)), name: title }, (f) =>
      fuse(f, vs, title),
    );
    return loopHandle([...o.born!.values()][0] as Var);
  }
  /** Puts loops of one chain in the order given, outermost first. */
  reorder(...loops: readonly Loop[]): void {
    const vs = loops.map((l) => this.session.loop(l, this.reorder));
    this.session.apply("reorder", this.reorder, { loops: vs.map((v) => this.session.ref(v)) }, (f) => reorder(f, vs));
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
    return this.together(this.tile, () => {
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
    const v = this.session.loop(loop, this.unroll);
    this.session.apply("unroll", this.unroll, { loop: this.session.ref(v) }, (f) => unroll(f, v));
  }
  /**
   * Makes a loop vector operations. With `n`: splits it by n, vectorizes the inner part and unrolls the outer one (if its extent
   * is constant), and returns both parts, named after the loop with o and i.
   */
  vectorize(loop: Loop): void;
  vectorize(loop: Loop, n: number): { readonly outer: Loop; readonly inner: Loop };
  vectorize(loop: Loop, n?: number): { readonly outer: Loop; readonly inner: Loop } | void {
    const v = this.session.loop(loop, this.vectorize);
    if (n === undefined) {
      this.session.apply("vectorize", this.vectorize, { loop: this.session.ref(v) }, (f) => vectorize(f, v));
      return;
    }
    return this.together(this.vectorize, () => {
      const parts = this.split(loop, { [`${v.name}o`]: "rest", [`${v.name}i`]: n }) as Record<string, Loop>;
      const [outer, inner] = [parts[`${v.name}o`]!, parts[`${v.name}i`]!];
      this.vectorize(inner);
      if (treeOf(this.func).loops.get(outer.var)!.node.extent.kind === "const") this.unroll(outer);
      return { outer, inner };
    });
  }
  /**
   * Runs a loop's iterations on several threads, where the target has them, and one after another where not.
   *
   *     s.parallel(io);
   */
  parallel(loop: Loop): void {
    const v = this.session.loop(loop, this.parallel);
    this.session.apply("parallel", this.parallel, { loop: this.session.ref(v) }, (f) => parallel(f, v));
  }
  /**
   * Spreads a loop's iterations over a GPU's grid: over workgroups, or over the invocations of one. WebAssembly, which has no
   * grid, runs them one after another.
   *
   *     s.bind(io, "workgroup.y");
   *     s.bind(ii, "local.y");
   */
  bind(loop: Loop, index: GridIndex): void {
    const v = this.session.loop(loop, this.bind);
    this.session.apply("bind", this.bind, { loop: this.session.ref(v), index }, (f) => bind(f, v, index));
  }
  /**
   * Leaves a note on a loop or a block, for tools and readers; `undefined` takes it away.
   *
   *     s.annotate(io, "why", "one panel per row");
   *     s.annotate(C, "hot", true);
   */
  annotate(target: Loop | BlockLike, key: string, value: Annotation | undefined): void {
    const h = isLoop(target) ? this.session.loop(target, this.annotate) : this.session.block(target, this.annotate);
    const on: Record<string, string> = { [isLoop(target) ? "loop" : "block"]: this.session.ref(h) };
    // a text that looks like a reference is quoted
    const text = typeof value === "string" && /^[@"]/.test(value) ? JSON.stringify(value) : value;
    const args = { ...on, key, value: text ?? null };
    this.session.apply("annotate", this.annotate, args, (f) => annotate(f, h, key, value));
  }
  /**
   * Lengthens the axis of a block that a loop is, and the buffer it writes, to a multiple; what is added holds `value`, 0 when not
   * given.
   *
   *     const a = s.cacheRead(C, A, "workspace");
   *     s.pad(a, s.loops(a).i, 4);
   */
  pad(block: BlockLike, loop: Loop, multiple: number, value?: PadValue): void {
    const [b, v] = [this.session.block(block, this.pad), this.session.loop(loop, this.pad)];
    const args: Record<string, Json> = { block: this.session.ref(b), loop: this.session.ref(v), multiple };
    if (value !== undefined) args.value = givenToJson(value);
    this.session.apply("pad", this.pad, args, (f) => pad(f, b, v, multiple, value));
  }
}

function annotation(s: Schedule<unknown>, a: Args): Annotation | undefined {
  const value = a.get<Annotation | null>("value");
  if (value === null) return undefined;
  if (typeof value !== "string" || !value.startsWith('"')) return value;
  try {
    return JSON.parse(value) as string;
  } catch {
    return badArgument(s.func, "annotate", `the value ${describe(value)} begins as a text in quotes, and is none`);
  }
}

export const loopReplay: Replay = {
  split: {
    args: { loop: TEXT, factors: RECORD, tail: optional(TEXT) },
    again: (s, a) => s.split(a.loop(), a.get<Record<string, Factor>>("factors"), { tail: a.get("tail") }),
  },
  fuse: { args: { loops: TEXTS, name: TEXT }, again: (s, a) => s.fuseAs(a.get<string>("name"), ...a.loops()) },
  reorder: { args: { loops: TEXTS }, again: (s, a) => s.reorder(...a.loops()) },
  unroll: { args: { loop: TEXT }, again: (s, a) => s.unroll(a.loop()) },
  vectorize: { args: { loop: TEXT }, again: (s, a) => s.vectorize(a.loop()) },
  parallel: { args: { loop: TEXT }, again: (s, a) => s.parallel(a.loop()) },
  bind: { args: { loop: TEXT, index: TEXT }, again: (s, a) => s.bind(a.loop(), a.get("index")) },
  annotate: {
    args: { loop: optional(TEXT), block: optional(TEXT), key: TEXT, value: SCALAR },
    either: ["loop", "block"],
    again: (s, a) =>
      s.annotate(a.get("loop") === undefined ? a.block() : a.loop(), a.get<string>("key"), annotation(s, a)),
  },
  pad: {
    args: { block: TEXT, loop: TEXT, multiple: NUMBER, value: optional(SCALAR) },
    again: (s, a) => s.pad(a.block(), a.loop(), a.get<number>("multiple"), a.get<PadValue | undefined>("value")),
  },
};

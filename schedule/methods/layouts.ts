/** Primitives that say how buffers lie in memory: what each does, and its conditions, stands at the function of the same name in primitives/. */
import {
  type Buffer,
  type Expr as Node,
  printExpr,
  type Scope,
  TilewrightError,
  usesVar,
  variable,
} from "../../src/ir/index.ts";
import { type AnyTensor, Axis, type Expr, isExpr } from "../../te/index.ts";
import { badArgument, checkOptions, describe, isRecord } from "../arguments.ts";
import { exprFromJson, exprToJson, givenConstant, givenToJson } from "../expr-data.ts";
import { type BlockHandle, type BlockLike, blockHandle, isTensor } from "../handles.ts";
import { isTexts } from "../json.ts";
import {
  buffersOf,
  type IndexMap,
  indexNames,
  type Padding,
  storageAlign,
  transformLayout,
} from "../primitives/layout.ts";
import { reindex } from "../primitives/reindex.ts";
import { type Args, type Kind, NUMBER, optional, type Replay, SCALAR, TEXT, TEXTS } from "../replay.ts";
import type { Method } from "../session.ts";
import type { Json } from "../trace.ts";
import { BufferMethods } from "./buffers.ts";

/** An index map as data: the names of its variables, and what it yields (see expr-data.ts). */
export interface IndexMapData {
  readonly vars: readonly string[];
  readonly index: readonly Json[];
}
/** Indices of an element, one per dimension, to where it lies. */
export type LayoutMap = (...index: Axis[]) => readonly (Expr<"i32"> | number)[];

export class LayoutMethods<X> extends BufferMethods<X> {
  /**
   * Lays out what a block writes in another way; or a buffer, by its name or tensor. The map takes the index of an element (as it
   * lies now) and returns another, of any rank.
   *
   *     s.transformLayout(copy, (k, j) => [j.div(8), k, j.mod(8)]);
   *     s.transformLayout(copy, (k, j) => [j.div(8), k, j.mod(8)], { pad: 0 });
   *
   * A constant input stays as the caller gives it, and gets a copy for all who read it, laid out so and computed ahead of time.
   */
  transformLayout(
    what: BlockLike | string,
    map: LayoutMap | IndexMapData,
    options: { readonly pad?: Padding } = {},
  ): void {
    const method = this.transformLayout;
    const { buffers, ref } = this.#memory(what, method);
    if (buffers.some((b) => b.constant))
      return this.together(method, () => {
        const copy = this.cacheRead("all", what as AnyTensor | string, "workspace");
        this.prepare(copy);
        this.transformLayout(copy, map, options);
      });
    this.check(method, () => checkOptions(this.func, "transformLayout", options, ["pad"]));
    const { made, data } = this.session.at(method, () => this.#map(map, buffers[0]!));
    const { pad } = options;
    this.check(method, () => {
      if (pad !== undefined && !["number", "bigint", "boolean", "string"].includes(typeof pad))
        badArgument(this.func, "transformLayout", `pad is ${describe(pad)}, not a number`, ["pad: 0"]);
    });
    const args = {
      ...ref,
      map: { vars: [...data.vars], index: [...data.index] },
      ...(pad === undefined ? {} : { pad: givenToJson(pad) }),
    };
    this.session.apply("transformLayout", method, args, (f) => transformLayout(f, buffers, made, pad));
  }
  /**
   * The stride of a dimension of what a block writes (or of a buffer) becomes `offset` modulo `factor`, counted in elements.
   *
   *     s.storageAlign(copy, 0, 32, 1);
   */
  storageAlign(what: BlockLike | string, dim: number, factor: number, offset = 0): void {
    const { buffers, ref } = this.#memory(what, this.storageAlign);
    const args = { ...ref, dim, factor, offset };
    this.session.apply("storageAlign", this.storageAlign, args, (f) => storageAlign(f, buffers, dim, factor, offset));
  }
  /**
   * A copy of what a block reads, with a dimension for each of the block's axes in the index. Returns the copy's block.
   *
   *     const copy = s.reindex(Y, X, "workspace");       // X[h*2 + r, w + q, c] becomes X.re[h, w, r, q, c]
   */
  reindex(
    consumer: BlockLike,
    read: AnyTensor | string,
    scope: Scope,
    options: { readonly order?: readonly string[] } = {},
  ): BlockHandle<string> {
    const id = this.session.block(consumer, this.reindex);
    const b = this.session.buffer(read, this.reindex);
    this.check(this.reindex, () => {
      checkOptions(this.func, "reindex", options, ["order"]);
      if (options.order !== undefined && !Array.isArray(options.order))
        badArgument(this.func, "reindex", `order is ${describe(options.order)}, not a list of axes`, [
          'order: ["h", "w"]',
        ]);
    });
    const { order } = options;
    const ref = { block: this.session.ref(id), buffer: this.session.bufferRef(b), scope };
    const args = order ? { ...ref, order: [...order] } : ref;
    const o = this.session.apply("reindex", this.reindex, args, (f) => reindex(f, id, b, scope, order));
    return blockHandle(o.copy);
  }

  /** The buffers that a block writes, or one buffer; and how a trace refers to them. */
  #memory(
    what: BlockLike | string,
    method: Method,
  ): { readonly buffers: readonly Buffer[]; readonly ref: { readonly [k: string]: string } } {
    if (typeof what === "string" || (isTensor(what) && !this.session.tensors.has(what))) {
      const b = this.session.buffer(what, method);
      return { buffers: [b], ref: { buffer: this.session.bufferRef(b) } };
    }
    const id = this.session.block(what, method);
    return { buffers: buffersOf(this.func, id), ref: { block: this.session.ref(id) } };
  }
  #map(map: LayoutMap | IndexMapData, b: Buffer): { readonly made: IndexMap; readonly data: IndexMapData } {
    const names = indexNames(this.func, b);
    const bad = (message: string): never =>
      badArgument(this.func, "transformLayout", message, [`(${names.join(", ")}) => [${names.join(", ")}]`]);
    let vars = names.map((n) => variable(n));
    let index: readonly Node[];
    try {
      if (typeof map === "function") {
        const given: unknown = map(...vars.map((v) => new Axis(v.name, v)));
        if (!Array.isArray(given)) return bad(`the map returned ${describe(given)}, not a list of indices`);
        index = given.map((e: unknown) => {
          const number = typeof e === "number" ? givenConstant("i32", e) : undefined;
          return number ?? (isExpr(e) ? e.node : bad(`the map returned ${describe(e)} among its indices`));
        });
      } else {
        const listed = isRecord(map) && Array.isArray(map.vars) && Array.isArray(map.index);
        if (!listed) return bad(`the map is ${describe(map)}, not a function of indices`);
        vars = map.vars.map((n) => variable(n));
        const known = new Map(vars.map((v) => [v.name, v]));
        index = map.index.map((e) => exprFromJson(e, known, this.func));
      }
      if (index.length === 0) return bad("the map returned no index");
      const other = index.find((e) => e.dtype !== "i32" || usesVar(e, (v) => this.func.scalars.includes(v)));
      if (other) return bad(`${printExpr(other)} is no index: it must be an i32 made of indices, sizes and constants`);
      const own = new Map(vars.map((v) => [v, v.name]));
      const data = { vars: vars.map((v) => v.name), index: index.map((e) => exprToJson(e, own, this.func)) };
      return { made: { vars, index }, data };
    } catch (e) {
      // what a trace can't hold is no index either
      if (e instanceof TilewrightError && e.code === "schedule.trace")
        return bad(`the map is not made of indices, sizes and constants: ${e.message}`);
      throw e;
    }
  }
}

const target = (a: Args): BlockHandle | string => (a.get("block") === undefined ? a.get<string>("buffer") : a.block());
const TARGET = { block: optional(TEXT), buffer: optional(TEXT) };
const MAP: Kind = {
  what: "a record of vars, a list of names, and index, a list",
  fits: (x) => isRecord(x) && Object.keys(x).length === 2 && isTexts(x.vars) && Array.isArray(x.index),
};
export const layoutReplay: Replay = {
  transformLayout: {
    args: { ...TARGET, map: MAP, pad: optional(SCALAR) },
    either: Object.keys(TARGET),
    again: (s, a) => {
      const pad = a.get<Padding | undefined>("pad");
      s.transformLayout(target(a), a.get<IndexMapData>("map"), pad === undefined ? {} : { pad });
    },
  },
  storageAlign: {
    args: { ...TARGET, dim: NUMBER, factor: NUMBER, offset: optional(NUMBER) },
    either: Object.keys(TARGET),
    again: (s, a) => s.storageAlign(target(a), a.get("dim"), a.get("factor"), a.get("offset")),
  },
  reindex: {
    args: { block: TEXT, buffer: TEXT, scope: TEXT, order: optional(TEXTS) },
    again: (s, a) => {
      const order = a.get<readonly string[] | undefined>("order");
      s.reindex(a.block(), a.get<string>("buffer"), a.get("scope"), order ? { order } : {});
    },
  },
};

/** Primitives that give one nest several versions: what each does, and its conditions, stands at the function of the same name in primitives/. */
import {
  type BlockId,
  constInt,
  int,
  type Expr as Node,
  TilewrightError,
  type Var,
  visitExpr,
} from "../../src/ir/index.ts";
import {
  type AnyTensor,
  Axis,
  Cond,
  Expr,
  type FactsOf,
  isExpr,
  type LoopNames,
  type Size,
  type TensorRecord,
} from "../../te/index.ts";
import { badArgument, checkNames, describe, isRecord } from "../arguments.ts";
import type { Copy } from "../copy.ts";
import { exprFromJson, exprToJson } from "../expr-data.ts";
import { type Loop, loopHandle } from "../handles.ts";
import { partition } from "../primitives/partition.ts";
import { specialize } from "../primitives/specialize.ts";
import { ANY, type Args, RECORD, type Replay, TEXT } from "../replay.ts";
import type { Schedule } from "../schedule.ts";
import type { Json } from "../trace.ts";
import { blocksIn, treeOf } from "../tree.ts";
import { Version } from "../versions.ts";
import { ReductionMethods } from "./reductions.ts";

/** Names of sizes and loops that a schedule of X begins with. */
type KnownNames<X> = 0 extends 1 & X
  ? never
  : X extends AnyTensor
    ? LoopNames<X> | (FactsOf<X> extends infer F ? (F extends Size<infer N> ? N : never) : never)
    : X extends TensorRecord
      ? KnownNames<X[keyof X]>
      : never;
/** The sizes of a schedule and the loops around a nest, by name; the innermost loop where there are several. */
export type Surroundings<X = unknown> = { readonly [N in KnownNames<X>]: Axis } & { readonly [name: string]: Axis };
/** A comparison of sizes, scalar parameters and loops; as a function it is given sizes and loops by name. */
export type Condition<X = unknown> = Expr<"bool"> | ((around: Surroundings<X>) => Expr<"bool">);
/** Iterations of a part: a number, an expression of sizes, or what the others leave. */
export type PartSize = number | Expr<"i32"> | "rest";

export class BranchMethods<X> extends ReductionMethods<X> {
  /**
   * Gives the nest at a loop two versions: `hot` where a condition holds, and `cold`, a copy, where it does not. Handles that there
   * were mean the hot one, which is simpler for what the condition says.
   *
   *     const { hot, cold } = s.specialize(io, n.mod(8).eq(0));
   *     s.specialize(x, ({ y }) => y.ge(1));
   */
  specialize(loop: Loop, condition: Condition<X>): { readonly hot: Version; readonly cold: Version } {
    const method = this.specialize;
    const node = this.session.at(method, () => this.#condition(this.session.loop(loop, method), condition));
    // whatever the callback did, the loop must be there still
    const v = this.session.loop(loop, method);
    const data = this.session.at(method, () => this.#data(v, node));
    const hot = this.#asItIs(v);
    const o = this.session.apply("specialize", method, { loop: this.session.ref(v), condition: data }, (f) =>
      specialize(f, v, node),
    );
    return { hot: this.#version("hot", hot), cold: this.#version("cold", o.cold) };
  }
  /**
   * Cuts the range of a loop into consecutive named parts, each a nest of its own; one of them is "rest". Handles that there were
   * mean the rest. Returns the versions of the nest by part.
   *
   *     const { top, bottom } = s.partition(y, { top: 1, body: "rest", bottom: 1 });
   *     s.unroll(top.loop(x));
   */
  partition<const P extends { readonly [name: string]: PartSize }>(
    loop: Loop,
    parts: P,
  ): { readonly [N in Extract<keyof P, string>]: Version } {
    const method = this.partition;
    const v = this.session.loop(loop, method);
    const nodes = this.session.at(method, () => this.#parts(v, parts));
    const data = this.session.at(method, () =>
      [...nodes].map(([n, x]): [string, Json] => [n, x === "rest" ? x : this.#written("partition", x, new Map())]),
    );
    const rest = this.#asItIs(v);
    const args = { loop: this.session.ref(v), parts: Object.fromEntries(data) };
    const o = this.session.apply("partition", method, args, (f) => partition(f, v, nodes));
    const made = [...nodes.keys()].map((n) => [n, this.#version(n, o.parts.get(n) ?? rest)]);
    return Object.fromEntries(made) as { readonly [N in Extract<keyof P, string>]: Version };
  }

  #version(name: string, copy: Copy): Version {
    return new Version(name, copy, this.session, (b) => this.loops(b));
  }
  /** The nest at a loop as a version of itself. */
  #asItIs(loop: Var): Copy {
    const { node } = treeOf(this.func).loops.get(loop)!;
    const blocks = blocksIn(node).map((b) => b.id);
    const loops = [...treeOf(this.func).loops].filter(([, p]) => p.node === node || p.path.includes(node));
    const same = <T extends Var | BlockId>(list: readonly T[]): Map<T, T> => new Map(list.map((x) => [x, x]));
    return { loops: same(loops.map(([v]) => v)), blocks: same(blocks) };
  }
  #condition(loop: Var, condition: Condition<X>): Node {
    const legal = ["n.mod(8).eq(0)", "({ n }) => n.ge(16)"];
    const given: unknown = typeof condition === "function" ? condition(this.#surroundings(loop)) : condition;
    if (isExpr(given) && given.dtype === "bool") return given.node;
    return badArgument(
      this.func,
      "specialize",
      `the condition for loop ${loop.name} is ${isExpr(given) ? `of dtype ${given.dtype}` : describe(given)}, no comparison`,
      legal,
    );
  }
  #surroundings(loop: Var): Surroundings<X> {
    const vars = [
      ...this.func.sizes,
      ...treeOf(this.func)
        .loops.get(loop)!
        .loops.map((l) => l.var),
    ];
    const known = new Map(vars.map((v) => [v.name, new Axis(v.name, v)]));
    return new Proxy(Object.fromEntries(known) as Surroundings<X>, {
      get: (_, name) => {
        if (typeof name === "symbol") return undefined;
        const legal = [...known.keys()];
        return (
          known.get(name) ??
          badArgument(this.func, "specialize", `no size and no loop around ${loop.name} is named "${name}"`, legal)
        );
      },
    });
  }
  /** A condition for the trace: loops by what traces call them. */
  #data(loop: Var, condition: Node): Json {
    const around = treeOf(this.func)
      .loops.get(loop)!
      .loops.map((l): [Var, string] => [l.var, this.session.ref(l.var)]);
    const names = new Map<Var, string>(around);
    const known = new Set([...names.keys(), ...this.func.sizes, ...this.func.scalars]);
    // what else it speaks of is the primitive's to refuse, so that there will be no such step
    return speaksOnlyOf(condition, known) ? this.#written("specialize", condition, names) : null;
  }
  /** An expression for the trace. One that it can't hold is none for the primitive either. */
  #written(primitive: string, e: Node, names: ReadonlyMap<Var, string>): Json {
    try {
      return exprToJson(e, names, this.func);
    } catch (error) {
      if (error instanceof TilewrightError && error.code === "schedule.trace")
        return badArgument(this.func, primitive, error.message);
      throw error;
    }
  }
  #parts(loop: Var, parts: unknown): Map<string, Node | "rest"> {
    const legal = ['{ top: 1, body: "rest", bottom: 1 }'];
    if (!isRecord(parts))
      return badArgument(
        this.func,
        "partition",
        `the parts of loop ${loop.name} are ${describe(parts)}, not a record of named parts`,
        legal,
      );
    checkNames(this.func, "partition", `the parts of loop ${loop.name}`, Object.keys(parts));
    return new Map(Object.entries(parts).map(([n, x]) => [n, this.#size(loop, n, x)]));
  }
  #size(loop: Var, name: string, x: unknown): Node | "rest" {
    if (x === "rest") return x;
    const node = isExpr(x) ? x.node : isCount(x) ? int(x) : undefined;
    const n = node && constInt(node);
    const sizes = new Set(this.func.sizes);
    if (node?.dtype === "i32" && (n === undefined || isCount(n)) && speaksOnlyOf(node, sizes)) return node;
    return badArgument(
      this.func,
      "partition",
      `part ${name} of loop ${loop.name} is ${isExpr(x) ? x.toString() : describe(x)}, not a positive whole number, an expression of sizes or "rest"`,
      ["1", ...this.func.sizes.map((v) => `${v.name}.div(2)`), '"rest"'],
    );
  }
}

const isCount = (x: unknown): x is number => typeof x === "number" && Number.isInteger(x) && x > 0 && x < 2 ** 31;
function speaksOnlyOf(e: Node, known: ReadonlySet<Var>): boolean {
  let only = true;
  visitExpr(e, (x) => {
    if (x.kind === "var" ? !known.has(x) : x.kind !== "const" && x.kind !== "op") only = false;
  });
  return only;
}

/** A recorded condition, read back. */
function condition(s: Schedule<unknown>, a: Args): Condition {
  const loops = [...treeOf(s.func).loops.keys()].flatMap((v): [string, Var][] => {
    const ref = s.refOf(loopHandle(v));
    return ref === undefined ? [] : [[ref, v]];
  });
  return new Cond(exprFromJson(a.get<Json>("condition"), new Map(loops), s.func));
}
function parts(s: Schedule<unknown>, a: Args): Record<string, PartSize> {
  const given = Object.entries(a.get<{ readonly [n: string]: Json }>("parts"));
  const size = (x: Json): PartSize =>
    x === "rest" || typeof x === "number" ? x : new Expr<"i32">(exprFromJson(x, new Map(), s.func));
  return Object.fromEntries(given.map(([n, x]) => [n, size(x)]));
}

export const branchReplay: Replay = {
  specialize: { args: { loop: TEXT, condition: ANY }, again: (s, a) => s.specialize(a.loop(), condition(s, a)) },
  partition: { args: { loop: TEXT, parts: RECORD }, again: (s, a) => s.partition(a.loop(), parts(s, a)) },
};

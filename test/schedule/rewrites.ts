// biome-ignore-all lint/suspicious/noExplicitAny: programs are built from data, so no static type can follow them
/**
 * Programs that say what an intrinsic says in other words: operands commute, axes are renamed, reordered and joined by axes of one
 * step, reads are offset, layouts differ, values are converted in several steps.
 */
import { type Loop, type Schedule, schedule } from "../../schedule/index.ts";
import { isLossless } from "../../src/arith/index.ts";
import {
  constInt,
  type DType,
  type Intrinsic,
  intrinsicParts,
  type Expr as Node,
  type OpName,
  op,
  opInfo,
  widened,
} from "../../src/ir/index.ts";
import { compute, Expr, placeholder, sum } from "../../te/index.ts";
import type { Random } from "./random.ts";

export interface Rewritten {
  readonly s: Schedule<any>;
  readonly tensor: any;
  /** The outermost loop of the nest. */
  readonly loop: Loop;
}
/** What is made wrong on purpose. */
export type Slip = "operand" | "sign" | "dtype" | "result stride" | "operand stride" | "extent" | "operation";

const ROWS = 3;
const STEPS = 2;
const wrap = (n: Node): any => new Expr(n);

/** Dtypes whose values are all values of `d`, `d` first. */
const within = (d: DType): DType[] => [
  d,
  ...(d === "i8" || d === "u8" ? [] : DTYPES.filter((x) => x !== d && isLossless(x, d))),
];
const DTYPES = ["i8", "u8", "i16", "u16", "i32", "f32", "f64"] as const;

export function rewriteOf(x: Intrinsic, r: Random, slip?: Slip): Rewritten {
  const { reduction } = intrinsicParts(x.body);
  const accumulated = reduction === undefined;
  const spatial = x.axes.map((a) => ({ name: `s${a.var.name}`, var: a.var, extent: a.extent }));
  const reduced = (reduction?.axes ?? []).map((a) => ({
    name: `r${a.var.name}`,
    var: a.var,
    extent: constInt(a.extent)!,
  }));
  if (slip === "extent") spatial[0]!.extent *= 2;
  // with the axes in what order, and where axes of one step
  const order = [...spatial];
  const unit = r.below(3) === 0;
  const names = slip === "result stride" ? [...order.map((a) => a.name), "row"] : ["row", ...order.map((a) => a.name)];
  const extents: Record<string, number> = { row: ROWS, ...Object.fromEntries(order.map((a) => [a.name, a.extent])) };
  const axes: Record<string, number> = {};
  for (const n of names) axes[n] = extents[n]!;
  if (unit) axes.one = 1;
  const inner: Record<string, number> = { step: STEPS };
  const list = r.below(2) === 0 ? reduced : [...reduced].reverse();
  for (const a of list) inner[a.name] = a.extent;
  if (r.below(3) === 0) inner.none = 1;

  const stored = new Map<string, { tensor: any; offset: number; dtype: DType }>();
  const mine = x.operands.filter((o) => !isAccumulator(x, o.name));
  for (const o of mine) {
    const offset = r.below(3) === 0 ? r.below(5) : 0;
    const dtype = o.range ? o.dtype : r.pick(within(o.dtype));
    const given: DType =
      slip === "dtype" && o === mine[0] ? (o.dtype === "f32" ? "f64" : o.dtype === "f64" ? "f32" : "i32") : dtype;
    const shape = o.buffer.shape.map((e) => constInt(e)!);
    if (slip === "extent") for (const d of shape.keys()) shape[d] = shape[d]! * 2;
    const last = shape.length - 1;
    const far = slip === "operand stride" && o === mine[0] ? 9 : 1;
    shape[last] = shape[last]! * far;
    shape[0] = shape[0]! + offset;
    stored.set(o.name, { tensor: placeholder(`X${o.name}`, [ROWS, STEPS, ...shape], given), offset, dtype: given });
  }

  const commute = (args: Node[], name: OpName): Node[] =>
    opInfo(name).commutative && args.length === 2 && r.below(2) === 0 ? [args[1]!, args[0]!] : args;
  const inSteps = (e: Node, d: DType): Node => {
    const between = (["i16", "i32", "i64", "f64"] as const).filter((m) => isLossless(e.dtype, m) && isLossless(m, d));
    const via = between.length > 0 && r.below(2) === 0 ? r.pick(between) : e.dtype;
    let v = wrap(e);
    if (via !== v.dtype) v = v.cast(via);
    return (v.dtype === d ? v : v.cast(d)).node;
  };
  /** The semantics over the program's axes. */
  const build = (e: Node, at: ReadonlyMap<unknown, any>, step: any): Node => {
    if (e.kind === "load") {
      const name = x.operands.find((o) => o.buffer === e.buffer)!.name;
      const { tensor, offset, dtype } = stored.get(name)!;
      const far = slip === "operand stride" && name === mine[0]!.name ? 9 : 1;
      const index = e.index.map((i, d) => {
        const v = wrap(translate(i, at));
        const spread = d === e.index.length - 1 ? v.mul(far) : v;
        return d === 0 ? spread.add(offset) : spread;
      });
      const value = tensor.at(at.get("row"), step, ...index);
      const wanted = e.dtype;
      if (slip === "dtype" && name === mine[0]!.name) return value.node;
      return dtype === wanted ? value.node : inSteps(value.node, wanted);
    }
    if (e.kind !== "op") return e;
    if (e.op === "cast") {
      const inside = e.args[0]!;
      const v = build(inside, at, step);
      return v.dtype === e.dtype ? v : inSteps(v, e.dtype);
    }
    const args = e.args.map((a) => build(a, at, step));
    if (slip === "dtype" && args.some((a) => a.dtype !== args[0]!.dtype)) {
      const d = args.find((a) => a.dtype !== x.dtype)?.dtype ?? x.dtype;
      return op(
        e.op,
        args.map((a) => wrap(a).cast(d).node),
      );
    }
    // a product of two values that were widened, said in one word
    const [a, b] = args as [Node, Node];
    const narrow = (n: Node): Node | undefined => (n.kind === "op" && n.op === "cast" ? n.args[0] : undefined);
    const [na, nb] = [narrow(a), b && narrow(b)];
    if (e.op === "mul" && na && nb && na.dtype === nb.dtype && widened(na.dtype) === e.dtype && r.below(2) === 0)
      return op("widenMul", commute([na, nb], "mul"));
    return op(e.op, commute(args, e.op));
  };
  const term = (at: ReadonlyMap<unknown, any>, step: any): any => {
    const value = accumulated ? addend(x) : reduction!.values[0]!;
    let e = wrap(build(value, at, step));
    if (e.dtype !== x.dtype) e = e.cast(x.dtype);
    if (slip === "sign") e = e.neg();
    if (slip === "operation") e = e.max(1);
    if (slip === "operand")
      e = e.add(
        stored
          .get(mine[0]!.name)!
          .tensor.at(0, 0, ...mine[0]!.buffer.shape.map(() => 0))
          .cast(x.dtype),
      );
    return e;
  };
  const C: any = (compute as any)("C", axes, (ax: any) =>
    (sum as any)(inner, (ra: any) => {
      const at = new Map<unknown, any>([["row", ax.row]]);
      for (const a of spatial) at.set(a.var, ax[a.name]);
      for (const a of reduced) at.set(a.var, ra[a.name]);
      return term(at, ra.step);
    }),
  );
  const s: Schedule<any> = schedule(C) as any;
  const loops = s.loops(C) as unknown as Record<string, Loop>;
  const nest = [...order, ...reduced].map((a) => loops[a.name]!);
  if (unit) nest.push(loops.one!);
  for (let i = nest.length - 1; i > 0; i--) {
    const k = r.below(i + 1);
    [nest[i], nest[k]] = [nest[k]!, nest[i]!];
  }
  const rest = s.loopList(C).filter((l) => !nest.includes(l));
  s.reorder(...rest, ...nest);
  return { s, tensor: C, loop: nest[0]! };
}

/** An operand that the sum of the program is. */
export function isAccumulator(x: Intrinsic, name: string): boolean {
  const { accumulator } = intrinsicParts(x.body);
  if (accumulator) return accumulator.buffer.name === name;
  return (
    x.body.kind === "op" &&
    x.body.op === "add" &&
    x.body.args[0]!.kind === "load" &&
    x.body.args[0]!.buffer.name === name
  );
}
const addend = (x: Intrinsic): Node => (x.body as Node & { kind: "op" }).args[1]!;

/** An index over the intrinsic's axes, over the program's. */
function translate(e: Node, at: ReadonlyMap<unknown, any>): Node {
  if (e.kind === "var") return at.get(e).node;
  if (e.kind !== "op") return e;
  return op(
    e.op,
    e.args.map((a) => translate(a, at)),
    e.dtype,
  );
}

/** Evaluates expressions of scalars and vectors on the semantics table, and rewrites them as a contracting target would. */
import {
  compileOp,
  type Expr,
  isFloat,
  mapExpr,
  normalize,
  op,
  type Scalar,
  type Var,
  visitExpr,
} from "../../src/ir/index.ts";

type Fn = (a: Scalar, b: Scalar, c: Scalar) => Scalar;

/** A scalar expression of the variables as a function: each distinct node is computed once, in order. */
export function compileScalar(e: Expr, vars: readonly Var[]): (...values: Scalar[]) => Scalar {
  const order: Expr[] = [];
  const seen = new Set<Expr>();
  const visit = (x: Expr): void => {
    if (seen.has(x)) return;
    seen.add(x);
    if (x.kind === "op") for (const a of x.args) visit(a);
    order.push(x);
  };
  visit(e);
  const slot = new Map(order.map((x, i) => [x, i]));
  const fns: Fn[] = [];
  const lines = order.map((x, i) => {
    switch (x.kind) {
      case "const":
        return `const t${i} = ${typeof x.value === "bigint" ? `${x.value}n` : Object.is(x.value, -0) ? "-0" : x.value};`;
      case "var":
        return `const t${i} = values[${vars.indexOf(x)}];`;
      case "op": {
        const a = x.args.map((k) => `t${slot.get(k)}`);
        const round = (s: string): string => (x.dtype === "f32" ? `Math.fround(${s})` : s);
        if (x.dtype === "f32" || x.dtype === "f64") {
          const infix = { add: "+", sub: "-", mul: "*", div: "/" }[x.op as string];
          if (infix !== undefined) return `const t${i} = ${round(`${a[0]} ${infix} ${a[1]}`)};`;
        }
        fns.push(
          compileOp(
            x.op,
            x.dtype,
            x.args.map((k) => k.dtype),
          ),
        );
        return `const t${i} = fns[${fns.length - 1}](${a.join(", ")});`;
      }
      default:
        throw new Error(`${x.kind} in a scalar expression`);
    }
  });
  const make = new Function("fns", `return (...values) => { ${lines.join("\n")}\nreturn t${order.length - 1}; }`);
  return make(fns) as (...values: Scalar[]) => Scalar;
}

/** The lanes of an expression; variables are given as lists of lanes, loads by a function. */
export function evaluateLanes(
  e: Expr,
  vars: ReadonlyMap<Var, readonly Scalar[]>,
  load: (e: Expr & { kind: "load" }, index: readonly Scalar[][]) => Scalar[] = () => {
    throw new Error("a load");
  },
): Scalar[] {
  const memo = new Map<Expr, Scalar[]>();
  const go = (x: Expr): Scalar[] => {
    const old = memo.get(x);
    if (old !== undefined) return old;
    const r = compute(x);
    if (r.length !== x.lanes) throw new Error(`${x.kind} of ${x.lanes} lanes gave ${r.length}`);
    memo.set(x, r);
    return r;
  };
  const compute = (x: Expr): Scalar[] => {
    switch (x.kind) {
      case "const":
        return [x.value];
      case "var":
        return [...vars.get(x)!];
      case "broadcast":
        return new Array<Scalar>(x.lanes).fill(go(x.value)[0]!);
      case "ramp": {
        const f = (i: number): Scalar =>
          normalize(x.dtype, BigInt(go(x.base)[0]!) + BigInt(i) * BigInt(go(x.stride)[0]!));
        return Array.from({ length: x.lanes }, (_, i) => f(i));
      }
      case "shuffle": {
        const all = x.vectors.flatMap(go);
        return x.picks.map((p) => all[p]!);
      }
      case "op": {
        const args = x.args.map(go);
        const f = compileOp(
          x.op,
          x.dtype,
          x.args.map((k) => k.dtype),
        );
        return Array.from({ length: x.lanes }, (_, i) => f(args[0]![i]!, args[1]?.[i] ?? 0, args[2]?.[i] ?? 0));
      }
      case "load":
        return load(x, x.index.map(go));
      case "reduce":
      case "call":
        throw new Error(`a ${x.kind}`);
      default:
        return x satisfies never;
    }
  };
  return go(e);
}

/**
 * Float adds and subs of a product as fused multiply-adds: all of them, which is as far as a contracting compiler could
 * possibly go, or those that `choose` picks.
 */
export function contract(e: Expr, choose: () => boolean = () => true): Expr {
  const isProduct = (x: Expr): x is Expr & { kind: "op" } => x.kind === "op" && x.op === "mul";
  const neg = (x: Expr): Expr => op("neg", [x]);
  return mapExpr(e, (x) => {
    if (x.kind !== "op" || !isFloat(x.dtype) || (x.op !== "add" && x.op !== "sub") || !choose()) return x;
    const [a, b] = x.args as [Expr, Expr];
    if (x.op === "add" && isProduct(a)) return op("fma", [a.args[0]!, a.args[1]!, b]);
    if (isProduct(b)) return op("fma", [x.op === "sub" ? neg(b.args[0]!) : b.args[0]!, b.args[1]!, a]);
    if (x.op === "sub" && isProduct(a)) return op("fma", [a.args[0]!, a.args[1]!, neg(b)]);
    return x;
  });
}

export function opsIn(e: Expr): Set<string> {
  const out = new Set<string>();
  visitExpr(e, (x) => void (x.kind === "op" && out.add(x.op)));
  return out;
}

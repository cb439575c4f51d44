/** Which loops of a nest are which axes of an intrinsic, and the points that both then count. */
import { constInt, type Expr, type Intrinsic, int, intrinsicParts, type Var } from "../../src/ir/index.ts";
import type { Nest } from "./nest.ts";

/** An axis of an intrinsic: one that its result has, or one that it reduces over. */
export interface Axis {
  readonly var: Var;
  readonly extent: number;
  readonly reduces: boolean;
}
export function axesOf(x: Intrinsic): readonly Axis[] {
  const { reduction } = intrinsicParts(x.body);
  return [
    ...x.axes.map((a) => ({ ...a, reduces: false })),
    ...(reduction?.axes ?? []).map((a) => ({ var: a.var, extent: constInt(a.extent)!, reduces: true })),
  ];
}

/** For each axis the loops that make it up, outermost digit first. */
export type Assignment = ReadonlyMap<Var, readonly { readonly var: Var; readonly extent: number }[]>;
export function* assignments(axes: readonly Axis[], loops: Nest["counted"]): Generator<Assignment> {
  const open = axes.filter((a) => a.extent > 1);
  function* go(d: number, left: Nest["counted"], made: Assignment): Generator<Assignment> {
    const axis = open[d];
    if (axis === undefined) {
      if (left.length === 0) yield made;
      return;
    }
    for (const digits of chains(axis.extent, left))
      yield* go(
        d + 1,
        left.filter((l) => !digits.includes(l)),
        new Map(made).set(axis.var, digits),
      );
  }
  yield* go(0, loops, new Map());
}
/** Sequences of loops whose extents multiply to n. */
function* chains(n: number, loops: Nest["counted"]): Generator<Nest["counted"]> {
  if (n === 1) {
    yield [];
    return;
  }
  for (const l of loops)
    if (n % l.extent === 0)
      for (const rest of chains(
        n / l.extent,
        loops.filter((x) => x !== l),
      ))
        yield [l, ...rest];
}

export interface Point {
  /** Values of axes, for what the semantics say. */
  readonly axes: ReadonlyMap<Var, Expr>;
  /** Values of loops, for what the program says. */
  readonly loops: ReadonlyMap<Var, Expr>;
}
export function pointsOf(axes: readonly Axis[], assignment: Assignment): Point[] {
  let out: Point[] = [{ axes: new Map(), loops: new Map() }];
  for (const a of axes)
    out = out.flatMap((p) =>
      Array.from({ length: a.extent }, (_, x): Point => {
        const loops = new Map(p.loops);
        let rest = x;
        for (const l of [...(assignment.get(a.var) ?? [])].reverse()) {
          loops.set(l.var, int(rest % l.extent));
          rest = Math.floor(rest / l.extent);
        }
        return { axes: new Map(p.axes).set(a.var, int(x)), loops };
      }),
    );
  return out;
}

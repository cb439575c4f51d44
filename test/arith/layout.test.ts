import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  alignedStrides,
  extentsOf,
  foldDimension,
  invertIndex,
  reached,
  simplifyIndex,
} from "../../src/arith/index.ts";
import {
  type Align,
  add,
  buffer,
  compileOp,
  constInt,
  type Expr,
  floordiv,
  floormod,
  int,
  type Layout,
  layoutOf,
  mul,
  physicalIndex,
  type Scalar,
  sub,
  type Var,
  variable,
} from "../../src/ir/index.ts";

type Point = readonly number[];
function* points(shape: readonly number[]): Generator<Point> {
  if (shape.length === 0) return yield [];
  for (const rest of points(shape.slice(0, -1))) for (let i = 0; i < shape.at(-1)!; i++) yield [...rest, i];
}
const compiled = new WeakMap<Expr, (a: Scalar, b: Scalar, c: Scalar) => Scalar>();
function at(e: Expr, vars: readonly Var[], p: Point): number {
  if (e.kind === "const") return Number(e.value);
  if (e.kind === "var") return p[vars.indexOf(e)]!;
  if (e.kind !== "op") throw new Error(`a ${e.kind} in an index`);
  let f = compiled.get(e);
  if (f === undefined) {
    f = compileOp(
      e.op,
      e.dtype,
      e.args.map((x) => x.dtype),
    );
    compiled.set(e, f);
  }
  return Number(f(...(e.args.map((x) => at(x, vars, p)) as [number, number, number])));
}
const all = (es: readonly Expr[], vars: readonly Var[], p: Point): number[] => es.map((e) => at(e, vars, p));

interface Shaped {
  readonly vars: readonly Var[];
  readonly shape: readonly number[];
  readonly index: readonly Expr[];
}
type Step = (list: readonly Expr[], shape: readonly number[]) => readonly Expr[];
/** Steps that people write one after the other, with numbers that pick their arguments. */
const STEPS: readonly ((a: number, n: number) => Step)[] = [
  (a) => (l) => l.map((_, d) => l[(d + a) % l.length]!),
  (a, n) => (l) => l.flatMap((e, d) => (d === a % l.length ? [floordiv(e, int(n)), floormod(e, int(n))] : [e])),
  (a, n) => (l) => {
    const d = a % l.length;
    return [floordiv(l[d]!, int(n)), ...l.filter((_, i) => i !== d), floormod(l[d]!, int(n))];
  },
  (a) => (l, shape) =>
    l.length === shape.length && l.length > 1 && l[0]!.kind === "var"
      ? [...l.slice(2), add(mul(l[0]!, int(shape[1]! + (a % 2))), l[1]!)]
      : l,
  (a) => (l, shape) =>
    l.map((e, d) => (d === a % l.length && e.kind === "var" && d < shape.length ? sub(int(shape[d]! - 1), e) : e)),
  (a, n) => (l) => l.map((e, d) => (d === a % l.length ? add(mul(e, int(n)), int(a)) : e)),
  (a) => (l) => (l.length > 1 ? l.filter((_, d) => d !== a % l.length) : l),
  (a, n) => (l) => l.map((e, d) => (d === a % l.length ? floormod(e, int(n)) : e)),
];
const shaped: fc.Arbitrary<Shaped> = fc
  .tuple(
    fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1, maxLength: 3 }),
    fc.array(fc.tuple(fc.nat(STEPS.length - 1), fc.nat(3), fc.integer({ min: 1, max: 5 })), { maxLength: 3 }),
  )
  .map(([shape, steps]) => {
    const vars = shape.map((_, d) => variable(`i${d}`));
    const index = steps.reduce<readonly Expr[]>((l, [k, a, n]) => STEPS[k]!(a, n)(l, shape), vars);
    return { vars, shape, index };
  });

describe("index maps over boxes", () => {
  test("extents hold every value, and the way back leads to where it came from", () => {
    let inverted = 0;
    let injective = 0;
    fc.assert(
      fc.property(shaped, ({ vars, shape, index }) => {
        const whole = shape.map(int);
        const extents = extentsOf(vars, whole, index).map((e) => e && constInt(e));
        const seen = new Map<string, Point>();
        let clash = false;
        for (const p of points(shape)) {
          const q = all(index, vars, p);
          if (q.some((x, d) => extents[d] !== undefined && !(x >= 0 && x < extents[d])))
            throw new Error(`[${p.join()}] goes to [${q.join()}], outside of [${extents.join()}]`);
          if (seen.has(q.join())) clash = true;
          seen.set(q.join(), p);
        }
        const back = invertIndex(vars, whole, index);
        if (!clash) injective++;
        if (!back) return;
        inverted++;
        expect(clash, "what is inverted keeps indices apart").toBe(false);
        for (const [key, p] of seen) {
          const home = all(back.inverse, back.cells, key.split(",").map(Number));
          if (home.join() !== p.join()) throw new Error(`[${p.join()}] goes to [${key}] and back to [${home.join()}]`);
        }
      }),
      { numRuns: 300, seed: 7 },
    );
    expect(inverted).toBeGreaterThan(0.8 * injective);
  });
  test("reached says which cells hold an element", () => {
    fc.assert(
      fc.property(shaped, ({ vars, shape, index }) => {
        const whole = shape.map(int);
        const extents = extentsOf(vars, whole, index);
        const back = invertIndex(vars, whole, index);
        if (!back || extents.includes(undefined)) return;
        const box = extents.map((e) => constInt(e!)!);
        if (box.reduce((a, b) => a * b, 1) > 3000) return;
        const layout: Layout = { vars, index, shape: extents as Expr[], ...back };
        const cells = new Set([...points(shape)].map((p) => all(index, vars, p).join()));
        const condition = reached(layout, whole);
        for (const q of points(box))
          if ((at(condition, layout.cells, q) !== 0) !== cells.has(q.join()))
            throw new Error(`wrong about [${q.join()}]`);
      }),
      { numRuns: 300 },
    );
  });
  test("symbolic extents", () => {
    const n = variable("n", "i32", { size: { min: 0, max: 1000, multipleOf: 1 } });
    const [i, j] = [variable("i"), variable("j")];
    const map = [floordiv(j, int(8)), i, floormod(j, int(8))];
    const extents = extentsOf([i, j], [n, n], map);
    const back = invertIndex([i, j], [n, n], map)!;
    for (const size of [0, 1, 7, 8, 9]) {
      const [a, b, c] = extents.map((e) => at(e!, [n], [size]));
      expect([a, b, c]).toEqual([Math.ceil(size / 8), size, Math.min(8, 8)]);
    }
    expect(all(back.inverse, back.cells, [2, 5, 3])).toEqual([5, 19]);
    // fused with a size that is known at run time only
    const fused = invertIndex([i, j], [int(4), n], [add(mul(i, n), j)])!;
    expect(all(fused.inverse, [n, ...fused.cells], [6, 17])).toEqual([2, 5]);
    expect(invertIndex([i, j], [int(4), n], [add(mul(i, sub(n, int(1))), j)])).toBeUndefined();
  });
});

describe("folded dimensions", () => {
  test("element i lies where i % factor does, whatever the layout was", () => {
    const b = buffer("B", "f32", [int(10), int(6)]);
    const rows = foldDimension(b, 0, int(3))!;
    expect(rows.layout!.shape.map(constInt)).toEqual([3, 6]);
    const tiled: Layout = (() => {
      const { vars } = layoutOf(b);
      const [y, x] = vars as [Var, Var];
      const index = [floordiv(y, int(4)), x, floormod(y, int(4))];
      const back = invertIndex(vars, b.shape, index)!;
      return { vars, index, shape: [int(3), int(6), int(4)], ...back };
    })();
    const both = foldDimension({ ...b, layout: tiled }, 0, int(6))!;
    expect(both.layout!.shape.map(constInt)).toEqual([2, 6, 4]);
    for (let y = 0; y < 10; y++) {
      const index = [int(y), int(5)];
      expect(physicalIndex(rows, index).map((e) => constInt(simplifyIndex(e)))).toEqual([y % 3, 5]);
      const folded = [Math.floor((y % 6) / 4), 5, (y % 6) % 4];
      expect(physicalIndex(both, index).map((e) => constInt(simplifyIndex(e)))).toEqual(folded);
    }
  });
});

test("strides are the next that their alignment asks for", () => {
  const strides = (shape: number[], align: Align[]): (number | undefined)[] =>
    alignedStrides(shape.map(int), align).map(constInt);
  expect(strides([4, 10, 30], [])).toEqual([300, 30, 1]);
  expect(strides([4, 10, 30], [{ dim: 1, factor: 32, offset: 4 }])).toEqual([360, 36, 1]);
  expect(
    strides(
      [4, 10, 30],
      [
        { dim: 1, factor: 8, offset: 0 },
        { dim: 0, factor: 7, offset: 3 },
      ],
    ),
  ).toEqual([325, 32, 1]);
  expect(strides([4, 3], [{ dim: 1, factor: 4, offset: 2 }])).toEqual([6, 2]);
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 4 }),
      fc.nat(3),
      fc.integer({ min: 1, max: 40 }),
      fc.nat(39),
      (shape, dim, factor, offset) => {
        const d = dim % shape.length;
        const s = strides(shape, [{ dim: d, factor, offset: offset % factor }]) as number[];
        expect(s[d]! % factor).toBe(offset % factor);
        for (let k = 0; k < shape.length; k++)
          expect(s[k]!).toBeGreaterThanOrEqual((s[k + 1] ?? 1) * (shape[k + 1] ?? 1));
      },
    ),
  );
});

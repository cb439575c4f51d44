import { describe, expect, test } from "vitest";
import { verify } from "../../src/ir/index.ts";
import { evaluate, interpret } from "../../src/reference/index.ts";
import {
  add,
  argmax,
  argmin,
  compute,
  constantEdge,
  createFunc,
  dim,
  einsum,
  lit,
  max,
  mirrorEdge,
  placeholder,
  reduce,
  repeatEdge,
  scalar,
  scan,
  select,
  sub,
  sum,
  type Tensor,
  where,
  wrapEdge,
} from "../../te/index.ts";

type Inputs = Parameters<typeof interpret>[1];
type Options = Parameters<typeof evaluate>[2];

/** The values of a tensor: by its loops, which must agree with its definition. */
function valuesOf(t: Tensor, inputs: Inputs, options: Options = {}): (number | bigint)[] {
  const { func } = createFunc([t]);
  verify(func, "scheduled");
  const got = [...interpret(func, inputs, options)[t.name]!];
  expect(got).toEqual([...evaluate(t, inputs, options)]);
  return got;
}
const n = dim("n");
const x = placeholder("x", [n]);
const few = { x: new Float32Array([1, 2, 3]) };
const sizes = { sizes: { n: 3 } };

describe("edges", () => {
  const around = (edge: { at: typeof x.at }) =>
    valuesOf(compute("y", { i: 9 }, ({ i }) => edge.at(i.sub(3))) as Tensor, few, sizes);
  test("constant", () => expect(around(constantEdge(x, 9))).toEqual([9, 9, 9, 1, 2, 3, 9, 9, 9]));
  test("repeat", () => expect(around(repeatEdge(x))).toEqual([1, 1, 1, 1, 2, 3, 3, 3, 3]));
  test("wrap", () => expect(around(wrapEdge(x))).toEqual([1, 2, 3, 1, 2, 3, 1, 2, 3]));
  test("mirror", () => expect(around(mirrorEdge(x))).toEqual([3, 2, 1, 1, 2, 3, 3, 2, 1]));
  test("mirror, the edge once", () => {
    expect(around(mirrorEdge(x, { edge: "once" }))).toEqual([2, 3, 2, 1, 2, 3, 2, 1, 2]);
  });
  test("of an empty tensor", () => {
    for (const e of [repeatEdge(x), wrapEdge(x), mirrorEdge(x)]) {
      const y = compute("y", { i: 2 }, ({ i }) => e.at(i));
      expect(valuesOf(y, { x: new Float32Array(0) }, { sizes: { n: 0 } })).toEqual([0, 0]);
    }
  });
});

describe("argmin and argmax", () => {
  const z = placeholder("z", [6]);
  const most = compute("most", [], () => argmax({ k: 6 }, ({ k }) => z.at(k)));
  const least = compute("least", [], () => argmin({ k: 6 }, ({ k }) => z.at(k)));
  const at = (t: Tensor, ...v: number[]) => valuesOf(t, { z: new Float32Array(v) })[0];
  test("the first of equals", () => {
    expect(at(most, 1, 5, 5, 2, 5, 0)).toBe(1);
    expect(at(least, 1, 0, -0, 2, 0, 0)).toBe(1);
  });
  test("a NaN beats all, the first one", () => {
    expect(at(most, 1, 5, Number.NaN, Number.POSITIVE_INFINITY, Number.NaN, 0)).toBe(2);
    expect(at(least, 1, 5, Number.NaN, Number.NEGATIVE_INFINITY, Number.NaN, 0)).toBe(2);
  });
  test("infinities alone", () => {
    const inf = Number.POSITIVE_INFINITY;
    expect(at(most, -inf, -inf, -inf, -inf, -inf, -inf)).toBe(0);
    expect(at(least, inf, inf, inf, inf, inf, inf)).toBe(0);
  });
  test("several axes give the row-major index", () => {
    const m = placeholder("m", [2, 3], "i8");
    const t = compute("t", [], () => argmax({ i: 2, j: 3 }, ({ i, j }) => m.at(i, j)));
    expect(valuesOf(t, { m: new Int8Array([1, 2, 3, 4, 9, 9]) })).toEqual([4]);
  });
});

test("conditions, several reductions and results", () => {
  const r = compute("r", { i: n }, ({ i }) => {
    const before = sum({ k: n }, ({ k }) => x.at(k), { where: ({ k }) => k.lt(i) });
    return { before, both: before.mul(10).add(max({ q: n }, ({ q }) => x.at(q))) };
  });
  expect(valuesOf(r.before, few, sizes)).toEqual([0, 1, 3]);
  expect(valuesOf(r.both, few, sizes)).toEqual([3, 13, 33]);
});
test("a reduction of one's own", () => {
  const [first] = [
    compute("spread", [], () => {
      const [lo, hi] = reduce(
        { k: n },
        {
          values: ({ k }) => [x.at(k), x.at(k)],
          combine: (a, b) => [a[0].min(b[0]), a[1].max(b[1])],
          identity: [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY],
        },
      );
      return sub(hi, lo);
    }),
  ];
  expect(valuesOf(first, few, sizes)).toEqual([2]);
});
test("scan: sums so far, and two states at once", () => {
  const s = scan("s", { t: n }, {}, { init: () => x.at(0), step: ({ t }, prev) => prev().add(x.at(t)) });
  expect(valuesOf(s, few, sizes)).toEqual([1, 3, 6]);
  const init = () => ({ a: lit(0, "i32"), b: lit(1, "i32") });
  const f = scan("f", { t: 8 }, {}, { init, step: (_, p) => ({ a: p.b(), b: p.a().add(p.b()) }) });
  expect(valuesOf(f.a, {})).toEqual([0, 1, 1, 2, 3, 5, 8, 13]);
});
test("scan: a step reads its neighbours", () => {
  const life = scan(
    "life",
    { t: 3 },
    { i: 5 },
    {
      init: ({ i }) => select(i.eq(2), lit(1, "i32"), 0),
      step: ({ i }, prev) => add(prev(i), where(i.ge(1), prev({ i: i.sub(1) }), 0), where(i.lt(4), prev(i.add(1)), 0)),
    },
  );
  expect(valuesOf(life, {})).toEqual([0, 0, 1, 0, 0, 0, 1, 1, 1, 0, 1, 2, 3, 2, 1]);
});
test("einsum with a batch axis and a repeated one", () => {
  const a = placeholder("a", [2, 2, 2], "i32");
  const e = einsum("e", "b i i -> b", a);
  expect(valuesOf(e, { a: new Int32Array([1, 2, 3, 4, 5, 6, 7, 8]) })).toEqual([5, 13]);
});
test("every operation builds, in a dtype that has it", () => {
  const f = placeholder("f", [4]);
  const i = placeholder("i", [4], "i16");
  const inputs = { f: new Float32Array([0.5, 1, 2, 3]), i: new Int16Array([1, -2, 300, 32767]) };
  const c = scalar("c");
  const t = compute("t", { k: 4 }, ({ k }) => {
    const [y, w] = [f.at(k), i.at(k)];
    return {
      f: add(
        y.exp().log().sqrt().rsqrt().tanh().sigmoid().erf().sin().cos(),
        y.pow(2).floor().ceil().round().trunc().abs().neg(),
        y.pmin(1).pmax(0).fma(2, c).div(3).clamp(-1, 1).min(5).max(-5).sub(1),
      ),
      i: w
        .addSat(1)
        .subSat(2)
        .mulSat(3)
        .halvingAdd(4)
        .roundingHalvingAdd(5)
        .roundingShr(1)
        .roundingMulQ(16384)
        .mod(7)
        .div(2),
      w: w
        .widenAdd(1)
        .add(w.widenSub(1))
        .add(w.widenMul(2))
        .truncDiv(3)
        .rem(1000)
        .xor(5)
        .and(255)
        .or(256)
        .shl(1)
        .shr(2)
        .not(),
      n: w.satCast("u8").add(w.cast("u8")),
      b: w
        .lt(3)
        .and(w.ge(0))
        .or(w.eq(300))
        .xor(w.ne(1))
        .not()
        .and(w.le(4).or(w.gt(1000))),
      bits: y.bitcast("i32"),
    };
  });
  for (const r of Object.values(t)) valuesOf(r, inputs, { scalars: { c: 1 } });
  const options = { scalars: { c: 1 } };
  expect(valuesOf(t.n, inputs, options)).toEqual([2, 254, 255 + 44 - 256, 254]);
  expect(valuesOf(t.bits, inputs, options)[1]).toBe(0x3f800000);
});

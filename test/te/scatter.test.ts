import { describe, expect, test } from "vitest";
import { schedule } from "../../schedule/index.ts";
import { compile } from "../../src/index.ts";
import { verify } from "../../src/ir/index.ts";
import { evaluate, evaluateWithBound, interpret } from "../../src/reference/index.ts";
import * as te from "../../te/index.ts";
import { illegal, nest, same } from "../schedule/helper.ts";

const { asserted, compute, createFunc, dim, lit, placeholder, scalar, scatter, select } = te;

type Inputs = Parameters<typeof interpret>[1];
type Options = Parameters<typeof evaluate>[2];

/** The values of a tensor: by its definition, by its loops, and compiled; all must agree. */
async function valuesOf(t: te.Tensor, inputs: Inputs, options: Options = {}): Promise<(number | bigint)[]> {
  const { func } = createFunc([t]);
  verify(func, "scheduled");
  const used = Object.fromEntries(func.inputs.map((b) => [b.name, inputs[b.name]!]));
  const want = [...evaluate(t, used, options)];
  expect([...interpret(func, inputs, options)[t.name]!]).toEqual(want);
  const kernel = await compile(t);
  expect([...(kernel({ ...used, ...options.sizes, ...options.scalars } as never) as Iterable<number>)]).toEqual(want);
  return want;
}
const img = placeholder("img", { y: 2, x: 4 }, "u8");
const pixels = { img: new Uint8Array([3, 1, 3, 200, 0, 3, 1, 255]) };
const codes = placeholder("codes", { i: 6 }, "i32");
const X = placeholder("X", { i: 6 });
const six = { codes: new Int32Array([2, 0, 2, -1, 3, 2]), X: new Float32Array([1, 2, 3, 4, 5, 6]) };

describe("what it computes", () => {
  const one = lit(1, "i32");
  test("a histogram", async () => {
    const H = scatter("H", { bin: 4 }, { y: 2, x: 4 }, ({ y, x }) => ({ at: [img.at(y, x).cast("i32")], value: one }));
    // 200 and 255 have no bin
    expect(await valuesOf(H, pixels)).toEqual([1, 2, 0, 3]);
    expect(nest(schedule(H))).toMatchInlineSnapshot(`
      "for y in 2:
        for x in 4:
          block H(vy (reduce) = y, vx (reduce) = x):
            init:
              for bin in 4:
                H[bin] = 0
            let bin_1 = i32(img[vy, vx])
            if bin_1 >= 0 & bin_1 < 4:
              H[bin_1] = H[bin_1] + 1"
    `);
  });
  test("where every position is a bin, nothing is tested", () => {
    const H = scatter("H", { bin: 256 }, { y: 2, x: 4 }, ({ y, x }) => ({
      at: { bin: img.at(y, x).cast("i32") },
      value: one,
    }));
    expect(nest(schedule(H))).not.toMatch(/if/);
  });
  test("a row each: an axis that is a position of its own is independent", async () => {
    const R = scatter("R", { y: 2, bin: 4 }, { y: 2, x: 4 }, ({ y, x }) => ({
      at: { bin: img.at(y, x).cast("i32"), y },
      value: one,
    }));
    expect(await valuesOf(R, pixels)).toEqual([0, 1, 0, 2, 1, 1, 0, 1]);
    expect(nest(schedule(R))).toMatch(/block R\(vy = y, vx \(reduce\) = x\)/);
  });
  test("along part of an axis, it is a reduction", async () => {
    const R = scatter("R", { y: 3 }, { y: 2, x: 4 }, ({ y, x }) => ({ at: [y], value: img.at(y, x).cast("i32") }));
    expect(await valuesOf(R, pixels)).toEqual([207, 259, 0]);
    expect(nest(schedule(R))).toMatch(/vy \(reduce\) = y/);
  });
  test("scatter-add onto a base, with points left out", async () => {
    const base = placeholder("base", { k: 4 });
    const S = scatter("S", { k: 4 }, { i: 6 }, ({ i }) => ({ at: [codes.at(i)], value: X.at(i) }), {
      init: ({ k }) => base.at(k),
      where: ({ i }) => X.at(i).lt(6),
    });
    expect(await valuesOf(S, { ...six, base: new Float32Array([10, 20, 30, 40]) })).toEqual([12, 20, 34, 45]);
  });
  test.each([
    ["max", [2, -Infinity, 6, 5]],
    ["min", [2, Infinity, 1, 5]],
    ["prod", [2, 1, 18, 5]],
  ] as const)("%s", async (combine, want) => {
    const S = scatter("S", { k: 4 }, { i: 6 }, ({ i }) => ({ at: [codes.at(i)], value: X.at(i) }), { combine });
    expect(await valuesOf(S, six)).toEqual(want);
  });
  test("what elements start as takes part", async () => {
    const alpha = scalar("alpha");
    const [a, b] = [5.5, alpha].map((init) =>
      scatter("S", { k: 4 }, { i: 6 }, ({ i }) => ({ at: [codes.at(i)], value: X.at(i) }), { combine: "max", init }),
    );
    expect(await valuesOf(a!, six)).toEqual([5.5, 5.5, 6, 5.5]);
    expect(await valuesOf(b!, six, { scalars: { alpha: 3 } })).toEqual([3, 3, 6, 5]);
  });
  test("bool, and a combiner of one's own", async () => {
    const any = scatter("any", { k: 4 }, { i: 6 }, ({ i }) => ({ at: [codes.at(i)], value: X.at(i).gt(4) }), {
      combine: "any",
    });
    expect(await valuesOf(any, six)).toEqual([0, 0, 1, 1]);
    const most = scatter("most", { k: 4 }, { i: 6 }, ({ i }) => ({ at: [codes.at(i)], value: X.at(i) }), {
      combine: { name: "most", combine: (a, b) => select(a.abs().gt(b.abs()), a, b), identity: 0 },
    });
    expect(await valuesOf(most, six)).toEqual([2, 0, 6, 5]);
  });
  test("several computed positions, some by arithmetic on data that wraps around", async () => {
    const G = scatter("G", { a: 3, b: 2 }, { i: 6 }, ({ i }) => ({
      at: [
        codes
          .at(i)
          .mul(2 ** 30)
          .mul(4)
          .add(codes.at(i)),
        i.mod(2),
      ],
      value: lit(1, "u8"),
    }));
    expect(await valuesOf(G, six)).toEqual([0, 1, 0, 0, 2, 1]);
  });
  test("a position that data don't decide is tested too", async () => {
    const G = scatter("G", { a: 7 }, { i: 6 }, ({ i }) => ({ at: [i.mul(2).sub(2)], value: X.at(i) }));
    expect(await valuesOf(G, six)).toEqual([2, 0, 3, 0, 4, 0, 5]);
  });
  test("asserted positions are not", () => {
    const G = scatter("G", { a: 7 }, { i: 6 }, ({ i }) => ({ at: [asserted(codes.at(i))], value: X.at(i) }));
    expect(nest(schedule(G))).not.toMatch(/if/);
  });
  test("symbolic sizes, also of nothing", async () => {
    const [n, m] = [dim("n"), dim("m")];
    const [p, v] = [placeholder("p", [n], "i32"), placeholder("v", [n], "i16")];
    const G = scatter("G", { k: m }, { i: n }, ({ i }) => ({ at: [p.at(i)], value: v.at(i) }));
    const inputs = { p: new Int32Array([1, 1, 9]), v: new Int16Array([5, 6, 7]) };
    expect(await valuesOf(G, inputs, { sizes: { n: 3, m: 2 } })).toEqual([0, 11]);
    expect(await valuesOf(G, inputs, { sizes: { n: 3, m: 0 } })).toEqual([]);
    const none = { p: new Int32Array(0), v: new Int16Array(0) };
    expect(await valuesOf(G, none, { sizes: { n: 0, m: 2 } })).toEqual([0, 0]);
  });
  test("the value is read only where the position is inside", async () => {
    const table = placeholder("table", { k: 4 });
    const G = scatter("G", { k: 4 }, { i: 8 }, ({ i }) => ({ at: [i.sub(2)], value: table.at(i.sub(2)) }));
    expect(await valuesOf(G, { table: new Float32Array([1, 2, 3, 4]) })).toEqual([1, 2, 3, 4]);
  });
  test("bounds: sums may be rounded in any order, positions by rounded values are uncertain", () => {
    const S = scatter("S", { k: 4 }, { i: 6 }, ({ i }) => ({ at: [codes.at(i)], value: X.at(i).mul(0.1) }));
    const { bound } = evaluateWithBound(S, six);
    expect(bound[2]).toBeGreaterThan(0);
    expect(bound[2]).toBeLessThan(1e-6);
    expect(bound[1]).toBe(0);
    const total = compute("total", {}, () => te.sum({ i: 6 }, ({ i }) => X.at(i).mul(0.1)));
    const U = scatter("U", { k: 4 }, { i: 6 }, () => ({
      at: [total.at().mul(10).sub(19).cast("i32")],
      value: lit(1, "i32"),
    }));
    expect(evaluateWithBound(U, { X: six.X }).bound[0]).toBe(Infinity);
  });
  test("read by what follows", async () => {
    const H = scatter("H", { bin: 256 }, { y: 2, x: 4 }, ({ y, x }) => ({
      at: [img.at(y, x).cast("i32")],
      value: lit(1, "i32"),
    }));
    const D = compute("D", { y: 2, x: 4 }, ({ y, x }) => H.at(img.at(y, x).cast("i32")));
    expect(await valuesOf(D, pixels)).toEqual([3, 2, 3, 1, 1, 3, 2, 1]);
  });
});

describe("schedules", () => {
  const big = placeholder("big", { y: 6, x: 10 }, "u8");
  const H = scatter("H", { bin: 8 }, { y: 6, x: 10 }, ({ y, x }) => ({
    at: [big.at(y, x).cast("i32")],
    value: big.at(y, x).cast("f32"),
  }));
  const R = scatter("R", { y: 6, bin: 8 }, { y: 6, x: 10 }, ({ y, x }) => ({
    at: [y, big.at(y, x).cast("i32")],
    value: lit(1, "u16"),
  }));
  test("loops split, fuse, change places; a sum of floats may round differently then", () => {
    const s = schedule(H);
    const { y, x } = s.loops(H);
    const { xo, xi } = s.split(x, { xo: "rest", xi: 4 });
    s.unroll(xi);
    s.reorder(xo, y);
    expect(s.trace.map((t) => t.reassociates === true)).toEqual([false, false, true]);
    same(s, createFunc([H]).func);
  });
  test("the init becomes loops of its own, over all of the result", () => {
    const s = schedule(R);
    const init = s.decomposeReduction(R, s.loops(R).x);
    const loops = s.loopList(init).map((l) => l.name);
    expect(loops).toEqual(["y", "bin"]);
    s.vectorize(s.loopList(init)[1]!);
    expect(nest(s)).toMatchInlineSnapshot(`
      "for y in 6:
        vectorized bin in 8:
          block R.init(vy = y, vbin = bin):
            R[vy, vbin] = u16(0)
        for x in 10:
          block R(vy_1 = y, vx (reduce) = x):
            let bin_1 = i32(big[vy_1, vx])
            if bin_1 >= 0 & bin_1 < 8:
              R[vy_1, bin_1] = R[vy_1, bin_1] + u16(1)"
    `);
    same(s, createFunc([R]).func);
  });
  test("points that meet in one element are no vector", () => {
    const s = schedule(H);
    const e = illegal(s, () => s.vectorize(s.loops(H).x));
    expect(e.message).toMatch(/vectorize, condition 4: loop x carries the reduction of H/);
  });
  test("rows are: a row per lane, and computed where they are read", () => {
    const cdf = compute("cdf", { y: 6, bin: 8 }, ({ y, bin }) => R.at(y, bin).mul(2));
    const s = schedule(cdf);
    s.computeAt(R, s.loops(cdf).y);
    same(s, createFunc([cdf]).func);
    expect(nest(s)).toMatch(/for y in 6:\n {2}for x in 10:\n {4}block R\(vy = y/);
    const v = schedule(R);
    v.vectorize(v.loops(R).y);
    same(v, createFunc([R]).func);
  });
  test("nothing that the init reads may come after it", () => {
    const base = placeholder("base", { bin: 8 });
    const start = compute("start", { bin: 8 }, ({ bin }) => base.at(bin).add(1));
    const S = scatter(
      "S",
      { bin: 8 },
      { y: 6, x: 10 },
      ({ y, x }) => ({ at: [big.at(y, x).cast("i32")], value: lit(1, "f32") }),
      {
        init: ({ bin }) => start.at(bin),
      },
    );
    const s = schedule(S);
    expect(illegal(s, () => s.computeAt(start, s.loops(S).y)).code).toBe("computeAt.init");
    s.computeInline(start);
    same(s, createFunc([S]).func);
  });
});

describe("errors", () => {
  // biome-ignore lint/suspicious/noExplicitAny: the point is to get past the types
  const loose: any = te;
  // biome-ignore lint/suspicious/noExplicitAny: as above
  const make = (body: unknown, options?: unknown, axes: unknown = { k: 4 }, over: unknown = { i: 6 }): any =>
    loose.scatter("S", axes, over, body, options);
  const good = ({ i }: { i: te.Axis }) => ({ at: [codes.at(i)], value: X.at(i) });
  const cases: readonly (readonly [string, te.TeErrorCode, RegExp, () => unknown])[] = [
    ["no body", "te.body", /body of scatter "S" is undefined/, () => make(undefined)],
    [
      "an expression as body",
      "te.body",
      /body of scatter "S" returned an object: expected \{ at/,
      () => make(() => X.at(0)),
    ],
    ["nothing as body", "te.body", /returned undefined: expected/, () => make(() => {})],
    ["no value", "te.body", /expected \{ at: \[A\.at\(i\)\], value/, () => make(() => ({ at: [0] }))],
    ["a number as value", "te.body", /value of "S" returned number 1/, () => make(() => ({ at: [0], value: 1 }))],
    ["something else beside", "te.body", /no option "when"/, () => make(() => ({ at: [0], value: X.at(0), when: 1 }))],
    [
      "too many positions",
      "te.rank",
      /position of scatter "S" has 2 indices, but "S" has 1 axes/,
      () => make(() => ({ at: [0, 1], value: X.at(0) })),
    ],
    [
      "a position by a wrong name",
      "te.index-name",
      /has the axes "j", but those of "S" are "k"/,
      () => make(() => ({ at: { j: 0 }, value: X.at(0) })),
    ],
    [
      "a position that is no list",
      "te.body",
      /position of scatter "S" is number 3/,
      () => make(() => ({ at: 3, value: X.at(0) })),
    ],
    [
      "a float position",
      "te.index-type",
      /index 0 \("k"\) of "S" is X\[i\] of dtype f32/,
      () => make(({ i }: { i: te.Axis }) => ({ at: [X.at(i)], value: X.at(i) })),
    ],
    ["axes without names", "te.extent", /scatter "S": name the axes/, () => make(good, {}, [4])],
    [
      "a read outside",
      "te.bounds",
      /index 0 of "X", i \+ 1/,
      () => make(({ i }: { i: te.Axis }) => ({ at: [codes.at(i)], value: X.at(i.add(1)) })),
    ],
    [
      "a reduction inside",
      "te.nested-reduction",
      /sum over "j" inside a scatter/,
      () => make(() => ({ at: [0], value: te.sum({ j: 6 }, ({ j }) => X.at(j)) })),
    ],
    ["an unknown combiner", "te.option", /combine is .* expected one of "sum"/, () => make(good, { combine: "mean" })],
    ["any of floats", "te.dtype", /any of f32 values: compare first/, () => make(good, { combine: "any" })],
    ["an unknown option", "te.option", /no option "initial"/, () => make(good, { initial: 0 })],
    [
      "init of another dtype",
      "te.dtype",
      /init of scatter "S" mixes dtypes/,
      () => make(good, { init: () => codes.at(0) }),
    ],
    ["init that doesn't fit", "te.literal", /init of scatter "S"/, () => make(good, { init: 1n })],
    ["where is no function", "te.body", /where of scatter "S"/, () => make(good, { where: 3 })],
    ["where is no comparison", "te.dtype", /where of scatter "S" is f32/, () => make(good, { where: () => X.at(0) })],
    [
      "a combiner that reads",
      "te.scope",
      /combine of "scatter "S"" may use/,
      () => make(good, { combine: { combine: () => X.at(0), identity: 0 } }),
    ],
    [
      "a lost comparison",
      "te.lost-comparison",
      /never reaches the result/,
      () =>
        make(({ i }: { i: te.Axis }) => {
          codes.at(i).gt(0);
          return good({ i });
        }),
    ],
  ];
  test.each(cases)("%s", (_, code, message, f) => {
    let error: unknown;
    try {
      f();
    } catch (e) {
      error = e;
    }
    expect(error).toBeInstanceOf(te.TeError);
    expect((error as te.TeError).message).toMatch(message);
    expect((error as te.TeError).code).toBe(code);
  });
});

import { describe, expect, it } from "vitest";
import { type DType, explainDifference, verify } from "../../src/ir/index.ts";
import {
  arrayFor,
  evaluate,
  evaluateWithBound,
  firstMismatch,
  InterpretError,
  interpret,
  type TypedArrayLike,
  writeElement,
} from "../../src/reference/index.ts";
import {
  type AnyTensor,
  argmax,
  compute,
  constantEdge,
  createFunc,
  dim,
  max,
  maximum,
  placeholder,
  prod,
  reduce,
  scalar,
  scan,
  select,
  sum,
} from "../../te/index.ts";

let state = 1;
const random = (): number => {
  state = (state * 48271) % 2147483647;
  return state / 2147483647;
};
function data(dtype: DType, n: number): TypedArrayLike {
  const a = arrayFor(dtype, n);
  for (let i = 0; i < n; i++) {
    const v = Math.floor(random() * 20);
    writeElement(
      dtype,
      a,
      i,
      dtype === "i64" || dtype === "u64" ? BigInt(v) : dtype.startsWith("f") ? random() * 4 - 2 : v,
    );
  }
  return a;
}
/** The two oracles agree, within the bound; bit for bit where the bound is 0. */
function agree(
  t: AnyTensor,
  inputs: Record<string, TypedArrayLike>,
  options: Parameters<typeof evaluate>[2] = {},
): Float64Array {
  const { func } = createFunc([t]);
  verify(func, "scheduled");
  expect(explainDifference(func, createFunc([t]).func, { names: true })).toBeUndefined();
  const got = interpret(func, inputs, options)[t.name]!;
  const want = evaluateWithBound(t, inputs, options);
  expect(want.values.length).toBe(got.length);
  expect(firstMismatch(t.dtype, got, want)).toBeUndefined();
  expect(evaluate(t, inputs, options)).toEqual(want.values);
  return want.bound;
}

describe("evaluate and interpret agree", () => {
  it("on a product of matrices in every dtype", () => {
    for (const d of ["f64", "f32", "f16", "i64", "i32", "i16", "i8", "u64", "u32", "u16", "u8"] as const) {
      const [A, B] = [placeholder("A", [5, 7], d), placeholder("B", [7, 6], d)];
      const C = compute("C", { i: 5, j: 6 }, ({ i, j }) => sum({ k: 7 }, ({ k }) => A.at(i, k).mul(B.at(k, j))));
      const bound = agree(C, { A: data(d, 35), B: data(d, 42) });
      const eps = { f64: 2 ** -52, f32: 2 ** -23, f16: 2 ** -10 } as Record<string, number>;
      // never infinite, and tight: seven roundings of terms up to 4
      for (const b of bound) expect(b).toBeLessThanOrEqual((eps[d] ?? 0) * 7 * 28 * 1.1);
      if (d.startsWith("f")) expect(Math.max(...bound)).toBeGreaterThan(0);
    }
  });
  it("on several stages, edges, selections and math functions", () => {
    const X = placeholder("X", [9, 11]);
    const padded = constantEdge(X, 0);
    const blur = compute("blur", { y: 9, x: 11 }, ({ y, x }) =>
      sum({ dy: 3, dx: 3 }, ({ dy, dx }) => padded.at(y.add(dy).sub(1), x.add(dx).sub(1))).div(9),
    );
    const act = compute("act", { y: 9, x: 11 }, ({ y, x }) => blur.at(y, x).exp().add(blur.at(y, x).tanh().max(0)));
    const pick = compute("pick", { y: 9, x: 11 }, ({ y, x }) => select(X.at(y, x).lt(0), act.at(y, x), X.at(y, x)));
    agree(blur, { X: data("f32", 99) });
    agree(pick, { X: data("f32", 99) });
  });
  it("on softmax and argmax", () => {
    const X = placeholder("X", [4, 10]);
    const m = compute("m", { i: 4 }, ({ i }) => max({ j: 10 }, ({ j }) => X.at(i, j)));
    const e = compute("e", { i: 4, j: 10 }, ({ i, j }) => X.at(i, j).sub(m.at(i)).exp());
    const s = compute("s", { i: 4 }, ({ i }) => sum({ j: 10 }, ({ j }) => e.at(i, j)));
    const y = compute("y", { i: 4, j: 10 }, ({ i, j }) => e.at(i, j).div(s.at(i)));
    const bound = agree(y, { X: data("f32", 40) });
    for (const b of bound) expect(b).toBeLessThan(1e-4);
    const a = compute("a", { i: 4 }, ({ i }) => argmax({ j: 10 }, ({ j }) => X.at(i, j)));
    expect([...agree(a, { X: data("f32", 40) })]).toEqual([0, 0, 0, 0]);
  });
  it("on products, conditions, scans and reductions of several values", () => {
    const X = placeholder("X", [6, 5]);
    const p = compute("p", { i: 6 }, ({ i }) => prod({ k: 5 }, ({ k }) => X.at(i, k), { where: ({ k }) => k.ne(2) }));
    agree(p, { X: data("f32", 30) });
    const S = scan(
      "S",
      { t: 6 },
      { i: 5 },
      {
        init: ({ i }) => X.at(0, i),
        step: ({ t, i }, previous) => previous(i).mul(0.5).add(X.at(t, i)),
      },
    );
    expect(Math.max(...agree(S, { X: data("f32", 30) }, { contract: false }))).toBe(0);
    agree(S, { X: data("f32", 30) });
    const both = compute("both", { i: 6 }, ({ i }) => {
      const [a, b] = reduce(
        { k: 5 },
        {
          values: ({ k }) => [X.at(i, k), X.at(i, k).mul(X.at(i, k))],
          combine: (l, r) => [l[0].add(r[0]), l[1].add(r[1])],
          identity: [0, 0],
        },
      );
      return b.sub(a.mul(a).div(5));
    });
    agree(both, { X: data("f32", 30) });
    const norm = compute("norm", { i: 6 }, ({ i }) => {
      const [n] = reduce(
        { k: 5 },
        {
          values: ({ k }) => [X.at(i, k).abs()],
          combine: (l, r) => [l[0].mul(l[0]).add(r[0].mul(r[0])).sqrt()],
          identity: [0],
        },
      );
      return n!;
    });
    agree(norm, { X: data("f32", 30) });
  });
  it("on symbolic sizes, scalars and strides, none of them too small", () => {
    const n = dim("n");
    const alpha = scalar("alpha");
    const X = placeholder("X", [3, n], "f32", { strides: [10, 1] });
    const y = compute("y", { i: 3 }, ({ i }) => sum({ k: n }, ({ k }) => X.at(i, k)).mul(alpha));
    for (const size of [0, 1, 10]) agree(y, { X: data("f32", 30) }, { sizes: { n: size }, scalars: { alpha: 2 } });
    expect(evaluate(y, { X: data("f32", 30) }, { sizes: { n: 0 }, scalars: { alpha: 2 } })).toEqual(
      new Float32Array(3),
    );
    expect(() => evaluate(y, { X: data("f32", 30) })).toThrow(InterpretError);
    expect(() => evaluate(y, {}, { sizes: { n: 4 }, scalars: { alpha: 2 } })).toThrow("input X is missing");
  });
  it("not where a result has the name of an input", () => {
    const X = placeholder("X", [3]);
    const [same, other] = ["X", "Y"].map((name) => compute(name, { i: 3 }, ({ i }) => X.at(i).add(1)));
    const why = /the result "X".* and the input "X"/;
    expect(() => evaluate(same!, { X: data("f32", 3) })).toThrow(why);
    expect(() => evaluate({ X: other! }, { X: data("f32", 3) })).toThrow(why);
  });
});

describe("evaluate", () => {
  it("computes only what sampled positions need", () => {
    const N = 400;
    const [A, B] = [placeholder("A", [N, N]), placeholder("B", [N, N])];
    const C = compute("C", { i: N, j: N }, ({ i, j }) => sum({ k: N }, ({ k }) => A.at(i, k).mul(B.at(k, j))));
    const D = compute("D", { i: N, j: N }, ({ i, j }) => C.at(j, i).add(1));
    const [a, b] = [new Float32Array(N * N).fill(1), new Float32Array(N * N).fill(2)];
    const start = performance.now();
    expect(
      evaluate(
        D,
        { A: a, B: b },
        {
          at: [
            [0, 0],
            [399, 17],
          ],
        },
      ),
    ).toEqual(new Float32Array([801, 801]));
    expect(performance.now() - start).toBeLessThan(5000);
    expect(() => evaluate(D, { A: a, B: b }, { at: [[0, 400]] })).toThrow(
      "read of D[0, 400], but its shape is [400, 400]",
    );
  });
  it("sums in higher precision", () => {
    const X = placeholder("X", [1001]);
    const s = compute("s", {}, () => sum({ k: 1001 }, ({ k }) => X.at(k)));
    const x = new Float32Array(1001).fill(1e-3);
    x[0] = 2 ** 24;
    expect(evaluate(s, { X: x })[0]).toBe(2 ** 24 + 2);
    const Y = placeholder("Y", [3], "f64");
    const t = compute("t", {}, () => sum({ k: 3 }, ({ k }) => Y.at(k)));
    expect(evaluate(t, { Y: Float64Array.from([1e100, 1, -1e100]) })[0]).toBe(1);
  });
  it("several tensors at once, and long scans", () => {
    const X = placeholder("X", [20000]);
    const S = scan(
      "S",
      { t: 20000 },
      {},
      {
        init: () => X.at(0),
        step: ({ t }, previous) => previous().max(X.at(t)),
      },
    );
    const last = compute("last", {}, () => S.at(19999));
    const x = Float32Array.from({ length: 20000 }, (_, i) => i % 777);
    const r = evaluate({ last, S }, { X: x });
    expect(r.last![0]).toBe(776);
    expect(r.S![1000]).toBe(776);
  });
});

describe("bounds", () => {
  const X = placeholder("X", [16]);
  const total = compute("total", {}, () => sum({ k: 16 }, ({ k }) => X.at(k)));
  const x = Float32Array.from({ length: 16 }, (_, k) => Math.fround(Math.sin(k)));
  const boundOf = (t: AnyTensor): number => evaluateWithBound(t, { X: x }).bound[0]!;
  it("hold for every order of summation", () => {
    const want = evaluateWithBound(total, { X: x });
    for (let n = 0; n < 200; n++) {
      const terms = [...x];
      while (terms.length > 1) {
        const take = (): number => terms.splice(Math.floor(random() * terms.length), 1)[0]!;
        terms.push(Math.fround(take() + take()));
      }
      expect(firstMismatch("f32", Float32Array.from(terms), want)).toBeUndefined();
    }
    const wrong = Float32Array.from([(want.values[0]! as number) * 1.001]);
    expect(firstMismatch("f32", wrong, want)).toMatchObject({ at: 0 });
    const mismatch = firstMismatch as (...args: readonly unknown[]) => unknown;
    expect(() => mismatch("f32", wrong, want.values)).toThrow(/no \{ values, bound \}: evaluateWithBound gives it/);
    expect(() => mismatch("f32", new Float32Array(7), want)).toThrow(/elements were got/);
    expect(() => mismatch("f32")).toThrow(/what was got is no typed array/);
    expect(() => mismatch("f33", wrong, want)).toThrow(/f33 is no dtype/);
  });
  it("are zero where nothing is uncertain", () => {
    const exact = compute("exact", { i: 16 }, ({ i }) => X.at(i).mul(3).sqrt().floor().add(X.at(i).neg()));
    expect(Math.max(...evaluateWithBound(exact, { X: x }).bound.filter((b) => !Number.isNaN(b)))).toBe(0);
    const ints = compute("ints", {}, () => sum({ k: 16 }, ({ k }) => X.at(k).cast("i32")));
    expect(boundOf(ints)).toBe(0);
  });
  it("grow through functions by their slope", () => {
    const base = boundOf(total);
    const times = compute("times", {}, () => total.at().mul(8));
    expect(boundOf(times)).toBeGreaterThan(7.9 * base);
    expect(boundOf(times)).toBeLessThan(12 * base);
    const e = compute("e", {}, () => total.at().exp());
    expect(boundOf(e)).toBeLessThan(100 * base);
  });
  it("say nothing where a decision may fall the other way", () => {
    const zeroish = compute("zeroish", {}, () => total.at().sub(total.at()));
    const inverse = compute("inverse", {}, () => zeroish.at().add(1).div(zeroish.at()));
    expect(boundOf(inverse)).toBe(Infinity);
    const chosen = compute("chosen", {}, () => select(zeroish.at().gt(0), total.at(), total.at().add(100)));
    expect(boundOf(chosen)).toBeGreaterThanOrEqual(100);
    const clear = compute("clear", {}, () => select(total.at().add(50).gt(0), total.at(), total.at().add(100)));
    expect(boundOf(clear)).toBeLessThan(1e-4);
    const step = compute("step", {}, () => total.at().sub(total.at()).floor());
    expect(boundOf(step)).toBe(1);
    const relu = compute("relu", {}, () => maximum(zeroish.at(), 0));
    expect(boundOf(relu)).toBeLessThan(1e-4);
  });
  it("an infinite sum of f16 is certain only of two terms: others may overflow to the other side before", () => {
    const H = placeholder("H", [3], "f16");
    const inputs = { H: Uint16Array.of(0xfc00, 0x7bff, 0x7bff) };
    const total = compute("total", {}, () => sum({ k: 3 }, ({ k }) => H.at(k)));
    const two = compute("two", {}, () => sum({ k: 2 }, ({ k }) => H.at(k)));
    expect(evaluateWithBound(total, inputs).bound[0]).toBe(Infinity);
    expect(evaluateWithBound(two, inputs).bound[0]).toBe(0);
  });
});

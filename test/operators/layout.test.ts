import { describe, expect, test } from "vitest";
import { dim, placeholder } from "../../src/index.ts";
import * as ops from "../../src/ops.ts";
import { check, integers, random } from "./helper.ts";
import * as plain from "./plain.ts";

const [n, m] = [dim("n"), dim("m")];

describe("transpose", () => {
  test.each([
    [[1], [0]],
    [
      [5, 7],
      [1, 0],
    ],
    [
      [2, 3, 4],
      [0, 2, 1],
    ],
    [
      [2, 3, 4, 9],
      [0, -1, 1, 2],
    ],
  ])("%j by %j", async (shape, order) => {
    const x = random(shape);
    const positive = order.map((d) => (d < 0 ? d + shape.length : d));
    await check(ops.transpose("Y", placeholder("X", shape), order), { X: x }, plain.transpose(x, positive));
  });
  test("symbolic, and without an order", async () => {
    const x = random([5, 7]);
    await check(ops.transpose("Y", placeholder("X", [n, m])), { X: x }, plain.swapLast(x), { sizes: { n: 5, m: 7 } });
    expect(() => ops.transpose("Y", placeholder("X", [5, 7]), [0, 0])).toThrow(
      /order \[0, 0\] is no permutation of the 2 axes/,
    );
    expect(() => ops.transpose("Y", placeholder("X", [5, 7]), [0, 2])).toThrow(/an axis of the order is number 2/);
    expect(() => ops.transpose("Y", placeholder("X", [5, 7]), 1 as never)).toThrow(/expected a list such as \[1, 0\]/);
  });
});

describe("reshape", () => {
  test.each([
    [[1], []],
    [[], [1, 1]],
    [[6], [2, 3]],
    [
      [4, 6],
      [3, 8],
    ],
    [
      [2, 3, 4],
      [6, -1],
    ],
    [
      [2, 1, 9],
      [2, 9],
    ],
    [
      [8, 12],
      [8, 3, 4],
    ],
    [
      [6, 4, 5],
      [4, 6, 5],
    ],
    [
      [3, 0],
      [0, 5],
    ],
  ])("%j to %j", async (from, to) => {
    const x = random(from);
    const rest = plain.sizeOf(to.filter((e) => e !== -1));
    const shape = to.map((e) => (e === -1 ? x.data.length / rest : e));
    await check(ops.reshape("Y", placeholder("X", from), to), { X: x }, { ...x, shape });
  });
  test("symbolic sizes", async () => {
    const x = random([5, 12]);
    const sizes = { n: 5, m: 12 };
    await check(
      ops.reshape("Y", placeholder("X", [n, 12]), [n, 3, 4]),
      { X: x },
      { ...x, shape: [5, 3, 4] },
      { sizes: { n: 5 } },
    );
    await check(
      ops.reshape("Y", placeholder("X", [n, 12]), [-1]),
      { X: x },
      { ...x, shape: [60] },
      { sizes: { n: 5 } },
    );
    await check(
      ops.reshape("Y", placeholder("X", [n, 12]), [-1, 4]),
      { X: x },
      { ...x, shape: [15, 4] },
      { sizes: { n: 5 } },
    );
    await check(ops.reshape("Y", placeholder("X", [n, m]), [n.mul(m)]), { X: x }, { ...x, shape: [60] }, { sizes });
    await check(ops.reshape("Y", placeholder("X", [n.mul(m)]), [n, m]), { X: x }, { ...x, shape: [5, 12] }, { sizes });
  });
  test("bad input", () => {
    const X = placeholder("X", [4, 6]);
    expect(() => ops.reshape("Y", X, [5, 5])).toThrow(
      'reshape "Y": "X" [4, 6] has 24 elements, but [5, 5] has 25: they must agree',
    );
    expect(() => ops.reshape("Y", X, [5, -1])).toThrow(
      /has 24 elements, which \[5\] for the other axes doesn't divide/,
    );
    expect(() => ops.reshape("Y", X, [-1, -1])).toThrow(/-1 stands for several extents/);
    expect(() => ops.reshape("Y", X, [-2, 4])).toThrow(/can't be negative/);
    expect(() => ops.reshape("Y", placeholder("P", [n]), [m])).toThrow(/has n elements, but \[m\] has m/);
    expect(() => ops.reshape("Y", X, 24 as never)).toThrow(/the shape is number 24/);
  });
});

describe("pad", () => {
  const outside = {
    constant: () => undefined,
    edge: (i: number, e: number) => Math.min(Math.max(i, 0), e - 1),
    wrap: (i: number, e: number) => ((i % e) + e) % e,
    symmetric: (i: number, e: number) => {
      const q = ((i % (2 * e)) + 2 * e) % (2 * e);
      return q < e ? q : 2 * e - 1 - q;
    },
    reflect: (i: number, e: number) => {
      const period = 2 * (e - 1);
      const q = ((i % period) + period) % period;
      return q < e ? q : period - q;
    },
  } as const;
  test.each(Object.keys(outside) as (keyof typeof outside)[])("%s", async (mode) => {
    const x = random([4, 7]);
    const want = plain.make([4 + 3, 7 + 10], (at) => {
      const own = [at[0]! - 1, at[1]! - 5];
      if (mode === "constant") return plain.getOr(x, own, 0);
      return plain.get(
        x,
        own.map((i, d) => outside[mode](i, x.shape[d]!)),
      );
    });
    await check(ops.pad("Y", placeholder("X", [4, 7]), [[1, 2], 5], { mode }), { X: x }, want);
    const sizes = { n: 4, m: 7 };
    await check(ops.pad("Y", placeholder("X", [n, m]), [[1, 2], 5], { mode }), { X: x }, want, { sizes });
  });
  test("values, and bad input", async () => {
    const [X, x] = [placeholder("X", [3], "i32"), integers([3], 1, 9)];
    const want = { shape: [6], data: [-7, ...x.data, -7, -7] };
    await check(ops.pad("Y", X, [[1, 2]], { value: -7 }), { X: x }, want);
    expect(() => ops.pad("Y", X, [1], { value: 0.5 })).toThrow(/0.5 is not a whole number/);
    expect(() => ops.pad("Y", X, [1], { value: 1, mode: "edge" })).toThrow(/a value is given, but the mode is "edge"/);
    expect(() => ops.pad("Y", X, [1, 1])).toThrow(/"X" has 1 axes: expected a list of as many numbers/);
    expect(() => ops.pad("Y", X, [-1])).toThrow(/axis 0, before, is number -1/);
    expect(() => ops.pad("Y", X, [[1, 2, 3] as never])).toThrow(/expected a number or \[before, behind\]/);
    expect(() => ops.pad("Y", X, [1], { mode: "zero" as never })).toThrow(/mode is "zero": expected one of/);
  });
});

describe("slice", () => {
  test.each<[number[], ops.Range[]]>([
    [[1], [[0, 1]]],
    [
      [7, 9],
      [null, [2, 5]],
    ],
    [
      [7, 9],
      [
        [1, -1],
        [0, null, 2],
      ],
    ],
    [
      [7, 9],
      [
        [-3, null, 3],
        [8, 8],
      ],
    ],
  ])("%j by %j", async (shape, ranges) => {
    const x = random(shape);
    const lists = shape.map((e, d) => {
      const [a, b, step = 1] = ranges[d] ?? [0, null];
      const [from, to] = [a < 0 ? a + e : a, b === null ? e : b < 0 ? b + e : b];
      return plain.range(e).filter((i) => i >= from && i < to && (i - from) % step === 0);
    });
    const want = plain.make(
      lists.map((l) => l.length),
      (at) =>
        plain.get(
          x,
          at.map((i, d) => lists[d]![i]!),
        ),
    );
    await check(ops.slice("Y", placeholder("X", shape), ranges), { X: x }, want);
  });
  test("symbolic sizes", async () => {
    const x = random([7, 9]);
    const Y = ops.slice("Y", placeholder("X", [n, m]), [
      [1, -1],
      [2, null, 3],
    ]);
    const want = plain.make([5, 3], (at) => plain.get(x, [at[0]! + 1, 2 + 3 * at[1]!]));
    await check(Y, { X: x }, want, { sizes: { n: 7, m: 9 } });
  });
  test("bad input", () => {
    const X = placeholder("X", [7, 9]);
    expect(() => ops.slice("Y", X, [null])).toThrow(/"X" has 2 axes: expected a list of as many ranges/);
    expect(() => ops.slice("Y", X, [null, [2, 10]])).toThrow(
      /axis 1 of "X" has 9 elements: 2 to 10 is no range of them/,
    );
    expect(() => ops.slice("Y", X, [null, [5, 2]])).toThrow(/5 to 2 is no range/);
    expect(() => ops.slice("Y", X, [null, [0, null, -1]])).toThrow(/the step of axis 1 is number -1/);
    expect(() => ops.slice("Y", X, [null, 3 as never])).toThrow(/range of axis 1 is number 3/);
  });
});

describe("concat and stack", () => {
  const joined = (list: readonly plain.Plain[], axis: number): plain.Plain => {
    const shape = [...list[0]!.shape];
    shape[axis] = plain.total(list.map((p) => p.shape[axis]!));
    return plain.make(shape, (at) => {
      let i = at[axis]!;
      let which = 0;
      while (i >= list[which]!.shape[axis]!) i -= list[which++]!.shape[axis]!;
      return plain.get(list[which]!, at.with(axis, i));
    });
  };
  test.each([
    [[[1], [1]], 0],
    [
      [
        [3, 5],
        [2, 5],
        [4, 5],
      ],
      0,
    ],
    [
      [
        [3, 5],
        [3, 1],
        [3, 4],
      ],
      1,
    ],
  ])("%j along %i", async (shapes, axis) => {
    const list = shapes.map((s, i) => random(s, i + 1));
    const tensors = shapes.map((s, i) => placeholder(`X${i}`, s)) as never as [ReturnType<typeof placeholder>];
    const inputs = Object.fromEntries(list.map((p, i) => [`X${i}`, p]));
    await check(ops.concat("Y", tensors, { axis: axis - shapes[0]!.length }), inputs, joined(list, axis));
  });
  test("stacked", async () => {
    const [a, b] = [random([3, 5], 1), random([3, 5], 2)];
    for (const axis of [0, 1, 2]) {
      const want = plain.make([3, 5].toSpliced(axis, 0, 2), (at) =>
        plain.get(at[axis] === 0 ? a : b, at.toSpliced(axis, 1)),
      );
      await check(ops.stack("Y", [placeholder("A", [3, 5]), placeholder("B", [3, 5])], { axis }), { A: a, B: b }, want);
    }
  });
  test("symbolic sizes", async () => {
    const [a, b] = [random([5, 3], 1), random([2, 3], 2)];
    const Y = ops.concat("Y", [placeholder("A", [n, 3]), placeholder("B", [m, 3])]);
    await check(Y, { A: a, B: b }, joined([a, b], 0), { sizes: { n: 5, m: 2 } });
    const S = ops.stack("S", [placeholder("A", [n, 3]), placeholder("B", [n, 3])]);
    const c = random([5, 3], 3);
    await check(S, { A: a, B: c }, { shape: [2, 5, 3], data: [...a.data, ...c.data] }, { sizes: { n: 5 } });
  });
  test("bad input", () => {
    const [A, B] = [placeholder("A", [3, 5]), placeholder("B", [3, 4])];
    expect(() => ops.concat("Y", [A, B])).toThrow(
      'concat "Y": axis 1 of "A" is 5, but axis 1 of "B" is 4: they must agree',
    );
    expect(() => ops.stack("Y", [A, B])).toThrow(/axis 1 of "A" is 5, but axis 1 of "B" is 4/);
    expect(() => ops.concat("Y", [A, placeholder("v", [3])])).toThrow(/operand "v" has 1 axes/);
    expect(() => ops.concat("Y", [A, placeholder("I", [3, 5], "i32")])).toThrow(/"A" is f32, but "I" is i32/);
    expect(() => ops.concat("Y", [] as never)).toThrow(/expected a list of tensors/);
    expect(() => ops.stack("Y", [A, A], { axis: 3 })).toThrow(/axis is number 3: expected a whole number from -3 to 2/);
  });
});

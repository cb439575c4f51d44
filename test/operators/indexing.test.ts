import { describe, expect, test } from "vitest";
import { dim, placeholder } from "../../src/index.ts";
import * as ops from "../../src/ops.ts";
import { check, integers, random } from "./helper.ts";
import * as plain from "./plain.ts";

const [n, m] = [dim("n", { min: 1 }), dim("m")];

describe("gather", () => {
  test.each([
    [[1], [1], 0],
    [[7, 5], [4], 0],
    [[7, 5], [2, 3], 1],
    [[2, 9, 3], [4], 1],
    [[6, 4], [], 0],
  ] as [number[], number[], number][])("%j by indices %j along %i", async (shape, own, axis) => {
    const x = random(shape);
    const e = shape[axis]!;
    const at = integers(own, -2, e + 1, 3);
    const want = plain.make(shape.toSpliced(axis, 1, ...own), (p) => {
      const i = plain.get(at, p.slice(axis, axis + own.length));
      return plain.get(x, p.toSpliced(axis, own.length, Math.min(Math.max(i, 0), e - 1)));
    });
    const Y = ops.gather("Y", placeholder("X", shape), placeholder("I", own, "i32"), { axis });
    await check(Y, { X: x, I: at }, want);
  });
  test("symbolic sizes, narrow indices, bad input", async () => {
    const [x, at] = [random([7, 5]), integers([4], 0, 6, 3)];
    const want = plain.make([4, 5], (p) => plain.get(x, [plain.get(at, [p[0]!]), p[1]!]));
    const Y = ops.gather("Y", placeholder("X", [n, 5]), placeholder("I", [m], "u8"));
    await check(Y, { X: x, I: at }, want, { sizes: { n: 7, m: 4 } });
    const X = placeholder("X", [7, 5]);
    expect(() => ops.gather("Y", X, placeholder("F", [3]) as never)).toThrow(
      /the indices "F" are f32: expected integers/,
    );
    expect(() => ops.gather("Y", X, placeholder("I", [3], "i32"), { axis: 2 })).toThrow(/axis is number 2/);
  });
});

test("oneHot", async () => {
  const at = integers([2, 5], -1, 4, 3);
  const I = placeholder("I", [2, 5], "i32");
  for (const axis of [0, 1, 2]) {
    const want = plain.make([2, 5].toSpliced(axis, 0, 4), (p) =>
      plain.get(at, p.toSpliced(axis, 1)) === p[axis] ? 1 : 0,
    );
    await check(ops.oneHot("Y", I, { depth: 4, axis }), { I: at }, want);
  }
  const sized = plain.make([2, 5, 4], (p) => (plain.get(at, p.slice(0, 2)) === p[2] ? 9 : 3));
  const Y = ops.oneHot("Y", placeholder("I", [n, 5], "i32"), { depth: m, dtype: "u8", on: 9, off: 3 });
  await check(Y, { I: at }, sized, { sizes: { n: 2, m: 4 } });
  expect(() => ops.oneHot("Y", I, {} as never)).toThrow(/depth is missing: give it, as in \{ depth: 10 \}/);
  expect(() => ops.oneHot("Y", I, { depth: -1 })).toThrow(/can't be negative/);
  expect(() => ops.oneHot("Y", I, { depth: 3, dtype: "u8", on: 300 })).toThrow(/300 does not fit in u8/);
  expect(() => ops.oneHot("Y", placeholder("F", [3]) as never, { depth: 3 })).toThrow(/are f32: expected integers/);
});

describe("cumsum", () => {
  const running = (x: plain.Plain, axis: number, exclusive: boolean, reverse: boolean): plain.Plain =>
    plain.make(x.shape, (p) =>
      plain.total(
        plain
          .range(x.shape[axis]!)
          .filter((i) => (i === p[axis] ? !exclusive : reverse ? i > p[axis]! : i < p[axis]!))
          .map((i) => plain.get(x, p.with(axis, i))),
      ),
    );
  test.each([
    [[1], 0],
    [[9], 0],
    [[5, 7], 1],
    [[5, 7], 0],
    [[2, 9, 3], -2],
  ] as [number[], number][])("%j along %i", async (shape, axis) => {
    const x = random(shape);
    for (const exclusive of [false, true])
      for (const reverse of [false, true]) {
        const want = running(x, axis < 0 ? axis + shape.length : axis, exclusive, reverse);
        const Y = ops.cumsum("Y", placeholder("X", shape), { axis, exclusive, reverse });
        await check(Y, { X: x }, want, { tolerance: 1e-5 });
      }
  });
  test("symbolic sizes, integers, bad input", async () => {
    const x = random([5, 7]);
    for (const reverse of [false, true]) {
      const Y = ops.cumsum("Y", placeholder("X", [n, m]), { axis: 0, exclusive: true, reverse });
      await check(Y, { X: x }, running(x, 0, true, reverse), { sizes: { n: 5, m: 7 }, tolerance: 1e-5 });
    }
    const i = integers([6], -9, 9);
    await check(ops.cumsum("Y", placeholder("X", [6], "i32")), { X: i }, running(i, 0, false, false));
    expect(() => ops.cumsum("Y", placeholder("X", [6]), { axis: 1 })).toThrow(/axis is number 1/);
    expect(() => ops.cumsum("Y", placeholder("X", [6]), { exclusive: 1 as never })).toThrow(/exclusive is number 1/);
  });
});

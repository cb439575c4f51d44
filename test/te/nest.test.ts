import { describe, expect, test } from "vitest";
import { schedule } from "../../schedule/index.ts";
import { compile } from "../../src/index.ts";
import { verify } from "../../src/ir/index.ts";
import { evaluate, evaluateWithBound, interpret } from "../../src/reference/index.ts";
import * as te from "../../te/index.ts";
import { illegal, same, nest as text } from "../schedule/helper.ts";

const { compute, createFunc, dim, lit, nest, placeholder, scalar, select } = te;

type Inputs = Parameters<typeof interpret>[1];
type Options = Parameters<typeof evaluate>[2];

/** The values of a tensor: by its definition, by its loops, and compiled; all must agree. */
async function valuesOf(t: te.Tensor, inputs: Inputs, options: Options = {}): Promise<(number | bigint)[]> {
  const { func } = createFunc([t]);
  verify(func, "scheduled");
  const want = [...evaluate(t, inputs, options)];
  expect([...interpret(func, inputs, options)[t.name]!]).toEqual(want);
  const kernel = await compile(t);
  const used = Object.fromEntries(func.inputs.map((b) => [b.name, inputs[b.name]]));
  expect([...(kernel({ ...used, ...options.sizes, ...options.scalars } as never) as Iterable<number>)]).toEqual(want);
  return want;
}
const A = placeholder("A", { y: 2, x: 5 });
const a = { A: new Float32Array([3, 1, 2, 5, 4, 9, 8, 7, 6, 5]) };
const row = { shape: { x: 5 }, dtype: "f32" } as const;

/** Running totals of each row. */
const running = nest("running", { reads: [A], axes: { y: 2 }, results: row }, ({ y }, out, b) => {
  const total = b.alloc("total", [], "f32");
  b.for("x", 5, (x) => {
    total.store([], total.at().add(A.at(y, x)));
    out.store([x], total.at());
  });
});
/** Each row sorted, with where its elements came from. */
const sorted = nest(
  "sorted",
  { reads: [A], axes: { y: 2 }, results: { value: row, from: { shape: { x: 5 }, dtype: "i32" } } },
  ({ y }, { value, from }, b) => {
    b.for("x", 5, (x) => {
      value.store([x], A.at(y, x));
      from.store([x], x);
    });
    b.for("i", { from: 1, to: 5 }, (i) =>
      b.for("j", i, (j) => {
        const [p, q] = [i.sub(j).sub(1), i.sub(j)];
        const [u, v, m, n] = [value.at(p), value.at(q), from.at(p), from.at(q)];
        b.if(u.gt(v), () => {
          value.store([p], v);
          value.store([q], u);
          from.store([p], n);
          from.store([q], m);
        });
      }),
    );
  },
);

describe("what it computes", () => {
  test("running totals", async () => {
    expect(await valuesOf(running, a)).toEqual([3, 4, 6, 11, 15, 9, 17, 24, 30, 35]);
    expect(text(schedule(running))).toMatchInlineSnapshot(`
      "for y in 2:
        block running(vy = y):
          alloc total: f32[] in local
          total[] = 0.0
          for x in 5:
            let total_1 = total[]
            total[] = total_1 + A[vy, x]
            let total_2 = total[]
            running[vy, x] = total_2"
    `);
  });
  test("several results, branches, a loop whose end another loop gives", async () => {
    expect(await valuesOf(sorted.value, a)).toEqual([1, 2, 3, 4, 5, 5, 6, 7, 8, 9]);
    expect(await valuesOf(sorted.from, a)).toEqual([1, 2, 0, 4, 3, 4, 3, 2, 1, 0]);
  });
  test("a value read is what was there then", async () => {
    const swap = nest("swap", { results: { shape: [2], dtype: "i32" } }, (_, out, b) => {
      out.store([0], 7);
      const [x, y] = [out.at(0), out.at(1)];
      out.store([0], y);
      out.store([1], x);
      b.if(x.gt(y), () => out.store([0], x.add(out.at(0))));
    });
    expect(await valuesOf(swap, {})).toEqual([7, 7]);
  });
  test("as many steps as data say: a sparse matrix times a vector", async () => {
    const [n, m] = [dim("n", { min: 1 }), dim("m", { min: 1 })];
    const [start, column] = [placeholder("start", [n.add(1)], "i32"), placeholder("column", [m], "i32")];
    const [value, x] = [placeholder("value", [m]), placeholder("x", [n])];
    const y = nest(
      "y",
      { reads: [start, column, value, x], axes: { i: n }, results: { shape: [], dtype: "f32" } },
      ({ i }, out, b) => {
        const sum = b.alloc("sum", [], "f32");
        b.for("p", { from: start.at(i), to: start.at(i.add(1)) }, (p) =>
          sum.store([], sum.at().add(value.at(p).mul(x.at(column.at(p))))),
        );
        out.store([], sum.at());
      },
    );
    const inputs = {
      start: new Int32Array([0, 2, 2, 5]),
      column: new Int32Array([0, 2, 1, 0, 1]),
      value: new Float32Array([1, 2, 3, 4, 5]),
      x: new Float32Array([1, 2, 3]),
    };
    expect(await valuesOf(y, inputs, { sizes: { n: 3, m: 5 } })).toEqual([7, 0, 20]);
    // ends that are too far apart for a number of steps, and ends before starts
    const wild = { ...inputs, start: new Int32Array([2 ** 31 - 1, -(2 ** 31), 2 ** 31 - 1, 4]) };
    expect(await valuesOf(y, wild, { sizes: { n: 3, m: 5 } })).toEqual([0, 0, 0]);
    expect(evaluateWithBound(y, inputs, { sizes: { n: 3, m: 5 } }).bound[1]).toBe(0);
  });
  test("an extent that data decide says no more than it must", async () => {
    const from = placeholder("from", [4], "i32");
    const count = (
      range: (
        i: te.Expr<"i32">,
        at: te.Expr<"i32">,
      ) => { from: te.Expr<"i32"> | number; to: te.Expr<"i32">; step?: number },
    ) =>
      nest("count", { reads: [from], axes: { i: 4 }, results: { shape: [], dtype: "i32" } }, ({ i }, out, b) => {
        b.for("m", range(i, from.at(i)), () => out.store([], out.at().add(1)));
      });
    const extent = (t: te.AnyTensor): string => /let m\.extent = (.*)/.exec(text(schedule(t)))![1]!;
    const known = count((i, at) => ({ from: at, to: i }));
    expect(extent(known)).toBe("max(vi - from[vi], 0)");
    expect(extent(count((i, at) => ({ from: 0, to: i.sub(at) })))).toBe("max(vi - from[vi], 0)");
    expect(extent(count((_, at) => ({ from: at, to: at.add(3) })))).toMatch(/^max\(select\(/);
    const strided = count((i, at) => ({ from: at, to: i, step: 2 }));
    expect(extent(strided)).toBe("max((max(vi - from[vi], 0) + 1) // 2, 0)");
    const wild = { from: new Int32Array([-(2 ** 31), 2 ** 31 - 1, -3, 2]) };
    expect(await valuesOf(known, wild)).toEqual([0, 0, 5, 1]);
    expect(await valuesOf(strided, wild)).toEqual([0, 0, 3, 1]);
  });
  test("memory of its own, steps, scalars, loops written out", async () => {
    const k = scalar("k", "i32");
    const T = nest("T", { reads: [A, k], axes: { y: 2 }, results: row }, ({ y }, out, b) => {
      const copy = b.alloc("copy", { x: 5 }, "f32");
      b.for("x", 5, (x) => copy.store({ x: x.neg().add(4) }, A.at(y, x)));
      b.for("x", { from: 1, to: 5, step: 2 }, (x) => out.store({ x }, copy.at({ x })));
      b.for("u", 2, (u) => out.store([u.mul(2)], out.at(u.mul(2)).sub(k.cast("f32"))), { unroll: true });
      b.if(
        k.gt(1),
        () => out.store([4], 100),
        () => out.store([4], -100),
      );
    });
    expect(await valuesOf(T, a, { scalars: { k: 2 } })).toEqual([-2, 5, -2, 1, 100, -2, 6, -2, 8, 100]);
    expect((await valuesOf(T, a, { scalars: { k: 1 } }))[4]).toBe(-100);
  });
  test("a read outside is clamped, a write outside does nothing, where data decide", async () => {
    const at = placeholder("at", [4], "i32");
    const T = nest("T", { reads: [at, A], results: { shape: [3], dtype: "f32" } }, (_, out, b) =>
      b.for("i", 4, (i) => out.store([at.at(i)], A.at(0, at.at(i)).add(out.at(at.at(i))))),
    );
    expect(await valuesOf(T, { ...a, at: new Int32Array([-1, 1, 9, 2]) })).toEqual([0, 1, 2]);
    // arithmetic that wraps around back inside
    const U = nest("U", { reads: [at], results: { shape: [3], dtype: "i32" } }, (_, out, b) =>
      b.for("i", 4, (i) =>
        out.store(
          [
            at
              .at(i)
              .mul(2 ** 30)
              .mul(4)
              .div(2),
          ],
          i.add(1),
        ),
      ),
    );
    expect(await valuesOf(U, { at: new Int32Array([3, 1, 9, 2]) })).toEqual([4, 0, 0]);
  });
  test("conditions of branches prove indices", async () => {
    const D = nest("D", { reads: [A], results: { shape: { y: 2, x: 5 }, dtype: "f32" } }, (_, out, b) =>
      b.for("y", 2, (y) =>
        b.for("x", 5, (x) =>
          b.if(
            x.gt(0).and(y.lt(1)),
            () => out.store([y, x], A.at(y.add(1), x.sub(1))),
            () => b.if(x.ge(4), () => out.store({ x, y }, A.at(y, x.sub(4)))),
          ),
        ),
      ),
    );
    expect(await valuesOf(D, a)).toEqual([0, 9, 8, 7, 6, 0, 0, 0, 0, 9]);
  });
  test("read by other tensors, and reading them", async () => {
    const twice = compute("twice", { y: 2, x: 5 }, ({ y, x }) => A.at(y, x).mul(2));
    const R = nest("R", { reads: [twice], axes: { y: 2 }, results: row }, ({ y }, out, b) =>
      b.for("x", 5, (x) => out.store([x], select(x.gt(0), out.at(x.sub(1).max(0)), 0).add(twice.at(y, x)))),
    );
    const last = compute("last", { y: 2 }, ({ y }) => R.at(y, 4));
    expect(await valuesOf(last, a)).toEqual([30, 70]);
  });
  test("symbolic sizes", async () => {
    const n = dim("n");
    const X = placeholder("X", [n], "i32");
    const P = nest("P", { reads: [X], results: { shape: [n], dtype: "i32" } }, (_, out, b) =>
      b.for("i", n, (i) => b.for("j", i.add(1), (j) => out.store([i], out.at(i).add(X.at(j))))),
    );
    expect(await valuesOf(P, { X: new Int32Array([1, 2, 3]) }, { sizes: { n: 3 } })).toEqual([1, 3, 6]);
    expect(await valuesOf(P, { X: new Int32Array(0) }, { sizes: { n: 0 } })).toEqual([]);
  });
});

describe("everything starts as 0", () => {
  const zeros = (t: te.Tensor): number => (text(schedule(t)).match(/for z\d|= 0\.0$/gm) ?? []).length;
  const make = (f: (out: te.Cells<"f32", "x">, b: te.NestBuilder) => void): te.Tensor =>
    nest("T", { results: row }, (_, out, b) => f(out as never, b)) as never;
  test("where it may be read first, or left out", () => {
    expect(zeros(make((out, b) => b.for("x", { from: 1, to: 5 }, (x) => out.store([x], 1))))).toBe(2);
    expect(zeros(make((out, b) => b.for("x", 5, (x) => b.if(x.gt(1), () => out.store([x], 1)))))).toBe(2);
    expect(zeros(make((out, b) => b.for("x", 5, (x) => out.store([x], out.at(x).add(1)))))).toBe(2);
    expect(zeros(make((out, b) => b.for("x", 5, (x) => out.store([x.sub(4).neg().min(3)], 1))))).toBe(2);
  });
  test("not where all of it is written first", () => {
    expect(zeros(make((out, b) => b.for("x", 5, (x) => out.store([x.sub(4).neg()], 1))))).toBe(0);
    const later = make((out, b) => {
      b.for("x", 5, (x) => out.store([x], 1));
      b.for("x", 4, (x) => out.store([x], out.at(x.add(1))));
    });
    expect(zeros(later)).toBe(0);
    const memory = make((out, b) => {
      const one = b.alloc("one", [], "f32");
      const two = b.alloc("two", [2], "f32");
      one.store([], 1);
      b.for("x", 5, (x) => out.store([x], one.at().add(two.at(0))));
    });
    // `one` needs none
    expect(zeros(memory)).toBe(2);
  });
});

describe("schedules", () => {
  test("it is one block; its axes are loops that may be split, vectorized and computed at", () => {
    const s = schedule(running);
    s.vectorize(s.loops(running).y);
    same(s, createFunc([running]).func);
    const max = compute("max", { y: 2 }, ({ y }) => te.max({ k: 5 }, ({ k }) => running.at(y, k)));
    const t = schedule(max);
    t.computeAt(running, t.loops(max).y);
    same(t, createFunc([max]).func);
    expect(text(t)).toMatch(/^for y in 2:\n {2}block running\(vy = y\)/);
  });
  test("lanes have memory of their own", async () => {
    const n = 37;
    const X = placeholder("X", { y: n, x: 5 }, "i32");
    const T = nest("T", { reads: [X], axes: { y: n }, results: { shape: { x: 5 }, dtype: "i32" } }, ({ y }, out, b) => {
      const copy = b.alloc("copy", [5], "i32");
      b.for("x", 5, (x) => copy.store([x], X.at(y, x)));
      b.for("x", 5, (x) => b.if(copy.at(x).gt(3), () => out.store([x], copy.at(x.add(1).mod(5)))));
    });
    const inputs = { X: Int32Array.from({ length: 5 * n }, (_, i) => (i * 7) % 11) };
    const want = [...evaluate(T, inputs)];
    const s = schedule(T);
    s.vectorize(s.split(s.loops(T).y, { yo: "rest", yi: 8 }).yi);
    same(s, createFunc([T]).func);
    expect([...(await compile(s))(inputs)]).toEqual(want);
  });
  test("lanes of different length are refused, by the loop", () => {
    const T = nest("T", { reads: [A], axes: { y: 2 }, results: row }, ({ y }, out, b) =>
      b.for("x", y.add(1), (x) => out.store([x], A.at(y, x))),
    );
    const s = schedule(T);
    const e = illegal(s, () => s.vectorize(s.loops(T).y));
    expect(e.condition).toBe(6);
    expect(e.message).toMatch(/the extent of loop x, inside y, is y \+ 1/);
  });
  test("what is no expression is not put into one", () => {
    const D = compute("D", { y: 2, x: 5 }, ({ y, x }) => running.at(y, x).mul(2));
    const s = schedule(D);
    expect(illegal(s, () => s.computeInline(running)).code).toBe("computeInline.store");
    expect(illegal(s, () => s.reverseComputeInline(D)).code).toBe("reverseComputeInline.producer");
    s.reverseComputeAt(D, s.loops(running).y);
    same(s, createFunc([D]).func);
  });
  test("what it reads comes closer, what it writes may go elsewhere", () => {
    const s = schedule(running);
    const copy = s.cacheRead(running, A, "workspace");
    expect(s.loopList(copy).map((l) => l.name)).toEqual(["y", "x"]);
    s.computeAt(copy, s.loops(running).y);
    const out = s.cacheWrite(running, "workspace").copy;
    s.reverseComputeAt(out, s.loops(running).y);
    same(s, createFunc([running]).func);
    expect(text(s)).toMatchInlineSnapshot(`
      "for y in 2:
        for x in 5:
          block A.workspace(vy = y, vx = x):
            A.workspace[vy, vx] = A[vy, vx]
        block running(vy_1 = y):
          alloc total: f32[] in local
          total[] = 0.0
          for x_1 in 5:
            let total_1 = total[]
            total[] = total_1 + A.workspace[vy_1, x_1]
            let total_2 = total[]
            running.workspace[vy_1, x_1] = total_2
        for x_2 in 5:
          block running.copy(vy_2 = y, vx_1 = x_2):
            running[vy_2, vx_1] = running.workspace[vy_2, vx_1]"
    `);
  });
  test("producers are computed for what an iteration reads, loops of the body included", () => {
    const B = compute("B", { y: 2, x: 5 }, ({ y, x }) => A.at(y, x).add(1));
    const T = nest("T", { reads: [B], axes: { y: 2 }, results: { shape: [], dtype: "f32" } }, ({ y }, out, b) =>
      b.for("x", { from: 1, to: 4 }, (x) => out.store([], out.at().add(B.at(y, x)))),
    );
    const s = schedule(T);
    s.computeAt(B, s.loops(T).y);
    expect(text(s)).toMatch(/for x in 3:\n {4}block B\(vy = y, vx = x \+ 1\)/);
    same(s, createFunc([T]).func);
  });
});

describe("errors", () => {
  // biome-ignore lint/suspicious/noExplicitAny: the point is to get past the types
  type Untyped = any;
  const loose: Untyped = te;
  const at = placeholder("at", [4], "i32");
  const n = dim("n");
  const make = (body: unknown, spec: object = {}): unknown =>
    loose.nest("T", { reads: [], results: { shape: { x: 5 }, dtype: "f32" }, ...spec }, body);
  const within =
    (f: (out: Untyped, b: Untyped) => void, spec: object = {}) =>
    () =>
      make((_: unknown, out: Untyped, b: Untyped) => f(out, b), spec);
  const x5 = (f: (x: Untyped, out: Untyped, b: Untyped) => void, spec: object = {}) =>
    within((out, b) => b.for("x", 5, (x: Untyped) => f(x, out, b)), spec);
  let kept: Untyped;
  const cases: readonly (readonly [string, te.TeErrorCode, RegExp, () => unknown])[] = [
    ["no spec", "te.body", /nest "T": expected \{ reads, axes, results \}/, () => loose.nest("T")],
    ["no body", "te.body", /body of nest "T" is undefined/, () => make(undefined)],
    ["no results", "te.body", /results are undefined/, () => make(() => {}, { results: undefined })],
    ["empty results", "te.body", /nest "T" has no results/, () => make(() => {}, { results: {} })],
    ["a result without shape", "te.body", /the result "T.a" is number 3/, () => make(() => {}, { results: { a: 3 } })],
    [
      "no dtype",
      "te.dtype",
      /the result "T.a": undefined is no dtype/,
      () => make(() => {}, { results: { a: { shape: [4] } } }),
    ],
    ["an option there is not", "te.option", /no option "outputs"/, () => make(() => {}, { outputs: [] })],
    ["axes without names", "te.extent", /name the axes/, () => make(() => {}, { axes: [4] })],
    ["two axes of one name", "te.shadow", /axis "x" and an axis of the nest/, () => make(() => {}, { axes: { x: 4 } })],
    ["a body that returns", "te.body", /returned .*: it writes with store/, () => make(() => A.at(0, 0))],
    ["an async body", "te.body", /returned a promise/, () => make(async () => {})],
    ["a loop that returns", "te.body", /a loop or branch returned number 3/, x5(() => 3 as never)],
    [
      "a store outside",
      "te.bounds",
      /index 0 of the write of "T", x \+ 1, can't be proven to be below 5/,
      x5((x, out) => out.store([x.add(1)], 0)),
    ],
    [
      "a read outside",
      "te.bounds",
      /index 0 of the read of "T", x - 1, can't be proven to be at least 0/,
      x5((x, out) => out.store([x], out.at(x.sub(1)))),
    ],
    [
      "a read of an input outside",
      "te.bounds",
      /"T": index 1 of "A", x \+ 1/,
      x5((x, out) => out.store([x], A.at(0, x.add(1))), { reads: [A] }),
    ],
    ["a wrong rank", "te.rank", /"T" has 1 axes \(x\), but was read with 2/, x5((x, out) => out.store([x, x], 0))],
    ["a wrong name", "te.index-name", /"T" has no axis "z"/, x5((x, out) => out.store({ z: x }, 0))],
    ["a wrong dtype", "te.dtype", /store to "T" mixes dtypes/, x5((x, out) => out.store([x], x))],
    [
      "a tensor that is not listed",
      "te.body",
      /nest "T" reads "A", which is not among its reads.*reads: \[A\]/,
      x5((x, out) => out.store([x], A.at(0, x))),
    ],
    [
      "a tensor that is not read",
      "te.body",
      /nest "T" never reads "A"/,
      x5((x, out) => out.store([x], 0), { reads: [A] }),
    ],
    [
      "a size that is not listed",
      "te.body",
      /reads "n", which is not among/,
      within((out, b) => b.for("i", n, () => out.store([0], 1))),
    ],
    ["reads of something else", "te.body", /reads holds number 3/, x5((x, out) => out.store([x], 0), { reads: [3] })],
    ["reads that are no list", "te.body", /reads is the tensor "A"/, x5((x, out) => out.store([x], 0), { reads: A })],
    ["a negative extent", "te.extent", /loop "x": its extent is -1/, within((_, b) => b.for("x", -1, () => {}))],
    [
      "a float extent",
      "te.extent",
      /loop "x": its extent is of dtype f32/,
      within((_, b) => b.for("x", lit(1, "f32"), () => {})),
    ],
    ["a step of 0", "te.extent", /step is number 0/, within((_, b) => b.for("x", { to: 4, step: 0 }, () => {}))],
    ["an unknown end", "te.option", /no option "until"/, within((_, b) => b.for("x", { until: 4 }, () => {}))],
    [
      "a symbolic loop written out",
      "te.extent",
      /no constant extent/,
      within((_, b) => b.for("i", n, () => {}, { unroll: true })),
    ],
    ["a loop without body", "te.body", /body of "T": loop "x" is undefined/, within((_, b) => b.for("x", 4))],
    [
      "a branch on a number",
      "te.dtype",
      /b\.if of number 1: expected a comparison/,
      within((_, b) => b.if(1, () => {})),
    ],
    [
      "a lost comparison",
      "te.lost-comparison",
      /choose with b\.if\(c/,
      x5((x, out) => {
        x.gt(1);
        out.store([x], 0);
      }),
    ],
    [
      "a loop's variable outside of it",
      "te.scope",
      /"T": "x" is used outside of the loop or branch/,
      within((out, b) => {
        b.for("x", 5, (x: Untyped) => {
          kept = x;
        });
        out.store([kept], 0);
      }),
    ],
    [
      "a value outside of its loop",
      "te.scope",
      /"T": "v" is used outside/,
      within((out, b) => {
        b.for("x", 5, (x: Untyped) => {
          kept = b.let("v", x.add(1));
        });
        out.store([0], kept.cast("f32"));
      }),
    ],
    [
      "a statement when the nest is done",
      "te.scope",
      /a statement of nest "T" is written outside of its body/,
      () => {
        x5((x, out, b) => {
          out.store([x], 0);
          kept = b;
        })();
        kept.for("x", 4, () => {});
      },
    ],
    [
      "a store when the nest is done",
      "te.scope",
      /written outside of its body/,
      () => {
        x5((x, out) => {
          out.store([x], 0);
          kept = out;
        })();
        kept.store([0], 0);
      },
    ],
    ["memory of a run-time size", "te.extent", /extent of axis "i0" of "t"/, x5((x, _, b) => b.alloc("t", [x], "f32"))],
    [
      "memory in an unknown scope",
      "te.option",
      /"t": scope is string shared/,
      within((_, b) => b.alloc("t", [4], "f32", { scope: "shared" })),
    ],
    [
      "a reduction inside",
      "te.nested-reduction",
      /sum over "j" inside a nest/,
      x5((x, out) =>
        out.store(
          [x],
          te.sum({ j: 5 }, ({ j }) => A.at(0, j)),
        ),
      ),
    ],
    [
      "an axis of another tensor",
      "te.scope",
      /axis "i" belongs to "K"/,
      () => {
        compute("K", { i: 5 }, ({ i }) => {
          kept = i;
          return A.at(0, i);
        });
        x5((_, out) => out.store([kept], 0))();
      },
    ],
    ["a value that is no expression", "te.body", /value "v"/, within((_, b) => b.let("v", 3))],
    ["a float index", "te.index-type", /index 0 \("x"\) of "T" is/, x5((_, out) => out.at(lit(1, "f32")))],
    [
      "an index of data of another size",
      "te.index-type",
      /of dtype i32|i64/,
      x5((_, out) => out.at(at.at(0).cast("i64")), { reads: [at] }),
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
  test("they point at the line that made the mistake", () => {
    let error: Error | undefined;
    try {
      nest("T", { reads: [A], results: row }, (_, out, b) =>
        b.for("x", 5, (x) => {
          const late = A.at(0, x.add(1));
          out.store([x], late);
        }),
      );
    } catch (e) {
      error = e as Error;
    }
    const source = new Error().stack!.match(/nest\.test\.ts:(\d+)/)![1];
    const line = Number(error!.stack!.match(/nest\.test\.ts:(\d+)/)![1]);
    expect(Number(source) - line).toBeGreaterThan(0);
    expect(Number(source) - line).toBeLessThan(12);
  });
});

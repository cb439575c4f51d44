import { describe, expect, test } from "vitest";
import * as te from "../../te/index.ts";

const { compute, dim, lit, placeholder, scalar, select, sum, where } = te;
// Mistakes that types catch are made through this, as untyped callers would.
// biome-ignore lint/suspicious/noExplicitAny: the point is to get past the types
type Untyped = any;
const loose: Untyped = te;

const A: Untyped = placeholder("A", [16, 8]);
const B: Untyped = placeholder("B", { k: 8, j: 4 });
const Q: Untyped = placeholder("Q", [16, 8], "i8");
const n = dim("n");
const X: Untyped = placeholder("X", [n, 64]);

function caught(f: () => unknown): te.TeError {
  try {
    f();
  } catch (e) {
    expect(e).toBeInstanceOf(te.TeError);
    return e as te.TeError;
  }
  throw new Error("nothing was thrown");
}
const body = (f: (axes: Untyped) => unknown) => () => loose.compute("D", { i: 16, j: 8 }, f);

const cases: readonly (readonly [string, te.TeErrorCode, RegExp, () => unknown])[] = [
  ["wrong rank", "te.rank", /"D": "A" has 2 axes, but was read with 1/, body(({ i }) => A.at(i))],
  [
    "unknown index name",
    "te.index-name",
    /"B" has no axis "x": its axes are "k", "j"/,
    body(() => B.at({ k: 0, x: 0 })),
  ],
  ["missing index name", "te.index-name", /index "j" of "B" is missing/, body(() => B.at({ k: 0 }))],
  ["names for an unnamed tensor", "te.index-name", /"A" has no named axes/, body(({ i }) => A.at({ i }))],
  ["float index", "te.index-type", /index 1 of "A" is A\[i, j\] of dtype f32/, body(({ i, j }) => A.at(i, A.at(i, j)))],
  ["fractional index", "te.index-type", /index 0 \("k"\) of "B" is 0.5/, body(() => B.at(0.5, 0))],
  ["undefined index", "te.index-type", /index 1 of "A" is undefined/, body(({ i }) => A.at(i, undefined))],
  [
    "mixed dtypes",
    "te.dtype",
    /mul mixes dtypes: A\[i, j\] is f32, Q\[i, j\] is i8/,
    body(({ i, j }) => A.at(i, j).mul(Q.at(i, j))),
  ],
  ["float function of an integer", "te.dtype", /exp of Q\[i, j\]/, body(({ i, j }) => Q.at(i, j).exp())],
  ["number too large", "te.literal", /128 does not fit in i8 \(-128 to 127\)/, body(({ i, j }) => Q.at(i, j).add(128))],
  [
    "fraction beside an integer",
    "te.literal",
    /0.5 is not a whole number, beside i8/,
    body(({ i, j }) => Q.at(i, j).add(0.5)),
  ],
  ["too large for f32", "te.literal", /too large for f32/, body(({ i, j }) => A.at(i, j).add(1e300))],
  ["bigint beside f32", "te.literal", /bigint, beside f32/, body(({ i, j }) => A.at(i, j).add(1n))],
  ["inexact i64", "te.literal", /write it as a bigint/, () => lit(2 ** 60, "i64")],
  [
    "negative extent",
    "te.extent",
    /axis "i" of "D" is -1: extents can't be negative/,
    () => compute("D", { i: -1 }, () => lit(0, "f32")),
  ],
  [
    "always negative extent",
    "te.extent",
    /always negative/,
    () => {
      const m = dim("m", { max: 3 });
      return compute("D", { i: m.sub(5) }, () => lit(0, "f32"));
    },
  ],
  ["fractional extent", "te.extent", /axis "i1" of "D" is 2.5/, () => compute("D", [1, 2.5], () => lit(0, "f32"))],
  ["extent from data", "te.extent", /depends on "i"/, body(({ i }) => sum({ k: i }, ({ k }) => A.at(k, 0)))],
  [
    "nested reduction",
    "te.nested-reduction",
    /"D": sum over "l" inside the reduction over "k"/,
    body(() => loose.sum({ k: 8 }, ({ k }: Untyped) => sum({ l: 8 }, ({ l }) => A.at(k, l)))),
  ],
  [
    "reduction made before",
    "te.nested-reduction",
    /a sum over "l" is used inside the reduction over "k"/,
    body(({ i }) => {
      const s: Untyped = sum({ l: 8 }, ({ l }) => A.at(i, l));
      return loose.sum({ k: 8 }, () => s);
    }),
  ],
  [
    "reduction in a scan",
    "te.nested-reduction",
    /inside a scan/,
    () =>
      loose.scan(
        "S",
        { t: 3 },
        { i: 8 },
        { init: ({ i }: Untyped) => A.at(0, i), step: () => sum({ k: 8 }, ({ k }: Untyped) => A.at(0, k)) },
      ),
  ],
  [
    "shadowing",
    "te.shadow",
    /the sum axis "i" hides the tensor's own axis "i"/,
    body(() => sum({ i: 8 }, ({ i }) => A.at(0, i))),
  ],
  [
    "two inputs of a name",
    "te.duplicate-name",
    /two different inputs named "A"/,
    () => {
      const other = placeholder("A", [16, 8]);
      return compute("D", [16, 8], (i, j) => A.at(i, j).add(other.at(i, j)));
    },
  ],
  [
    "an input and a size of a name",
    "te.duplicate-name",
    /input and size named "A"/,
    () => {
      const a = dim("A");
      return compute("D", { i: a, j: 8 }, ({ i, j }) => where(i.lt(16), A.at(i, j), 0));
    },
  ],
  [
    "duplicate names through a producer",
    "te.duplicate-name",
    /two different scalars named "s"/,
    () => {
      const P = compute("P", [4], () => scalar("s"));
      return compute("D", [4], (i) => P.at(i).mul(scalar("s")));
    },
  ],
  [
    "a result and its input of a name",
    "te.duplicate-name",
    /the result "A" and the input "A" that it is computed with have one name/,
    () => te.createFunc([compute("A", { i: 16 }, ({ i }) => A.at(i, 0))]),
  ],
  [
    "a key of a record and an input of a name",
    "te.duplicate-name",
    /the result "A" \(the tensor "Y"\) and the input "A"/,
    () => te.createFunc({ A: compute("Y", { i: 16 }, ({ i }) => A.at(i, 0)) }),
  ],
  [
    "a result and a size of a name",
    "te.duplicate-name",
    /the result "n" and the size "n"/,
    () => te.createFunc([compute("n", { i: dim("n") }, () => lit(0, "f32"))]),
  ],
  ["an index divided by 0", "te.literal", /"D": div of i by 0/, body(({ i }) => A.at(i.div(0), 0))],
  ["an index modulo 0", "te.literal", /"D": mod of i \+ 1 by 0/, body(({ i }) => A.at(i.add(1).mod(0), 0))],
  [
    "comparison lost in ?:",
    "te.lost-comparison",
    /the comparison i < 3 never reaches the result/,
    body(({ i, j }) => (i.lt(3) ? A.at(i, j) : 0)),
  ],
  [
    "comparison lost in if",
    "te.lost-comparison",
    /i < j never reaches/,
    body(({ i, j }) => {
      if (i.lt(j)) return undefined;
      return A.at(i, j);
    }),
  ],
  ["operator <", "te.operator", /used with a JavaScript operator/, body(({ i, j }) => (i < j ? A.at(i, j) : 0))],
  ["operator +", "te.operator", /A\[i, j\] was used with a JavaScript operator/, body(({ i, j }) => A.at(i, j) + 1)],
  ["Math.max", "te.operator", /maximum\(a, b\)/, body(({ i, j }) => Math.max(A.at(i, j), 0))],
  ["empty body", "te.body", /the body of "D" returned undefined/, body(() => {})],
  ["number as body", "te.body", /lit\(3, "f32"\)/, body(() => 3)],
  ["tensor as body", "te.body", /the tensor "A" \(read an element/, body(() => A)],
  ["empty record", "te.body", /empty record/, body(() => ({}))],
  ["tensor as operand", "te.literal", /the tensor "A" \(read an element/, body(({ i, j }) => A.at(i, j).add(A))],
  [
    "bool sum",
    "te.dtype",
    /sum over "k" of bool values/,
    body(({ i }) => loose.sum({ k: 8 }, ({ k }: Untyped) => k.lt(i))),
  ],
  [
    "select without a comparison",
    "te.dtype",
    /the condition must be a comparison/,
    body(({ i, j }) => loose.select(i, A.at(i, j), 0)),
  ],
  [
    "below 0",
    "te.bounds",
    /"D": index 1 of "A", j - 1, can't be proven to be at least 0/,
    body(({ i, j }) => A.at(i, j.sub(1))),
  ],
  [
    "beyond the end",
    "te.bounds",
    /index 1 of "A", j \+ 1, can't be proven to be below 8/,
    body(({ i, j }) => A.at(i, j.add(1))),
  ],
  ["select guards nothing", "te.bounds", /j - 1/, body(({ i, j }) => select(j.ge(1), A.at(i, j.sub(1)), 0))],
  ["the wrong side of where", "te.bounds", /j - 1/, body(({ i, j }) => where(j.lt(1), A.at(i, j.sub(1)), 0))],
  ["symbolic bound", "te.bounds", /below n/, () => compute("D", { y: n, x: 64 }, ({ y, x }) => X.at(y.add(1), x))],
  ["bad name", "te.name", /tensor name "1x"/, () => placeholder("1x", [1])],
  ["bad dtype", "te.dtype", /"float32" is no dtype/, () => loose.placeholder("P", [1], "float32")],
  [
    "strides of another rank",
    "te.extent",
    /"P" has 2 axes, but 1 strides/,
    () => placeholder("P", [2, 2], "f32", { strides: [1] }),
  ],
  [
    "dim without a value",
    "te.extent",
    /no multiple of 8 lies in 1 to 7/,
    () => dim("m", { min: 1, max: 7, multipleOf: 8 }),
  ],
  [
    "states differ",
    "te.body",
    /init returns a record of "a", but step returns a record of "b"/,
    () => loose.scan("S", { t: 3 }, {}, { init: () => ({ a: lit(0, "f32") }), step: () => ({ b: lit(0, "f32") }) }),
  ],
  ["einsum extents", "te.einsum", /"k" is 8 in "A" but 16 in "Q"/, () => loose.einsum("E", "i k, k j -> i j", A, Q)],
  ["einsum without blanks", "te.einsum", /separate names with blanks/, () => loose.einsum("E", "ik,kj->ij", A, B)],
  [
    "combiner with tensors",
    "te.scope",
    /partial results and constants only/,
    body(
      ({ i }) =>
        loose.reduce(
          { k: 8 },
          { values: ({ k }: Untyped) => [A.at(i, k)], combine: () => [A.at(0, 0)], identity: [0] },
        )[0],
    ),
  ],
  ["input as output", "te.output", /"A" is an input/, () => te.createFunc([A])],
  ["no outputs", "te.output", /no outputs/, () => te.createFunc([])],
];

describe("mistakes are TeErrors that name tensor and axis", () => {
  test.each(cases)("%s", (_name, code, message, make) => {
    const e = caught(make);
    expect(e.message).toMatch(message);
    expect(e.code).toBe(code);
    expect(e.name).toBe("TeError");
  });
});

describe("axes out of scope", () => {
  let leaked: Untyped;
  let compound: Untyped;
  compute("L", { i: 16 }, ({ i }) => {
    leaked = i;
    compound = i.add(1);
    return i;
  });
  test("used in another body, at the use", () => {
    const e = caught(body(({ j }) => A.at(leaked, j)));
    expect(e.code).toBe("te.scope");
    expect(e.message).toMatch(/axis "i" belongs to "L" but is used in the body of "D"/);
  });
  test("used outside of bodies", () => {
    expect(caught(() => leaked.add(1)).message).toMatch(/used outside of any body/);
  });
  test("hidden in an expression", () => {
    expect(caught(body(() => compound)).message).toMatch(/axis "i" belongs to "L"/);
  });
  test("a reduction's axis after the reduction", () => {
    let k0: Untyped;
    const f = body(({ i }) => {
      const s = sum({ k: 8 }, ({ k }) => {
        k0 = k;
        return A.at(i, k);
      });
      return (s as Untyped).add(k0.cast("f32"));
    });
    expect(caught(f).message).toMatch(/axis "k" belongs to "sum over k"/);
  });
  test("an error in a body leaves nothing open", () => {
    expect(() => compute("fine", { i: 16, j: 8 }, ({ i, j }) => A.at(i, j))).not.toThrow();
  });
});

describe("where errors point", () => {
  const lineOf = (e: Error): string => /errors\.test\.ts:(\d+)/.exec(e.stack ?? "")?.[1] ?? "";
  test("an unproven read is reported at the read, not where the body ends", () => {
    let here = "";
    const e = caught(() =>
      compute("D", { i: 16 }, ({ i }) => {
        here = lineOf(new Error());
        const x = A.at(i.add(1), 0);
        return x.mul(2);
      }),
    );
    expect(Number(lineOf(e))).toBe(Number(here) + 1);
    expect(e.stack).toContain(e.message);
  });
});

test("a comparison awaited says so", async () => {
  const late = async (): Promise<unknown> => (await scalar("z").lt(3)) as unknown;
  await expect(late()).rejects.toThrow(/not a promise/);
});

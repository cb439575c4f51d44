/** A vector expression is the scalar one, lane by lane: random expressions, both ways. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  broadcast,
  buffer,
  cast,
  type DType,
  type Expr,
  int,
  load,
  mapExpr,
  type OpName,
  op,
  ramp,
  type Stmt,
  store,
  variable,
  withChildren,
} from "../../src/ir/index.ts";
import { arrayFor, interpret, writeElement } from "../../src/reference/index.ts";
import { dims, func, loop } from "../ir/build.ts";

const LANES = 8;
const i = variable("i");
const inputs = {
  f32: buffer("F", "f32", dims(LANES + 1)),
  i32: buffer("I", "i32", dims(LANES + 1)),
  u8: buffer("U", "u8", dims(LANES + 1)),
  i64: buffer("L", "i64", dims(LANES + 1)),
  f16: buffer("H", "f16", dims(LANES + 1)),
} as const;
type Kind = keyof typeof inputs;
const BINARY: { readonly [K in Kind]: readonly OpName[] } = {
  f32: ["add", "sub", "mul", "div", "min", "max", "pmin", "pmax"],
  f16: ["add", "sub", "mul", "div", "min", "max"],
  i32: ["add", "sub", "mul", "floordiv", "floormod", "and", "shl", "addSat", "halvingAdd"],
  u8: ["add", "sub", "mul", "truncdiv", "xor", "shr", "subSat", "roundingHalvingAdd"],
  i64: ["add", "mul", "floordiv", "or", "shr", "mulSat"],
};
const COMPARE: readonly OpName[] = ["lt", "le", "eq", "ne"];

/** An expression of this dtype over loads at i and i + 1; reads beyond the end only under `where`. */
function tree(kind: Kind, depth: number): fc.Arbitrary<Expr> {
  const leaf = fc.constantFrom<Expr>(
    load(inputs[kind], [i]),
    load(inputs[kind], [op("add", [i, int(1)])]),
    kind === "i32" ? i : cast(kind, i),
  );
  if (depth === 0) return leaf;
  const sub = tree(kind, depth - 1);
  const other = fc.constantFrom<Kind>("f32", "i32", "u8", "i64", "f16").chain((k) => tree(k, depth - 1));
  const condition = fc.tuple(other, fc.constantFrom(...COMPARE)).map(([e, o]) => op(o, [e, cast(e.dtype, i)]));
  return fc.oneof(
    leaf,
    fc.tuple(fc.constantFrom(...BINARY[kind]), sub, sub).map(([o, a, b]) => op(o, [a, b])),
    other.map((e) => cast(kind, e)),
    fc.tuple(condition, sub, sub).map(([c, a, b]) => op("select", [c, a, b])),
    fc.tuple(sub).map(([a]) => {
      const far = load(inputs[kind], [op("add", [i, int(6)])]);
      return op("where", [op("lt", [i, int(3)]), far, a]);
    }),
  );
}
const vectorized = (e: Expr): Expr => {
  const lanes = ramp(int(0), int(1), LANES);
  const v = mapExpr(e, (x) => (x === i ? lanes : x.kind === "op" || x.kind === "load" ? withChildren(x, widen(x)) : x));
  return v.lanes === 1 ? broadcast(v, LANES) : v;
};
const widen = (e: Expr): readonly Expr[] => (e.kind === "op" ? e.args : e.kind === "load" ? e.index : []);

describe("vectors", () => {
  it("agree with scalars, lane by lane", () => {
    const data = Object.fromEntries(
      Object.entries(inputs).map(([k, b]) => {
        const a = arrayFor(k as DType, LANES + 1);
        for (let n = 0; n <= LANES; n++) {
          const v = ((n * 37) % 11) - 5;
          writeElement(k as DType, a, n, k === "i64" ? BigInt(v) : k[0] === "f" ? v / 3 : v);
        }
        return [b.name, a];
      }),
    );
    const kinds = fc.constantFrom<Kind>("f32", "i32", "u8", "i64", "f16");
    fc.assert(
      fc.property(
        kinds.chain((k) => tree(k, 3)),
        (e) => {
          const Y = buffer("Y", e.dtype, dims(LANES));
          const run = (s: Stmt) => interpret(func("f", Object.values(inputs), [Y], s), data).Y;
          const scalar = run(loop(i, LANES, store(Y, [i], e)));
          const vector = run(store(Y, [ramp(int(0), int(1), LANES)], vectorized(e)));
          expect(vector).toEqual(scalar);
        },
      ),
      { numRuns: 400 },
    );
  });
});

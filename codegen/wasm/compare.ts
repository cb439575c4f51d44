/**
 * Comparisons and masks.
 *
 * A bool scalar is an i32 of 0 or 1. A bool vector is a mask: lanes of all ones or zeros, as wide as the operands of the
 * comparison that made them; where masks of different widths meet, or meet values of another width, they are converted.
 */
import { bitsOf, type DType, type Expr, type Op } from "../../src/ir/index.ts";
import type { Ref } from "./binaryen.ts";
import { ALL_INTS, FLOATS, type Row, table } from "./context.ts";
import { CodegenError } from "./error.ts";
import { intShape, type Writer } from "./writer.ts";

const ORDERED = ["lt", "le", "gt", "ge"] as const;
export const SCALAR_COMPARE = table([
  ["eq", `${ALL_INTS} ${FLOATS} bool`, "eq"],
  ["ne", `${ALL_INTS} ${FLOATS} bool`, "ne"],
  ...ORDERED.flatMap((op): Row[] => [
    [op, ALL_INTS, `${op}_%`],
    [op, FLOATS, op],
  ]),
]);
export const VECTOR_COMPARE = table([
  ["eq", `${ALL_INTS} ${FLOATS}`, "eq"],
  ["ne", `${ALL_INTS} ${FLOATS}`, "ne"],
  ...ORDERED.flatMap((op): Row[] => [
    // there is no unsigned comparison of 64-bit lanes
    [op, "i8 u8 i16 u16 i32 u32 i64", `${op}_%`],
    [op, FLOATS, op],
  ]),
]);

export const isComparison = (e: Op): boolean => e.dtype === "bool" && VECTOR_COMPARE.has(`${e.op} ${e.args[0]!.dtype}`);

/** See `Context.maskBits`. `vars` knows the widths of mask variables. */
export function naturalBits(e: Expr, bitsOfArg: (e: Expr) => number, vars: (e: Expr) => number): number {
  const first = (list: readonly Expr[]): number => {
    for (const x of list) {
      const b = bitsOfArg(x);
      if (b !== 0) return b;
    }
    return 0;
  };
  switch (e.kind) {
    case "op":
      if (e.op === "select" || e.op === "where") return first([e.args[1]!, e.args[2]!, e.args[0]!]);
      return e.args[0]!.dtype === "bool" ? first(e.args) : bitsOf(e.args[0]!.dtype);
    case "load":
      return 8;
    case "var":
      return vars(e);
    case "shuffle": {
      const vectors = e.vectors.filter((v) => v.lanes > 1);
      const widest = Math.max(e.lanes, ...vectors.map((v) => v.lanes));
      return Math.min(first(vectors), 128 / widest);
    }
    default:
      return 0;
  }
}

/** A mask from lanes of `from` bits to lanes of `to` bits. */
export function convertMask(w: Writer, v: Ref, from: number, to: number): Ref {
  let [r, bits] = [v, from];
  while (bits < to) {
    r = w.i(`${intShape(bits * 2)}.extend_low_${intShape(bits)}_s`, r);
    bits *= 2;
  }
  for (; bits > to; bits /= 2) {
    const x = w.dup("v128", r);
    r = narrowPair(w, x.first, x.again(), bits);
  }
  return r;
}
/** Two masks of `bits` wide lanes as one of half the width, the first in the low half. */
export function narrowPair(w: Writer, a: Ref, b: Ref, bits: number): Ref {
  if (bits === 64) return w.shuffle(a, b, [0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27]);
  return w.i(`${intShape(bits / 2)}.narrow_${intShape(bits)}_s`, a, b);
}

/** A scalar bool in every lane of a mask. */
export const splatBool = (w: Writer, v: Ref, bits: number): Ref => {
  const all = w.m.i32.sub(w.i32(0), v);
  return w.i(`${intShape(bits)}.splat`, bits === 64 ? w.m.i64.extend_s(all) : all);
};

export function unsupported(e: Op): CodegenError {
  const on = e.args.map((a) => a.dtype as DType).join(", ");
  return new CodegenError(
    "unsupported-op",
    `WebAssembly has no instruction for ${e.op} of ${on} giving ${e.dtype} on ${e.lanes} lane(s): ` +
      "legalization must rewrite it",
  );
}

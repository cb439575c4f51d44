/**
 * Every operation on every dtype, element by element: the hot loop is vector code or the table below names the instruction that
 * WebAssembly lacks; what is left over after the whole vectors is a cascade of narrower ones; and the values are right.
 */
import { describe, it } from "vitest";
import { DTYPES, type DType, OP_NAMES, type OpName } from "../../src/ir/index.ts";
import { check, type Form, kernelOf } from "./kernel.ts";

/** What WebAssembly has no vector instruction for, and no short sequence of others either. */
const MISSING: { readonly [K in `${OpName} ${DType}`]?: string } = {
  "floordiv i64": "i64x2.div_s",
  "floormod i64": "i64x2.div_s",
  "truncdiv i64": "i64x2.div_s",
  "truncrem i64": "i64x2.rem_s",
  "floordiv u64": "i64x2.div_u",
  "floormod u64": "i64x2.rem_u",
  "truncdiv u64": "i64x2.div_u",
  "truncrem u64": "i64x2.rem_u",
};
/** Of these dtypes the loop of constant length is looked at as well, its tail guarded or peeled. */
const CONSTANT: { readonly [D in DType]?: Form } = { f32: "guard", i64: "guard", u8: "peel" };

describe.each(OP_NAMES.filter((op) => DTYPES.some((d) => kernelOf(op, d))))("%s", (op) => {
  it(`of ${DTYPES.filter((d) => kernelOf(op, d)).join(" ")}`, async () => {
    for (const d of DTYPES) {
      const k = kernelOf(op, d);
      if (k === undefined) continue;
      const constant = CONSTANT[d];
      await check(k, MISSING[`${op} ${d}`], constant ? ["symbolic", constant] : ["symbolic"]);
    }
  }, 60_000);
});

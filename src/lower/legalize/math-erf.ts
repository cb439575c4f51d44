/** The error function. */
import type { Expr } from "../../ir/index.ts";
import { abs, add, fpOf, horner, like, lt, mul, neg, pmax, pmin, select, signBit, sub, withSign } from "./build.ts";
import { ERF_FAR_F32, ERF_FAR_F64, ERF_NEAR_F32, ERF_NEAR_F64, ERF_SPLIT_F32, ERF_SPLIT_F64 } from "./coefficients.ts";
import { expNormal } from "./math-exp.ts";

/**
 * erf x: x + x E(x^2) near 0, 1 - e^(-G(|x|)) beyond, ±1 from 4 (f32) or 6 (f64) on. At most 1.5 ulp (f32, f64) over all x;
 * erf(±0) = ±0.
 */
export function expandErf(x: Expr): Expr {
  const single = fpOf(x) === "f32";
  const y = abs(x);
  const split = like(x, single ? ERF_SPLIT_F32 : ERF_SPLIT_F64);
  const near = pmin(y, split);
  const z = mul(near, near);
  const small = add(near, mul(near, horner(z, single ? ERF_NEAR_F32 : ERF_NEAR_F64)));
  const far = pmax(sub(pmin(y, like(x, single ? 4 : 6)), split), like(x, 0));
  const g = horner(far, single ? ERF_FAR_F32 : ERF_FAR_F64);
  const large = sub(like(x, 1), expNormal(neg(g)));
  return withSign(select(lt(y, split), small, large), signBit(x));
}

/**
 * Rules for floats: every one gives the same value for NaN, infinities and both zeros, and rounds the same. So there is no
 * x * 0 = 0, no x + 0 = x (it turns -0 into +0) and no x - x = 0 here.
 */
import { DTYPES, isFloat, normalize } from "../ir/index.ts";
import { type Bound, C, D, p, type RuleTable, rule, X, Y, Z } from "./pattern.ts";

const { add, sub, mul, div, fma, neg, abs, min, max, pmin, pmax, floor, ceil, trunc, round, lt, gt, select } = p;

/** A power of two whose reciprocal the dtype holds exactly: dividing by it is multiplying by the reciprocal. */
const hasReciprocal = (b: Bound): boolean => {
  const c = Number(b.value(C));
  const r = 1 / c;
  return Number.isFinite(r) && c !== 0 && Math.abs(c) !== 1 && 1 / r === c && normalize(b.dtype, r) === r && isPower(c);
};
const isPower = (c: number): boolean =>
  Number.isInteger(Math.log2(Math.abs(c))) && 2 ** Math.log2(Math.abs(c)) === Math.abs(c);

export const FLOAT_RULES: RuleTable = {
  name: "floats",
  dtypes: DTYPES.filter(isFloat),
  rules: [
    rule("x + -0 = x", add(X, -0), X),
    rule("x - 0 = x", sub(X, 0), X),
    rule("-0 - x = -x", sub(-0, X), neg(X)),
    rule("x * 1 = x", mul(X, 1), X),
    rule("x / 1 = x", div(X, 1), X),
    rule("x * -1 = -x", mul(X, -1), neg(X)),
    rule("x / -1 = -x", div(X, -1), neg(X)),
    rule("--x = x", neg(neg(X)), X),
    rule("x + -y = x - y", add(X, neg(Y)), sub(X, Y)),
    rule("x - -y = x + y", sub(X, neg(Y)), add(X, Y)),
    rule("-x * -y = x * y", mul(neg(X), neg(Y)), mul(X, Y)),
    rule("-x / -y = x / y", div(neg(X), neg(Y)), div(X, Y)),
    rule("x / 2^n = x * 2^-n", div(X, C), mul(X, div(1, C)), hasReciprocal),
    rule("|-x| = |x|", abs(neg(X)), abs(X)),
    rule("||x|| = |x|", abs(abs(X)), abs(X)),
    rule("min(x, x) = x", min(X, X), X),
    rule("max(x, x) = x", max(X, X), X),
    rule("pmin(x, x) = x", pmin(X, X), X),
    rule("pmax(x, x) = x", pmax(X, X), X),
    rule("select(x < y, y, x) = pmax(x, y)", select(lt(X, Y), Y, X), pmax(X, Y)),
    rule("select(x > y, x, y) = pmax(y, x)", select(gt(X, Y), X, Y), pmax(Y, X)),
    rule("select(x < y, x, y) = pmin(y, x)", select(lt(X, Y), X, Y), pmin(Y, X)),
    rule("select(x > y, y, x) = pmin(x, y)", select(gt(X, Y), Y, X), pmin(X, Y)),
    rule("min(min(x, c), d)", min(min(X, C), D), min(X, min(C, D))),
    rule("max(max(x, c), d)", max(max(X, C), D), max(X, max(C, D))),
    rule("fma(x, 1, z) = x + z", fma(X, 1, Z), add(X, Z)),
    rule("fma(1, x, z) = x + z", fma(1, X, Z), add(X, Z)),
    rule("fma(x, y, -0) = x * y", fma(X, Y, -0), mul(X, Y)),
    ...[floor, ceil, trunc, round].flatMap((outer) =>
      [floor, ceil, trunc, round].map((inner) =>
        rule(`${outer(X).op}(${inner(X).op}(x)) = ${inner(X).op}(x)`, outer(inner(X)), inner(X)),
      ),
    ),
  ],
};

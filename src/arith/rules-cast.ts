/** Rules for conversions. */
import { DTYPES, type DType, isFloat, isInteger } from "../ir/index.ts";
import { isLossless } from "./lossless.ts";
import { type Bound, p, type RuleTable, rule, X } from "./pattern.ts";

const { cast, satcast } = p;

const middle = (b: Bound): DType => b.root.args[0]!.dtype;
/**
 * The detour keeps every value, and does not change which kind of conversion comes last (an integer to a narrower one
 * wraps, a float saturates).
 */
const pointless = (b: Bound): boolean => {
  const [from, via, to] = [b.expr(X).dtype, middle(b), b.dtype];
  if (!isLossless(from, via)) return false;
  return isFloat(from) === isFloat(via) || isFloat(to) || isLossless(from, to);
};

export const CAST_RULES: RuleTable = {
  name: "conversions",
  dtypes: DTYPES,
  rules: [
    rule("cast(cast(x)) = cast(x)", cast(cast(X)), cast(X), pointless),
    rule("cast to the same dtype", cast(X), X, (b) => b.expr(X).dtype === b.dtype),
    rule(
      "satcast that loses nothing",
      satcast(X),
      cast(X),
      (b) => isInteger(b.dtype) && isLossless(b.expr(X).dtype, b.dtype),
    ),
  ],
};

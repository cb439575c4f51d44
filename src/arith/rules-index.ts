/**
 * Rules for index arithmetic, where integers are exact and cannot overflow. Sums, quotients and remainders have a normal form
 * made by code (index-arith.ts); what is left for a table are choices and extrema.
 */
import { C, p, type RuleTable, rewriter, rule, X, Y } from "./pattern.ts";

const { add, sub, mul, neg, abs, min, max, lt, select, where } = p;
const positive = (b: { value: (c: typeof C) => number | bigint }): boolean => b.value(C) > 0;

export const INDEX_RULES: RuleTable = {
  name: "index arithmetic",
  dtypes: ["i32"],
  rules: [
    rule("select(x < y, x, y) = min(x, y)", select(lt(X, Y), X, Y), min(X, Y)),
    rule("select(x < y, y, x) = max(x, y)", select(lt(X, Y), Y, X), max(X, Y)),
    rule("where(x < y, x, y) = min(x, y)", where(lt(X, Y), X, Y), min(X, Y)),
    rule("where(x < y, y, x) = max(x, y)", where(lt(X, Y), Y, X), max(X, Y)),
    rule("min(max(x, y), y) = y", min(max(X, Y), Y), Y),
    rule("max(min(x, y), y) = y", max(min(X, Y), Y), Y),
    rule("min(x + c, y + c)", min(add(X, C), add(Y, C)), add(min(X, Y), C)),
    rule("max(x + c, y + c)", max(add(X, C), add(Y, C)), add(max(X, Y), C)),
    rule("min(x - c, y - c)", min(sub(X, C), sub(Y, C)), sub(min(X, Y), C)),
    rule("max(x - c, y - c)", max(sub(X, C), sub(Y, C)), sub(max(X, Y), C)),
    rule("min(x * c, y * c)", min(mul(X, C), mul(Y, C)), mul(min(X, Y), C), positive),
    rule("max(x * c, y * c)", max(mul(X, C), mul(Y, C)), mul(max(X, Y), C), positive),
    rule("min(-x, -y)", min(neg(X), neg(Y)), neg(max(X, Y))),
    rule("max(-x, -y)", max(neg(X), neg(Y)), neg(min(X, Y))),
    rule("|-x| = |x|", abs(neg(X)), abs(X)),
    rule("||x|| = |x|", abs(abs(X)), abs(X)),
  ],
};
export const rewriteIndex = rewriter([INDEX_RULES]);

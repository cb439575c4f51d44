/** Rules for logic, and for choices between values of any dtype. */
import { DTYPES, isInteger } from "../ir/index.ts";
import { P, p, type RuleTable, rule, X, Y, Z } from "./pattern.ts";

const { and, or, xor, not, eq, ne, lt, le, gt, ge, select, where } = p;

export const BOOL_RULES: RuleTable = {
  name: "logic",
  dtypes: ["bool"],
  rules: [
    rule("x & x = x", and(X, X), X),
    rule("x | x = x", or(X, X), X),
    rule("x ^ x = false", xor(X, X), false),
    rule("x & true = x", and(X, true), X),
    rule("x & false = false", and(X, false), false),
    rule("x | true = true", or(X, true), true),
    rule("x | false = x", or(X, false), X),
    rule("x ^ false = x", xor(X, false), X),
    rule("x ^ true = !x", xor(X, true), not(X)),
    rule("x & !x = false", and(X, not(X)), false),
    rule("x | !x = true", or(X, not(X)), true),
    rule("x & (x | y) = x", and(X, or(X, Y)), X),
    rule("x | (x & y) = x", or(X, and(X, Y)), X),
    rule("x & (x & y) = x & y", and(X, and(X, Y)), and(X, Y)),
    rule("x | (x | y) = x | y", or(X, or(X, Y)), or(X, Y)),
    rule("!!x = x", not(not(X)), X),
    rule("x == true is x", eq(X, true), X),
    rule("x == false is !x", eq(X, false), not(X)),
    rule("x != true is !x", ne(X, true), not(X)),
    rule("x != false is x", ne(X, false), X),
    rule("x == x", eq(X, X), true),
    rule("x != x", ne(X, X), false),
    rule("!(x == y)", not(eq(X, Y)), ne(X, Y)),
    rule("!(x != y)", not(ne(X, Y)), eq(X, Y)),
    rule("!(x < y) on integers", not(lt(X, Y)), le(Y, X), (b) => isInteger(b.expr(X).dtype)),
    rule("!(x <= y) on integers", not(le(X, Y)), lt(Y, X), (b) => isInteger(b.expr(X).dtype)),
    rule("!(x > y) on integers", not(gt(X, Y)), le(X, Y), (b) => isInteger(b.expr(X).dtype)),
    rule("!(x >= y) on integers", not(ge(X, Y)), lt(X, Y), (b) => isInteger(b.expr(X).dtype)),
    rule("select(p, true, false) = p", select(P, true, false), P),
    rule("select(p, false, true) = !p", select(P, false, true), not(P)),
    rule("where(p, true, false) = p", where(P, true, false), P),
    rule("where(p, false, true) = !p", where(P, false, true), not(P)),
  ],
};

export const CHOICE_RULES: RuleTable = {
  name: "choices",
  dtypes: DTYPES,
  rules: [
    rule("select(true, x, y) = x", select(true, X, Y), X),
    rule("select(false, x, y) = y", select(false, X, Y), Y),
    rule("select(p, x, x) = x", select(P, X, X), X),
    rule("select(!p, x, y) = select(p, y, x)", select(not(P), X, Y), select(P, Y, X)),
    rule("select(p, select(p, x, y), z)", select(P, select(P, X, Y), Z), select(P, X, Z)),
    rule("select(p, x, select(p, y, z))", select(P, X, select(P, Y, Z)), select(P, X, Z)),
    rule("where(true, x, y) = x", where(true, X, Y), X),
    rule("where(false, x, y) = y", where(false, X, Y), Y),
    rule("where(p, x, x) = x", where(P, X, X), X),
    rule("where(!p, x, y) = where(p, y, x)", where(not(P), X, Y), where(P, Y, X)),
    rule("where(p, where(p, x, y), z)", where(P, where(P, X, Y), Z), where(P, X, Z)),
    rule("where(p, x, where(p, y, z))", where(P, X, where(P, Y, Z)), where(P, X, Z)),
  ],
};

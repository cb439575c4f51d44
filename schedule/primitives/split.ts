import { prove, simplifyIndex } from "../../src/arith/index.ts";
import {
  add,
  and,
  constInt,
  type Expr,
  eq,
  type For,
  type Func,
  floordiv,
  floormod,
  ge,
  int,
  lt,
  min,
  mul,
  printExpr,
  type Stmt,
  sub,
  substituteStmt,
  type Tail,
  type Var,
  variable,
} from "../../src/ir/index.ts";
import { feeding, note, REVISITS } from "../analysis.ts";
import {
  badArgument,
  checkNames,
  checkOptions,
  checkTail,
  describe,
  isRecord,
  MAX_MULTIPLE,
  TAILS,
} from "../arguments.ts";
import { type Complaint, refuse } from "../error.ts";
import { accepted, loopsNear, onLoops } from "../hints.ts";
import { named, type Outcome } from "../outcome.ts";
import { readProblem } from "../regions.ts";
import { blocksIn, factsAround, mapBlocks, replaceStmt, rewrite, tidy, treeOf } from "../tree.ts";
import { findLoop, needSerial } from "./find.ts";
import { padLoop } from "./pad.ts";
import { dependsOn, repeatProblem } from "./shift.ts";

export type Factor = number | "rest";
export interface SplitOptions {
  /**
   * What happens where the parts overshoot the extent: a predicate (`guard`), a copy of the nest for what is left (`peel`), longer
   * axes and buffers (`pad`), or a last part that overlaps the one before (`shift`).
   */
  readonly tail?: Tail;
}
const NAME = "split";

/**
 * Replaces a loop by several nested ones, outermost first, whose extents multiply to at least its extent. One factor may be
 * "rest": as many as it takes. Where the parts overshoot, every block below gets a predicate; with the tail `shift` the last round
 * of the outermost part begins earlier and computes some elements again; with `pad` the axis of every block below is lengthened
 * first, as `pad` does.
 *
 *     s.split(i, { io: "rest", ii: 6 })      // for i in 510  ->  for io in 85: for ii in 6:  with i = io*6 + ii
 *     s.split(i, { io: "rest", ii: 8 }, { tail: "shift" })      // for io in 64:  with i = min(io*8, 502) + ii
 *
 * Conditions:
 * 1. at least two parts (one is allowed: a new name), factors are positive whole numbers that multiply to at most 2^30, and at most
 *    one is "rest";
 * 2. without "rest", the factors multiply to at least the extent, whatever the symbolic sizes are;
 * 3. without "rest", a loop that carries a reduction has at least one iteration;
 * 4. the loop is serial;
 * 5. with the tail `pad` or `shift` one part is "rest", with `shift` the outermost;
 * 6. with `shift` there are at least as many iterations as the other parts multiply to, whatever the symbolic sizes are;
 * 7. with `shift` every block below only writes: neither this loop nor one around it carries a reduction or a scan of it, and what it
 *    reads is there in each iteration anew;
 * 8. with `pad` every block below can be padded along the axis that the loop is (the conditions of pad).
 *
 * Dies: the loop (successors: the parts). Born: the parts, by their names. Everything else survives.
 */
export function split(
  f: Func,
  loop: Var,
  factors: Readonly<Record<string, Factor>>,
  options: SplitOptions = {},
): Outcome {
  if (!isRecord(factors))
    badArgument(f, NAME, `the factors of loop ${loop.name} are ${describe(factors)}, not a record of named parts`, [
      `{ ${loop.name}o: "rest", ${loop.name}i: 4 }`,
    ]);
  checkNames(f, NAME, `the parts of loop ${loop.name}`, Object.keys(factors));
  checkOptions(f, NAME, options, ["tail"]);
  checkTail(f, NAME, options.tail);
  const p = findLoop(f, loop);
  const old = p.node;
  const parts = Object.entries(factors);
  const bad = (
    condition: number,
    code: string,
    message: string,
    legal: Complaint["legal"] = () => example(old),
  ): never => refuse(f, { primitive: NAME, condition, code, message, marks: [loop], legal });
  if (parts.length === 0) bad(1, "factors", `no factors for loop ${loop.name}`);
  for (const [n, x] of parts)
    if (x !== "rest" && !(Number.isSafeInteger(x) && x > 0))
      bad(
        1,
        "factors",
        `factor ${n} of loop ${loop.name} is ${typeof x === "number" ? x : describe(x)}; a factor is a positive whole number or "rest"`,
      );
  if (parts.filter(([, x]) => x === "rest").length > 1)
    bad(1, "factors", `two factors of loop ${loop.name} are "rest" in ${printFactors(factors)}`);
  const product = parts.reduce((n, [, x]) => n * (x === "rest" ? 1 : x), 1);
  if (product > MAX_MULTIPLE)
    bad(1, "factors", `the factors ${printFactors(factors)} of loop ${loop.name} multiply to more than 2^30`);
  needSerial(f, NAME, 4, [old], () =>
    onLoops(f, NAME, loopsNear(f, [loop]), (v) => split(f, v, factors, options), `, ${printFactors(factors)}`),
  );

  const facts = factsAround(p);
  const inferred = parts.some(([, x]) => x === "rest");
  const { extent } = old;
  if (!inferred) {
    const growing = (): string[] =>
      accepted(
        parts.map(([n]) => ({ ...factors, [n]: "rest" as const })),
        (x) => split(f, loop, x, options),
      ).map((x) => `split(${loop.name}, ${printFactors(x)})`);
    if (!prove(ge(int(product), extent), facts))
      bad(
        2,
        "too-few",
        `${printFactors(factors)} covers ${product} iterations of loop ${loop.name}, which ${manyText(extent)}`,
        growing,
      );
    const reducing = blocksIn(old).some((b) => b.init !== undefined && feeding(b, "reduction").has(loop));
    if (reducing && !prove(ge(extent, int(1)), facts))
      bad(3, "empty", `loop ${loop.name} carries a reduction and may be empty, so it needs a factor "rest"`, growing);
  }
  const divides = inferred && prove(eq(floormod(extent, int(product)), int(0)), facts);
  const tail: Tail = options.tail ?? "guard";
  const others = (): string[] => {
    const tails = accepted(
      TAILS.filter((t) => t !== tail),
      (t) => split(f, loop, factors, { tail: t }),
    );
    if (tails.length > 0) return tails.map((t) => `split(${loop.name}, ${printFactors(factors)}, { tail: "${t}" })`);
    const even = accepted(dividing(old, factors), (x) => split(f, loop, x));
    return even.map((x) => `split(${loop.name}, ${printFactors(x)})`);
  };
  const at = parts.findIndex(([, x]) => x === "rest");
  if ((tail === "pad" || tail === "shift") && (at < 0 || (tail === "shift" && at > 0)))
    bad(
      5,
      "rest",
      tail === "pad"
        ? `loop ${loop.name} is to be padded, so one part has to be "rest" in ${printFactors(factors)}`
        : `the last round of loop ${loop.name} is to be shifted, so the outermost part has to be "rest" in ${printFactors(factors)}`,
      () => [
        ...accepted([outerRest(factors)], (x) => split(f, loop, x, options)).map(
          (x) => `split(${loop.name}, ${printFactors(x)}, { tail: "${tail}" })`,
        ),
        ...others(),
      ],
    );
  if (tail === "pad" && !divides) {
    const failed = (c: Omit<Complaint, "primitive">): never =>
      refuse(f, { ...c, primitive: NAME, condition: 8, code: `pad-${c.code}` });
    const longer = padLoop(f, p, product, undefined, { hint: others, bad: failed });
    return { ...split(longer.func, loop, factors), replaced: longer.replaced! };
  }
  const shifted = tail === "shift" && !divides;
  if (shifted) {
    if (!prove(ge(extent, int(product)), facts))
      bad(
        6,
        "short",
        `loop ${loop.name} has ${printExpr(extent)} iterations, which may be less than the ${product} of a shifted part`,
        others,
      );
    const problem = repeatProblem(f, p);
    if (problem) refuse(f, { ...problem, primitive: NAME, condition: 7, legal: others });
  }
  const rest = divides
    ? floordiv(extent, int(product))
    : floordiv(add(extent, sub(int(product), int(1))), int(product));
  const made = parts.map(([name, x]) => ({
    var: variable(name),
    extent: x === "rest" ? simplifyIndex(rest, facts) : int(x),
  }));
  const vars = made.map((m) => m.var);
  const digits = (list: readonly (typeof made)[number][]): Expr =>
    list.reduce<Expr>((v, m, i) => (i === 0 ? m.var : add(mul(v, m.extent), m.var)), int(0));
  // the last round ends where the loop ends
  const start = min(mul(vars[0]!, int(product)), sub(extent, int(product)));
  const value = shifted ? add(start, digits(made.slice(1))) : digits(made);

  let inner = facts;
  for (const m of made) inner = inner.withVar(m.var, int(0), m.extent);
  const guard = simplifyIndex(lt(value, extent), inner);
  const guarded = constInt(guard) === undefined;
  let body: Stmt = substituteStmt(old.body, new Map([[loop, value]]));
  if (guarded) body = mapBlocks(body, (b) => ({ ...b, predicate: and(b.predicate, guard) }));
  const again = new Set(blocksIn(old).flatMap((b) => (shifted && dependsOn(b, old) ? [b.id] : [])));
  if (shifted) body = mapBlocks(body, (b) => (again.has(b.id) ? note(b, { [REVISITS]: true }) : b));
  const last = made.at(-1)!.var;
  body = rewrite(body, (s) => (s.kind === "block" && s.storeAt === loop ? { ...s, storeAt: last } : s));
  const nest = made.reduceRight<Stmt>(
    (s, m, i): For => ({
      kind: "for",
      var: m.var,
      min: int(0),
      extent: m.extent,
      loop: "serial",
      body: s,
      ...(guarded && i > 0 ? { tail } : i === 0 && old.tail ? { tail: old.tail } : {}),
      ...(i === 0 && old.annotations ? { annotations: old.annotations } : {}),
    }),
    body,
  );
  const func = tidy(replaceStmt(f, old, nest));
  for (const id of again) {
    const problem = readProblem(treeOf(func).blocks.values(), treeOf(func).blocks.get(id)!);
    if (problem)
      refuse(f, {
        primitive: NAME,
        condition: 7,
        code: "reads",
        message: problem.why,
        marks: [loop, id, problem.writer.node.id],
        legal: others,
      });
  }
  return { func, born: named(vars), died: new Map([[loop, vars]]) };
}

const printFactors = (factors: Readonly<Record<string, Factor>>): string =>
  `{ ${Object.entries(factors)
    .map(([n, x]) => `${n}: ${x === "rest" ? '"rest"' : x}`)
    .join(", ")} }`;
/** The same parts with what is left over in the outermost one. */
function outerRest(factors: Readonly<Record<string, Factor>>): Record<string, Factor> {
  const parts = Object.entries(factors);
  const number = parts.find(([, x]) => x !== "rest")?.[1] ?? 4;
  return Object.fromEntries(parts.map(([n, x], i) => [n, i === 0 ? "rest" : x === "rest" ? number : x]));
}
const manyText = (extent: Expr): string => {
  const n = constInt(extent);
  return n === undefined ? `has ${printExpr(extent)}, which may be more` : `has ${n}`;
};
/** The same parts with another last one, such that nothing is left over. */
function dividing(l: For, factors: Readonly<Record<string, Factor>>): Readonly<Record<string, Factor>>[] {
  const n = constInt(l.extent) ?? 0;
  const last = Object.keys(factors).at(-1)!;
  const rest = Object.entries(factors).reduce((x, [k, y]) => (k === last || y === "rest" ? x : x * y), 1);
  const sizes = Array.from({ length: Math.min(n, 64) }, (_, i) => i + 1).filter((x) => x > 1 && n % (x * rest) === 0);
  return sizes.map((x) => ({ ...factors, [last]: x }));
}
/** A split of this loop in two, without a tail where some small number divides it. */
function example(l: For): string[] {
  const n = constInt(l.extent) ?? 0;
  const by = [8, 4, 6, 5, 7, 3, 2].find((x) => n > x && n % x === 0) ?? 4;
  return [`split(${l.var.name}, ${printFactors({ [`${l.var.name}o`]: "rest", [`${l.var.name}i`]: by })})`];
}

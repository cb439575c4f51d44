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
  mul,
  type Stmt,
  sub,
  substituteStmt,
  type Tail,
  type Var,
  variable,
} from "../../src/ir/index.ts";
import { feeding } from "../analysis.ts";
import { badArgument, checkNames, checkOptions, checkTail, describe, isRecord } from "../arguments.ts";
import { refuse } from "../error.ts";
import { named, type Outcome } from "../outcome.ts";
import { blocksIn, factsIn, mapBlocks, replaceStmt, rewrite, tidy } from "../tree.ts";
import { findLoop, needSerial } from "./find.ts";

export type Factor = number | "rest";
export interface SplitOptions {
  /** What happens to iterations beyond the extent: a predicate (`guard`), or a copy of the nest for them (`peel`). */
  readonly tail?: "guard" | "peel";
}
const NAME = "split";

/**
 * Replaces a loop by several nested ones, outermost first, whose extents multiply to at least its extent. One factor may be
 * "rest": as many as it takes. Where the parts overshoot, every block below gets a predicate.
 *
 *     split(i, { io: "rest", ii: 6 })      // for i in 510  ->  for io in 85: for ii in 6:  with i = io*6 + ii
 *
 * Conditions:
 * 1. at least two parts (one is allowed: a new name), factors are positive whole numbers, and at most one is "rest";
 * 2. without "rest", the factors multiply to at least the extent, whatever the symbolic sizes are;
 * 3. without "rest", a loop that carries a reduction has at least one iteration;
 * 4. the loop is serial.
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
  const bad = (condition: number, code: string, message: string, legal: string[] = []): never =>
    refuse(f, { primitive: NAME, condition, code, message, marks: [loop], legal });
  const written = (): string => parts.map(([n, x]) => `${n}: ${x}`).join(", ");
  if (parts.length === 0) bad(1, "factors", `no factors for loop ${loop.name}`, ['{ io: "rest", ii: 4 }']);
  for (const [n, x] of parts)
    if (x !== "rest" && !(Number.isSafeInteger(x) && x > 0 && x < 2 ** 31))
      bad(1, "factors", `factor ${n} of loop ${loop.name} is ${x}; a factor is a positive whole number or "rest"`);
  if (parts.filter(([, x]) => x === "rest").length > 1)
    bad(1, "factors", `two factors of loop ${loop.name} are "rest" in { ${written()} }`, ['one "rest"']);
  const product = parts.reduce((n, [, x]) => n * (x === "rest" ? 1 : x), 1);
  if (!(product < 2 ** 31)) bad(1, "factors", `the factors { ${written()} } of loop ${loop.name} are too large`);
  needSerial(f, NAME, 4, [old]);

  const facts = factsIn(p.loops);
  const inferred = parts.some(([, x]) => x === "rest");
  const { extent } = old;
  if (!inferred) {
    if (!prove(ge(int(product), extent), facts))
      bad(2, "too-few", `{ ${written()} } covers ${product} iterations of loop ${loop.name}, which may have more`, [
        'a factor "rest"',
      ]);
    const reducing = blocksIn(old).some((b) => b.init !== undefined && feeding(b, "reduction").has(loop));
    if (reducing && !prove(ge(extent, int(1)), factsIn(p.loops)))
      bad(3, "empty", `loop ${loop.name} carries a reduction and may be empty, so it needs a factor "rest"`, [
        'a factor "rest"',
      ]);
  }
  const divides = inferred && prove(eq(floormod(extent, int(product)), int(0)), facts);
  const rest = divides
    ? floordiv(extent, int(product))
    : floordiv(add(extent, sub(int(product), int(1))), int(product));
  const made = parts.map(([name, x]) => ({
    var: variable(name),
    extent: x === "rest" ? simplifyIndex(rest, facts) : int(x),
  }));
  const value = made.map((m) => m.var as Expr).reduce((v, x, i) => (i === 0 ? x : add(mul(v, made[i]!.extent), x)));

  let inner = facts;
  for (const m of made) inner = inner.withVar(m.var, int(0), m.extent);
  const guard = simplifyIndex(lt(value, extent), inner);
  const guarded = constInt(guard) === undefined;
  let body: Stmt = substituteStmt(old.body, new Map([[loop, value]]));
  if (guarded) body = mapBlocks(body, (b) => ({ ...b, predicate: and(b.predicate, guard) }));
  const last = made.at(-1)!.var;
  body = rewrite(body, (s) => (s.kind === "block" && s.storeAt === loop ? { ...s, storeAt: last } : s));
  const tail: Tail = options.tail ?? "guard";
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
  const vars = made.map((m) => m.var);
  return { func: tidy(replaceStmt(f, old, nest)), born: named(vars), died: new Map([[loop, vars]]) };
}

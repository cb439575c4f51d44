import { prove, simplifyIndex } from "../../src/arith/index.ts";
import {
  add,
  type Expr,
  type For,
  type Func,
  int,
  isConst,
  le,
  max,
  min,
  printExpr,
  type Stmt,
  seq,
  sub,
  substituteStmt,
  type Var,
} from "../../src/ir/index.ts";
import { feeding } from "../analysis.ts";
import { type Copy, copies, copyNames } from "../copy.ts";
import { refuse } from "../error.ts";
import { accepted, atLoops, loopsNear, onLoops } from "../hints.ts";
import type { Outcome } from "../outcome.ts";
import { blocksIn, factsAround, replaceStmt, tidy } from "../tree.ts";
import { findLoop, needSerial } from "./find.ts";
import { overflowing } from "./specialize.ts";

const NAME = "partition";
/**
 * Cuts the range of a loop into consecutive parts, each a loop of its own from 0 with a nest of its own, so that conditions that
 * hold in one part only disappear from the others. One part, the "rest", is the nest that was there; the others are copies, with
 * blocks named `<name>.<part>`. Sizes are limited to what there is, so that parts may be empty for small symbolic extents.
 *
 *     s.partition(y, { top: 1, body: "rest", bottom: 1 })     // y in [0, 1), [1, n - 1), [n - 1, n)
 *
 * Conditions:
 * 1. there are at least two parts, and one of them, not more, is "rest";
 * 2. the loop is serial;
 * 3. a reduction that it carries is decomposed: the init has a block of its own;
 * 4. no part is empty whatever the sizes are;
 * 5. no product in the size of a part can overflow.
 *
 * All handles survive and mean the rest. Born: the loops and blocks of the other parts, as `<part>.<name>`.
 */
export function partition(
  f: Func,
  loop: Var,
  parts: ReadonlyMap<string, Expr | "rest">,
): Outcome & { readonly parts: ReadonlyMap<string, Copy> } {
  const p = findLoop(f, loop);
  const l = p.node;
  const names = [...parts.keys()];
  const rest = names.filter((n) => parts.get(n) === "rest");
  const legal = (): string[] => repaired(f, loop, parts);
  const bad = (condition: number, code: string, message: string): never =>
    refuse(f, { primitive: NAME, condition, code, message, marks: [loop], legal });
  const shown = text(parts);
  if (names.length < 2 || rest.length !== 1)
    bad(
      1,
      "parts",
      `${shown} for loop ${loop.name} ${names.length < 2 ? "has not two parts" : `has ${rest.length} parts that are "rest"`}`,
    );
  needSerial(f, NAME, 2, [l], () =>
    onLoops(f, NAME, loopsNear(f, [loop]), (v) => partition(f, v, parts), `, ${shown}`),
  );
  for (const b of blocksIn(l))
    if (b.init && feeding(b, "reduction").has(loop))
      refuse(f, {
        primitive: NAME,
        condition: 3,
        code: "reduction",
        message: `loop ${loop.name} carries the reduction of ${b.id.name}, which still holds its init`,
        marks: [loop, b.id],
        legal: (x) => atLoops(f, "decomposeReduction", b.id, [loop], (v) => x.decomposeReduction(f, b.id, v)),
      });

  const facts = factsAround(p);
  for (const [n, x] of parts) {
    const product = x === "rest" ? undefined : overflowing(x, facts);
    if (product)
      bad(5, "overflow", `${printExpr(product)}, in the size of part ${n} of loop ${loop.name}, might overflow`);
  }
  const at = names.indexOf(rest[0]!);
  const size = (n: string): Expr => max(parts.get(n) as Expr, int(0));
  const tidied = (e: Expr): Expr => simplifyIndex(e, facts);
  const sum = (list: readonly string[]): Expr => list.map(size).reduce((x, y) => add(x, y), int(0));
  // where each part begins: those before the rest count from the start, those after it from the end
  const [before, after] = [names.slice(0, at), names.slice(at + 1)];
  const low = tidied(min(sum(before), l.extent));
  const high = add(low, max(sub(l.extent, sum([...before, ...after])), int(0)));
  const bounds = [
    ...before.map((_, i) => tidied(min(sum(before.slice(0, i)), l.extent))),
    low,
    ...after.map((_, i) => tidied(i === 0 ? high : max(sub(l.extent, sum(after.slice(i))), low))),
    l.extent,
  ];
  const extents = names.map((_, i) => tidied(sub(bounds[i + 1]!, bounds[i]!)));
  const none = extents.findIndex((e) => prove(le(e, int(0)), facts));
  if (none >= 0)
    bad(
      4,
      "empty",
      `part ${names[none]!} of ${shown} would be empty: loop ${loop.name} has ${printExpr(l.extent)} iterations`,
    );

  const others = names.filter((n) => n !== rest[0]);
  const { original, copies: made, buffers } = copies(f, p, others, true);
  const nests = names.map((n, i): Stmt => {
    const nest = (made.get(n)?.stmt ?? original) as For;
    const shift = new Map([[nest.var, isConst(bounds[i]!, 0) ? nest.var : add(nest.var, bounds[i]!)]]);
    return { ...nest, extent: extents[i]!, body: substituteStmt(nest.body, shift) };
  });
  const func = tidy(replaceStmt(f, l, seq(nests)));
  return {
    func: { ...func, intermediates: [...func.intermediates, ...buffers] },
    parts: made,
    born: new Map(others.flatMap((n) => [...copyNames(n, made.get(n)!)])),
  };
}

type Parts = ReadonlyMap<string, Expr | "rest">;
const text = (parts: Parts): string =>
  `{ ${[...parts].map(([n, x]) => `${n}: ${x === "rest" ? '"rest"' : printExpr(x)}`).join(", ")} }`;
/** Parts that would do: with one that is the rest, with fewer iterations for the others. */
function repaired(f: Func, loop: Var, parts: Parts): string[] {
  const named: Parts = parts.size < 2 ? new Map<string, Expr | "rest">([...parts, ["body", "rest"]]) : parts;
  const sized = (n: string, x: Expr | "rest"): Expr => (x === "rest" || n === "body" ? int(1) : x);
  const asked = [...parts.keys()].filter((n) => parts.get(n) === "rest");
  const ones = asked.length === 1 && parts.size > 1 ? asked : [...named.keys()];
  const candidates = ones.flatMap((one) => {
    const rest = (size: (n: string, x: Expr | "rest") => Expr): Parts =>
      new Map([...named].map(([n, x]) => [n, n === one ? "rest" : size(n, x)]));
    return [rest(sized), rest(() => int(1))];
  });
  const good = accepted(candidates, (x) => partition(f, loop, x)).map((x) => `partition(${loop.name}, ${text(x)})`);
  return [...new Set(good)].slice(0, 3);
}

/** Two nests that run as one: whether what the second reads is what the first has just finished, point by point. */
import { type Facts, prove } from "../src/arith/index.ts";
import {
  type Block,
  type Buffer,
  buffersIn,
  type Expr,
  eq,
  type For,
  type Func,
  substitute,
  type Var,
  visitStmt,
} from "../src/ir/index.ts";
import { bound, readsOf } from "./accesses.ts";
import { conjuncts, feeding, isUpdate } from "./analysis.ts";
import { bindingsOf } from "./regions.ts";
import { factsAround, type Place, readersOf, writersOf } from "./tree.ts";

/**
 * Whether each iteration of loop `at` of the first nest finishes those elements of a buffer that the same iteration of the second
 * nest reads, where the second's outer loops are the first's (`joined`). Taken for true where the loops left have the same
 * extents in the same order, and with these as one, what is read is what is written.
 */
export function inStep(f: Func, buffer: Buffer, at: Place<For>, second: For, joined: ReadonlyMap<Var, Var>): boolean {
  const nest = [...at.loops, at.node];
  const writers = writersOf(f, buffer).filter((w) => w.loops[0] === nest[0]);
  const w = writers[0];
  if (writers.length !== 1 || !w?.loops.includes(at.node) || w.branches.length > at.branches.length) return false;
  // an element must be finished by the iteration that begins it
  if (isUpdate(w.node) && !w.node.init) return false;
  const carrying = feeding(w.node, "reduction", "ordered");
  if (nest.some((l) => carrying.has(l.var))) return false;
  const left = w.loops.slice(nest.length).filter((l) => !carrying.has(l.var));
  const facts = factsAround(w);
  return readersOf(f, buffer)
    .filter((r) => r.loops.includes(second))
    .every((r) => matches(w, left, r, buffer, joined, facts));
}

function matches(
  w: Place<Block>,
  left: readonly For[],
  r: Place<Block>,
  buffer: Buffer,
  joined: ReadonlyMap<Var, Var>,
  facts: Facts,
): boolean {
  const own = r.loops.slice(r.loops.findLastIndex((l) => joined.has(l.var)) + 1);
  if (own.length !== left.length) return false;
  const same = new Map<Var, Expr>(joined);
  for (const [n, l] of own.entries()) {
    if (!prove(eq(substitute(l.extent, same), left[n]!.extent), facts)) return false;
    same.set(l.var, left[n]!.var);
  }
  const [there, here] = [bindingsOf(w.node), bindingsOf(r.node)];
  const written: (readonly Expr[])[] = [];
  visitStmt(w.node.body, (s) => void (s.kind === "store" && s.buffer === buffer && written.push(s.index)));
  const target = written[0]!.map((e) => substitute(e, there));
  if (written.some((index) => index.some((e, d) => substitute(e, there) !== target[d]))) return false;
  const reader = conjuncts(r.node.predicate).reduce((f, c) => f.withCondition(substitute(c, same)), facts);
  // an init comes before the outermost loop that carries the reduction, and then before what is finished inside of that
  const carried = feeding(r.node, "reduction");
  const early = r.loops.some((l) => joined.has(l.var) && carried.has(l.var));
  if (early && r.node.init && buffersIn(r.node.init).reads.has(buffer)) return false;
  return readsOf(r.node, (x) => x === buffer).every((x) => {
    const read = bound(bound(x, here), same);
    const inside = [...read.inner].reduce((f, [v, range]) => f.withVar(v, range.min, range.extent), reader);
    const known = read.guards.reduce((f, g) => f.withCondition(g), inside);
    return (
      conjuncts(w.node.predicate).every((c) => prove(c, known)) &&
      read.index.every((i, d) => prove(eq(i, target[d]!), known))
    );
  });
}

import { prove } from "../../src/arith/index.ts";
import {
  type Expr,
  type For,
  type Func,
  floordiv,
  floormod,
  ge,
  int,
  mul,
  type Stmt,
  substituteStmt,
  usesVar,
  type Var,
  variable,
} from "../../src/ir/index.ts";
import { feeding, reductionNest, visitsOnce } from "../analysis.ts";
import { type Complaint, refuse } from "../error.ts";
import { accepted, loopsNear, loopText } from "../hints.ts";
import { type Handle, named, type Outcome } from "../outcome.ts";
import { blocksIn, factsAround, replaceStmt, rewrite, tidy, treeOf } from "../tree.ts";
import { findLoop, listNames, needSerial } from "./find.ts";

const NAME = "fuse";
/**
 * Makes one loop of several that stand directly inside each other, outermost first.
 *
 *     s.fuse(i, j)      // for i in 8: for j in 4:  ->  for i_j in 32:  with i = i_j // 4, j = i_j % 4
 *
 * Conditions:
 * 1. at least two different loops, given from the outside in;
 * 2. each is the only thing inside the one before;
 * 3. no extent depends on one of the others;
 * 4. all are serial;
 * 5. a loop that carries a reduction is fused with others only if the reduction is never empty, and if the reduction's block
 *    isn't computed again for iterations of the others.
 *
 * Dies: the loops (successor: the fused one). Born: the fused loop. Everything else survives.
 */
export function fuse(f: Func, loops: readonly Var[], name?: string): Outcome {
  const places = loops.map((l) => findLoop(f, l));
  const nodes = places.map((p) => p.node);
  const bad = (
    condition: number,
    code: string,
    message: string,
    marks: readonly Handle[],
    legal: Complaint["legal"] = () => pairs(f, loops),
  ): never => refuse(f, { primitive: NAME, condition, code, message, marks, legal });
  if (loops.length < 2 || new Set(loops).size < loops.length)
    bad(1, "loops", `give at least two different loops, from the outside in, not (${listNames(loops)})`, loops);
  for (let i = 1; i < nodes.length; i++) {
    const [outer, inner] = [nodes[i - 1]!, nodes[i]!];
    if (outer.body === inner) continue;
    const direct = outer.body.kind === "for" ? `: loop ${outer.body.var.name} is` : "";
    bad(
      2,
      "not-nested",
      `loop ${inner.var.name} is not the only thing directly inside loop ${outer.var.name}${direct}`,
      [outer.var, inner.var],
    );
  }
  for (const n of nodes) {
    const on = loops.find((l) => usesVar(n.extent, (v) => v === l));
    if (on) bad(3, "extent", `the extent of loop ${n.var.name} depends on loop ${on.name}`, [n.var, on]);
  }
  needSerial(f, NAME, 4, nodes, () => pairs(f, loops));
  const last = nodes.at(-1)!;
  for (const b of blocksIn(last)) {
    const red = feeding(b, "reduction");
    if (!loops.some((l) => red.has(l)) || loops.every((l) => red.has(l))) continue;
    const axis = b.iters.find(
      (it) =>
        it.kind === "reduction" &&
        usesVar(it.binding, (v) => loops.includes(v)) &&
        // loops around it say nothing here: they may be empty themselves
        !prove(ge(it.extent, int(1))),
    );
    const fed = axis && loops.find((l) => usesVar(axis.binding, (v) => v === l));
    if (fed && b.init)
      bad(5, "empty", `loop ${fed.name} carries the reduction of ${b.id.name}, which may be empty`, [fed, b.id]);
  }

  const fused = variable(name ?? loops.map((l) => l.name).join("_"));
  const map = new Map<Var, Expr>();
  let rest: Expr = fused;
  for (const n of [...nodes].reverse()) {
    map.set(n.var, n === nodes[0] ? rest : floormod(rest, n.extent));
    rest = floordiv(rest, n.extent);
  }
  const body = rewrite(substituteStmt(last.body, map), (s) =>
    s.kind === "block" && s.storeAt && s.storeAt !== "root" && loops.includes(s.storeAt) ? { ...s, storeAt: fused } : s,
  );
  const tail = nodes.find((n) => n.tail)?.tail;
  const notes = new Map<string, string | number | boolean>();
  for (const n of nodes) for (const [k, x] of Object.entries(n.annotations ?? {})) if (!notes.has(k)) notes.set(k, x);
  const nest: For = {
    kind: "for",
    var: fused,
    min: int(0),
    extent: nodes.map((n) => n.extent).reduce((a, b) => mul(a, b)),
    loop: "serial",
    body: body as Stmt,
    ...(tail ? { tail } : {}),
    ...(notes.size > 0 ? { annotations: Object.fromEntries(notes) } : {}),
  };
  const func = tidy(replaceStmt(f, nodes[0]!, nest));
  for (const b of blocksIn(treeOf(func).loops.get(fused)!.node)) {
    const p = treeOf(func).blocks.get(b.id)!;
    const inside = reductionNest(p);
    if (!visitsOnce(b, inside, factsAround(p, p.loops.length - inside.length)))
      bad(
        5,
        "revisits",
        `${b.id.name} is computed again inside ${listNames(loops)}; its reduction can't join them`,
        loops,
      );
  }
  return { func, born: named([fused]), died: new Map(loops.map((l) => [l, [fused]])) };
}

/** Loops near those given that could be fused with the one directly inside. */
function pairs(f: Func, loops: readonly Var[]): string[] {
  const direct = loopsNear(f, loops).flatMap((v): (readonly [Var, Var])[] => {
    const { body } = treeOf(f).loops.get(v)!.node;
    return body.kind === "for" ? [[v, body.var]] : [];
  });
  return accepted(direct, (pair) => fuse(f, pair)).map(([a, b]) => `fuse(${loopText(f, a)}, ${loopText(f, b)})`);
}

/**
 * Moves what does not change in a loop to before it: pure arithmetic, broadcasts, and loads that certainly run. Engines do
 * not do this for WebAssembly.
 *
 * A load may move only if the loop certainly runs, the load is not under a condition, and nothing in the loop writes its
 * buffer. Index expressions are left alone (address.ts is for those).
 */
import { Facts, prove } from "../arith/index.ts";
import {
  buffersIn,
  children,
  type Expr,
  type For,
  type Func,
  int,
  le,
  not,
  rebuildStmt,
  type Stmt,
  type Var,
  variable,
  visitStmt,
  withBody,
  withChildren,
} from "../ir/index.ts";
import { assuming } from "./conditions.ts";

export function hoistInvariants(f: Func): Func {
  const go = (s: Stmt, facts: Facts): Stmt => {
    switch (s.kind) {
      case "for":
        return hoist({ ...s, body: go(s.body, facts.withVar(s.var, s.min, s.extent)) }, facts);
      case "if": {
        const then = go(s.then, assuming(facts, s.condition));
        const otherwise = s.otherwise && go(s.otherwise, assuming(facts, not(s.condition)));
        return { ...s, then, ...(otherwise ? { otherwise } : {}) };
      }
      default:
        return rebuildStmt(s, (x) => go(x, facts));
    }
  };
  return withBody(f, go(f.body, Facts.empty));
}

function hoist(loop: For, facts: Facts): Stmt {
  const runs = prove(le(int(1), loop.extent), facts);
  const changed = new Set<Var>([loop.var]);
  visitStmt(loop.body, (x) => {
    if (x.kind === "for" || x.kind === "let" || x.kind === "assign") changed.add(x.var);
  });
  const writes = new Set(buffersIn(loop.body).writes);
  visitStmt(loop.body, (x) => void (x.kind === "alloc" && writes.add(x.buffer)));
  const lets: { var: Var; value: Expr }[] = [];
  const moved = new Map<Expr, Var>();

  // one answer each for code that certainly runs and for code that may not: expressions are graphs, so both are remembered
  const fixed = [new Map<Expr, boolean>(), new Map<Expr, boolean>()] as const;
  const rewritten = [new Map<Expr, Expr>(), new Map<Expr, Expr>()] as const;
  /** The same in every iteration, and harmless to compute early. */
  const invariant = (e: Expr, certain: boolean): boolean => {
    const memo = fixed[certain ? 1 : 0];
    let r = memo.get(e);
    if (r !== undefined) return r;
    if (e.kind === "var") r = !changed.has(e) && !e.mutable;
    else if (e.kind === "load") r = certain && !writes.has(e.buffer) && e.index.every((i) => invariant(i, certain));
    else r = children(e).every((c) => invariant(c, certain));
    memo.set(e, r);
    return r;
  };
  const rewrite = (e: Expr, certain: boolean): Expr => {
    const memo = rewritten[certain ? 1 : 0];
    const old = moved.get(e) ?? memo.get(e);
    if (old) return old;
    const r = rewriteOne(e, certain);
    memo.set(e, r);
    return r;
  };
  const rewriteOne = (e: Expr, certain: boolean): Expr => {
    if (worthMoving(e) && invariant(e, certain)) {
      const v = variable("h", e.dtype, { lanes: e.lanes });
      lets.push({ var: v, value: e });
      moved.set(e, v);
      return v;
    }
    if (e.kind === "load") return e;
    const kids = children(e);
    if (kids.length === 0) return e;
    const lazy = e.kind === "op" && e.op === "where";
    return withChildren(
      e,
      kids.map((c, i) => rewrite(c, certain && !(lazy && i > 0))),
    );
  };
  const body = (s: Stmt, certain: boolean): Stmt => {
    switch (s.kind) {
      case "store":
        return { ...s, value: rewrite(s.value, certain) };
      case "assign":
      case "let":
        return rebuildStmt(
          s,
          (x) => body(x, certain),
          (e) => rewrite(e, certain),
        );
      case "if":
        return rebuildStmt(s, (x) => body(x, false));
      case "for":
        return rebuildStmt(s, (x) => body(x, false));
      default:
        return rebuildStmt(s, (x) => body(x, certain));
    }
  };
  const inside = { ...loop, body: body(loop.body, runs) };
  return lets.reduceRight<Stmt>((b, l) => ({ kind: "let", var: l.var, value: l.value, body: b }), inside);
}

/** Values that cost an instruction; constants are rebuilt by engines where needed. */
function worthMoving(e: Expr): boolean {
  if (e.kind === "load" || e.kind === "call") return true;
  // lanes picked while they are loaded
  if (e.kind === "shuffle") return e.lanes > 1 && e.vectors.every((v) => v.kind === "load");
  // a condition for all lanes stays visible as one: it becomes a branch
  if (e.kind === "broadcast") return e.value.kind !== "const" && e.dtype !== "bool";
  if (e.kind === "op") return !children(e).every(isConstant);
  return e.kind === "ramp" && e.base.kind !== "const";
}
const isConstant = (e: Expr): boolean => e.kind === "const" || (e.kind === "broadcast" && e.value.kind === "const");

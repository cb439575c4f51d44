/**
 * Puts instructions in the place of tensorized loop nests: one store of an intrinsic over vectors that are loaded as they lie in
 * memory by now. Where the target lacks what the intrinsic requires, the nest becomes vectorized and unrolled loops, with a warning.
 *
 * Before: flat buffers, no blocks. After: no tensorized loop; vectors of one register in the statements that replace them.
 */
import { isProblem, matchSettled } from "../../schedule/index.ts";
import { affine, type Facts } from "../arith/index.ts";
import {
  constInt,
  type Expr,
  type For,
  type Func,
  isConst,
  rebuildStmt,
  type Stmt,
  visitStmt,
  withBody,
} from "../ir/index.ts";
import type { Target } from "../target/index.ts";
import { conjoin } from "./conditions.ts";
import type { LowerWarning } from "./promote.ts";
import { walkFacts } from "./walk.ts";

export function tensorize(f: Func, target: Target, warn: (w: LowerWarning) => void): Func {
  const replace = (s: For, facts: Facts): Stmt => {
    const { intrinsic } = s.tensor!;
    const missing = intrinsic.features.filter((x) => !target[x]);
    const m = missing.length > 0 ? undefined : matchSettled(s, intrinsic, facts);
    if (m !== undefined && !isProblem(m)) {
      const guards = m.nest.guards;
      return guards.length === 0 ? m.store : { kind: "if", condition: conjoin(guards), then: m.store };
    }
    const why = m === undefined ? `the target has no ${missing.join(", ")} SIMD` : m.message;
    warn({
      code: m === undefined ? "intrinsic-target" : "intrinsic-unmatched",
      message: `loop ${s.var.name} is no ${intrinsic.name} but loops of plain vectors: ${why}`,
      fault: why,
      loop: s.var,
    });
    return plain(s);
  };
  return withBody(
    f,
    walkFacts(f.body, (s, facts) => (s.kind === "for" && s.tensor ? replace(s, facts) : s)),
  );
}

/** The nest as loops: lanes along which the result lies densely, everything else written out. */
function plain(s: For): Stmt {
  const loops: For[] = [];
  let index: Expr | undefined;
  visitStmt(s, (x) => {
    if (x.kind === "for") loops.push(x);
    if (x.kind === "store") index = x.index[0];
  });
  const vars = new Set(loops.map((l) => l.var));
  const steps = index && affine(index, vars)?.coefficients;
  const lanes = loops.find((l) => constInt(l.extent) !== 1 && isConst(steps?.get(l.var) ?? l.extent, 1))?.var;
  const go = (x: Stmt): Stmt => {
    if (x.kind !== "for") return rebuildStmt(x, go);
    const { tensor: _, ...rest } = x;
    return { ...rest, loop: x.var === lanes ? "vectorized" : "unrolled", body: go(x.body) };
  };
  return go(s);
}

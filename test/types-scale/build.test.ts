/**
 * Large programs compile to modules of a size in proportion, by the default schedule: neither inlining nor simplification makes
 * them grow. Size is counted in expression nodes of the program, and in nodes and bytes of what becomes of it.
 */
import { describe, expect, test } from "vitest";
import { emitWasm } from "../../codegen/wasm/index.ts";
import { schedule } from "../../schedule/index.ts";

import { type Expr, exprsOf, type Stmt, visitExpr, visitStmt } from "../../src/ir/index.ts";
import { lowerFunc } from "../../src/lower/index.ts";
import { defaultSchedule } from "../../src/schedules.ts";
import { wasm } from "../../src/target/index.ts";
import { definitions, reachable, type Tensor } from "../../te/index.ts";
import { chain, dense, smooth } from "./programs.ts";

interface Sizes {
  /** Distinct expression nodes of the definitions. */
  readonly program: number;
  /** Statements and the distinct expression nodes of each. */
  readonly code: number;
  readonly bytes: number;
}
function nodesOf(body: Stmt): number {
  let n = 0;
  visitStmt(body, (s) => {
    n++;
    const seen = new Set<Expr>();
    for (const e of exprsOf(s)) visitExpr(e, () => {}, seen);
    n += seen.size;
  });
  return n;
}
async function sizesOf(t: Tensor): Promise<Sizes> {
  let program = 0;
  for (const x of reachable([t])) {
    const seen = new Set<Expr>();
    for (const e of definitions(x.source)) visitExpr(e, () => {}, seen);
    program += seen.size;
  }
  const s = schedule(t);
  defaultSchedule(s, wasm());
  const lowered = lowerFunc(s.func, wasm());
  const { wasm: module } = await emitWasm(lowered, wasm());
  return { program, code: nodesOf(lowered.body), bytes: module.length };
}

describe("modules of large programs", { timeout: 240_000 }, () => {
  /** Code and bytes per node of the program: a register tile writes every layer out for several rows and columns. */
  const budget = ({ program, code, bytes }: Sizes, perNode: { code: number; bytes: number }): void => {
    expect(code).toBeLessThan(perNode.code * program);
    expect(bytes).toBeLessThan(perNode.bytes * program);
  };
  test("an expression of 300 operations", async () => budget(await sizesOf(chain(300)), { code: 5, bytes: 30 }));
  test("60 stages that each read their predecessor three times", async () => {
    const [some, all] = [await sizesOf(smooth(15)), await sizesOf(smooth(60))];
    budget(all, { code: 15, bytes: 35 });
    expect(all.code).toBeLessThan(4.4 * some.code);
  });
  test("a net of 60 layers: four times the code of one of 15", async () => {
    const [some, all] = [await sizesOf(dense(15)), await sizesOf(dense(60))];
    budget(all, { code: 35, bytes: 130 });
    expect(all.code).toBeLessThan(4.2 * some.code);
    expect(all.bytes).toBeLessThan(4.2 * some.bytes);
  });
});

/**
 * Makes loops that say where their iterations run, on which thread or where on a grid, serial ones: WebAssembly has no grid, and a
 * module without threads runs one iteration after another. That is always right, since no iteration needs another's results.
 *
 * Before: buffers are allocated, so that each iteration's own scratch stands inside its loop. After: no parallel and no bound loop,
 * and every pass from here on treats the loop as any other.
 */
import { type For, type Func, mapStmt, type Stmt, withBody } from "../ir/index.ts";

export function serialize(f: Func): Func {
  const go = (s: Stmt): Stmt => {
    if (s.kind !== "for" || (s.loop !== "parallel" && s.loop !== "bound")) return s;
    const { bind: _, ...rest } = s;
    return { ...rest, loop: "serial" } satisfies For;
  };
  return withBody(f, mapStmt(f.body, go));
}

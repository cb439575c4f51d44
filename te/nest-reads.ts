/** What a nest says that it reads, against what its body reads. Types follow the list, so it must be neither too short nor too long. */
import { type Buffer, exprsOf, type Expr as Node, type Stmt, type Var, visitExpr, visitStmt } from "../src/ir/index.ts";
import { describe } from "./build.ts";
import { TeError } from "./error.ts";
import { isExpr } from "./expr.ts";
import type { AxisList } from "./extent.ts";
import { isTensor, tensorOf } from "./tensor.ts";

export function checkReadsListed(what: string, reads: unknown, body: Stmt, shapes: readonly AxisList[]): void {
  if (!Array.isArray(reads))
    throw new TeError("te.body", `${what}: reads is ${describe(reads)}: expected a list of tensors, reads: [A, B]`);
  const tensors = new Set<Buffer>();
  const listed = new Set<Var>();
  const sizes = (list: readonly Node[]): void => {
    for (const e of list) visitExpr(e, (x) => void (x.kind === "var" && x.size !== undefined && listed.add(x)));
  };
  for (const r of reads as readonly unknown[]) {
    if (isTensor(r)) {
      tensors.add(r.buffer);
      sizes([...r.buffer.shape, ...(r.buffer.strides ?? [])]);
    } else if (isExpr(r) && r.node.kind === "var") listed.add(r.node);
    else
      throw new TeError(
        "te.body",
        `${what}: reads holds ${describe(r)}: expected tensors, scalar parameters and sizes, reads: [A, alpha, n]`,
      );
  }
  for (const list of shapes) sizes(list.axes.map((a) => a.extent));

  const used = new Set<Buffer>();
  const vars = new Set<Var>();
  const bound = new Set<Var>();
  for (const list of shapes) for (const a of list.axes) bound.add(a.var);
  const seen = new Set<Node>();
  visitStmt(body, (s) => {
    if (s.kind === "for" || s.kind === "let") bound.add(s.var);
    for (const e of exprsOf(s))
      visitExpr(
        e,
        (x) => {
          if (x.kind === "load" && tensorOf(x.buffer)) used.add(x.buffer);
          if (x.kind === "var") vars.add(x);
        },
        seen,
      );
  });
  const missing = [...used].find((b) => !tensors.has(b)) ?? [...vars].find((v) => !bound.has(v) && !listed.has(v));
  if (missing)
    throw new TeError(
      "te.body",
      `${what} reads "${missing.name}", which is not among its reads: list everything, as in reads: [${[
        ...used,
        ...vars,
      ]
        .filter((x) => x.kind === "buffer" || (!bound.has(x) && x.size === undefined))
        .map((x) => x.name)
        .join(", ")}]`,
    );
  const idle = [...tensors].find((b) => !used.has(b));
  if (idle) throw new TeError("te.body", `${what} never reads "${idle.name}": leave it out of its reads`);
}

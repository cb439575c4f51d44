/** Straight-line code as a list of lines, for passes that follow values from one statement to the next. */
import {
  type Assign,
  type Expr,
  exprsOf,
  NOTHING,
  type Stmt,
  type Store,
  seq,
  type Var,
  visitExpr,
} from "../ir/index.ts";

export interface LetLine {
  readonly kind: "let";
  readonly var: Var;
  readonly value: Expr;
}
/** A let is in scope for all lines after it: no variable is bound twice, so it may be in scope for longer than it was. */
export type Line = Store | Assign | LetLine;

/** A statement as lines; undefined where it is more than that. */
export function linesOf(s: Stmt): Line[] | undefined {
  switch (s.kind) {
    case "store":
    case "assign":
      return [s];
    case "let": {
      const rest = linesOf(s.body);
      return rest && [{ kind: "let", var: s.var, value: s.value }, ...rest];
    }
    case "seq": {
      const out: Line[] = [];
      for (const x of s.body) {
        const lines = linesOf(x);
        if (lines === undefined) return undefined;
        out.push(...lines);
      }
      return out;
    }
    default:
      return undefined;
  }
}
export const ofLines = (lines: readonly Line[]): Stmt =>
  lines.reduceRight<Stmt>((rest, l) => (l.kind === "let" ? { ...l, body: rest } : seq([l, rest])), NOTHING);

/** Nodes in one run: what is kept becomes a Let around all that follows, and nests must not get too deep. */
const RUN = 1200;
function sizeOf(lines: readonly Line[]): number {
  let n = 0;
  for (const l of lines) for (const e of l.kind === "let" ? [l.value] : exprsOf(l)) visitExpr(e, () => void n++);
  return n;
}

/** Rewrites every run of straight-line code in a statement by `run`, and by `other` what stands between. */
export function mapRuns(s: Stmt, run: (lines: readonly Line[]) => Stmt, other: (s: Stmt) => Stmt): Stmt {
  const out: Stmt[] = [];
  let lines: Line[] = [];
  let size = 0;
  const end = (): void => {
    if (lines.length > 0) out.push(run(lines));
    lines = [];
    size = 0;
  };
  for (const x of s.kind === "seq" ? s.body : [s]) {
    const more = linesOf(x);
    if (more === undefined) {
      end();
      out.push(other(x));
      continue;
    }
    const n = sizeOf(more);
    if (size + n > RUN) end();
    lines.push(...more);
    size += n;
  }
  end();
  return seq(out);
}

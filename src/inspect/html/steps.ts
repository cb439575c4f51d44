/** The trace as steps: the loop nest after each, line by line, with what changed. */
import { align, type ExplainedStep } from "../../../schedule/index.ts";
import {
  type BlockId,
  blocksOf,
  type Func,
  Names,
  printBuffer,
  printFunc,
  printStmt,
  visitStmt,
} from "../../ir/index.ts";
import { html, type Markup, plain } from "./markup.ts";

interface Line {
  readonly text: string;
  /** With names that mean the same in all steps: a loop whose name another took is still the same line. */
  readonly same: string;
  readonly kind: string;
}
/** How a line came about, as its number in the data: rows are `4 * line + change`. */
const CHANGES = ["stays", "added", "removed", "moved"] as const;

function linesOf(f: Func, global: Names): Line[] {
  const kinds = new Map<number, string>();
  const loops = new Map<object, string>();
  visitStmt(f.body, (s) => void (s.kind === "for" && loops.set(s.var, s.loop)));
  const blocks = new Set<object>(blocksOf(f.body).map((b): BlockId => b.id));
  const onLine = (subject: object, line: number): void => {
    const kind = loops.get(subject) ?? (blocks.has(subject) ? "block" : undefined);
    if (kind) kinds.set(line, kind);
  };
  const lines = printFunc(f, { onLine }).split("\n");
  const inter = f.intermediates.map((b) => `  buffer ${printBuffer(b, global)}`);
  const same = [lines[0]!, ...inter, ...printStmt(f.body, {}, global, 1).split("\n")];
  return lines.map((text, n) => ({ text, same: same[n]!, kind: kinds.get(n) ?? (n === 0 ? "func" : "") }));
}

interface StepData {
  /** Lines of all steps, each once: kind and text. */
  readonly lines: readonly (readonly [string, string])[];
  /** Rows of each step, the first being the nest at the beginning. */
  readonly steps: readonly (readonly number[])[];
}
/** What the page's script needs to show the nest after each step. */
export function stepData(begin: Func, steps: readonly ExplainedStep[]): StepData {
  const global = new Names();
  const numbers = new Map<string, number>();
  const lines: (readonly [string, string])[] = [];
  const row = (l: Line, change: (typeof CHANGES)[number]): number => {
    const key = `${l.kind}:${l.text}`;
    let n = numbers.get(key);
    if (n === undefined) {
      n = lines.length;
      numbers.set(key, n);
      lines.push([l.kind, plain(l.text)]);
    }
    return 4 * n + CHANGES.indexOf(change);
  };
  let before = linesOf(begin, global);
  const rows = [before.map((l) => row(l, "stays"))];
  for (const { before: from, after } of steps) {
    const now = from === after ? before : linesOf(after, global);
    const old = before;
    const equal = (i: number, j: number): boolean =>
      old[i] === now[j] || old[i]!.same.trim() === now[j]!.same.trim() || old[i]!.text.trim() === now[j]!.text.trim();
    rows.push(
      align(old.length, now.length, equal).map(([i, j]) => {
        if (j === undefined) return row(old[i!]!, "removed");
        const deep = (l: Line): number => l.text.search(/\S/);
        return row(now[j]!, i === undefined ? "added" : deep(old[i]!) === deep(now[j]!) ? "stays" : "moved");
      }),
    );
    before = now;
  }
  return { lines, steps: rows };
}

/** The list of steps to choose from; its first entry is the beginning. */
export function stepsMarkup(steps: readonly ExplainedStep[]): Markup {
  const entry = (n: number, text: Markup): Markup =>
    html`<li><button type="button" data-step="${n}"><span class="step">${n}</span> ${text}</button></li>
`;
  return html`<ol class="steps" start="0">${entry(0, html`<i>the loops as they began</i>`)}${steps.map((s, n) => entry(n + 1, html`<code>${s.text}</code>`))}</ol>`;
}

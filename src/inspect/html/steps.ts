/** The trace as steps: the loop nest after each, line by line, with what changed. */
import { align, type ExplainedStep } from "../../../schedule/index.ts";
import type { Func } from "../../ir/index.ts";
import { type Line, LinePrinter, type Wording } from "./lines.ts";
import { html, type Markup, plain } from "./markup.ts";

/** How a line came about, as its number in the data: rows are `4 * line + change`. */
const CHANGES = ["stays", "added", "removed", "moved"] as const;

interface StepData {
  /** Lines of all steps, each once: kind and text. */
  readonly lines: readonly (readonly [string, string])[];
  /** Rows of each step, the first being the nest at the beginning. */
  readonly steps: readonly (readonly number[])[];
}
/** What the page's script needs to show the nest after each step. */
export function stepData(begin: Func, steps: readonly ExplainedStep[]): StepData {
  const printer = new LinePrinter();
  const numbers = new Map<Wording, number[]>();
  const texts = new Map<string, number>();
  const lines: (readonly [string, string])[] = [];
  const number = (kind: string, text: string): number => {
    const key = `${kind}:${text}`;
    const n = texts.get(key) ?? lines.push([kind, text]) - 1;
    texts.set(key, n);
    return n;
  };
  const row = ({ pattern, wording, depth }: Line, change: (typeof CHANGES)[number]): number => {
    const known = numbers.get(wording) ?? [];
    numbers.set(wording, known);
    known[depth] ??= number(pattern.kind, "  ".repeat(depth) + plain(wording.text));
    return 4 * known[depth] + CHANGES.indexOf(change);
  };
  // a loop whose name another took is still the same line
  const equal = (x: Line, y: Line): boolean => x.pattern === y.pattern || x.wording.text === y.wording.text;
  let before = printer.of(begin);
  const rows = [before.map((l) => row(l, "stays"))];
  for (const { before: from, after } of steps) {
    const now = from === after ? before : printer.of(after);
    const old = before;
    rows.push(
      align(old.length, now.length, (i, j) => equal(old[i]!, now[j]!)).map(([i, j]) => {
        if (j === undefined) return row(old[i!]!, "removed");
        return row(now[j]!, i === undefined ? "added" : old[i]!.depth === now[j]!.depth ? "stays" : "moved");
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

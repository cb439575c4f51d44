/** A lesson: a page of prose with blocks of code that run, and what they print. */

/** Text between a line ``` with a language and a line ```. */
interface Fence {
  readonly language: string;
  /** Lines of the page, counted from 0: of both fences. */
  readonly open: number;
  readonly close: number;
}
export interface CodeBlock {
  readonly code: Fence;
  /** What the page says that it prints; none: nothing. */
  readonly output: Fence | undefined;
}
export interface Page {
  readonly lines: readonly string[];
  readonly blocks: readonly CodeBlock[];
  /** What is wrong with the page itself. */
  readonly problems: readonly string[];
}

/** A number after ~ is another one in each run: a time, a speed. */
const VARYING = /~\d+(\.\d+)?/g;
/** Written by the program before what a block prints. */
const MARK = "\u001e";

export function parsePage(source: string): Page {
  const lines = source.split("\n");
  const problems: string[] = [];
  const fences: Fence[] = [];
  let open: { language: string; open: number } | undefined;
  lines.forEach((line, n) => {
    const found = /^\s*```(.*)$/.exec(line);
    if (!found) return;
    if (open === undefined) open = { language: found[1]!.trim(), open: n };
    else {
      fences.push({ ...open, close: n });
      open = undefined;
    }
  });
  if (open !== undefined) problems.push(`line ${open.open + 1}: the block has no end`);
  const blocks: CodeBlock[] = [];
  fences.forEach((f, n) => {
    const before = fences[n - 1]?.language;
    if (f.language === "text" && before !== "ts")
      problems.push(`line ${f.open + 1}: this text follows no block of code, so nothing prints it`);
    if (f.language !== "ts") return;
    const next = fences[n + 1];
    blocks.push({ code: f, output: next?.language === "text" ? next : undefined });
  });
  if (blocks.length === 0) problems.push("the page has no ts block: nothing runs");
  else if (blocks.every((b) => b.output === undefined))
    problems.push("no block says what it prints: nothing is checked");
  return { lines, blocks, problems };
}

/**
 * The blocks of a page as one module. Its lines are those of the page, so that places in messages are places on the page. `files`
 * says which file each import is; others stay as they are.
 */
export function moduleOf(page: Page, files: ReadonlyMap<string, string>): string {
  const out = page.lines.map(() => "");
  page.blocks.forEach(({ code }, n) => {
    out[code.open] = `console.log(${JSON.stringify(MARK + n)});`;
    for (let k = code.open + 1; k < code.close; k++)
      out[k] = page.lines[k]!.replace(/\bfrom "([^"]+)"/, (all, name: string) =>
        files.has(name) ? `from "${files.get(name)}"` : all,
      );
  });
  return `${out.join("\n")}\nexport {};\n`;
}

/** What each block printed, of what the module printed; undefined for blocks that were not reached. */
export function outputsOf(page: Page, printed: string): (readonly string[] | undefined)[] {
  const parts = new Map<number, string>();
  for (const part of printed.split(MARK).slice(1)) {
    const end = part.indexOf("\n");
    parts.set(Number(part.slice(0, end)), part.slice(end + 1));
  }
  return page.blocks.map((_, n) => {
    const part = parts.get(n);
    if (part === undefined) return undefined;
    const lines = part.split("\n").map((l) => l.trimEnd());
    while (lines.at(-1) === "") lines.pop();
    return lines;
  });
}

export const expected = (page: Page, b: CodeBlock): readonly string[] =>
  b.output ? page.lines.slice(b.output.open + 1, b.output.close).map((l) => l.trimEnd()) : [];

/** The lines in which two outputs differ (- expected, + printed), or undefined where they agree but for numbers that vary. */
export function difference(want: readonly string[], got: readonly string[]): string | undefined {
  const same = (a: string | undefined, b: string | undefined): boolean =>
    a !== undefined && b !== undefined && a.replace(VARYING, "~") === b.replace(VARYING, "~");
  const most = Math.min(want.length, got.length);
  let first = 0;
  while (first < most && same(want[first], got[first])) first++;
  if (first === want.length && first === got.length) return undefined;
  let last = 0;
  while (last < most - first && same(want.at(-1 - last), got.at(-1 - last))) last++;
  const part = (sign: string, lines: readonly string[]): string[] =>
    lines.slice(first, lines.length - last).map((l) => `${sign} ${l}`);
  return [...part("-", want), ...part("+", got)].join("\n");
}

/** The page with what its blocks printed. Where only numbers differ that vary, it stays as it is. */
export function updated(page: Page, outputs: readonly (readonly string[] | undefined)[]): string {
  const lines = [...page.lines];
  // from the end, so that places before stay what they are
  for (let n = page.blocks.length - 1; n >= 0; n--) {
    const b = page.blocks[n]!;
    const got = outputs[n];
    if (got === undefined || difference(expected(page, b), got) === undefined) continue;
    const text = got.length > 0 ? ["```text", ...got, "```"] : [];
    if (b.output) lines.splice(b.output.open, b.output.close - b.output.open + 1, ...text);
    else lines.splice(b.code.close + 1, 0, "", ...text);
  }
  return lines.join("\n");
}

/** Files that a page links to, without places in them. */
export function linksOf(page: Page): string[] {
  const code = new Set<number>();
  for (const { code: c, output } of page.blocks)
    for (const f of output ? [c, output] : [c]) for (let n = f.open; n <= f.close; n++) code.add(n);
  const text = page.lines.filter((_, n) => !code.has(n)).join("\n");
  return [...text.matchAll(/\]\(([^)#\s]+)[^)]*\)/g)].map((m) => m[1]!).filter((l) => !/^[a-z]+:/.test(l));
}

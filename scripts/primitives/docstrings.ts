/** Docstrings of functions and methods in source text: what the primitives' page and the tests of errors are made of. */

export interface Docstring {
  /** Of the function or method. */
  readonly name: string;
  /** Lines without the comment's frame; none is blank at either end. */
  readonly lines: readonly string[];
  /** Names of parameters by signature, `?` behind those that may be left out; one list per overload. */
  readonly calls: readonly (readonly string[])[];
}

const DOCUMENTED =
  /\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\s*(?:export function |(?:protected |override )?)([A-Za-z]+)\s*[<(]/g;

/** The documented functions and methods of a file. Relies on the formatter: members of a class are indented by two. */
export function docstringsIn(source: string): Docstring[] {
  return [...source.matchAll(DOCUMENTED)].map((m) => {
    const name = m[2]!;
    const lines = m[1]!.split("\n").map((l) => l.replace(/^\s*\* ?/, "").trimEnd());
    while (lines[0]?.trim() === "") lines.shift();
    while (lines.at(-1)?.trim() === "") lines.pop();
    return { name, lines: lines.map((l) => (lines.length === 1 ? l.trim() : l)), calls: callsOf(source, name) };
  });
}

/** Where the bracket that opens at `from` is closed. `=>` closes nothing. */
function closing(text: string, from: number): number {
  let depth = 0;
  for (let n = from; n < text.length; n++) {
    if ("([{<".includes(text[n]!)) depth++;
    else if (")]}>".includes(text[n]!) && !(text[n] === ">" && text[n - 1] === "=") && --depth === 0) return n;
  }
  return text.length;
}

function callsOf(source: string, name: string): string[][] {
  const heads = [...source.matchAll(new RegExp(`^(?:  |export function )${name}(?=[<(])`, "gm"))];
  const found = heads.map((m) => {
    let open = m.index + m[0].length;
    if (source[open] === "<") open = closing(source, open) + 1;
    return parametersOf(source.slice(open + 1, closing(source, open)));
  });
  // the last of several is the implementation, which nobody sees
  return found.length > 1 ? found.slice(0, -1) : found;
}

function parametersOf(text: string): string[] {
  const out: string[] = [];
  for (let at = 0; at < text.length; ) {
    let end = at;
    while (end < text.length && text[end] !== ",") end = "([{<".includes(text[end]!) ? closing(text, end) + 1 : end + 1;
    const [, dots = "", name, optional] = /^\s*(\.\.\.)?(\w+)(\?)?/.exec(text.slice(at, end)) ?? [];
    const given = text.slice(at, end).includes(" = ");
    if (name) out.push(`${dots}${name}${optional || given ? "?" : ""}`);
    at = end + 1;
  }
  return out;
}

export interface Parts {
  /** Up to the conditions. */
  readonly before: readonly string[];
  /** The numbered conditions, with the lines that go on. */
  readonly conditions: readonly { readonly number: number; readonly lines: readonly string[] }[];
  /** Behind them: what happens to handles, and more. */
  readonly after: readonly string[];
}
/** A docstring in its parts; one without conditions is all `before`. */
export function partsOf({ lines }: Docstring): Parts {
  const start = lines.findIndex((l) => l.trim() === "Conditions:");
  if (start < 0) return { before: lines, conditions: [], after: [] };
  const rest = lines.slice(start + 1);
  const blank = rest.findIndex((l) => l.trim() === "");
  const end = blank < 0 ? rest.length : blank;
  const conditions: { number: number; lines: string[] }[] = [];
  for (const l of rest.slice(0, end)) {
    const n = /^(\d+)\. /.exec(l);
    if (n) conditions.push({ number: Number(n[1]), lines: [l] });
    else conditions.at(-1)?.lines.push(l);
  }
  const trimmed = (list: readonly string[]): readonly string[] =>
    list.at(-1)?.trim() === "" ? list.slice(0, -1) : list;
  return { before: trimmed(lines.slice(0, start)), conditions, after: rest.slice(end + 1) };
}

/** HTML as values: whatever is put into a template is escaped, unless it is markup itself. */

export class Markup {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}
type Part = Markup | string | number | false | undefined | readonly Part[];

const ESCAPES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};
// a name may hold characters that turn the direction of what follows, or none that can be seen
const HIDDEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;
const visible = (c: string): string => (c === "\n" || c === "\t" ? c : `\\u{${c.codePointAt(0)!.toString(16)}}`);

/** Text without characters that can't be seen: they stand as `\u{202e}`. */
export const plain = (text: string): string => text.replace(HIDDEN, visible);
const escaped = (text: string): string => plain(text).replace(/[&<>"']/g, (c) => ESCAPES[c]!);

function textOf(x: Part): string {
  if (x instanceof Markup) return x.text;
  if (typeof x === "object") return x.map(textOf).join("");
  return x === undefined || x === false ? "" : escaped(String(x));
}

/** Markup from a template: lists are joined, `undefined` and `false` are left out, all else is escaped text. */
export const html = (strings: TemplateStringsArray, ...parts: readonly Part[]): Markup =>
  new Markup(strings.map((s, i) => s + (i < parts.length ? textOf(parts[i]) : "")).join(""));

/** Data for a script element: nothing in it can end the element. */
export const jsonData = (x: unknown): Markup =>
  new Markup(
    JSON.stringify(x).replace(/[<>&\u2028\u2029]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`),
  );

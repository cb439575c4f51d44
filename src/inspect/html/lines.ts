/**
 * The lines of a function as the printer writes them, for many functions that share most of their statements: each statement is
 * printed once, with marks in place of names, and names are put in for each function. Used by steps.ts.
 */
import {
  type Buffer,
  type Func,
  Names,
  NOTHING,
  printBuffer,
  printFunc,
  printStmt,
  type Stmt,
  type Var,
} from "../../ir/index.ts";

type Thing = Var | Buffer;

/** A line in one choice of names. */
export interface Wording {
  readonly names: readonly string[];
  readonly text: string;
}
/** A line whatever things are called; the same object wherever the same line stands. */
interface Pattern {
  readonly kind: string;
  /** Text between names, one more than there are names. */
  readonly texts: readonly string[];
  /** What the names between mean, as places in `things`. */
  readonly between: readonly number[];
  /** Each thing once, in the order in which the printer asks for their names. */
  readonly things: readonly Thing[];
  readonly wordings: Wording[];
}
export interface Line {
  readonly pattern: Pattern;
  readonly depth: number;
  readonly wording: Wording;
}
interface Written {
  readonly pattern: Pattern;
  readonly depth: number;
}

/** Private characters around the number of a thing. */
const [OPEN, CLOSE] = ["\u{f0000}", "\u{f0001}"];
const MARK = /\u{f0000}(\d+)\u{f0001}/u;

/** Names that stand for the things themselves. */
class Marks extends Names {
  readonly #numbers = new Map<Thing, number>();
  readonly #all: Thing[] = [];
  #asked = new Set<Thing>();
  override of(o: Thing): string {
    let n = this.#numbers.get(o);
    if (n === undefined) {
      n = this.#all.push(o) - 1;
      this.#numbers.set(o, n);
    }
    this.#asked.add(o);
    return `${OPEN}${n}${CLOSE}`;
  }
  thing(n: number): Thing | undefined {
    return this.#all[n];
  }
  /** Whose names were asked for since the last call. */
  asked(): Thing[] {
    const out = [...this.#asked];
    this.#asked = new Set();
    return out;
  }
}

/** Prints functions that came from each other. */
export class LinePrinter {
  readonly #marks = new Marks();
  readonly #patterns = new Map<string, Pattern>();
  readonly #statements = new WeakMap<Stmt, readonly Written[]>();

  /** The lines of `printFunc`, with what they are: a kind of loop, a block, the function's head. */
  of(f: Func): Line[] {
    const names = new Names();
    const [head = ""] = printFunc({ ...f, body: NOTHING }, { names }).split("\n", 1);
    const above = [
      { pattern: this.#pattern(head, "func"), depth: 0 },
      ...f.intermediates.map((b) => ({
        pattern: this.#pattern(`buffer ${printBuffer(b, this.#marks)}`, ""),
        depth: 1,
      })),
    ];
    return [...above, ...indented(this.#written(f.body), 1)].map((w) => ({
      ...w,
      wording: wordingOf(w.pattern, names),
    }));
  }

  #written(s: Stmt): readonly Written[] {
    let out = this.#statements.get(s);
    if (out === undefined) {
      out = this.#write(s);
      this.#statements.set(s, out);
    }
    return out;
  }
  #write(s: Stmt): readonly Written[] {
    switch (s.kind) {
      case "seq":
        return s.body.length === 0 ? this.#printed(s, "") : s.body.flatMap((x) => this.#written(x));
      case "if": {
        const head = this.#head({ kind: "if", condition: s.condition, then: NOTHING }, "");
        const then = [...head, ...indented(this.#written(s.then), 1)];
        if (!s.otherwise) return then;
        return [...then, { pattern: this.#pattern("else:", ""), depth: 0 }, ...indented(this.#written(s.otherwise), 1)];
      }
      case "for":
        return [...this.#head({ ...s, body: NOTHING }, s.loop), ...indented(this.#written(s.body), 1)];
      case "block": {
        const { init, ...rest } = s;
        const first = init
          ? [{ pattern: this.#pattern("init:", ""), depth: 1 }, ...indented(this.#written(init), 2)]
          : [];
        const head = this.#head({ ...rest, body: NOTHING }, "block");
        return [...head, ...first, ...indented(this.#written(s.body), 1)];
      }
      case "alloc":
      case "let":
        return [...this.#head({ ...s, body: NOTHING }, ""), ...this.#written(s.body)];
      case "store":
      case "assign":
        return this.#printed(s, "");
      default:
        return s satisfies never;
    }
  }
  /** The lines of a statement up to its empty body. */
  #head(s: Stmt, kind: string): Written[] {
    return this.#printed(s, kind).slice(0, -1);
  }
  #printed(s: Stmt, kind: string): Written[] {
    const lines = printStmt(s, {}, this.#marks).split("\n");
    return lines.map((line, n) => ({ pattern: this.#pattern(line, n === 0 ? kind : ""), depth: 0 }));
  }
  /** The pattern of what was just printed. */
  #pattern(marked: string, kind: string): Pattern {
    const things = this.#marks.asked();
    const key = `${kind}:${marked}`;
    const old = this.#patterns.get(key);
    if (old) return old;
    const parts = marked.split(MARK);
    const texts = parts.filter((_, n) => n % 2 === 0);
    const between = parts.filter((_, n) => n % 2 === 1).map((n) => things.indexOf(this.#marks.thing(Number(n))!));
    const pattern = { kind, texts, between, things, wordings: [] };
    this.#patterns.set(key, pattern);
    return pattern;
  }
}

const indented = (lines: readonly Written[], by: number): Written[] =>
  lines.map(({ pattern, depth }) => ({ pattern, depth: depth + by }));

function wordingOf(p: Pattern, names: Names): Wording {
  const chosen = p.things.map((o) => names.of(o));
  const old = p.wordings.find((w) => w.names.every((x, n) => x === chosen[n]));
  if (old) return old;
  const text = p.texts.map((t, n) => (n < p.between.length ? t + chosen[p.between[n]!]! : t)).join("");
  const wording = { names: chosen, text };
  p.wordings.push(wording);
  return wording;
}

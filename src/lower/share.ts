/**
 * Computes once what straight-line code computes several times: loads of the same place with no write between, broadcasts,
 * arithmetic. Each shared value becomes a Let just before its first use, so emission order stays the order of the program.
 *
 * Equal expressions are the same node, so only what may have changed in between must be told apart: each buffer and
 * mutable variable has a version, raised when it is written. Values inside a lazy `where` are never moved out of it.
 * Index expressions are left alone: address.ts is for those.
 */
import {
  type Buffer,
  children,
  type Expr,
  type Func,
  rebuildStmt,
  type Stmt,
  type Var,
  variable,
  withBody,
  withChildren,
} from "../ir/index.ts";
import { type Line, mapRuns, ofLines } from "./lines.ts";

export function share(f: Func): Func {
  return withBody(f, shareStmt(f.body));
}

const shareStmt = (s: Stmt): Stmt => mapRuns(s, shareRun, (x) => rebuildStmt(x, shareStmt));

type Dep = Buffer | Var;
const NO_DEPS: ReadonlySet<Dep> = new Set();

class Run {
  readonly #deps = new Map<Expr, ReadonlySet<Dep>>();
  readonly #versions = new Map<Dep, number>();
  readonly #stamp = new Map<Dep, string>();
  #next = 0;

  /** What a value depends on that statements can change. */
  deps(e: Expr): ReadonlySet<Dep> {
    const old = this.#deps.get(e);
    if (old) return old;
    let out: ReadonlySet<Dep> = NO_DEPS;
    const put = (d: Iterable<Dep>): void => {
      out = new Set([...out, ...d]);
    };
    if (e.kind === "var" && e.mutable) put([e]);
    if (e.kind === "load") put([e.buffer]);
    for (const c of children(e)) {
      const d = this.deps(c);
      if (d.size > 0) {
        if (out.size === 0) out = d;
        else put(d);
      }
    }
    this.#deps.set(e, out);
    return out;
  }
  key(e: Expr): string {
    let k = String(e.id);
    for (const d of this.deps(e)) k += `:${this.#stampOf(d)}.${this.#versions.get(d) ?? 0}`;
    return k;
  }
  #stampOf(d: Dep): string {
    let s = this.#stamp.get(d);
    if (s === undefined) {
      s = String(this.#next++);
      this.#stamp.set(d, s);
    }
    return s;
  }
  write(l: Line): void {
    const d = l.kind === "store" ? l.buffer : l.kind === "assign" ? l.var : undefined;
    if (d) this.#versions.set(d, (this.#versions.get(d) ?? 0) + 1);
  }
  restart(): void {
    this.#versions.clear();
  }
}

/** Operands that count as values (an index is not one). A lazy choice shares only its condition. */
function operands(e: Expr): readonly Expr[] {
  if (e.kind === "load") return [];
  if (e.kind === "op" && e.op === "where") return [e.args[0]!];
  return children(e);
}
/** Worth a variable: everything but constants, variables, and what is built from constants alone. */
function worthwhile(e: Expr): boolean {
  if (e.kind === "const" || e.kind === "var") return false;
  // a condition for all lanes stays visible as one: it becomes a branch
  if (e.kind === "broadcast") return e.value.kind !== "const" && e.dtype !== "bool";
  if (e.kind === "ramp") return e.base.kind !== "const";
  return true;
}

function shareRun(lines: readonly Line[]): Stmt {
  const run = new Run();
  const uses = new Map<string, number>();
  const count = (e: Expr): void => {
    const k = run.key(e);
    const n = (uses.get(k) ?? 0) + 1;
    uses.set(k, n);
    if (n === 1) for (const c of operands(e)) count(c);
  };
  for (const l of lines) {
    count(l.value);
    run.write(l);
  }

  run.restart();
  const named = new Map<string, Expr>();
  const out: Line[] = [];
  const rewrite = (e: Expr): Expr => {
    const k = run.key(e);
    const known = named.get(k);
    if (known) return known;
    const kids = operands(e);
    let r = e;
    if (kids.length > 0) {
      const fresh = kids.map(rewrite);
      r =
        e.kind === "op" && e.op === "where"
          ? withChildren(e, [fresh[0]!, ...children(e).slice(1)])
          : withChildren(e, fresh);
    }
    if ((uses.get(k) ?? 0) < 2 || !worthwhile(e)) return r;
    const v = variable(nameFor(e), e.dtype, { lanes: e.lanes });
    out.push({ kind: "let", var: v, value: r });
    named.set(k, v);
    return v;
  };
  for (const l of lines) {
    const value = rewrite(l.value);
    out.push({ ...l, value });
    run.write(l);
  }
  return ofLines(out);
}

function nameFor(e: Expr): string {
  if (e.kind === "load") return e.buffer.name.toLowerCase();
  if (e.kind === "broadcast") return nameFor(e.value);
  return "t";
}

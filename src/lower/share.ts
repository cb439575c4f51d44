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
  exprsOf,
  type Func,
  rebuildStmt,
  type Stmt,
  seq,
  type Var,
  variable,
  visitExpr,
  withBody,
  withChildren,
} from "../ir/index.ts";

export function share(f: Func): Func {
  return withBody(f, shareStmt(f.body));
}

function shareStmt(s: Stmt): Stmt {
  if (s.kind === "seq") return shareSeq(s.body);
  if (s.kind === "store" || s.kind === "assign") return shareSeq([s]);
  if (s.kind === "let") return { ...s, body: shareStmt(s.body) };
  return rebuildStmt(s, shareStmt);
}

/** Nodes in one run: each shared value is a Let around all that follows, and nests must not get too deep. */
const RUN = 1200;
function sizeOf(s: Stmt): number {
  let n = 0;
  for (const e of exprsOf(s)) visitExpr(e, () => void n++);
  return n;
}
const straight = (s: Stmt): boolean => s.kind === "store" || s.kind === "assign";

function shareSeq(list: readonly Stmt[]): Stmt {
  const out: Stmt[] = [];
  for (let i = 0; i < list.length; ) {
    let j = i;
    for (let size = 0; j < list.length && straight(list[j]!) && (j === i || size < RUN); j++) size += sizeOf(list[j]!);
    if (j > i) {
      out.push(shareRun(list.slice(i, j)));
      i = j;
    } else out.push(shareStmt(list[i++]!));
  }
  return seq(out);
}

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
  write(s: Stmt): void {
    const d = s.kind === "store" ? s.buffer : s.kind === "assign" ? s.var : undefined;
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

function shareRun(list: readonly Stmt[]): Stmt {
  const run = new Run();
  const roots = (s: Stmt): readonly Expr[] => (s.kind === "store" || s.kind === "assign" ? [s.value] : []);

  const uses = new Map<string, number>();
  const count = (e: Expr): void => {
    const k = run.key(e);
    const n = (uses.get(k) ?? 0) + 1;
    uses.set(k, n);
    if (n === 1) for (const c of operands(e)) count(c);
  };
  for (const s of list) {
    for (const e of roots(s)) count(e);
    run.write(s);
  }

  run.restart();
  const lets: { var: Var; value: Expr; before: number }[] = [];
  const named = new Map<string, Expr>();
  const out: Stmt[] = [];
  const rewrite = (e: Expr, at: number): Expr => {
    const k = run.key(e);
    const known = named.get(k);
    if (known) return known;
    const kids = operands(e);
    let r = e;
    if (kids.length > 0) {
      const fresh = kids.map((c) => rewrite(c, at));
      r =
        e.kind === "op" && e.op === "where"
          ? withChildren(e, [fresh[0]!, ...children(e).slice(1)])
          : withChildren(e, fresh);
    }
    if ((uses.get(k) ?? 0) < 2 || !worthwhile(e)) return r;
    const v = variable(nameFor(e), e.dtype, { lanes: e.lanes });
    lets.push({ var: v, value: r, before: at });
    named.set(k, v);
    return v;
  };
  list.forEach((s, at) => {
    out.push(s.kind === "store" || s.kind === "assign" ? { ...s, value: rewrite(s.value, at) } : s);
    run.write(s);
  });

  let tail: Stmt = seq([]);
  for (let i = out.length - 1; i >= 0; i--) {
    tail = seq([out[i]!, tail]);
    for (let l = lets.length - 1; l >= 0; l--) {
      const x = lets[l]!;
      if (x.before === i) tail = { kind: "let", var: x.var, value: x.value, body: tail };
    }
  }
  return tail;
}

function nameFor(e: Expr): string {
  if (e.kind === "load") return e.buffer.name.toLowerCase();
  if (e.kind === "broadcast") return nameFor(e.value);
  return "t";
}

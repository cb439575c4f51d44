/**
 * Equality of statements and functions up to renaming: loop and block variables, lets, allocated buffers (and a
 * function's parameters and intermediates) are matched one to one, in order. Expressions on their own are hash-consed, so
 * `===` is their equality; here they are compared under the matching.
 */
import type { Combiner, Expr, Var } from "./expr.ts";
import { Names, printBuffer, printExpr, printStmt } from "./print.ts";
import type { Buffer, Func, Layout, Stmt } from "./stmt.ts";
import { children } from "./visit.ts";

export interface EqualOptions {
  /** Names of variables, buffers and blocks must agree too. */
  readonly names?: boolean;
  /** Match free variables and buffers of statements one to one as well; without it they must be the same objects. */
  readonly matchFree?: boolean;
}

interface Difference {
  readonly what: string;
  readonly left: string;
  readonly right: string;
}
class Differs extends Error {
  readonly difference: Difference;
  constructor(difference: Difference) {
    super(difference.what);
    this.difference = difference;
  }
}

class Matcher {
  readonly #options: EqualOptions;
  readonly #there = new Map<object, object>();
  readonly #back = new Map<object, object>();
  readonly #equal = new Set<string>();
  readonly #namesL = new Names();
  readonly #namesR = new Names();
  /** The innermost statements under comparison, for the report. */
  #at: [Stmt, Stmt] | undefined;

  constructor(options: EqualOptions) {
    this.#options = options;
  }

  fail(what: string, left?: string, right?: string): never {
    const head = (s: Stmt, names: Names): string => printStmt(s, {}, names).split("\n")[0]!;
    const at = this.#at;
    throw new Differs({
      what,
      left: left ?? (at ? head(at[0], this.#namesL) : ""),
      right: right ?? (at ? head(at[1], this.#namesR) : ""),
    });
  }
  same(what: string, a: unknown, b: unknown): void {
    if (!Object.is(a, b)) this.fail(`${what}: ${String(a)} and ${String(b)}`);
  }

  bind(a: Var | Buffer, b: Var | Buffer): void {
    this.#namesL.of(a);
    this.#namesR.of(b);
    if (this.#options.names) this.same("names differ", a.name, b.name);
    if (this.#there.get(a) !== b || this.#back.get(b) !== a) this.#equal.clear();
    this.#there.set(a, b);
    this.#back.set(b, a);
  }
  bindVar(a: Var, b: Var): void {
    this.same("dtypes of variables differ", a.dtype, b.dtype);
    this.same("lanes of variables differ", a.lanes, b.lanes);
    this.same("one variable is mutable", a.mutable, b.mutable);
    this.bind(a, b);
  }
  bindBuffer(a: Buffer, b: Buffer): void {
    this.same("dtypes of buffers differ", a.dtype, b.dtype);
    this.same("scopes of buffers differ", a.scope, b.scope);
    this.same("ranks of buffers differ", a.shape.length, b.shape.length);
    this.exprs("shapes of buffers differ", a.shape, b.shape);
    this.same("one buffer has strides", a.strides !== undefined, b.strides !== undefined);
    if (a.strides && b.strides) this.exprs("strides of buffers differ", a.strides, b.strides);
    this.same("one buffer has a layout", a.layout !== undefined, b.layout !== undefined);
    if (a.layout && b.layout) this.#layouts(a.layout, b.layout);
    this.bind(a, b);
  }
  /** The way back follows from the map. */
  #layouts(a: Layout, b: Layout): void {
    a.vars.forEach((v, d) => {
      this.bindVar(v, b.vars[d]!);
    });
    this.exprs("layouts of buffers differ", a.index, b.index);
    this.exprs("physical shapes of buffers differ", a.shape, b.shape);
    const aligned = (l: Layout): string => JSON.stringify((l.align ?? []).map((x) => [x.dim, x.factor, x.offset]));
    this.same("alignments of buffers differ", aligned(a), aligned(b));
    this.same("values of padding differ", a.pad, b.pad);
  }
  #matchesSymbol(a: Var | Buffer, b: Var | Buffer): boolean {
    const [x, y] = [this.#there.get(a), this.#back.get(b)];
    if (x !== undefined || y !== undefined) return x === b && y === a;
    if (a === b) return true;
    if (!this.#options.matchFree || a.kind !== b.kind) return false;
    if (a.kind === "var") this.bindVar(a, b as Var);
    else this.bindBuffer(a, b as Buffer);
    return true;
  }

  #eq(a: Expr, b: Expr): boolean {
    if (a.kind !== b.kind || a.dtype !== b.dtype || a.lanes !== b.lanes) return false;
    if (a.kind === "const") return a === b;
    if (a.kind === "var") return this.#matchesSymbol(a, b as Var);
    const key = `${a.id}:${b.id}`;
    if (this.#equal.has(key)) return true;
    if (a.kind === "op" && a.op !== (b as typeof a).op) return false;
    if (a.kind === "call" && a.intrinsic !== (b as typeof a).intrinsic) return false;
    if (a.kind === "load" && !this.#matchesSymbol(a.buffer, (b as typeof a).buffer)) return false;
    if (a.kind === "shuffle" && a.picks.join() !== (b as typeof a).picks.join()) return false;
    if (a.kind === "reduce" && !this.#eqReduce(a, b as typeof a)) return false;
    const [ka, kb] = [children(a), children(b)];
    if (ka.length !== kb.length || !ka.every((k, i) => this.#eq(k, kb[i]!))) return false;
    this.#equal.add(key);
    return true;
  }
  #eqReduce(a: Expr & { kind: "reduce" }, b: Expr & { kind: "reduce" }): boolean {
    if (a.component !== b.component || a.axes.length !== b.axes.length || !a.condition !== !b.condition) return false;
    if (!this.#eqCombiner(a.combiner, b.combiner)) return false;
    a.axes.forEach((x, i) => {
      this.bindVar(x.var, b.axes[i]!.var);
    });
    return true;
  }
  #eqCombiner(a: Combiner, b: Combiner): boolean {
    if (a === b) return true;
    if (a.lhs.length !== b.lhs.length || a.exact !== b.exact) return false;
    a.lhs.forEach((v, i) => {
      this.bindVar(v, b.lhs[i]!);
      this.bindVar(a.rhs[i]!, b.rhs[i]!);
    });
    const all = (x: readonly Expr[], y: readonly Expr[]): boolean => x.every((e, i) => this.#eq(e, y[i]!));
    return all(a.results, b.results) && all(a.identities, b.identities);
  }
  expr(what: string, a: Expr, b: Expr): void {
    if (!this.#eq(a, b)) this.fail(`${what}: ${printExpr(a, this.#namesL)} and ${printExpr(b, this.#namesR)}`);
  }
  exprs(what: string, a: readonly Expr[], b: readonly Expr[]): void {
    this.same(`${what} in number`, a.length, b.length);
    a.forEach((e, i) => {
      this.expr(what, e, b[i]!);
    });
  }
  access(a: Buffer, b: Buffer): void {
    if (!this.#matchesSymbol(a, b)) this.fail(`buffers differ: ${this.#namesL.of(a)} and ${this.#namesR.of(b)}`);
  }
  annotations(a: Readonly<Record<string, unknown>> = {}, b: Readonly<Record<string, unknown>> = {}): void {
    for (const k of new Set([...Object.keys(a), ...Object.keys(b)])) this.same(`annotation ${k} differs`, a[k], b[k]);
  }
  optional(what: string, a: Stmt | undefined, b: Stmt | undefined): void {
    this.same(`only one has ${what}`, a !== undefined, b !== undefined);
    if (a && b) this.stmt(a, b);
  }

  stmt(a: Stmt, b: Stmt): void {
    this.#at = [a, b];
    if (a.kind !== b.kind) this.fail(`a ${a.kind} here, a ${b.kind} there`);
    switch (a.kind) {
      case "for": {
        const o = b as typeof a;
        this.same("loop kinds differ", a.loop, o.loop);
        this.same("intrinsics differ", a.tensor?.intrinsic.name, o.tensor?.intrinsic.name);
        this.same("assumptions differ", a.tensor?.assume.join(), o.tensor?.assume.join());
        this.same("grid indices differ", a.bind, o.bind);
        this.same("tail policies differ", a.tail ?? "guard", o.tail ?? "guard");
        this.expr("loop minima differ", a.min, o.min);
        this.expr("loop extents differ", a.extent, o.extent);
        this.annotations(a.annotations, o.annotations);
        this.bindVar(a.var, o.var);
        return this.stmt(a.body, o.body);
      }
      case "block": {
        const o = b as typeof a;
        if (this.#options.names) this.same("block names differ", a.id.name, o.id.name);
        this.same("numbers of axes differ", a.iters.length, o.iters.length);
        a.iters.forEach((it, i) => {
          this.same("axis kinds differ", it.kind, o.iters[i]!.kind);
          this.expr("axis extents differ", it.extent, o.iters[i]!.extent);
          this.expr("bindings differ", it.binding, o.iters[i]!.binding);
        });
        this.expr("predicates differ", a.predicate, o.predicate);
        if (typeof a.storeAt === "object" && typeof o.storeAt === "object")
          this.expr("loops stored at differ", a.storeAt, o.storeAt);
        else this.same("places stored at differ", a.storeAt, o.storeAt);
        this.annotations(a.annotations, o.annotations);
        a.iters.forEach((it, i) => {
          this.bindVar(it.var, o.iters[i]!.var);
        });
        this.optional("an init", a.init, o.init);
        return this.stmt(a.body, o.body);
      }
      case "if": {
        const o = b as typeof a;
        this.expr("conditions differ", a.condition, o.condition);
        this.stmt(a.then, o.then);
        this.#at = [a, o];
        return this.optional("an else", a.otherwise, o.otherwise);
      }
      case "store": {
        const o = b as typeof a;
        this.access(a.buffer, o.buffer);
        this.exprs("indices differ", a.index, o.index);
        return this.expr("stored values differ", a.value, o.value);
      }
      case "seq": {
        const o = b as typeof a;
        this.same("numbers of statements differ", a.body.length, o.body.length);
        for (const [i, s] of a.body.entries()) this.stmt(s, o.body[i]!);
        return;
      }
      case "alloc": {
        const o = b as typeof a;
        this.bindBuffer(a.buffer, o.buffer);
        return this.stmt(a.body, o.body);
      }
      case "let": {
        const o = b as typeof a;
        this.expr("values differ", a.value, o.value);
        this.bindVar(a.var, o.var);
        return this.stmt(a.body, o.body);
      }
      case "assign": {
        const o = b as typeof a;
        this.expr("values differ", a.value, o.value);
        // mutable variables are declared by their first assignment
        if (this.#there.has(a.var) || this.#back.has(o.var)) return this.expr("variables differ", a.var, o.var);
        return this.bindVar(a.var, o.var);
      }
      default:
        return a satisfies never;
    }
  }

  func(a: Func, b: Func): void {
    if (this.#options.names) this.same("function names differ", a.name, b.name);
    const vars = (what: string, x: readonly Var[], y: readonly Var[]): void => {
      this.same(`numbers of ${what} differ`, x.length, y.length);
      x.forEach((v, i) => {
        this.bindVar(v, y[i]!);
      });
    };
    const buffers = (what: string, x: readonly Buffer[], y: readonly Buffer[]): void => {
      this.same(`numbers of ${what} differ`, x.length, y.length);
      x.forEach((v, i) => {
        const [left, right] = [printBuffer(v), printBuffer(y[i]!)];
        try {
          this.bindBuffer(v, y[i]!);
        } catch (e) {
          if (e instanceof Differs) throw new Differs({ what: e.difference.what, left, right });
          throw e;
        }
      });
    };
    vars("sizes", a.sizes, b.sizes);
    vars("scalars", a.scalars, b.scalars);
    buffers("inputs", a.inputs, b.inputs);
    buffers("outputs", a.outputs, b.outputs);
    buffers("intermediates", a.intermediates, b.intermediates);
    this.stmt(a.body, b.body);
  }
}

const isFunc = (x: Func | Stmt): x is Func => !("kind" in x);
function compare(a: Func | Stmt, b: Func | Stmt, options: EqualOptions): Difference | undefined {
  const m = new Matcher(options);
  try {
    if (isFunc(a) !== isFunc(b)) m.fail("a function and a statement");
    if (isFunc(a)) m.func(a, b as Func);
    else m.stmt(a, b as Stmt);
    return undefined;
  } catch (e) {
    if (e instanceof Differs) return e.difference;
    throw e;
  }
}

/** Whether two statements are equal up to the names and identities of what they bind. */
export const equalStmt = (a: Stmt, b: Stmt, options: EqualOptions = {}): boolean =>
  compare(a, b, options) === undefined;
/** Whether two functions are equal up to the names and identities of parameters, intermediates and what they bind. */
export const equalFunc = (a: Func, b: Func, options: EqualOptions = {}): boolean =>
  compare(a, b, options) === undefined;

/** The first difference as text with both lines side by side; undefined where there is none. */
export function explainDifference<T extends Func | Stmt>(a: T, b: T, options: EqualOptions = {}): string | undefined {
  const d = compare(a, b, options);
  if (d === undefined) return undefined;
  return d.left === "" && d.right === "" ? d.what : `${d.what}\n  left:  ${d.left}\n  right: ${d.right}`;
}

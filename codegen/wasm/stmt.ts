/** Emission of statements: loops, branches, stores and assignments, in the order in which the IR has them (V8 keeps it). */
import { constInt, type Expr, type For, type Stmt, type Var, visitStmt } from "../../src/ir/index.ts";
import type { WasmTarget } from "../../src/target/index.ts";
import type { Ref } from "./binaryen.ts";
import { CodegenError } from "./error.ts";
import { baseOf, ExprEmitter, type Home } from "./expr.ts";
import { emitStore } from "./memory.ts";
import { typeOf, type Writer } from "./writer.ts";

/** The lane width for a mask about which nothing is known: that of f32, or what fits. */
const anyWidth = (v: Var): number => Math.min(32, 128 / v.lanes);

export class StmtEmitter {
  readonly #w: Writer;
  readonly #e: ExprEmitter;
  readonly #homes = new Map<Var, Home>();
  #labels = 0;

  constructor(w: Writer, target: WasmTarget, params: readonly Var[]) {
    this.#w = w;
    this.#e = new ExprEmitter(w, target, this.#homes);
    for (const [i, v] of params.entries()) {
      this.#homes.set(v, { local: i, bits: 0 });
      w.nameLocal(i, v.name);
    }
  }

  function(body: Stmt): Ref {
    // Assigned variables exist in the whole function. The width of a mask among them must not depend on an assignment.
    visitStmt(body, (s) => {
      if (s.kind === "assign" && !this.#homes.has(s.var)) this.#declare(s.var, anyWidth(s.var));
    });
    return this.stmt(body);
  }

  #declare(v: Var, bits: number): number {
    const local = this.#w.local(typeOf(v.dtype, v.lanes), v.name);
    this.#homes.set(v, { local, bits });
    return local;
  }

  /** Emits one statement's own expressions, then forgets what it shared. */
  #own<T>(roots: readonly Expr[], emit: () => T): T {
    this.#e.begin(roots);
    const r = emit();
    this.#w.endStatement();
    return r;
  }
  #value(e: Expr): Ref {
    return this.#own([e], () => this.#e.value(e));
  }
  #set(v: Var, local: number, value: Expr): Ref {
    const mask = v.dtype === "bool" && v.lanes > 1;
    return this.#own([value], () =>
      this.#w.set(local, mask ? this.#e.mask(value, this.#e.home(v).bits) : this.#e.value(value)),
    );
  }

  stmt(s: Stmt): Ref {
    const { m } = this.#w;
    switch (s.kind) {
      case "seq":
        return s.body.length === 0
          ? m.nop()
          : m.block(
              null,
              s.body.map((x) => this.stmt(x)),
            );
      case "store":
        return this.#own([baseOf(s), s.value], () => emitStore(this.#e, s));
      case "let": {
        const bits = s.var.dtype === "bool" && s.var.lanes > 1 ? this.#e.maskBits(s.value) : 0;
        const local = this.#homes.get(s.var)?.local ?? this.#declare(s.var, bits || anyWidth(s.var));
        return m.block(null, [this.#set(s.var, local, s.value), this.stmt(s.body)]);
      }
      case "assign":
        return this.#set(s.var, this.#e.home(s.var).local, s.value);
      case "if": {
        const c = this.#value(s.condition);
        const then = this.stmt(s.then);
        return s.otherwise ? m.if(c, then, this.stmt(s.otherwise)) : m.if(c, then);
      }
      case "for":
        return this.#loop(s);
      case "block":
      case "alloc":
        throw new CodegenError("internal", `a ${s.kind} statement reached code generation`);
      default:
        return s satisfies never;
    }
  }

  /** Tests at the bottom. The entry is tested only where the extent may be 0. */
  #loop(s: For): Ref {
    const w = this.#w;
    const { m } = w;
    if (s.loop !== "serial")
      throw new CodegenError("unsupported-op", `loop ${s.var.name} is ${s.loop}: only serial loops can be emitted`);
    const i = this.#homes.get(s.var)?.local ?? this.#declare(s.var, 0);
    const [min, extent] = [constInt(s.min), constInt(s.extent)];
    if (extent !== undefined && extent <= 0) return m.nop();
    const start = w.set(i, this.#value(s.min));
    if (extent === 1) return m.block(null, [start, this.stmt(s.body)]);

    const before: Ref[] = [];
    let end: () => Ref;
    if (min !== undefined && extent !== undefined) end = () => w.i32(min + extent);
    else if (min === 0 && s.extent.kind === "var" && !s.extent.mutable) end = () => this.#e.value(s.extent);
    else {
      const n = w.local("i32", `${s.var.name}_end`);
      const size = this.#value(s.extent);
      before.push(w.set(n, min === 0 ? size : m.i32.add(w.get(i), size)));
      end = () => w.get(n);
    }
    const label = `${s.var.name}.${this.#labels++}`;
    const { body, before: constants } = hasLoops(s.body)
      ? { body: this.stmt(s.body), before: [] }
      : w.keepingConstants(() => this.stmt(s.body));
    before.push(...constants);
    const next = w.tee(i, m.i32.add(w.get(i), w.i32(1)));
    const loop = m.loop(label, m.block(null, [body, m.br_if(label, m.i32.lt_s(next, end()))]));
    const runs = extent !== undefined || (s.extent.kind === "var" && (s.extent.size?.min ?? 0) > 0);
    return m.block(null, [start, ...before, runs ? loop : m.if(m.i32.lt_s(w.get(i), end()), loop)]);
  }
}

/** Whether a body repeats a part of itself. What is kept in registers around such a part is not there for it. */
function hasLoops(s: Stmt): boolean {
  let found = false;
  visitStmt(s, (x) => {
    if (x.kind === "for" && constInt(x.extent) !== 1) found = true;
  });
  return found;
}

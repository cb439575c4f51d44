/** Emission of expressions: dispatch to the families, and sharing of what one statement uses several times. */
import { bitsOf, bytesOf, children, type Expr, type Load, type Op, type Store, type Var } from "../../src/ir/index.ts";
import type { WasmTarget } from "../../src/target/index.ts";
import { SCALAR_ARITH, VECTOR_ARITH, VECTOR_PATTERNS, VECTOR_RELAXED } from "./arith.ts";
import type { Ref } from "./binaryen.ts";
import { emitCall } from "./call.ts";
import { convertMask, naturalBits, SCALAR_COMPARE, unsupported } from "./compare.ts";
import { type Context, instructionFor, lookup } from "./context.ts";
import { emitScalarConversion, emitVectorConversion, extendLanes } from "./convert.ts";
import { CodegenError } from "./error.ts";
import { emitBroadcast, emitRamp, emitShuffle } from "./lanes.ts";
import { emitMask } from "./logic.ts";
import { addressOf, emitLoad, splitAddress } from "./memory.ts";
import { typeOf, type Writer } from "./writer.ts";

/** Where a variable lives; `bits` is the lane width of a mask. */
export interface Home {
  readonly local: number;
  readonly bits: number;
}

/** The operands that emission evaluates: an access adds the constant part of its address by itself. */
const parts = (e: Expr): readonly Expr[] => (e.kind === "load" ? [baseOf(e)] : children(e));
/** The base address of an access. */
export function baseOf(a: Load | Store): Expr {
  const { lanes, dtype } = a.kind === "load" ? a : a.value;
  return splitAddress(addressOf(a.buffer.name, dtype, lanes, a.index)).base;
}
const isConversion = (e: Op): boolean => e.op === "cast" || e.op === "satcast" || e.op === "bitcast";

export class ExprEmitter implements Context {
  readonly w: Writer;
  readonly target: WasmTarget;
  readonly #homes: ReadonlyMap<Var, Home>;
  /** How many parents in the current statement use a node. */
  #uses = new Map<Expr, number>();
  /** Locals that hold nodes already computed on every path that leads here. */
  #held = new Map<Expr, number>();
  #widths = new Map<Expr, number>();

  constructor(w: Writer, target: WasmTarget, homes: ReadonlyMap<Var, Home>) {
    this.w = w;
    this.target = target;
    this.#homes = homes;
  }

  /** Starts a statement that evaluates these expressions (for an access, its base address). */
  begin(roots: readonly Expr[]): void {
    this.#uses = new Map();
    this.#held = new Map();
    const visit = (e: Expr): void => {
      const n = this.#uses.get(e) ?? 0;
      this.#uses.set(e, n + 1);
      if (n === 0) for (const k of parts(e)) visit(k);
    };
    for (const r of roots) visit(r);
  }

  home(v: Var): Home {
    const h = this.#homes.get(v);
    if (h === undefined)
      throw new CodegenError(
        "unbound-variable",
        `variable ${v.name} is neither a parameter nor bound by a loop, let or assign`,
      );
    return h;
  }
  held(e: Expr): boolean {
    return this.#held.has(e);
  }

  /** The node from its local, or computed (and kept if it is used again). */
  #shared(e: Expr, make: () => Ref): Ref {
    const local = this.#held.get(e);
    if (local !== undefined) return this.w.get(local);
    const r = make();
    if ((this.#uses.get(e) ?? 0) < 2) return r;
    const n = this.w.temp(typeOf(e.dtype, e.lanes));
    this.#held.set(e, n);
    return this.w.tee(n, r);
  }

  value(e: Expr): Ref {
    switch (e.kind) {
      case "const":
        return this.w.constant(e.dtype, e.value);
      case "var":
        return this.w.get(this.home(e).local);
      case "broadcast":
        if (e.value.kind === "const") return emitBroadcast(this, e.value);
        break;
      default:
    }
    if (e.dtype === "bool" && e.lanes > 1) throw new CodegenError("internal", "a mask is emitted with its lane width");
    return this.#shared(e, () => this.#compute(e));
  }

  #compute(e: Expr): Ref {
    switch (e.kind) {
      case "op":
        return e.lanes === 1 ? this.#scalarOp(e) : this.#vectorOp(e);
      case "load":
        return emitLoad(this, e);
      case "ramp":
        return emitRamp(this, e);
      case "broadcast":
        return emitBroadcast(this, e.value);
      case "shuffle":
        return emitShuffle(this, e, bytesOf(e.dtype) * 8);
      case "call":
        return emitCall(this, e);
      case "reduce":
        throw new CodegenError("internal", "a reduction reached code generation");
      case "const":
      case "var":
        return this.value(e);
      default:
        return e satisfies never;
    }
  }

  choose(condition: Expr, arms: readonly [Expr, Expr], emit: (e: Expr) => Ref): Ref {
    const c = this.value(condition);
    const branch = (x: Expr): Ref => {
      const before = new Map(this.#held);
      const r = emit(x);
      this.#held = before;
      return r;
    };
    const a = branch(arms[0]);
    return this.w.m.if(c, a, branch(arms[1]));
  }

  #scalarOp(e: Op): Ref {
    const { m } = this.w;
    if (isConversion(e)) return emitScalarConversion(this, e);
    if (e.op === "select") {
      const [a, b] = [this.value(e.args[1]!), this.value(e.args[2]!)];
      return m.select(this.value(e.args[0]!), a, b);
    }
    if (e.op === "where") return this.choose(e.args[0]!, [e.args[1]!, e.args[2]!], (x) => this.value(x));
    const d = e.args[0]!.dtype;
    const rule = lookup(SCALAR_COMPARE, e.op, d) ?? lookup(SCALAR_ARITH, e.op, d);
    if (rule === undefined) throw unsupported(e);
    const args = e.args.map((a) => this.value(a));
    return typeof rule === "string" ? this.w.i(instructionFor(rule, d, false), ...args) : rule(this, e, args);
  }

  #vectorOp(e: Op): Ref {
    const { m } = this.w;
    if (isConversion(e)) return emitVectorConversion(this, e);
    // one condition for all lanes; lowering leaves no other kind
    if (e.op === "where" && e.args[0]!.kind === "broadcast")
      return this.choose(e.args[0]!.value, [e.args[1]!, e.args[2]!], (x) => this.value(x));
    if (e.op === "select") {
      const [c, a, b] = [e.args[0]!, e.args[1]!, e.args[2]!];
      const values = [this.value(a), this.value(b)];
      if (c.kind === "broadcast") return m.select(this.value(c.value), values[0]!, values[1]!);
      return m.v128.bitselect(values[0]!, values[1]!, this.mask(c, bytesOf(e.dtype) * 8));
    }
    const special = VECTOR_PATTERNS.get(e.op)?.(this, e);
    if (special !== undefined) return special;
    const d = e.args[0]!.dtype;
    const rule = lookup(VECTOR_ARITH, e.op, d) ?? (this.target.relaxed ? lookup(VECTOR_RELAXED, e.op, d) : undefined);
    if (rule === undefined) throw unsupported(e);
    const args = e.args.map((a) => this.value(a));
    return typeof rule === "string" ? this.w.i(instructionFor(rule, d, true), ...args) : rule(this, e, args);
  }

  maskBits(e: Expr): number {
    let n = this.#widths.get(e);
    if (n === undefined) {
      n = naturalBits(
        e,
        (x) => this.maskBits(x),
        (v) => (v.kind === "var" ? this.home(v).bits : 0),
      );
      this.#widths.set(e, n);
    }
    return n;
  }

  mask(e: Expr, bits: number): Ref {
    const natural = this.maskBits(e) || bits;
    if (e.kind === "var") return convertMask(this.w, this.value(e), natural, bits);
    if (e.kind === "shuffle" && natural < bits && !this.held(e) && e.vectors.length === 1) {
      // a slice is widened where it lies
      const start = e.picks[0]!;
      if (start % e.lanes === 0 && e.picks.every((p, i) => p === start + i))
        return extendLanes(this, this.mask(e.vectors[0]!, natural), start, natural, bits, "s");
    }
    const make = (): Ref => emitMask(this, e, natural);
    // what has no width of its own is made anew at each width
    const r = this.maskBits(e) === 0 ? make() : this.#shared(e, make);
    return convertMask(this.w, r, natural, bits);
  }

  address(access: Load | Store): { base: Ref; offset: number } {
    const { lanes, dtype } = access.kind === "load" ? access : access.value;
    if (bitsOf(dtype) * lanes > 128 && !(dtype === "bool" && lanes <= 16))
      throw new CodegenError("unsupported-op", `an access to ${lanes} lanes of ${dtype} does not fit a register`);
    const { base, offset } = splitAddress(addressOf(access.buffer.name, dtype, lanes, access.index));
    return { base: this.value(base), offset };
  }
}

/**
 * The printer: stable, compact, one statement per line, names as the user gave them. Two different variables or buffers
 * of one name in one function are told apart by a suffix (`i`, `i_1`), in order of appearance.
 */
import type { Const, Expr, Var } from "./expr.ts";
import { opInfo } from "./ops.ts";
import { type Block, type Buffer, type Func, type Layout, NOTES, PRINTED_NOTES, type Stmt } from "./stmt.ts";

export interface PrintOptions {
  /** Lines that print one of these are underlined with ^^^ (loops by variable, blocks by id, any statement by its node). */
  readonly marks?: ReadonlySet<object>;
  /** Called with each line's subject, for tools that link lines to loops. */
  readonly onLine?: (subject: object, line: number) => void;
  /** Gives names to a whole function's variables and buffers, and so knows them afterwards. Default: new ones. */
  readonly names?: Names;
}

const PRECEDENCE: Readonly<Record<string, number>> = {
  "|": 1,
  "^": 2,
  "&": 3,
  "==": 4,
  "!=": 4,
  "<": 5,
  "<=": 5,
  ">": 5,
  ">=": 5,
  "<<": 6,
  ">>": 6,
  "+": 7,
  "-": 7,
  "*": 8,
  "/": 8,
  "//": 8,
  "%": 8,
};

export class Names {
  readonly #names = new Map<object, string>();
  readonly #used = new Map<string, number>();
  readonly #outer: Names | undefined;
  /** `own` go by their names here without taking them from others, which `outer` names. */
  constructor(own: readonly Var[] = [], outer?: Names) {
    for (const v of own) this.of(v);
    this.#outer = outer;
  }
  of(o: Var | Buffer): string {
    const old = this.#names.get(o);
    if (old !== undefined) return old;
    if (this.#outer) return this.#outer.of(o);
    let n = this.#used.get(o.name) ?? 0;
    let name = n === 0 ? o.name : `${o.name}_${n}`;
    while (n > 0 && this.#used.has(name)) name = `${o.name}_${++n}`;
    this.#used.set(o.name, n + 1);
    if (name !== o.name) this.#used.set(name, 1);
    this.#names.set(o, name);
    return name;
  }
}

/** The shortest decimal that is this value once rounded to f32. */
function shortest(v: number): string {
  if (Object.is(v, -0)) return "-0";
  for (let digits = 1; digits <= 8; digits++) {
    const x = Number(v.toPrecision(digits));
    if (Math.fround(x) === v) return String(x);
  }
  return String(v);
}

function printConst(e: Const): string {
  if (e.dtype === "bool") return e.value ? "true" : "false";
  const v = Object.is(e.value, -0) ? "-0" : String(e.value);
  if (e.dtype === "i32") return v;
  if (e.dtype === "f32") {
    const short = shortest(Number(e.value));
    return /[.eNI]/.test(short) ? short : `${short}.0`;
  }
  return `${e.dtype}(${v})`;
}

/** Nodes that one expression prints; shared ones count each time they stand, or text could grow without end. */
const NODES = 1000;

export function printExpr(e: Expr, names: Names = new Names(), outer = 0, budget = { left: NODES }): string {
  if (budget.left-- <= 0) return "...";
  const p = (x: Expr, prec = 0): string => printExpr(x, names, prec, budget);
  switch (e.kind) {
    case "const":
      return printConst(e);
    case "var":
      return names.of(e);
    case "load":
      return `${names.of(e.buffer)}[${e.index.map((i) => p(i)).join(", ")}]`;
    case "ramp":
      return `ramp(${p(e.base)}, ${p(e.stride)}, ${e.lanes})`;
    case "broadcast":
      return `x${e.lanes}(${p(e.value)})`;
    case "shuffle":
      return `shuffle([${e.vectors.map((v) => p(v)).join(", ")}], [${e.picks.join(", ")}])`;
    case "call":
      return `${e.intrinsic.name}(${e.args.map((a) => p(a)).join(", ")})`;
    case "reduce": {
      const axes = e.axes.map((a) => `${names.of(a.var)}: ${p(a.extent)}`).join(", ");
      const cond = e.condition ? ` if ${p(e.condition)}` : "";
      const which = e.values.length > 1 ? `.${e.component}` : "";
      return `${e.combiner.name}{${axes}}(${e.values.map((v) => p(v)).join(", ")}${cond})${which}`;
    }
    case "op": {
      const infix = opInfo(e.op).infix;
      if (infix !== undefined) {
        const prec = PRECEDENCE[infix]!;
        const s = `${p(e.args[0]!, prec)} ${infix} ${p(e.args[1]!, prec + 1)}`;
        return prec < outer ? `(${s})` : s;
      }
      if (e.op === "neg") return `-${p(e.args[0]!, 9)}`;
      if (e.op === "not") return `!${p(e.args[0]!, 9)}`;
      if (e.op === "cast") return `${e.dtype}(${p(e.args[0]!)})`;
      if (e.op === "satcast" || e.op === "bitcast") return `${e.op}_${e.dtype}(${p(e.args[0]!)})`;
      return `${e.op}(${e.args.map((a) => p(a)).join(", ")})`;
    }
    default:
      return e satisfies never;
  }
}

const isTrue = (e: Expr): boolean => e.kind === "const" && e.value === 1;

/** A block's header, e.g. `C: i = io*6 + ii, k = k [reduce] if ...`. */
function blockHeader(b: Block, names: Names): string {
  const iters = b.iters.map((it) => {
    const tag = it.kind === "reduction" ? " (reduce)" : it.kind === "ordered" ? " (ordered)" : "";
    return `${names.of(it.var)}${tag} = ${printExpr(it.binding, names)}`;
  });
  const pred = isTrue(b.predicate) ? "" : ` if ${printExpr(b.predicate, names)}`;
  const notes = [
    ...(b.storeAt ? [`stored at ${b.storeAt === "root" ? "root" : names.of(b.storeAt)}`] : []),
    ...Object.entries(b.annotations ?? {}).flatMap(([k, v]) => {
      if (!(NOTES as readonly string[]).includes(k)) return [`${k}: ${v}`];
      return PRINTED_NOTES.includes(k) ? [k] : [];
    }),
  ];
  return `block ${b.id.name}(${iters.join(", ")})${pred}:${notes.length > 0 ? `  # ${notes.join(", ")}` : ""}`;
}

export function printStmt(s: Stmt, options: PrintOptions = {}, names: Names = new Names(), depth = 0): string {
  const lines: string[] = [];
  let current: Stmt = s;
  const put = (d: number, text: string, subject?: object): void => {
    lines.push("  ".repeat(d) + text);
    if (subject && options.onLine) options.onLine(subject, lines.length - 1);
    if ((subject && options.marks?.has(subject)) || options.marks?.has(current))
      lines.push("  ".repeat(d) + "^".repeat(text.length));
  };
  const go = (x: Stmt, d: number): void => {
    current = x;
    switch (x.kind) {
      case "for": {
        const kind = x.loop === "serial" ? "for" : x.loop;
        const lo = x.min.kind === "const" && x.min.value === 0 ? "" : `${printExpr(x.min, names)} .. +`;
        const notes = [
          ...(x.bind ? [x.bind] : []),
          ...(x.tail && x.tail !== "guard" ? [`tail: ${x.tail}`] : []),
          ...(x.tensor ? [x.tensor.intrinsic.name] : []),
          ...(x.tensor?.assume.length ? [`assume: ${x.tensor.assume.join(" ")}`] : []),
          ...Object.entries(x.annotations ?? {}).map(([k, v]) => `${k}: ${v}`),
        ];
        const note = notes.length > 0 ? `  # ${notes.join(", ")}` : "";
        put(d, `${kind} ${names.of(x.var)} in ${lo}${printExpr(x.extent, names)}:${note}`, x.var);
        return go(x.body, d + 1);
      }
      case "block":
        put(d, blockHeader(x, names), x.id);
        if (x.init) {
          put(d + 1, "init:");
          go(x.init, d + 2);
        }
        return go(x.body, d + 1);
      case "if":
        put(d, `if ${printExpr(x.condition, names)}:`);
        go(x.then, d + 1);
        if (x.otherwise) {
          put(d, "else:");
          go(x.otherwise, d + 1);
        }
        return;
      case "store":
        return put(
          d,
          `${names.of(x.buffer)}[${x.index.map((i) => printExpr(i, names)).join(", ")}] = ${printExpr(x.value, names)}`,
          x.buffer,
        );
      case "seq":
        if (x.body.length === 0) put(d, "pass");
        for (const b of x.body) go(b, d);
        return;
      case "alloc":
        put(d, `alloc ${printBuffer(x.buffer, names)}`);
        return go(x.body, d);
      case "let":
        put(d, `let ${names.of(x.var)} = ${printExpr(x.value, names)}`);
        return go(x.body, d);
      case "assign":
        return put(d, `${names.of(x.var)} := ${printExpr(x.value, names)}`);
      default:
        return x satisfies never;
    }
  };
  go(s, depth);
  return lines.join("\n");
}

export function printBuffer(b: Buffer, names: Names = new Names()): string {
  const strides = b.strides ? ` strides [${b.strides.map((e) => printExpr(e, names)).join(", ")}]` : "";
  const scope = b.scope === "global" ? "" : ` in ${b.scope}`;
  const name = names.of(b);
  const shape = b.shape.map((e) => printExpr(e, names)).join(", ");
  return `${name}: ${b.dtype}[${shape}]${strides}${scope}${b.layout ? printLayout(b, b.layout, names) : ""}`;
}
/** E.g. `, layout (k, j) -> (j // 8, k, j % 8) of [2, 512, 8], stride 0 = 4 mod 32, pad 0.0`. */
export function printLayout(b: Buffer, l: Layout, names: Names): string {
  const inner = new Names(l.vars, names);
  const list = (es: readonly Expr[], n: Names): string => es.map((e) => printExpr(e, n)).join(", ");
  const same = (x: readonly Expr[], y: readonly Expr[]): boolean =>
    x.length === y.length && x.every((e, d) => e === y[d]);
  const moved = !same(l.index, l.vars) || !same(l.shape, b.shape);
  const map = moved
    ? [`layout (${list(l.vars, inner)}) -> (${list(l.index, inner)}) of [${list(l.shape, names)}]`]
    : [];
  const align = (l.align ?? []).map((a) => `stride ${a.dim} = ${a.offset} mod ${a.factor}`);
  const pad = l.pad ? [`pad ${printExpr(l.pad, names)}`] : [];
  return [...map, ...align, ...pad].map((x) => `, ${x}`).join("");
}

/** A function: its header, intermediate buffers, and body. */
export function printFunc(f: Func, options: PrintOptions = {}): string {
  const { names = new Names() } = options;
  const params = [
    ...f.sizes.map((v) => `${names.of(v)}`),
    ...f.scalars.map((v) => `${names.of(v)}: ${v.dtype}`),
    ...f.inputs.map((b) => printBuffer(b, names)),
  ];
  const head = `func ${f.name}(${params.join(", ")}) -> ${f.outputs.map((b) => printBuffer(b, names)).join(", ")}:`;
  const inter = f.intermediates.map((b) => `  buffer ${printBuffer(b, names)}`);
  const shifted: PrintOptions = options.onLine
    ? { ...options, onLine: (s, l) => options.onLine!(s, l + 1 + inter.length) }
    : options;
  return [head, ...inter, printStmt(f.body, shifted, names, 1)].join("\n");
}

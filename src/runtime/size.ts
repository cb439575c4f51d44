/** Symbolic sizes at run time: evaluating, printing, and finding them from the lengths of arrays. */
import type { AbiBuffer, AbiSize, SizeExpr } from "../target/index.ts";
import { RuntimeArgumentError } from "./errors.ts";

export type Sizes = Readonly<Record<string, number>>;

/** The value of a size expression. Division rounds down and by zero gives 0. Throws for a size that is not given. */
export function evalSize(e: SizeExpr, sizes: Sizes): number {
  if (typeof e === "number") return e;
  if ("size" in e) {
    const v = Object.hasOwn(sizes, e.size) ? sizes[e.size] : undefined;
    if (v === undefined) throw new RuntimeArgumentError("size-missing", "", e.size, `the size ${e.size} is not given`);
    return v;
  }
  return OPS[e.op](evalSize(e.args[0], sizes), evalSize(e.args[1], sizes));
}
type Ops = { readonly [O in Extract<SizeExpr, { op: string }>["op"]]: (a: number, b: number) => number };
const OPS: Ops = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  floordiv: (a, b) => b && Math.floor(a / b),
  floormod: (a, b) => b && a - b * Math.floor(a / b),
  min: Math.min,
  max: Math.max,
};

const INFIX = { add: "+", sub: "-", mul: "*", floordiv: "//", floormod: "%" } as const;
export function printSize(e: SizeExpr, inside = false): string {
  if (typeof e === "number") return String(e);
  if ("size" in e) return e.size;
  if (e.op === "min" || e.op === "max") return `${e.op}(${printSize(e.args[0])}, ${printSize(e.args[1])})`;
  const s = `${printSize(e.args[0], true)} ${INFIX[e.op]} ${printSize(e.args[1], true)}`;
  return inside ? `(${s})` : s;
}
/** E.g. `[n, 64]`, with ` strides [128, 1]` where the layout is not dense. */
export const printShape = (b: AbiBuffer): string => {
  const list = (l: readonly SizeExpr[]): string => `[${l.map((x) => printSize(x)).join(", ")}]`;
  return list(b.shape) + (b.strides ? ` strides ${list(b.strides)}` : "");
};

/** The names of the sizes in an expression. */
export function sizesIn(e: SizeExpr, into: Set<string> = new Set()): Set<string> {
  if (typeof e === "number") return into;
  if ("size" in e) return into.add(e.size);
  for (const a of e.args) sizesIn(a, into);
  return into;
}

/**
 * How many elements an array for this buffer has. Dense buffers: exactly the product of the shape. Strided ones: from
 * the last element used (`least`) up to whole outer rows (`most`), so that both a tight array and a full image fit.
 * Both are -1 where a dimension is negative.
 */
export function extentOf(b: AbiBuffer, sizes: Sizes): { readonly least: number; readonly most: number } {
  let last = 0;
  let dense = 1;
  let most = 0;
  let negative = false;
  b.shape.forEach((e, i) => {
    const d = evalSize(e, sizes);
    const stride = b.strides ? evalSize(b.strides[i]!, sizes) : 0;
    negative ||= d < 0;
    dense *= d;
    last += (d - 1) * stride;
    most = Math.max(most, d * stride);
  });
  if (negative) return { least: -1, most: -1 };
  const least = b.strides && dense > 0 ? last + 1 : dense;
  return { least, most: Math.max(least, most) };
}

/** Whether the value never falls as the size grows (all sizes being at least 0). False where that is not plain to see. */
function rises(e: SizeExpr, size: string): boolean {
  if (typeof e === "number" || "size" in e || !sizesIn(e).has(size)) return true;
  const [a, b] = e.args;
  const { op } = e;
  if (op === "floormod" || !rises(a, size)) return false;
  if (op === "sub") return !sizesIn(b).has(size);
  if (op === "floordiv") return typeof b === "number" && b > 0;
  return rises(b, size) && (op !== "mul" || (nonNegative(a) && nonNegative(b)));
}
function nonNegative(e: SizeExpr): boolean {
  if (typeof e === "number") return e >= 0;
  if ("size" in e) return true;
  return e.op !== "sub" && nonNegative(e.args[0]) && nonNegative(e.args[1]);
}

/** The elements per unit of a size that is itself one dimension, and no part of another: the usual case. */
function lengthPer(b: AbiBuffer, name: string, known: Sizes): number | undefined {
  let rest = 1;
  let times = 0;
  for (const e of b.shape) {
    if (typeof e === "object" && "size" in e && e.size === name) times++;
    else if (typeof e === "object" && "op" in e && sizesIn(e).has(name)) return undefined;
    else rest *= evalSize(e, known);
  }
  return times === 1 && rest > 0 ? rest : undefined;
}

const LARGEST = 2 ** 31 - 1;
/**
 * The value of the one unknown size of a buffer, told by an array's length: `"none"` when no value fits, undefined when
 * several do (or when that cannot be told).
 */
export function solveSize(b: AbiBuffer, length: number, size: AbiSize, known: Sizes): number | "none" | undefined {
  const plain = b.strides ? undefined : lengthPer(b, size.name, known);
  if (plain) return length % plain === 0 ? length / plain : "none";
  if (![...b.shape, ...(b.strides ?? [])].every((e) => rises(e, size.name))) return undefined;
  const at = (n: number) => extentOf(b, { ...known, [size.name]: n });
  const first = (ok: (n: number) => boolean): number => {
    let [lo, hi] = [0, LARGEST + 1];
    while (lo < hi) {
      const mid = Math.floor((lo + hi) / 2);
      if (ok(mid)) hi = mid;
      else lo = mid + 1;
    }
    return lo;
  };
  const lo = first((n) => at(n).most >= length);
  const hi = first((n) => at(n).least > length) - 1;
  if (lo > hi) return "none";
  if (lo === hi) return lo;
  const m = size.multipleOf;
  const low = Math.ceil(Math.max(lo, size.min) / m) * m;
  const high = Math.floor(Math.min(hi, size.max) / m) * m;
  // where the size's own range leaves no value, its check says so better than a length could
  if (low > high) return lo;
  return low === high ? low : undefined;
}

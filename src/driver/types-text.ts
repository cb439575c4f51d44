/**
 * What is written beside a built module: its `.d.ts`, and a loader of a few lines that needs nothing but the WebAssembly
 * API. The loader checks classes and lengths; the full checks, arenas and variants are the runtime's.
 */
import { arrayName, elementBytes, printShape, sizesIn } from "../runtime/index.ts";
import type { Abi, AbiBuffer, AbiParam, AbiScalar, AbiSize, SizeExpr } from "../target/index.ts";

const buffers = (abi: Abi, role: AbiBuffer["role"]): AbiBuffer[] =>
  abi.params.filter((p): p is AbiBuffer => p.role === role);
type Named = Exclude<AbiParam, { role: "scratch" }>;
const returnsRecord = (abi: Abi): boolean =>
  (abi.results ?? (buffers(abi, "output").length === 1 ? "single" : "record")) === "record";
const isIdentifier = (s: string): boolean => /^[A-Za-z_$][\w$]*$/.test(s);
const key = (s: string): string => (isIdentifier(s) ? s : JSON.stringify(s));
const describe = (b: AbiBuffer): string => `${b.dtype}${printShape(b)}`;
/** Names go into comments: nothing in them may end one. */
const comment = (s: string): string => s.replaceAll("*/", "* /").replaceAll(/\s+/g, " ");

const scalarType = (p: AbiScalar): string =>
  p.dtype === "bool" ? "boolean" : p.dtype === "i64" || p.dtype === "u64" ? "bigint" : "number";

/** The `.d.ts` of the loader: the arguments and results of the kernel by name. */
export function dtsFor(abi: Abi): string {
  const derived = derivedSizes(abi);
  const args: string[] = [];
  const constants: string[] = [];
  for (const p of abi.prepare?.params ?? [])
    if (p.role === "input")
      constants.push(`  /** ${comment(describe(p))} */`, `  readonly ${key(p.name)}: ${arrayName(p.dtype)};`);
  for (const p of abi.params) {
    if (p.role === "input")
      args.push(`  /** ${comment(describe(p))} */`, `  readonly ${key(p.name)}: ${arrayName(p.dtype)};`);
    if (p.role === "scalar") args.push(`  /** ${p.dtype} */`, `  readonly ${key(p.name)}: ${scalarType(p)};`);
    if (p.role === "size") {
      const d = derived.get(p.name);
      const from = d ? `; may be left out: follows from the length of ${d.from}` : "";
      args.push(`  /** ${comment(sizeRange(p) + from)} */`, `  readonly ${key(p.name)}${d ? "?" : ""}: number;`);
    }
  }
  const outputs = buffers(abi, "output");
  const result = returnsRecord(abi)
    ? [
        "export interface Result {",
        ...outputs.flatMap((o) => [
          `  /** ${comment(describe(o))} */`,
          `  readonly ${key(o.name)}: ${arrayName(o.dtype)};`,
        ]),
        "}",
      ]
    : [`/** ${comment(describe(outputs[0]!))} */`, `export type Result = ${arrayName(outputs[0]!.dtype)};`];
  return [
    `// Types of the kernel ${comment(abi.name)}, generated with it.`,
    "export interface Args {",
    ...args,
    "}",
    ...result,
    "/** Instantiates the module: its bytes, a fetched response, or a compiled module. */",
    "export type Source = BufferSource | WebAssembly.Module | Response;",
    ...(constants.length === 0
      ? ["export declare function load(source: Source | PromiseLike<Source>): Promise<(args: Args) => Result>;"]
      : [
          "/** What stays the same from call to call. */",
          "export interface Constants {",
          ...constants,
          "}",
          "export interface Kernel {",
          "  (args: Args & Constants): Result;",
          "  /** Computes what depends on the constants alone; the kernel it returns takes the rest. */",
          "  prepare(constants: Constants): (args: Args) => Result;",
          "}",
          "export declare function load(source: Source | PromiseLike<Source>): Promise<Kernel>;",
        ]),
    "",
  ].join("\n");
}
function sizeRange(p: AbiSize): string {
  const multiple = p.multipleOf === 1 ? "" : `, a multiple of ${p.multipleOf}`;
  return `a size from ${p.min} to ${p.max}${multiple}`;
}

/** a * size + b, when that is what the expression is. */
function affine(e: SizeExpr, size: string): { readonly a: number; readonly b: number } | undefined {
  if (typeof e === "number") return { a: 0, b: e };
  if ("size" in e) return e.size === size ? { a: 1, b: 0 } : undefined;
  const x = affine(e.args[0], size);
  const y = affine(e.args[1], size);
  if (x === undefined || y === undefined) return undefined;
  if (e.op === "add") return { a: x.a + y.a, b: x.b + y.b };
  if (e.op === "sub") return { a: x.a - y.a, b: x.b - y.b };
  if (e.op === "mul" && (x.a === 0 || y.a === 0)) return { a: x.a * y.b + x.b * y.a, b: x.b * y.b };
  return undefined;
}
interface Derived {
  /** The input whose length tells it. */
  readonly from: string;
  readonly length: AbiBuffer;
  readonly rest: readonly SizeExpr[];
  readonly a: number;
  readonly b: number;
}
/** The sizes that are one dimension of a dense input, the other dimensions being known; in an order that works. */
function derivedSizes(abi: Abi): ReadonlyMap<string, Derived> {
  const out = new Map<string, Derived>();
  const sizes = abi.params.filter((p) => p.role === "size").map((p) => p.name);
  for (let before = -1; out.size !== before; ) {
    before = out.size;
    for (const b of buffers(abi, "input"))
      for (const size of sizes) {
        if (out.has(size) || b.strides) continue;
        const at = b.shape.filter((e) => sizesIn(e).has(size));
        const rest = b.shape.filter((e) => !sizesIn(e).has(size));
        const f = at.length === 1 ? affine(at[0]!, size) : undefined;
        if (f === undefined || f.a <= 0 || !rest.every((e) => [...sizesIn(e)].every((s) => out.has(s)))) continue;
        out.set(size, { from: b.name, length: b, rest, ...f });
      }
  }
  return out;
}

/** Words that the loader's own text uses, or that JavaScript keeps. */
const TAKEN = new Set(
  "ahead base once kept keep kernel prepare constants call before rest source module instance exports load at end memory heap room put run check args f16 await break case catch class const continue debugger default delete do else enum eval export extends false finally for function if implements import in instanceof interface let new null package private protected public return static super switch this throw true try typeof var void while with yield arguments undefined NaN Infinity Math Number BigInt Error Object Array Uint8Array Int8Array Uint16Array Int16Array Uint32Array Int32Array Float32Array Float64Array BigInt64Array BigUint64Array WebAssembly RangeError TypeError ArrayBuffer Response DataView".split(
    " ",
  ),
);

/** The text of an ES module that exports `load(source)`, in plain JavaScript. */
export function loaderFor(abi: Abi): string {
  const step = abi.prepare;
  const f16 = [abi, ...(step ? [step] : [])].some((x) =>
    x.params.some((p) => p.role === "scalar" && p.dtype === "f16"),
  );
  const exported = [abi, ...(step ? [step] : [])].map(
    (x, n) => `${JSON.stringify(x.name)}: ${n === 0 ? "run" : "ahead"}`,
  );
  const all = step ? buffers(step, "input").map((p) => p.name) : [];
  return [
    `// Loads the kernel ${comment(abi.name)}, generated with it; needs nothing but the WebAssembly API.`,
    "export async function load(source) {",
    "  let module = await source;",
    "  if (!(module instanceof WebAssembly.Module))",
    "    module = await WebAssembly.compile(module.arrayBuffer ? await module.arrayBuffer() : module);",
    "  const { exports } = await WebAssembly.instantiate(module);",
    `  const { memory, heap, ${exported.join(", ")} } = exports;`,
    "  const check = (ok, what) => { if (!ok) throw new RangeError(what); };",
    ...(f16 ? [F16] : []),
    ...(step
      ? [
          "  let base = heap.value;",
          "  // what depends on the constants alone, computed and kept in memory",
          ...callText(step, "  const once = ", "ahead", "base"),
          ...callText(abi, "  const kernel = (kept) => ", "run", "base"),
          "  const prepare = (constants) => kernel(once(constants));",
          "  const call = (args = {}) => {",
          "    const before = base;",
          `    const { ${all.map((n, i) => `${JSON.stringify(n)}: _${i}`).join(", ")}, ...rest } = args;`,
          `    try { return kernel(once({ ${all.map((n, i) => `${JSON.stringify(n)}: _${i}`).join(", ")} }))(rest); } finally { base = before; }`,
          "  };",
          "  return Object.assign(call, { prepare });",
        ]
      : callText(abi, "  return ", "run", "heap.value")),
    "}",
    "",
  ].join("\n");
}

/** A function of a record of arguments that places them in memory above `base` and calls an export. */
function callText(abi: Abi, intro: string, run: string, base: string): string[] {
  const local = new Map<string, string>();
  const used = new Set<string>();
  const named = abi.params.filter((p): p is Named => p.role !== "scratch" && p.role !== "prepared");
  for (const p of named) {
    let name = isIdentifier(p.name) && !TAKEN.has(p.name) && !/^p_/.test(p.name) ? p.name : `_${used.size}`;
    while (used.has(name)) name += "_";
    used.add(name);
    local.set(p.name, name);
  }
  const js = (e: SizeExpr): string => sizeText(e, (n) => local.get(n)!);
  const derived = derivedSizes(abi);
  const inputs = buffers(abi, "input");
  const outputs = buffers(abi, "output");
  const given = named.filter((p) => p.role !== "output" && !derived.has(p.name)).map((p) => p.name);
  const field = (n: string): string => (local.get(n) === n ? n : `${JSON.stringify(n)}: ${local.get(n)}`);
  const takes = [
    ...given.map(field),
    ...[...derived].map(([n, d]) => `${field(n)} = ${derivedText(d, local.get(d.from)!, js)}`),
  ];
  const kept = buffers(abi, "prepared");
  const prepares = run === "ahead";
  const lines = [`${intro}({ ${takes.join(", ")} } = {}) => {`];
  const mustBe = (b: AbiBuffer): string =>
    JSON.stringify(`${b.name} must be a ${arrayName(b.dtype)} of shape ${printShape(b)}`);
  // an array that tells a size is looked at before it: the size of what is no array would say nothing
  const tells = new Set([...derived.values()].map((d) => d.from));
  for (const b of inputs)
    if (tells.has(b.name))
      lines.push(`    check(${local.get(b.name)} instanceof ${arrayName(b.dtype)}, ${mustBe(b)});`);
  for (const p of named) {
    if (p.role !== "size") continue;
    const n = local.get(p.name)!;
    const multiple = p.multipleOf === 1 ? "" : ` && ${n} % ${p.multipleOf} === 0`;
    const what = JSON.stringify(`${p.name} must be ${sizeRange(p)}, but is `);
    lines.push(`    check(Number.isInteger(${n}) && ${n} >= ${p.min} && ${n} <= ${p.max}${multiple}, ${what} + ${n});`);
  }
  const length = (b: AbiBuffer): string => {
    if (b.strides === undefined) return b.shape.map(js).join(" * ") || "1";
    const last = b.shape.map((d, i) => `(${js(d)} - 1) * ${js(b.strides![i]!)}`);
    return `${b.shape.map((d) => `${js(d)} && `).join("")}${["1", ...last].join(" + ")}`;
  };
  for (const p of named) {
    if (p.role !== "scalar") continue;
    const n = local.get(p.name)!;
    const what = JSON.stringify(`${p.name} must be a ${scalarType(p)} that fits ${p.dtype}`);
    lines.push(`    check(${scalarCheck(p.dtype, n)}, ${what});`);
  }
  for (const b of [...inputs, ...outputs]) {
    const negative = b.shape.filter(mayBeNegative);
    const what = JSON.stringify(`${b.name}${printShape(b)} has a negative dimension`);
    if (negative.length > 0) lines.push(`    check(${negative.map((e) => `${js(e)} >= 0`).join(" && ")}, ${what});`);
  }
  for (const b of inputs) {
    const n = local.get(b.name)!;
    const enough = b.strides ? ">=" : "===";
    const array = tells.has(b.name) ? "" : `${n} instanceof ${arrayName(b.dtype)} && `;
    lines.push(`    check(${array}${n}.length ${enough} (${length(b)}), ${mustBe(b)});`);
  }
  lines.push(
    `    let end = ${base};`,
    "    const room = (bytes) => { const at = Math.ceil(end / 16) * 16; end = at + bytes; return at; };",
  );
  const bytesOf = (b: AbiBuffer): string => `(${length(b)}) * ${elementBytes(b.dtype)}`;
  if (prepares)
    lines.push(`    const kept = [${kept.map((b) => `room(${bytesOf(b)})`).join(", ")}];`, "    const keep = end;");
  const pointer = (b: AbiBuffer): string => `p_${local.get(b.name)}`;
  for (const b of inputs) lines.push(`    const ${pointer(b)} = room(${local.get(b.name)}.byteLength);`);
  for (const b of outputs)
    lines.push(
      `    const ${local.get(b.name)} = new ${arrayName(b.dtype)}(${length(b)}), ${pointer(b)} = room(${local.get(b.name)}.byteLength);`,
    );
  lines.push(
    `    const p_ = room(${js(abi.scratch)});`,
    "    check(end < 2 ** 31, 'the buffers take more than 2 GB');",
    "    const missing = end - memory.buffer.byteLength;",
    "    if (missing > 0) memory.grow(Math.ceil(missing / 65536));",
  );
  const view = (b: AbiBuffer): string =>
    `new ${arrayName(b.dtype)}(memory.buffer, ${pointer(b)}, ${local.get(b.name)}.length)`;
  for (const b of [...inputs, ...outputs.filter((o) => o.strides)])
    lines.push(`    ${view(b)}.set(${local.get(b.name)});`);
  const passed = abi.params.map((p) => {
    if (p.role === "scratch") return "p_";
    const n = local.get(p.name)!;
    if (p.role === "size") return n;
    if (p.role === "prepared") return `kept[${kept.indexOf(p)}]`;
    if (p.role !== "scalar") return pointer(p);
    return p.dtype === "f16" ? `f16(${n})` : p.dtype === "bool" ? `+!!${n}` : n;
  });
  lines.push(`    ${run}(${passed.join(", ")});`);
  for (const b of outputs) lines.push(`    ${local.get(b.name)}.set(${view(b)});`);
  if (prepares) lines.push("    base = keep;", "    return kept;");
  else
    lines.push(
      `    return ${returnsRecord(abi) ? `{ ${outputs.map((o) => field(o.name)).join(", ")} }` : local.get(outputs[0]!.name)!};`,
    );
  lines.push("  };");
  return lines;
}

function derivedText(d: Derived, array: string, js: (e: SizeExpr) => string): string {
  const rest = d.rest.filter((e) => e !== 1).map(js);
  const length =
    rest.length === 0
      ? `${array}?.length`
      : `${array}?.length / ${/^\w+$/.test(rest.join(" * ")) ? rest[0] : `(${rest.join(" * ")})`}`;
  const shifted = d.b === 0 ? length : `(${length} - ${d.b})`;
  return d.a === 1 ? shifted : `${shifted} / ${d.a}`;
}
/** Sizes are at least 0, so only a subtraction or a constant brings a sign in. */
const mayBeNegative = (e: SizeExpr): boolean =>
  typeof e === "number" ? e < 0 : "op" in e && (e.op === "sub" || e.args.some(mayBeNegative));
/** Whether a scalar can be passed as it is. */
function scalarCheck(d: AbiScalar["dtype"], n: string): string {
  if (d === "f64" || d === "f32" || d === "f16") return `typeof ${n} === "number"`;
  if (d === "bool") return `[true, false, 1, 0].includes(${n})`;
  const bits = Number(d.slice(1));
  const signed = d.startsWith("i");
  if (bits === 64) return `typeof ${n} === "bigint" && BigInt.as${signed ? "Int" : "Uint"}N(64, ${n}) === ${n}`;
  const low = signed ? -(2 ** (bits - 1)) : 0;
  return `Number.isInteger(${n}) && ${n} >= ${low} && ${n} <= ${low + 2 ** bits - 1}`;
}
function sizeText(e: SizeExpr, name: (n: string) => string): string {
  if (typeof e === "number") return e < 0 ? `(${e})` : String(e);
  if ("size" in e) return name(e.size);
  const [a, b] = e.args.map((x) => sizeText(x, name));
  switch (e.op) {
    case "add":
      return `(${a} + ${b})`;
    case "sub":
      return `(${a} - ${b})`;
    case "mul":
      return `${a} * ${b}`;
    case "floordiv":
      return `(${b} && Math.floor(${a} / (${b})))`;
    case "floormod":
      return `(${b} && ${a} - ${b} * Math.floor(${a} / (${b})))`;
    case "min":
    case "max":
      return `Math.${e.op}(${a}, ${b})`;
    default:
      return e.op satisfies never;
  }
}
/** The bits of the nearest f16, halves to even: adding and removing a power of two rounds a double at that place. */
const F16 = `  const f16 = (v) => {
    const sign = v < 0 || Object.is(v, -0) ? 0x8000 : 0, a = Math.abs(v);
    if (!(a < 65520)) return a >= 65520 ? sign | 0x7c00 : 0x7e00;
    const e = Math.max(((new Uint32Array(new Float64Array([a]).buffer)[1] >>> 20) & 0x7ff) - 1023, -14);
    const q = a / 2 ** (e - 10);
    return sign | (((e + 14) << 10) + (q + 2 ** 52 - 2 ** 52));
  };`;

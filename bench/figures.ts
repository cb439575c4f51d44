/** The figures the project holds itself to, measured in one run on one thread: `npm run figures`. */
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { build as bundle } from "esbuild";
import { createLimit, gflops, limitOf } from "../src/driver/limit.ts";
import { measure, median, speedup, type Timed } from "../src/driver/measure.ts";
import type { AnyTensor } from "../src/index.ts";
import { type Kit, ownKit } from "./kit.ts";
import { bytesOf, instantiate } from "./ours.ts";
import type { Peer } from "./peers/peer.ts";
import { type Gemm, gemmOf, type Operands } from "./work/index.ts";

interface Figure {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** What it should be: at least, or (for sizes and times) at most. */
  readonly wanted: number;
  readonly least: boolean;
}
const figures: Figure[] = [];
const atLeast = (name: string, value: number, wanted: number, unit: string): void =>
  void figures.push({ ...{ name, value, wanted, unit }, least: true });
const atMost = (name: string, value: number, wanted: number, unit: string): void =>
  void figures.push({ ...{ name, value, wanted, unit }, least: false });

/** A way to write the product of the same two matrices. */
interface Form {
  readonly name: string;
  readonly tensor: AnyTensor;
  readonly operands: Operands;
  readonly flops: number;
  /** Where in the result element (i, j) of the product is (in the first batch, or the last). */
  place(i: number, j: number): number;
}

const gemmTensor = ({ placeholder, compute, sum }: Kit["tw"], m: number, n: number, k: number): AnyTensor => {
  const [A, B] = [placeholder("A", [m, k]), placeholder("B", [k, n])];
  return compute("C", { i: m, j: n }, ({ i, j }) => sum({ k }, ({ k: r }) => A.at(i, r).mul(B.at(r, j))));
};
const transposed = (x: Float32Array, rows: number, columns: number): Float32Array =>
  x.map((_, q) => x[(q % rows) * columns + Math.floor(q / rows)]!);
const twice = (x: Float32Array): Float32Array => {
  const out = new Float32Array(2 * x.length);
  out.set(x);
  out.set(x, x.length);
  return out;
};

function forms(kit: Kit, g: Gemm): readonly Form[] {
  const { m, n, k, a, b } = g;
  const { placeholder, compute, sum } = kit.tw;
  const [A, B] = [placeholder("A", [m, k]), placeholder("B", [k, n])];
  const [At, Bt] = [placeholder("A", [k, m]), placeholder("B", [n, k])];
  const [Ab, Bb] = [placeholder("A", [2, m, k]), placeholder("B", [2, k, n])];
  const flops = 2 * m * n * k;
  const plain = (i: number, j: number): number => i * n + j;
  return [
    {
      ...{ name: "C[j, i]", operands: g.inputs, flops },
      place: (i, j) => j * m + i,
      tensor: compute("C", { j: n, i: m }, ({ i, j }) => sum({ k }, ({ k: r }) => A.at(i, r).mul(B.at(r, j)))),
    },
    {
      ...{ name: "A[k, i]", operands: { A: transposed(a, m, k), B: b }, flops, place: plain },
      tensor: compute("C", { i: m, j: n }, ({ i, j }) => sum({ k }, ({ k: r }) => At.at(r, i).mul(B.at(r, j)))),
    },
    {
      ...{ name: "B[j, k]", operands: { A: a, B: transposed(b, k, n) }, flops, place: plain },
      tensor: compute("C", { i: m, j: n }, ({ i, j }) => sum({ k }, ({ k: r }) => A.at(i, r).mul(Bt.at(j, r)))),
    },
    {
      ...{ name: "one batch axis", operands: { A: twice(a), B: twice(b) }, flops: 2 * flops },
      place: (i, j) => m * n + i * n + j,
      tensor: compute("C", { b: 2, i: m, j: n }, ({ b, i, j }) =>
        sum({ k }, ({ k: r }) => Ab.at(b, i, r).mul(Bb.at(b, r, j))),
      ),
    },
  ];
}

/** Throws unless some elements, spread over the product, are right. */
async function check(p: Peer, g: Gemm, place: (i: number, j: number) => number): Promise<void> {
  const got = await p.result();
  for (let t = 0; t < 40; t++) {
    const [i, j] = [Math.floor((t * (g.m - 1)) / 39), (t * 131) % g.n];
    let want = 0;
    for (let r = 0; r < g.k; r++) want += g.a[i * g.k + r]! * g.b[r * g.n + j]!;
    const v = got[place(i, j)]!;
    if (!(Math.abs(v - want) < 1e-3)) throw new Error(`${p.name}: C[${i}, ${j}] is ${v} instead of ${want}`);
  }
}

async function speed(kit: Kit, variant: "relaxed" | "plain"): Promise<void> {
  const square = gemmOf(512, 512, 512);
  const odd = gemmOf(333, 777, 555);
  const even = gemmOf(336, 784, 560);
  const rowMajor = (g: Gemm): Form => ({
    ...{ name: `${g.m}x${g.n}x${g.k}`, tensor: gemmTensor(kit.tw, g.m, g.n, g.k), operands: g.inputs },
    flops: 2 * g.m * g.n * g.k,
    place: (i, j) => i * g.n + j,
  });
  const all = [
    { g: square, form: rowMajor(square) },
    { g: odd, form: rowMajor(odd) },
    { g: even, form: rowMajor(even) },
    ...forms(kit, square).map((form) => ({ g: square, form })),
  ];
  const set = createLimit();
  const fns: { [name: string]: Timed } = Object.fromEntries(set.kernels.map((k) => [`limit ${k.name}`, k.run]));
  const flops = new Map<string, number>();
  for (const { g, form } of all) {
    try {
      const bytes = await bytesOf(kit, form.tensor, variant);
      const p = instantiate(form.name, bytes, form.operands);
      await check(p, g, form.place);
      fns[form.name] = () => p.run();
      flops.set(form.name, form.flops);
    } catch (e) {
      console.error(`left out: ${variant} ${form.name}: ${e instanceof Error ? e.message : e}`);
    }
  }
  const t = await measure(fns, { rounds: 15, minMs: 8, warmMs: 500 });
  const limit = limitOf(set, (k) => t[`limit ${k.name}`]!.ms);
  console.log(`limit ${limit.gflops.toFixed(1)} GFLOP/s (${limit.best})`);
  for (const [name, f] of flops)
    console.log(`  ${variant} ${name.padEnd(16)} ${gflops(f, t[name]!.ms).toFixed(1)} GFLOP/s`);
  // How fast `a` is in flops per second, relative to `b`, round by round.
  const relative = (a: string, b: string): number | undefined =>
    flops.has(a) && flops.has(b) ? (speedup(t[a]!, t[b]!) * flops.get(a)!) / flops.get(b)! : undefined;
  const name = `${square.m}x${square.n}x${square.k}`;
  if (flops.has(name)) {
    const percent = (100 * gflops(flops.get(name)!, t[name]!.ms)) / limit.gflops;
    atLeast(`GEMM 512, ${variant}: of the limit`, percent, variant === "relaxed" ? 75 : 65, "%");
  }
  const ratio = relative("333x777x555", "336x784x560");
  if (ratio !== undefined) atLeast(`333x777x555 to 336x784x560, ${variant}`, 100 * ratio, 85, "%");
  for (const { form } of all.slice(3)) {
    const r = relative(form.name, name);
    if (r !== undefined) atLeast(`${form.name} to plain order, ${variant}`, 100 * r, 85, "%");
  }
}

/** Bytes by dot products of pairs against floats by multiply-adds: products of matrices of one size, both plain simd128. */
async function bytes(kit: Kit): Promise<void> {
  const size = 512;
  const floats = gemmOf(size, size, size);
  const wide = await bytesOf(kit, gemmTensor(kit.tw, size, size, size), "plain");
  const { byteProduct } = await import("../examples/matmul-i8.ts");
  const narrow = await bytesOf(kit, byteProduct(size, size, size).s, "plain");
  const whole = (x: Float32Array): Int8Array => Int8Array.from(x, (v) => Math.round(v * 100));
  const [a, b] = [whole(floats.a), whole(floats.b)];
  const rounded: Gemm = { ...floats, a: Float32Array.from(a), b: Float32Array.from(b) };
  const peers = {
    f32: instantiate("f32", wide, floats.inputs),
    i8: instantiate("i8", narrow, { A: a, B: b }),
  };
  await check(peers.f32, floats, (i, j) => i * size + j);
  await check(peers.i8, rounded, (i, j) => i * size + j);
  const t = await measure(
    { f32: () => peers.f32.run(), i8: () => peers.i8.run() },
    { rounds: 15, minMs: 8, warmMs: 500 },
  );
  const operations = 2 * size ** 3;
  for (const n of ["f32", "i8"] as const)
    console.log(`  plain ${n.padEnd(16)} ${gflops(operations, t[n].ms).toFixed(1)} Gop/s`);
  atLeast("i8 GEMM 512 to f32, plain", speedup(t.i8, t.f32), 1.6, "times");
}

async function compileTime(kit: Kit): Promise<void> {
  const once = async (size: number): Promise<number> => {
    const start = performance.now();
    const artifact = await kit.tw.build(gemmTensor(kit.tw, size, size, size));
    if (artifact.wasm.length === 0) throw new Error("an empty module");
    return performance.now() - start;
  };
  // Sizes that nothing was built for before: what is timed is a new expression, not a lookup.
  await once(480);
  const times: number[] = [];
  for (let t = 0; t < 7; t++) times.push(await once(496 + 8 * t));
  atMost("expression to bytes, after the first", median(times), 100, "ms");
}

/** Bytes of the code section. */
function codeBytes(wasm: Uint8Array): number {
  let at = 8;
  const number = (): number => {
    for (let value = 0, shift = 1; ; shift *= 128) {
      const byte = wasm[at++]!;
      value += (byte & 0x7f) * shift;
      if (byte < 0x80) return value;
    }
  };
  while (at < wasm.length) {
    const id = wasm[at++]!;
    const size = number();
    if (id === 10) return size;
    at += size;
  }
  throw new Error("the module has no code");
}

async function sizes(kit: Kit, variants: readonly ("relaxed" | "plain")[]): Promise<void> {
  for (const v of variants) {
    const bytes = await bytesOf(kit, gemmTensor(kit.tw, 512, 512, 512), v);
    atMost(`code of the GEMM 512 module, ${v}`, codeBytes(bytes), 4096, "bytes");
  }
}

async function runtimeSize(): Promise<void> {
  const entry = new URL("../src/runtime/index.ts", import.meta.url).pathname;
  const shared = { bundle: true, minify: true, write: false, format: "esm", platform: "browser" } as const;
  const { outputFiles } = await bundle({ ...shared, entryPoints: [entry], logLevel: "silent" });
  atMost("browser bundle of ./runtime, minified", outputFiles[0]!.contents.length, 20_000, "bytes");
}

async function attempt(what: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (e) {
    console.error(`not measured: ${what}: ${e instanceof Error ? e.message : e}`);
  }
}

const { values: o } = parseArgs({ options: { json: { type: "string" } } });
const variants = createLimit().relaxed ? (["relaxed", "plain"] as const) : (["plain"] as const);
console.log(`node ${process.version}`);
const kit = await ownKit();
if (kit !== undefined) {
  for (const v of variants) await attempt(`speed, ${v}`, () => speed(kit, v));
  await attempt("bytes", () => bytes(kit));
  await attempt("compile time", () => compileTime(kit));
  await attempt("code size", () => sizes(kit, ["relaxed", "plain"]));
}
await attempt("runtime bundle", runtimeSize);
console.log("");
for (const f of figures) {
  const good = f.least ? f.value >= f.wanted : f.value <= f.wanted;
  const digits = f.unit === "bytes" ? 0 : 1;
  const wanted = `${f.least ? "at least" : "at most"} ${f.wanted}`;
  console.log(`${good ? "ok   " : "short"} ${f.name.padEnd(48)} ${f.value.toFixed(digits)} ${f.unit} (${wanted})`);
}
if (o.json !== undefined) writeFileSync(o.json, `${JSON.stringify({ node: process.version, figures }, null, 2)}\n`);

/**
 * The machine's arithmetic limit for 128-bit f32 vectors on one thread, as this engine reaches it.
 *
 * No single kernel finds it everywhere: with separate multiply and add pipes mul+add is as fast as a fused multiply-add, elsewhere half
 * as fast, and how many chains hide the latency differs. So several register-only kernels run and the best counts.
 * Their modules are a few kilobytes, put together here: measuring the limit must not need the compiler it judges.
 */
import { type MeasureOptions, measure } from "./measure.ts";

export interface LimitKernel {
  readonly name: string;
  /** Floating-point operations of one call of `run`. */
  readonly flops: number;
  readonly relaxed: boolean;
  /** Returns a value that depends on every chain, so that nothing can be left out. */
  run(): number;
}
export interface LimitSet {
  readonly kernels: readonly LimitKernel[];
  /** Whether this engine has relaxed SIMD. */
  readonly relaxed: boolean;
}
export interface Limit {
  /** The best of all kernels, in GFLOP/s (median over the rounds). */
  readonly gflops: number;
  /** The best kernel's name. */
  readonly best: string;
  /** The best of the kernels without, and with, fused multiply-add (undefined where the engine has none). */
  readonly plain: number;
  readonly relaxed: number | undefined;
  readonly kernels: readonly { readonly name: string; readonly gflops: number }[];
}

// ---- a byte assembler, just enough for one function of locals and vectors

const OP = {
  loop: 0x03,
  end: 0x0b,
  brIf: 0x0d,
  localGet: 0x20,
  localSet: 0x21,
  localTee: 0x22,
  i32Const: 0x41,
  f32Const: 0x43,
  i32Sub: 0x6b,
} as const;
const SIMD = { const: 12, splatF32: 19, extractF32: 31, addF32: 228, mulF32: 230, relaxedMadd: 0x105 } as const;
const TYPE = { i32: 0x7f, f32: 0x7d, v128: 0x7b, func: 0x60, void: 0x40 } as const;

type Bytes = readonly number[];

/** Unsigned LEB128. */
function u(n: number): Bytes {
  const out: number[] = [];
  do {
    const low = n % 128;
    n = Math.floor(n / 128);
    out.push(n > 0 ? low | 0x80 : low);
  } while (n > 0);
  return out;
}
const f32 = (x: number): Bytes => [...new Uint8Array(new Float32Array([x]).buffer)];
const simd = (op: number, ...rest: Bytes): Bytes => [0xfd, ...u(op), ...rest];
const vec = (items: readonly Bytes[]): Bytes => [...u(items.length), ...items.flat()];
const sized = (b: Bytes): Bytes => [...u(b.length), ...b];
const section = (id: number, b: Bytes): Bytes => [id, ...sized(b)];
const name = (s: string): Bytes => sized([...s].map((c) => c.charCodeAt(0)));
const get = (local: number): Bytes => [OP.localGet, ...u(local)];
const set = (local: number): Bytes => [OP.localSet, ...u(local)];

/** A module with one export, `run(n: i32, m: f32, b: f32): f32`, without memory or imports. */
function assemble(vectors: number, code: Bytes): Uint8Array<ArrayBuffer> {
  const type: Bytes = [TYPE.func, ...vec([[TYPE.i32], [TYPE.f32], [TYPE.f32]]), ...vec([[TYPE.f32]])];
  const body: Bytes = [...vec([[...u(vectors), TYPE.v128]]), ...code, OP.end];
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, vec([type])),
    ...section(3, vec([u(0)])),
    ...section(7, vec([[...name("run"), 0x00, ...u(0)]])),
    ...section(10, vec([sized(body)])),
  ]);
}

// ---- the kernels

/**
 * - `chain`: x = x * m + b in every accumulator, as a multiply and an add.
 * - `apart`: every even accumulator multiplies, every odd one adds; needs fewer accumulators to hide the latency.
 * - `madd`: x = x * m + b fused.
 */
type Shape = "chain" | "apart" | "madd";

const COUNT = 0;
const [M, B, FIRST] = [3, 4, 5];
// Long straight runs: some engines fit their register moves and the stack check of each turn of the loop badly beside full pipes.
const UNROLL = 32;
const STEPS = 250;
const LANES = 4;

/**
 * The values stay finite and normal for ever: `chain` and `madd` converge to 1 (halve and add a half), `apart` multiplies by 1 and adds
 * less than half a unit in the last place. The engine does not know the factors: they are parameters.
 */
const FACTORS: { readonly [S in Shape]: readonly [m: number, b: number] } = {
  chain: [0.5, 0.5],
  madd: [0.5, 0.5],
  apart: [1, 2 ** -30],
};

function module(shape: Shape, accumulators: number): Uint8Array<ArrayBuffer> {
  const accs = Array.from({ length: accumulators }, (_, i) => FIRST + i);
  const step = (acc: number): Bytes => {
    switch (shape) {
      case "chain":
        return [...get(acc), ...get(M), ...simd(SIMD.mulF32), ...get(B), ...simd(SIMD.addF32), ...set(acc)];
      case "madd":
        return [...get(acc), ...get(M), ...get(B), ...simd(SIMD.relaxedMadd), ...set(acc)];
      case "apart":
        return acc % 2 === FIRST % 2
          ? [...get(acc), ...get(M), ...simd(SIMD.mulF32), ...set(acc)]
          : [...get(acc), ...get(B), ...simd(SIMD.addF32), ...set(acc)];
      default:
        return shape satisfies never;
    }
  };
  const lanes = (i: number): Bytes => [0, 1, 2, 3].flatMap((l) => f32(1 + (i * LANES + l) / 64));
  const code: Bytes = [
    ...[...get(1), ...simd(SIMD.splatF32), ...set(M), ...get(2), ...simd(SIMD.splatF32), ...set(B)],
    ...accs.flatMap((acc, i) => [...simd(SIMD.const, ...lanes(i)), ...set(acc)]),
    ...[OP.loop, TYPE.void],
    ...Array.from({ length: UNROLL }, () => accs.flatMap(step)).flat(),
    ...[...get(COUNT), OP.i32Const, 1, OP.i32Sub, OP.localTee, COUNT, OP.brIf, 0, OP.end],
    ...accs.flatMap((acc, i) => (i === 0 ? get(acc) : [...get(acc), ...simd(SIMD.addF32)])),
    ...simd(SIMD.extractF32, 0),
  ];
  return assemble(2 + accumulators, code);
}

const flopsPerStep = (shape: Shape, accumulators: number): number => LANES * accumulators * (shape === "apart" ? 1 : 2);

const SHAPES: readonly (readonly [Shape, number])[] = [
  ["chain", 8],
  ["chain", 10],
  ["chain", 12],
  ["chain", 13],
  ["apart", 8],
  ["apart", 12],
  ["madd", 8],
  ["madd", 10],
  ["madd", 12],
];

function kernel(shape: Shape, accumulators: number): LimitKernel | undefined {
  const bytes = module(shape, accumulators);
  if (!WebAssembly.validate(bytes)) return undefined;
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes));
  const run = exports.run as (n: number, m: number, b: number) => number;
  const [m, b] = FACTORS[shape];
  const label = { chain: "mul+add", apart: "mul|add", madd: "relaxed_madd" }[shape];
  return {
    name: `${label} x${accumulators}`,
    flops: STEPS * UNROLL * flopsPerStep(shape, accumulators),
    relaxed: shape === "madd",
    run: () => run(STEPS, m, b),
  };
}

/** The register-only kernels this engine can run; a call takes some tens of microseconds. They can be interleaved with what is judged. */
export function createLimit(): LimitSet {
  const kernels = SHAPES.map(([s, n]) => kernel(s, n)).filter((k) => k !== undefined);
  return { kernels, relaxed: kernels.some((k) => k.relaxed) };
}

/** GFLOP/s of `flops` operations in `ms` milliseconds. */
export const gflops = (flops: number, ms: number): number => flops / ms / 1e6;

/** What the figures of the kernels of one set say about the machine. */
export function limitOf(set: LimitSet, ms: (kernel: LimitKernel) => number): Limit {
  const kernels = set.kernels.map((k) => ({ name: k.name, relaxed: k.relaxed, gflops: gflops(k.flops, ms(k)) }));
  const top = (of: typeof kernels): (typeof kernels)[number] => of.reduce((a, b) => (b.gflops > a.gflops ? b : a));
  const best = top(kernels);
  const fused = kernels.filter((k) => k.relaxed);
  return {
    gflops: best.gflops,
    best: best.name,
    plain: top(kernels.filter((k) => !k.relaxed)).gflops,
    relaxed: fused.length > 0 ? top(fused).gflops : undefined,
    kernels: kernels.map(({ name, gflops }) => ({ name, gflops })),
  };
}

/**
 * Measures the limit in about half a second.
 *
 *     const limit = await measureLimit();
 *     console.log(`${((100 * mine) / limit.gflops).toFixed(0)} % of the limit`);
 */
export async function measureLimit(options: MeasureOptions = {}): Promise<Limit> {
  const set = createLimit();
  const fns = Object.fromEntries(set.kernels.map((k) => [k.name, () => k.run()]));
  const t = await measure(fns, { rounds: 9, minMs: 2, warmMs: 80, ...options });
  return limitOf(set, (k) => t[k.name]!.ms);
}

/**
 * Runs a module by hand, its buffers packed as tightly as their dtypes allow among canary bytes: one flush with the end of
 * memory, so that a read beyond it traps, one at address 0, so that a read before it traps.
 */
import { bytesOf } from "../../src/ir/index.ts";
import { arrayFor, evalSize, type TypedArrayLike } from "../../src/reference/index.ts";
import type { Abi } from "../../src/target/index.ts";
import { Mismatch } from "./mismatch.ts";

const CANARY = 0xb7;
const MARGIN = 48;
const PAGE = 65536;

interface Placed {
  readonly name: string;
  readonly at: number;
  readonly bytes: number;
  /** Contents that must not change. */
  readonly data?: Uint8Array;
}

/** `round` turns which buffers stand at the ends. */
export async function runAmongCanaries(
  wasm: Uint8Array,
  abi: Abi,
  inputs: Readonly<Record<string, TypedArrayLike>>,
  sizes: Readonly<Record<string, number>>,
  round: number,
): Promise<Record<string, TypedArrayLike>> {
  const { instance } = await WebAssembly.instantiate(wasm as BufferSource);
  // what the preparation step makes, the kernel reads
  const prepared = abi.prepare && runStep(instance, abi.prepare, inputs, sizes, round, "output");
  return runStep(instance, abi, { ...inputs, ...prepared }, sizes, round, "input");
}

function runStep(
  instance: WebAssembly.Instance,
  abi: Abi,
  inputs: Readonly<Record<string, TypedArrayLike>>,
  sizes: Readonly<Record<string, number>>,
  round: number,
  preparedAs: "input" | "output",
): Record<string, TypedArrayLike> {
  const roles = abi.params.map((p) => (p.role === "prepared" ? preparedAs : p.role));
  const memory = instance.exports.memory as WebAssembly.Memory;
  const lengths = abi.params.map((p) => {
    if (p.role === "scratch") return evalSize(abi.scratch, sizes);
    if (p.role === "size" || p.role === "scalar") return 0;
    const shape = p.shape.map((e) => evalSize(e, sizes));
    if (!p.strides) return shape.reduce((n, e) => n * e, bytesOf(p.dtype));
    return shape.reduce((n, e, d) => n + (e - 1) * evalSize(p.strides![d]!, sizes), 1) * bytesOf(p.dtype);
  });
  const total = lengths.reduce((a, b) => a + b + 2 * MARGIN + 16, 0);
  const pages = Math.ceil(total / PAGE) + 1;
  if (memory.buffer.byteLength < pages * PAGE) memory.grow(pages - memory.buffer.byteLength / PAGE);
  const all = new Uint8Array(memory.buffer).fill(CANARY);

  const buffers = roles.flatMap((r, i) => (r === "input" || r === "output" ? [i] : []));
  const [first, last] = [buffers[round % buffers.length]!, buffers[(round + 1) % buffers.length]!];
  const placed = new Map<number, Placed>();
  let next = lengths[first]! + MARGIN;
  const args = abi.params.map((p, i): number => {
    if (p.role === "size") return sizes[p.name]!;
    if (p.role === "scalar") throw new Mismatch("scalars are not among the programs");
    const align = p.role === "scratch" ? 16 : bytesOf(p.dtype);
    let at = 0;
    // from the end backwards only where the size lets the buffer be aligned there: it always does, by its own dtype
    if (i === last && last !== first) at = all.length - lengths[i]!;
    else if (i !== first) {
      // off the 16 bytes that nothing promises
      at = Math.ceil(next / align) * align;
      next = at + lengths[i]! + MARGIN;
    }
    const given = p.role !== "scratch" && roles[i] === "input" ? inputs[p.name]! : undefined;
    const data = given && new Uint8Array(given.buffer, given.byteOffset, given.byteLength).slice();
    if (data) all.set(data, at);
    const name = p.role === "scratch" ? "scratch" : p.name;
    placed.set(i, { name, at, bytes: lengths[i]!, ...(data ? { data } : {}) });
    return at;
  });
  (instance.exports[abi.name] as (...a: number[]) => void)(...args);

  const bytes = new Uint8Array(memory.buffer);
  const out: Record<string, TypedArrayLike> = {};
  const covered = new Uint8Array(bytes.length);
  for (const [i, b] of placed) {
    covered.fill(1, b.at, b.at + b.bytes);
    if (b.data?.some((x, k) => bytes[b.at + k] !== x)) throw new Mismatch(`the input ${b.name} was written to`);
    const p = abi.params[i]!;
    if (p.role === "scratch" || p.role === "size" || p.role === "scalar" || roles[i] !== "output") continue;
    const a = arrayFor(p.dtype, b.bytes / bytesOf(p.dtype));
    new Uint8Array(a.buffer).set(bytes.subarray(b.at, b.at + b.bytes));
    out[p.name] = a;
  }
  const hurt = bytes.findIndex((x, k) => covered[k] === 0 && x !== CANARY);
  if (hurt >= 0) {
    const near = [...placed.values()].map((b) => `${b.name} ${b.at}..${b.at + b.bytes}`).join(", ");
    throw new Mismatch(`byte ${hurt}, outside of all buffers (${near}), was written`);
  }
  return out;
}

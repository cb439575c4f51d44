/**
 * This project's kernels, run as they ship: the bytes `build` returns, without a runtime around them. Operands lie in the module's
 * memory and stay there, so a call costs what the kernel costs. Constant inputs are prepared once, when the module is instantiated.
 */
import type { Buildable, WasmTarget } from "../src/index.ts";
import { type Abi, type AbiParam, elementBytes, evalSize, readAbi } from "../src/runtime/index.ts";
import { extentOf } from "../src/runtime/size.ts";
import type { Entry } from "./cases/index.ts";
import type { Kit } from "./kit.ts";
import type { Peer } from "./peers/peer.ts";
import type { Operands } from "./work/index.ts";

export type Variant = "relaxed" | "plain";
type Bytes = Uint8Array<ArrayBuffer>;

export const targetOf = (kit: Kit, variant: Variant): WasmTarget => kit.tw.wasm({ relaxed: variant === "relaxed" });

/** The bytes of one variant. */
export async function bytesOf(kit: Kit, x: Buildable, variant: Variant, asWritten = false): Promise<Bytes> {
  const target = targetOf(kit, variant);
  const artifact = await kit.tw.build(x, { target, ...(asWritten ? { algorithm: "direct" } : {}) });
  const bytes = variant === "plain" ? artifact.wasm : artifact.variants.relaxed;
  if (bytes === undefined) throw new Error(`no ${variant} variant`);
  return bytes as Bytes;
}

const ARRAYS = { f32: Float32Array, i32: Int32Array, i8: Int8Array, u8: Uint8Array, u16: Uint16Array } as const;
const arrayFor = (dtype: string): (typeof ARRAYS)[keyof typeof ARRAYS] => {
  if (!(dtype in ARRAYS)) throw new Error(`no array for ${dtype}`);
  return ARRAYS[dtype as keyof typeof ARRAYS];
};

type Memory = { readonly memory: WebAssembly.Memory; reserve(bytes: number): number };

function memoryOf(exports: WebAssembly.Exports): Memory {
  const memory = exports.memory as WebAssembly.Memory;
  let free = (exports.heap as WebAssembly.Global).value as number;
  return {
    memory,
    // 64-byte alignment, and a cache line more between buffers: equal low address bits would fight for the same cache sets.
    reserve(bytes) {
      const at = Math.ceil(free / 64) * 64 + 64;
      free = at + bytes;
      const missing = Math.ceil((free - memory.buffer.byteLength) / 65536);
      if (missing > 0) memory.grow(missing);
      return at;
    },
  };
}

const lengthOf = (p: Exclude<AbiParam, { role: "size" | "scalar" | "scratch" }>): number => extentOf(p, {}).least;

/** Reserves what each parameter needs, fills inputs in; `prepared` gives the places of what the preparation step left. */
function place(abi: Abi, room: Memory, operands: Operands, prepared: readonly number[]): readonly number[] {
  let used = 0;
  const places = abi.params.map((p) => {
    if (p.role === "scratch") return room.reserve(evalSize(abi.scratch, {}));
    if (p.role === "size" || p.role === "scalar") throw new Error(`no value for ${p.role} ${p.name}`);
    if (p.role === "prepared" && prepared.length > 0) return prepared[used++]!;
    return room.reserve(elementBytes(p.dtype) * lengthOf(p));
  });
  abi.params.forEach((p, i) => {
    if (p.role !== "input") return;
    const data = operands[p.name];
    if (data === undefined) throw new Error(`no operand ${p.name}`);
    if (data.length !== lengthOf(p)) throw new Error(`${p.name} has ${data.length} elements, not ${lengthOf(p)}`);
    new (arrayFor(p.dtype))(room.memory.buffer, places[i], data.length).set(data);
  });
  return places;
}

/** A module at work: `run()` calls the kernel, `result()` copies out its one output. */
export function instantiate(name: string, bytes: Bytes, operands: Operands, direct = true): Peer {
  const module = new WebAssembly.Module(bytes);
  const abi = readAbi(module);
  const { exports } = new WebAssembly.Instance(module);
  const room = memoryOf(exports);
  const call = (a: Abi, places: readonly number[]): void => (exports[a.name] as (...args: number[]) => void)(...places);
  let prepared: readonly number[] = [];
  if (abi.prepare !== undefined) {
    const { params } = abi.prepare;
    const places = place(abi.prepare, room, operands, []);
    call(abi.prepare, places);
    prepared = places.filter((_, i) => params[i]!.role === "prepared");
  }
  const places = place(abi, room, operands, prepared);
  const kernel = exports[abi.name] as (...args: number[]) => void;
  const at = abi.params.findIndex((p) => p.role === "output");
  const output = abi.params[at];
  if (output?.role !== "output") throw new Error(`${abi.name} has no output`);
  const run = (): void => kernel(...places);
  return {
    ...{ name, kind: "ours", direct, run },
    result() {
      run();
      const view = new (arrayFor(output.dtype))(room.memory.buffer, places[at], lengthOf(output));
      return Float32Array.from(view);
    },
    dispose() {},
  };
}

/** How rows of this project are called: by schedule, if it is not the default one, and by variant. */
export function nameOf(entry: Entry, variant: Variant): string {
  const notes = [entry.label, variant === "relaxed" ? variant : ""].filter((n) => n !== "");
  return notes.length === 0 ? "tilewright" : `tilewright (${notes.join(", ")})`;
}

/** What this project brings to a comparison: each entry in each variant this engine runs, and what could not be built or run. */
export async function contestants(
  kit: Kit,
  entries: readonly Entry[],
  operands: Operands,
  variants: readonly Variant[],
): Promise<{ readonly peers: readonly Peer[]; readonly failures: readonly string[] }> {
  const peers: Peer[] = [];
  const failures: string[] = [];
  for (const entry of entries) {
    for (const v of variants) {
      if (v !== (entry.variant ?? v)) continue;
      const name = nameOf(entry, v);
      try {
        const bytes = await bytesOf(kit, await entry.make(kit, targetOf(kit, v)), v, entry.asWritten);
        const p = instantiate(name, bytes, operands, entry.direct);
        peers.push(entry.label === "" ? p : { ...p, instead: nameOf({ ...entry, label: "" }, v) });
      } catch (e) {
        failures.push(`${name}: ${e instanceof Error ? e.message : e}`);
      }
    }
  }
  return { peers, failures };
}

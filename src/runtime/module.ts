/**
 * Built modules as bytes: reading the ABI section, and turning the memory a module owns into one it
 * imports. All of it works on whole sections, so nothing here knows about instructions.
 */
import type { Abi } from "../target/index.ts";
import { className, ModuleError, show } from "./errors.ts";
import type { Bytes } from "./types.ts";

const ABI_SECTION = "tilewright";
const CUSTOM = 0;
const TYPE = 1;
const IMPORT = 2;
const MEMORY = 5;
const DATA = 11;
const HEADER = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0];

export function bytesOf(b: Bytes): Uint8Array {
  if (ArrayBuffer.isView(b)) return new Uint8Array(b.buffer, b.byteOffset, b.byteLength);
  if (/ArrayBuffer$/.test(className(b))) return new Uint8Array(b);
  throw new ModuleError(
    `${show(b)} is neither a module's bytes nor an artifact${typeof b === "string" ? "; read the file first" : ""}`,
  );
}

interface Section {
  readonly id: number;
  /** Of the id byte, and just behind the payload. */
  readonly start: number;
  readonly end: number;
  /** Of the payload. */
  readonly at: number;
}
const cut = (): ModuleError => new ModuleError("not a whole WebAssembly module");
/** An unsigned LEB128 number and the position behind it. */
function readLeb(b: Uint8Array, at: number): [number, number] {
  let value = 0;
  for (let shift = 0; shift < 35; shift += 7) {
    const byte = b[at++];
    if (byte === undefined) break;
    value += (byte & 0x7f) * 2 ** shift;
    if (byte < 0x80) return [value, at];
  }
  throw cut();
}
function leb(value: number): number[] {
  const out: number[] = [];
  for (let v = value; ; v = Math.floor(v / 128)) {
    if (v < 128) return [...out, v];
    out.push((v % 128) | 0x80);
  }
}
const text = (s: string): number[] => {
  const b = new TextEncoder().encode(s);
  return [...leb(b.length), ...b];
};

function sections(b: Uint8Array): Section[] {
  if (HEADER.some((x, i) => b[i] !== x)) throw new ModuleError("not a WebAssembly module");
  const out: Section[] = [];
  let start = 8;
  while (start < b.length) {
    const [size, at] = readLeb(b, start + 1);
    const end = at + size;
    if (end > b.length) throw cut();
    out.push({ id: b[start]!, start, end, at });
    start = end;
  }
  return out;
}
function customContent(b: Uint8Array, s: Section): Uint8Array | undefined {
  if (s.id !== CUSTOM) return undefined;
  const [n, at] = readLeb(b, s.at);
  return new TextDecoder().decode(b.slice(at, at + n)) === ABI_SECTION ? b.slice(at + n, s.end) : undefined;
}

/**
 * The ABI a built module carries, from its bytes or from a compiled module. Throws `ModuleError` where there is none.
 *
 *     readAbi(await readFile("gemm.wasm")).name   // "gemm"
 */
export function readAbi(wasm: Bytes | WebAssembly.Module): Abi {
  let content: Uint8Array | undefined;
  if (wasm instanceof WebAssembly.Module) {
    const all = WebAssembly.Module.customSections(wasm, ABI_SECTION);
    content = all[0] && new Uint8Array(all[0]);
  } else {
    const b = bytesOf(wasm);
    for (const s of sections(b)) content ??= customContent(b, s);
  }
  if (content === undefined)
    throw new ModuleError(`the module has no "${ABI_SECTION}" section: not built by Tilewright, or stripped`);
  let abi: Abi;
  try {
    // copied, because a decoder refuses views of shared memory
    abi = JSON.parse(new TextDecoder().decode(content.slice())) as Abi;
  } catch {
    throw new ModuleError(`the module's "${ABI_SECTION}" section is not JSON`);
  }
  if (abi?.version !== 1)
    throw new ModuleError(`the module's ABI has version ${abi?.version}, but this runtime knows version 1`);
  return abi;
}

export interface MemoryImport {
  /** In pages of 64 KiB: what the imported memory must at least have. */
  readonly initial: number;
  /** In pages; a shared memory must have one. */
  readonly maximum?: number | undefined;
  readonly shared?: boolean | undefined;
}
/**
 * The module with its own memory replaced by the import `env.memory`. Everything else stays byte for byte: an imported
 * memory has the index the own one had, and functions and globals are numbered apart from it. Throws `ModuleError` for a
 * module that has no memory, has imports already, or has data at fixed addresses (it would overwrite a shared memory).
 */
export function importMemory(wasm: Bytes, memory: MemoryImport): Uint8Array {
  const b = bytesOf(wasm);
  const all = sections(b);
  const count = (id: number): number => {
    const s = all.find((x) => x.id === id);
    return s ? readLeb(b, s.at)[0] : 0;
  };
  const memories = count(MEMORY);
  const has =
    count(IMPORT) > 0
      ? "imports already"
      : memories !== 1
        ? `${memories} memories of its own`
        : count(DATA) > 0 && "data at fixed addresses";
  if (has) throw new ModuleError(`the module has ${has}, so it cannot share a memory`);
  if (memory.shared && memory.maximum === undefined) throw new ModuleError("a shared memory needs a maximum");
  const flags = (memory.maximum === undefined ? 0 : 1) | (memory.shared ? 2 : 0);
  const limits = [flags, ...leb(memory.initial), ...(memory.maximum === undefined ? [] : leb(memory.maximum))];
  const entry = [1, ...text("env"), ...text("memory"), 2, ...limits];
  const parts: (Uint8Array | number[])[] = [HEADER];
  let placed = false;
  for (const s of all) {
    // sections come in a fixed order: imports directly behind types
    if (!placed && s.id !== CUSTOM && s.id !== TYPE) {
      parts.push([IMPORT, ...leb(entry.length), ...entry]);
      placed = true;
    }
    if (s.id !== MEMORY && s.id !== IMPORT) parts.push(b.subarray(s.start, s.end));
  }
  return join(parts);
}
const join = (parts: readonly (Uint8Array | number[])[]): Uint8Array => new Uint8Array(parts.flatMap((p) => [...p]));

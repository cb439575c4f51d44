/** What a build returns: plain data, ready to be written to files or loaded. */
import { TilewrightError } from "../ir/index.ts";
import type { Abi } from "../target/index.ts";
import { dtsFor, loaderFor } from "./types-text.ts";

export interface Artifact {
  /** Plain simd128: valid on every engine with WebAssembly SIMD. No imports. */
  readonly wasm: Uint8Array;
  /** The same kernel for engines with more; `load` picks the best one. */
  readonly variants: { readonly relaxed?: Uint8Array };
  /** The plain module as text. */
  readonly wat: string;
  readonly abi: Abi;
  /** What the compiler could not do as scheduled (a local buffer that had to live in memory, say). */
  readonly warnings: readonly { readonly code: string; readonly message: string }[];
  /** The `.d.ts` of the loader. */
  readonly types: string;
  /** A loader of a few lines of JavaScript that needs nothing but the WebAssembly API. */
  readonly loader: string;
}
export interface ArtifactParts {
  readonly wasm: Uint8Array;
  readonly relaxed?: Uint8Array | undefined;
  readonly abi: Abi;
  readonly warnings?: Artifact["warnings"];
  /** Called when `wat` is first read: most builds never need the text. */
  readonly wat: () => string;
}

export function makeArtifact(parts: ArtifactParts): Artifact {
  const { wasm, relaxed, abi } = parts;
  let wat: string | undefined;
  let types: string | undefined;
  let loader: string | undefined;
  return Object.freeze({
    wasm,
    variants: Object.freeze(relaxed ? { relaxed } : {}),
    abi,
    warnings: parts.warnings ?? [],
    get wat() {
      wat ??= parts.wat();
      return wat;
    },
    get types() {
      types ??= dtsFor(abi);
      return types;
    },
    get loader() {
      loader ??= loaderFor(abi);
      return loader;
    },
  });
}

/**
 * The files of an artifact by name: the module, its relaxed variant if there is one, the loader and its types.
 *
 *     for (const [file, content] of Object.entries(filesOf(artifact))) await writeFile(file, content);
 */
export function filesOf(artifact: Artifact, name?: string): Record<string, Uint8Array | string> {
  if (!(artifact as Artifact | undefined)?.wasm || !artifact.abi || !artifact.variants)
    throw new TilewrightError(
      "not-an-artifact",
      "filesOf takes the artifact that build returns: filesOf(await build(C))",
    );
  return filesCalled(artifact, name ?? artifact.abi.name);
}
function filesCalled(artifact: Artifact, name: string): Record<string, Uint8Array | string> {
  const { relaxed } = artifact.variants;
  return {
    [`${name}.wasm`]: artifact.wasm,
    ...(relaxed ? { [`${name}.relaxed.wasm`]: relaxed } : {}),
    [`${name}.js`]: artifact.loader,
    [`${name}.d.ts`]: artifact.types,
  };
}

/** A module with this ABI as its `tilewright` section (appended: a module should have one). */
export function addAbi(wasm: Uint8Array, abi: Abi): Uint8Array {
  const encode = (s: string): Uint8Array => new TextEncoder().encode(s);
  const leb = (v: number): number[] => (v < 128 ? [v] : [(v & 0x7f) | 0x80, ...leb(v >>> 7)]);
  const name = encode("tilewright");
  const payload = [...leb(name.length), ...name, ...encode(JSON.stringify(abi))];
  return Uint8Array.from([...wasm, 0, ...leb(payload.length), ...payload]);
}

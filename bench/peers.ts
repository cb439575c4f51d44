/** The libraries people use today. Each is loaded only when asked for, and one that fails to start is reported and left out. */
import type { Library, Peer } from "./peers/peer.ts";

export type { Library, Peer } from "./peers/peer.ts";

const LOADERS: { readonly [name: string]: () => Promise<Library> } = {
  "ort-web": async () => (await import("./peers/ort.ts")).ortWeb,
  "tfjs-wasm": async () => (await import("./peers/tfjs.ts")).tfjs,
  "jax-js": async () => (await import("./peers/jax.ts")).jax,
};

export async function libraries(): Promise<readonly Library[]> {
  const out: Library[] = [];
  for (const [name, load] of Object.entries(LOADERS)) {
    try {
      out.push(await load());
    } catch (e) {
      console.error(`left out: ${name}: ${e instanceof Error ? e.message : e}`);
    }
  }
  return out;
}

/** What `make` gives for each library, after a trial run; failures are reported, never silent. */
export async function peersOf(
  from: readonly Library[],
  make: (l: Library) => Promise<Peer | undefined>,
): Promise<readonly Peer[]> {
  const out: Peer[] = [];
  for (const l of from) {
    try {
      const p = await make(l);
      if (p === undefined) continue;
      await p.run();
      out.push(p);
    } catch (e) {
      console.error(`left out: ${l.name}: ${e instanceof Error ? e.message : e}`);
    }
  }
  return out;
}

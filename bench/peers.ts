/** The libraries people use today. Each is loaded only when asked for, and one that fails to start is reported and left out. */
import type { Library, Peer } from "./peers/peer.ts";
import type { Work } from "./work/index.ts";

export type { Library, Peer } from "./peers/peer.ts";

const LOADERS: { readonly [name: string]: () => Promise<Library> } = {
  "ort-web": async () => (await import("./peers/ort-web.ts")).ortWeb,
  "tfjs-wasm": async () => (await import("./peers/tfjs.ts")).tfjs,
  "jax-js": async () => (await import("./peers/jax.ts")).jax,
  "ort native": async () => (await import("./peers/ort-node.ts")).ortNative,
};
/** A library whose second call takes longer is not waited for. */
const SLOW_MS = 2500;

const why = (e: unknown): string => (e instanceof Error ? e.message : String(e));

export async function libraries(): Promise<readonly Library[]> {
  const out: Library[] = [];
  for (const [name, load] of Object.entries(LOADERS)) {
    try {
      out.push(await load());
    } catch (e) {
      console.error(`left out: ${name}: ${why(e)}`);
    }
  }
  return out;
}

/** What each library gives for the work, after two trial runs; failures are reported, never silent. */
export async function peersOf(from: readonly Library[], work: Work): Promise<readonly Peer[]> {
  const out: Peer[] = [];
  for (const l of from) {
    try {
      const p = await l.peer(work);
      if (p === undefined) continue;
      await p.run();
      const start = performance.now();
      await p.run();
      const ms = performance.now() - start;
      if (ms <= SLOW_MS) out.push(p);
      else {
        console.error(`left out: ${l.name}: a call takes ${(ms / 1000).toFixed(1)} s`);
        p.dispose();
      }
    } catch (e) {
      console.error(`left out: ${l.name}: ${why(e)}`);
    }
  }
  return out;
}

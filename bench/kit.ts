/** A revision's compiler, loaded from its sources: this folder's own, or another checkout's. */

export interface Kit {
  readonly tw: typeof import("../src/index.ts");
  readonly schedules: typeof import("../src/schedules.ts");
  /** Throws where the revision has no operators yet. */
  readonly ops: typeof import("../src/ops.ts");
  /** What the program `examples/<name>.ts` exports under `name`; throws where it exports no such function. */
  example(file: string, name: string): Promise<(...args: readonly number[]) => unknown>;
}

export const ROOT = new URL("../", import.meta.url);

const why = (e: unknown): string => (e instanceof Error ? e.message : String(e));

export async function kitOf(root: URL = ROOT): Promise<Kit> {
  const from = async <T>(path: string): Promise<T> => (await import(new URL(path, root).href)) as T;
  const tw = await from<Kit["tw"]>("src/index.ts");
  const schedules = await from<Kit["schedules"]>("src/schedules.ts");
  let ops: Kit["ops"] | undefined;
  let missing = "";
  try {
    ops = await from<Kit["ops"]>("src/ops.ts");
  } catch (e) {
    missing = why(e);
  }
  return {
    ...{ tw, schedules },
    get ops() {
      if (ops === undefined) throw new Error(`no operators: ${missing}`);
      return ops;
    },
    async example(file, name) {
      const f = (await from<Readonly<Record<string, unknown>>>(`examples/${file}.ts`))[name];
      if (typeof f !== "function") throw new Error(`examples/${file}.ts exports no function ${name}`);
      return f as (...args: readonly number[]) => unknown;
    },
  };
}

/** The compiler beside this folder, or undefined (with the reason printed) while it cannot be loaded: peers can still be measured. */
export async function ownKit(): Promise<Kit | undefined> {
  try {
    return await kitOf();
  } catch (e) {
    console.error(`left out: tilewright: ${why(e)}`);
    return undefined;
  }
}

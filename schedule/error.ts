import { type BlockId, type Func, printFunc, TilewrightError, type Var } from "../src/ir/index.ts";

/** What a primitive has to complain about. */
export interface Complaint {
  readonly primitive: string;
  /** Number of the failed condition in the primitive's description; 0: the arguments make no sense as they are. */
  readonly condition: number;
  /** Stable, for programs; it is prefixed with the primitive's name. */
  readonly code: string;
  readonly message: string;
  /** What is underlined in the loop nest: loop variables and blocks. */
  readonly marks?: readonly (Var | BlockId)[];
  /** What would be legal instead. */
  readonly legal?: readonly string[];
}

/**
 * An illegal step. The schedule is exactly as it was before; `message` holds the loop nest with the culprit underlined.
 *
 *     try { s.vectorize(k); } catch (e) { if (e instanceof ScheduleError) console.log(e.code, e.condition, e.legal); }
 */
export class ScheduleError extends TilewrightError {
  override name = "ScheduleError";
  readonly primitive: string;
  /** Number of the failed condition in the primitive's description. */
  readonly condition: number;
  /** Names of the loops concerned. */
  readonly loops: readonly string[];
  /** The loop nest as text, culprits underlined with ^^^; empty where there is no schedule yet. */
  readonly nest: string;
  readonly legal: readonly string[];

  constructor(func: Func | undefined, c: Complaint) {
    const marks = c.marks ?? [];
    const nest = func === undefined ? "" : printFunc(func, { marks: new Set<object>(marks) });
    const legal = c.legal ?? [];
    const head = `${c.primitive}${c.condition > 0 ? `, condition ${c.condition}` : ""}: ${c.message}`;
    const way = legal.length > 0 ? `\nlegal instead: ${legal.join("; ")}` : "";
    super(`${c.primitive}.${c.code}`, `${head}${way}${nest === "" ? "" : `\n${nest}`}`);
    this.primitive = c.primitive;
    this.condition = c.condition;
    this.loops = marks.flatMap((m) => ("kind" in m ? [m.name] : []));
    this.nest = nest;
    this.legal = legal;
  }
}

export function refuse(func: Func | undefined, c: Complaint): never {
  throw new ScheduleError(func, c);
}

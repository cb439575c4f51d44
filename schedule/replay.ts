/** Reading recorded steps: the arguments of a step, and how each primitive is done again. */
import { badArgument, describe } from "./arguments.ts";
import { ScheduleError } from "./error.ts";
import type { BlockHandle, Loop } from "./handles.ts";
import type { Schedule } from "./schedule.ts";
import type { TraceStep } from "./trace.ts";

/** A recorded step's arguments, read back: handles are looked up by reference. */
export class Args {
  readonly #s: Schedule<unknown>;
  readonly #primitive: string;
  readonly #args: TraceStep["args"];
  constructor(s: Schedule<unknown>, { primitive, args }: Pick<TraceStep, "primitive" | "args">) {
    this.#s = s;
    this.#primitive = primitive;
    this.#args = args;
  }
  /** Errors are the primitive's: users of traces don't look handles up. */
  #found<H>(look: () => H): H {
    try {
      return look();
    } catch (e) {
      throw e instanceof ScheduleError ? e.of(this.#primitive) : e;
    }
  }
  get<T>(name: string): T {
    return this.#args[name] as T;
  }
  loop(ref: string = this.get("loop")): Loop {
    return this.#found(() => this.#s.loopAt(ref));
  }
  loops(): Loop[] {
    const list = this.get<readonly string[]>("loops");
    if (!Array.isArray(list)) badArgument(this.#s.func, "replay", `loops are ${describe(list)}, not a list`);
    return list.map((l) => this.loop(l));
  }
  block(ref: string = this.get("block")): BlockHandle {
    return this.#found(() => this.#s.blockAt(ref));
  }
}
/** How recorded steps are done again, by primitive. */
export type Replay = Readonly<Record<string, (s: Schedule<unknown>, a: Args) => unknown>>;

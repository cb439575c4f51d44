/** Reading recorded steps: the arguments of a step, and how each primitive is done again. */
import { badArgument, describe } from "./arguments.ts";
import type { BlockHandle, Loop } from "./handles.ts";
import type { Schedule } from "./schedule.ts";
import type { TraceStep } from "./trace.ts";

/** A recorded step's arguments, read back: handles are looked up by reference. */
export class Args {
  readonly #s: Schedule<unknown>;
  readonly #args: TraceStep["args"];
  constructor(s: Schedule<unknown>, args: TraceStep["args"]) {
    this.#s = s;
    this.#args = args;
  }
  get<T>(name: string): T {
    return this.#args[name] as T;
  }
  loop(): Loop {
    return this.#s.loopAt(this.get("loop"));
  }
  loops(): Loop[] {
    const list = this.get<readonly string[]>("loops");
    if (!Array.isArray(list)) badArgument(this.#s.func, "replay", `loops are ${describe(list)}, not a list`);
    return list.map((l) => this.#s.loopAt(l));
  }
  block(): BlockHandle {
    return this.#s.blockAt(this.get("block"));
  }
}
/** How recorded steps are done again, by primitive. */
export type Replay = Readonly<Record<string, (s: Schedule<unknown>, a: Args) => unknown>>;

/** Primitives that give one nest several versions: what each does, and its conditions, stands at the function of the same name in primitives/. */
import type { Replay } from "../replay.ts";
import { ReductionMethods } from "./reductions.ts";

export class BranchMethods<X> extends ReductionMethods<X> {}

export const branchReplay: Replay = {};

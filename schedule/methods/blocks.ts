/** Primitives that treat a loop nest as one block or one instruction: what each does, and its conditions, stands at the function of the same name in primitives/. */
import type { Replay } from "../replay.ts";
import { BranchMethods } from "./branches.ts";

export class BlockMethods<X> extends BranchMethods<X> {}

export const blockReplay: Replay = {};

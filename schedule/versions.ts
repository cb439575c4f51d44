/** One version of a nest that has several: its loops and blocks, by those that were there before. */
import type { BlockId, Var } from "../src/ir/index.ts";
import { describe } from "./arguments.ts";
import type { Copy } from "./copy.ts";
import {
  type BlockHandle,
  type BlockLike,
  blockHandle,
  isBlockHandle,
  isLoop,
  isTensor,
  type Loop,
  type LoopNamesOf,
  type LoopRecord,
  loopHandle,
} from "./handles.ts";
import type { Method, Session } from "./session.ts";

/** What `loops` does in a schedule. */
type LoopsOf = <Y extends BlockLike>(block: Y) => LoopRecord<Y>;

/**
 * A side of a branch, or a part of a range.
 *
 *     const { hot, cold } = s.specialize(io, n.ge(16));
 *     s.unroll(cold.loop(ii));
 *     const { k } = cold.loops(C);
 */
export class Version {
  readonly name: string;
  readonly #session: Session;
  readonly #copy: Copy;
  readonly #loopsOf: LoopsOf;

  constructor(name: string, copy: Copy, session: Session, loopsOf: LoopsOf) {
    this.name = name;
    this.#copy = copy;
    this.#session = session;
    this.#loopsOf = loopsOf;
  }
  /** What a loop of the nest is in this version. Throws ScheduleError for a loop that was not in the nest. */
  loop<N extends string>(loop: Loop<N>): Loop<N> {
    const v = isLoop(loop) ? this.#copy.loops.get(loop.var) : undefined;
    return v ? loopHandle<N>(v) : this.#stranger("loop", loop, this.#copy.loops.keys(), this.loop);
  }
  /** What a block of the nest (or a tensor's) is in this version. Throws ScheduleError for one that was not in the nest. */
  block<Y extends BlockLike>(block: Y): BlockHandle<LoopNamesOf<Y>> {
    const id = this.#id(block);
    const own = id && this.#copy.blocks.get(id);
    return own ? blockHandle(own) : this.#stranger("block", block, this.#copy.blocks.keys(), this.block);
  }
  /** The loops around a block of this version, by name, as `loops` of a schedule gives them. */
  loops<Y extends BlockLike>(block: Y): LoopRecord<Y> {
    return this.#loopsOf(this.block(block)) as LoopRecord<Y>;
  }

  #id(block: unknown): BlockId | undefined {
    if (isBlockHandle(block)) return block.id;
    return isTensor(block) ? this.#session.tensors.get(block)?.main : undefined;
  }
  #stranger(what: string, given: unknown, known: Iterable<Var | BlockId>, method: Method): never {
    const named = isLoop(given) || isBlockHandle(given) || isTensor(given) ? `${what} ${given.name}` : describe(given);
    return this.#session.unknown(
      `${this.name}.${(method as { name: string }).name}`,
      method,
      `${named} is not of the nest that "${this.name}" is a version of`,
      [...known].map((x) => x.name),
    );
  }
}

/** What every schedule can say of itself: its function, trace, loops and blocks. The primitives are added family by family. */
import { type Func, type IterKind, printFunc } from "../../src/ir/index.ts";
import type { AnyTensor, CreatedFunc } from "../../te/index.ts";
import { feeding } from "../analysis.ts";
import { badArgument, describe, isPromise } from "../arguments.ts";
import { refuse, ScheduleError } from "../error.ts";
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
} from "../handles.ts";
import type { Schedule } from "../schedule.ts";
import { type Method, Session } from "../session.ts";
import { Stage } from "../stage.ts";
import type { TraceStep } from "../trace.ts";
import { ownLoops, treeOf } from "../tree.ts";

export class Handles<X> {
  /** What was given to `schedule`. */
  readonly of: X;
  protected readonly session: Session;

  constructor(of: X, from: CreatedFunc | Session) {
    this.of = of;
    this.session = from instanceof Session ? from : new Session(from);
  }

  /** The function as it stands now. */
  get func(): Func {
    return this.session.state.func;
  }
  /** The steps so far, as plain JSON. */
  get trace(): readonly TraceStep[] {
    return this.session.state.trace;
  }
  /** The loop nest as it stands now. */
  toString(): string {
    return printFunc(this.session.state.func);
  }
  // ---- handles

  /**
   * The loops around a block by name (the inner one of two of the same name).
   *
   *     const { i, j, k } = s.loops(C);
   */
  loops<Y extends BlockLike>(block: Y): LoopRecord<Y> {
    const id = this.session.block(block, this.loops);
    const p = treeOf(this.func).blocks.get(id)!;
    const out: Record<string, Loop> = {};
    for (const l of p.loops) out[l.var.name] = loopHandle(l.var);
    // a loop that was there once says what became of it, instead of being undefined
    for (const [v, ref] of this.session.state.refs) {
      if (!("kind" in v) || v.name in out || !ref.startsWith(`${id.name}.`) || !this.session.state.dead.has(v))
        continue;
      Object.defineProperty(out, v.name, { enumerable: false, get: () => this.session.gone(v, "loops", this.loops) });
    }
    return out as LoopRecord<Y>;
  }
  /** The loops around a block, outermost first. */
  loopList(block: BlockLike): Loop[] {
    const id = this.session.block(block, this.loopList);
    return treeOf(this.func)
      .blocks.get(id)!
      .loops.map((l) => loopHandle(l.var));
  }
  /** A block by its name. */
  block(name: string): BlockHandle {
    const id = [...treeOf(this.func).blocks.keys()].find((b) => b.name === name);
    if (id) return blockHandle(id);
    const legal = this.session.blockNames();
    return this.session.at(this.block, () => {
      if (typeof name !== "string")
        badArgument(this.func, "block", `expected the name of a block, but was given ${describe(name)}`, legal);
      return refuse(this.func, {
        primitive: "block",
        condition: 0,
        code: "unknown",
        message: `no block ${describe(name)}`,
        legal,
      });
    });
  }
  /** The handle of a block, or of a tensor's. */
  handle<Y extends BlockLike>(block: Y): BlockHandle<LoopNamesOf<Y>> {
    return blockHandle(this.session.block(block, this.handle));
  }
  /** The innermost loops around a block that hold nothing else, outermost first. */
  ownLoops(block: BlockLike): Loop[] {
    const id = this.session.block(block, this.ownLoops);
    return ownLoops(treeOf(this.func).blocks.get(id)!).map((l) => loopHandle(l.var));
  }
  /** Which axes of a block a loop carries: reduction or ordered ones count before spatial ones. */
  axisKind(block: BlockLike, loop: Loop): IterKind {
    const b = treeOf(this.func).blocks.get(this.session.block(block, this.axisKind))!.node;
    if (!isLoop(loop)) this.session.loop(loop, this.axisKind);
    const kinds: readonly IterKind[] = ["ordered", "reduction"];
    return kinds.find((k) => feeding(b, k).has(loop.var)) ?? "spatial";
  }
  /** All blocks, in program order. */
  blocks(): BlockHandle[] {
    return [...treeOf(this.func).blocks.keys()].map((b) => blockHandle(b));
  }
  /** The block that computes a tensor from its reduction, where that is a block of its own. */
  epilogue(tensor: AnyTensor): BlockHandle {
    if (!isTensor(tensor))
      this.session.unknown("epilogue", this.epilogue, `expected a tensor, but was given ${describe(tensor)}`);
    const e = this.session.tensors.get(tensor)?.epilogue;
    if (e && treeOf(this.func).blocks.has(e)) return blockHandle(e);
    return this.session.at(this.epilogue, () => {
      if (e) this.session.gone(e, "epilogue", this.epilogue);
      return refuse(this.func, {
        primitive: "epilogue",
        condition: 0,
        code: "none",
        message: `${tensor.name} has no epilogue: one block computes it`,
      });
    });
  }
  /** Scheduling one block by the names of its loops, in a chain. */
  stage<Y extends BlockLike>(block: Y): Stage<LoopNamesOf<Y>> {
    this.session.block(block, this.stage);
    return new Stage<LoopNamesOf<Y>>(this as unknown as Schedule<unknown>, block);
  }
  /** The loop a trace refers to. */
  loopAt(ref: string): Loop {
    const h = this.session.state.byRef.get(ref);
    return h && "kind" in h ? loopHandle(h) : this.#noRef("loop", ref, this.loopAt);
  }
  /** The block a trace refers to. */
  blockAt(ref: string): BlockHandle {
    const h = this.session.state.byRef.get(ref);
    return h && !("kind" in h) ? blockHandle(h) : this.#noRef("block", ref, this.blockAt);
  }
  #noRef(what: "loop" | "block", ref: unknown, method: Method): never {
    const of = typeof ref === "string" ? /^(@\d+|[^@].*(?=\.))/.exec(ref)?.[0] : undefined;
    const fit = [...this.session.state.byRef].filter(([, h]) => (what === "loop") === "kind" in h);
    const near = fit.map(([r]) => r).filter((r) => of === undefined || r.startsWith(`${of}.`));
    const legal = near.length > 0 ? near : fit.map(([r]) => r);
    const { name } = method as { name: string };
    return this.session.at(method, () =>
      refuse(this.func, {
        primitive: name,
        condition: 0,
        code: "reference",
        message: `there is no ${what} ${describe(ref)} in this schedule`,
        legal,
      }),
    );
  }
  /** How traces refer to a loop or block. */
  refOf(h: Loop | BlockHandle): string | undefined {
    if (!isLoop(h) && !isBlockHandle(h))
      this.session.unknown("refOf", this.refOf, `expected a loop or a block, but was given ${describe(h)}`);
    return this.session.state.refs.get(h.kind === "loop" ? h.var : h.id);
  }
  protected check(method: Method, run: () => void): void {
    this.session.at(method, run);
  }
  protected together<T>(method: Method, run: () => T): T {
    return this.session.at(method, () => this.session.together(run));
  }
  /**
   * Several steps as one: when one of them is illegal, none is done. Returns that error, or undefined when all went well.
   *
   *     const why = s.attempt(() => { s.reorder(j, i); s.vectorize(i); });
   *
   * The steps run to their end at once: a function that returns a promise is refused, and none of its steps is done.
   */
  attempt(recipe: () => void): ScheduleError | undefined {
    if (typeof recipe !== "function")
      this.check(this.attempt, () =>
        badArgument(this.func, "attempt", `expected a function of steps, but was given ${describe(recipe)}`),
      );
    let late = false;
    const atOnce = (): void => {
      late = isPromise(recipe());
      if (late)
        this.check(this.attempt, () =>
          badArgument(this.func, "attempt", "the function returns a promise; its steps must run to their end at once"),
        );
    };
    try {
      this.session.together(atOnce);
      return undefined;
    } catch (e) {
      if (e instanceof ScheduleError && !late) return e;
      throw e;
    }
  }
}

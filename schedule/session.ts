/**
 * What a schedule remembers besides its function: its trace, how handles are called in it, and what became of the dead ones.
 * Applies primitives atomically.
 */
import type { BlockId, Buffer, Func, Var } from "../src/ir/index.ts";
import type { AnyTensor, CreatedFunc, TensorBlocks } from "../te/index.ts";
import { describe } from "./arguments.ts";
import { refuse, ScheduleError } from "./error.ts";
import { type BlockLike, isBlockHandle, isLoop, isTensor, type Loop } from "./handles.ts";
import { type Handle, named, type Outcome } from "./outcome.ts";
import * as primitives from "./primitives/index.ts";
import { settle } from "./settle.ts";
import type { Json, TraceStep } from "./trace.ts";
import { io, treeOf } from "./tree.ts";

// biome-ignore lint/complexity/noBannedTypes: any method of a class, to cut stacks at
export type Method = Function;

export interface State {
  func: Func;
  trace: TraceStep[];
  /** Loops and blocks that are gone, and what came of them. */
  dead: Map<Handle, { heirs: readonly Handle[]; primitive: string }>;
  refs: Map<Handle, string>;
  byRef: Map<string, Handle>;
  /** Buffers that were replaced by others. */
  buffers: Map<Buffer, Buffer>;
}
const copyState = (s: State): State => ({
  func: s.func,
  trace: [...s.trace],
  dead: new Map(s.dead),
  refs: new Map(s.refs),
  byRef: new Map(s.byRef),
  buffers: new Map(s.buffers),
});

export class Session {
  readonly tensors: ReadonlyMap<AnyTensor, TensorBlocks>;
  state: State;
  readonly #created: CreatedFunc;

  constructor(created: CreatedFunc) {
    this.#created = created;
    this.tensors = created.blocks;
    const maps = { dead: new Map(), refs: new Map(), byRef: new Map(), buffers: new Map() };
    this.state = { func: created.func, trace: [], ...maps };
    for (const [id, p] of treeOf(created.func).blocks) {
      this.name(id, id.name);
      for (const [n, v] of named(p.loops.map((l) => l.var))) this.name(v, `${id.name}.${n}`);
    }
  }
  copy(): Session {
    const s = this.begin();
    s.state = copyState(this.state);
    return s;
  }
  /** As this one was before its first step. */
  begin(): Session {
    return new Session(this.#created);
  }
  /** Runs several steps; where one throws, none is done. */
  together<T>(run: () => T): T {
    const before = this.state;
    this.state = copyState(before);
    try {
      return run();
    } catch (e) {
      this.state = before;
      throw e;
    }
  }

  /** Errors of a schedule's method start at the line that called it. */
  at<T>(method: Method, run: () => T): T {
    try {
      return run();
    } catch (e) {
      if (e instanceof ScheduleError) {
        e.mayTry(primitives, settle);
        Error.captureStackTrace(e, method);
      }
      throw e;
    }
  }
  apply<T extends Outcome>(
    primitive: string,
    method: Method,
    args: { readonly [k: string]: Json },
    run: (f: Func) => T,
  ): T {
    const s = this.state;
    const o = this.at(method, () => settle(s.func, run(s.func), primitive));
    s.func = o.func;
    for (const [h, heirs] of o.died ?? []) s.dead.set(h, { heirs, primitive });
    for (const [a, b] of o.replaced ?? []) {
      for (const [k, v] of s.buffers) if (v === a) s.buffers.set(k, b);
      s.buffers.set(a, b);
    }
    const n = s.trace.length;
    const born = o.born ?? new Map<string, Handle>();
    for (const [name, h] of born) this.name(h, `@${n}.${name}`);
    const step: TraceStep = {
      primitive,
      // a copy: what callers do with their records afterwards is no part of the trace
      args: structuredClone(args),
      results: [...born.keys()],
      ...(o.reassociates ? { reassociates: true } : {}),
    };
    s.trace.push(step);
    return o;
  }
  name(h: Handle, ref: string): void {
    this.state.refs.set(h, ref);
    this.state.byRef.set(ref, h);
  }
  ref(h: Handle): string {
    return this.state.refs.get(h)!;
  }
  gone(h: Handle, primitive: string, method: Method): never {
    const s = this.state;
    const d = s.dead.get(h)!;
    const heirs = (x: Handle): string[] =>
      (s.dead.get(x)?.heirs ?? []).flatMap((y) => (s.dead.has(y) ? heirs(y) : [y.name]));
    const what = "kind" in h ? "loop" : "block";
    const now = heirs(h);
    const way = now.length > 0 ? `in its place: ${now.join(", ")}` : "nothing stands in its place";
    return this.at(method, () =>
      refuse(this.state.func, {
        primitive,
        condition: 0,
        code: "dead-handle",
        message: `${what} ${h.name} is gone since ${d.primitive}; ${way}`,
        legal: now,
      }),
    );
  }
  loop(l: Loop, method: Method): Var {
    const name = (method as { name: string }).name;
    if (!isLoop(l))
      return this.unknown(
        name,
        method,
        `expected a loop (from s.loops or a primitive), but was given ${describe(l)}`,
        this.loopNames(),
      );
    if (treeOf(this.state.func).loops.has(l.var)) return l.var;
    if (this.state.dead.has(l.var)) this.gone(l.var, name, method);
    return this.unknown(name, method, `loop ${l.name} is not of this schedule`, this.loopNames());
  }
  block(b: BlockLike, method: Method): BlockId {
    const name = (method as { name: string }).name;
    let id: BlockId | undefined;
    if (isBlockHandle(b)) id = b.id;
    else if (isTensor(b)) {
      id = this.tensors.get(b)?.main;
      if (id === undefined) {
        const input = this.state.func.inputs.includes(b.buffer);
        return this.unknown(
          name,
          method,
          input ? `${b.name} is an input: no block computes it` : `${b.name} is not part of this schedule`,
        );
      }
    } else return this.unknown(name, method, `expected a tensor or a block, but was given ${describe(b)}`);
    if (treeOf(this.state.func).blocks.has(id)) return id;
    if (this.state.dead.has(id)) this.gone(id, name, method);
    return this.unknown(name, method, `block ${id.name} is not of this schedule`);
  }
  unknown(primitive: string, method: Method, message: string, legal: readonly string[] = this.blockNames()): never {
    return this.at(method, () =>
      refuse(this.state.func, {
        primitive,
        condition: 0,
        code: "unknown-handle",
        message,
        legal,
      }),
    );
  }
  blockNames(): string[] {
    return [...treeOf(this.state.func).blocks.keys()].map((b) => b.name);
  }
  /** Each name once, with the blocks that loops of that name are around. */
  loopNames(): string[] {
    const around = new Map<string, string[]>();
    for (const [id, p] of treeOf(this.state.func).blocks)
      for (const l of p.loops) around.set(l.var.name, [...(around.get(l.var.name) ?? []), id.name]);
    return [...around].map(([name, blocks]) => `${name} (of ${[...new Set(blocks)].join(", ")})`);
  }
  buffers(): readonly Buffer[] {
    return [...this.state.func.inputs, ...this.state.func.outputs, ...this.state.func.intermediates];
  }
  buffer(x: AnyTensor | string, method: Method): Buffer {
    if (isTensor(x)) return this.state.buffers.get(x.buffer) ?? x.buffer;
    if (typeof x !== "string")
      return this.unknown(
        method.name,
        method,
        `expected a tensor or the name of a buffer, but was given ${describe(x)}`,
      );
    const at = /^(.*)#(\d+)$/.exec(x);
    const list = this.buffers().filter((b) => b.name === (at ? at[1] : x));
    const b = list[at ? Number(at[2]) : 0];
    if (b) return b;
    return this.at(method, () =>
      refuse(this.state.func, {
        primitive: (method as { name: string }).name,
        condition: 0,
        code: "unknown-buffer",
        message: `no buffer ${describe(x)}`,
        legal: this.buffers().map((y) => y.name),
      }),
    );
  }
  bufferRef(b: Buffer): string {
    const n = this.buffers()
      .filter((x) => x.name === b.name)
      .indexOf(b);
    return n > 0 ? `${b.name}#${n}` : b.name;
  }
  /** The epilogue that reads the accumulator of a reduction, while both stand. */
  epilogueOf(id: BlockId): BlockId | undefined {
    const tree = treeOf(this.state.func);
    for (const t of this.tensors.values()) {
      if (t.main !== id || t.epilogue === undefined || t.epilogue === id) continue;
      const [w, e] = [tree.blocks.get(id), tree.blocks.get(t.epilogue)];
      const own = w && [...io(w.node).writes];
      if (w && e && own!.every((b) => this.state.func.intermediates.includes(b) && io(e.node).reads.has(b)))
        return t.epilogue;
    }
    return undefined;
  }
}

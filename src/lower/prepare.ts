/**
 * Takes what is computed ahead of time out of a function: blocks marked by `prepare` become a function of their own, whose outputs
 * are inputs of the rest. A constant that the rest reads as it is passes through it too, so that callers give constants once, and
 * in one way.
 *
 * Before: scheduled IR; what is marked stands at the root and depends on constants only. After: two functions of the same kind.
 */
import { isPrepared } from "../../schedule/index.ts";
import {
  type Block,
  type BlockIter,
  type Buffer,
  blocksOf,
  buffer,
  buffersIn,
  type For,
  type Func,
  int,
  load,
  replaceBuffers,
  type Stmt,
  seq,
  store,
  TRUE,
  variable,
  withLayout,
} from "../ir/index.ts";

export interface Split {
  readonly main: Func;
  /** Absent where no input is constant. */
  readonly prepare?: Func;
}

export function splitPrepared(f: Func): Split {
  const constants = f.inputs.filter((b) => b.constant);
  if (constants.length === 0) return { main: f };
  const all = f.body.kind === "seq" ? f.body.body : [f.body];
  const ahead = all.filter((s) => blocksOf(s).some(isPrepared));
  const rest = all.filter((s) => !ahead.includes(s));
  const used = buffersIn(seq(rest)).reads;
  const written = buffersIn(seq(ahead)).writes;
  const results = [...written].filter((b) => used.has(b));
  const through = constants.filter((b) => used.has(b));

  // as parameters they are in linear memory, laid out as scheduled
  const fresh = new Map<Buffer, Buffer>([
    ...results.map((b): [Buffer, Buffer] => [b, parameter(b, b.name)]),
    ...through.map((b): [Buffer, Buffer] => [b, parameter(b, `${b.name}.prepared`)]),
  ]);
  const outputs = [...fresh.values()];
  const copies = through.map((b) => copyNest(b, fresh.get(b)!));
  const made = new Map(results.map((b): [Buffer, Buffer] => [b, fresh.get(b)!]));
  const isResult = (b: Buffer): boolean => results.includes(b);
  const prepare: Func = {
    name: `${f.name}.prepare`,
    inputs: constants,
    outputs,
    sizes: [],
    scalars: [],
    intermediates: f.intermediates.filter((b) => written.has(b) && !isResult(b)),
    body: seq([...ahead.map((s) => replaceBuffers(s, made)), ...copies]),
  };
  const main: Func = {
    ...f,
    inputs: [...f.inputs.filter((b) => !b.constant), ...outputs],
    intermediates: f.intermediates.filter((b) => !written.has(b)),
    body: replaceBuffers(seq(rest), fresh),
  };
  return { main, prepare };
}

function parameter(b: Buffer, name: string): Buffer {
  const dense = buffer(name, b.dtype, b.shape, "global");
  return b.layout ? withLayout(dense, b.layout) : dense;
}

function copyNest(from: Buffer, to: Buffer): Stmt {
  const axes = from.shape.map((extent, d) => ({ extent, loop: variable(`i${d}`), iter: variable(`vi${d}`) }));
  const index = axes.map((a) => a.iter);
  const iters = axes.map((a): BlockIter => ({ var: a.iter, extent: a.extent, kind: "spatial", binding: a.loop }));
  const body = store(to, index, load(from, index));
  const block: Block = { kind: "block", id: Object.freeze({ name: to.name }), iters, predicate: TRUE, body };
  return axes.reduceRight<Stmt>((s, a, d): For => {
    const loop = d === axes.length - 1 ? "vectorized" : "serial";
    return { kind: "for", var: a.loop, min: int(0), extent: a.extent, loop, body: s };
  }, block);
}

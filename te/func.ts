/**
 * From tensors to scheduled IR: every computation becomes a loop nest of its own around a block, producers first.
 *
 * A reduction needs an accumulator in memory. Where the body of a tensor *is* the reduction, that is the tensor's own buffer;
 * otherwise an intermediate buffer `C.acc`, and an epilogue block `C.out` computes the tensor from it.
 */
import {
  and,
  type Block,
  type BlockId,
  type Buffer,
  buffer,
  eq,
  type For,
  type Func,
  type IterKind,
  int,
  load,
  mapExpr,
  type Expr as Node,
  type Reduce,
  type Stmt,
  seq,
  store,
  storeTogether,
  substitute,
  substituteStmt,
  TRUE,
  updateOf,
  type Var,
  variable,
  visitExpr,
  where,
} from "../src/ir/index.ts";
import { inside } from "./access.ts";
import { TeError } from "./error.ts";
import { checkResults, type Outputs, parametersOf } from "./parameters.ts";
import { dependsOnData } from "./scope.ts";
import {
  type ComputeSource,
  isTensor,
  type NestSource,
  type PlaceholderSource,
  reachable,
  type ScanSource,
  type ScatterSource,
  type Source,
  type Tensor,
  type TensorAxis,
  tensorOf,
} from "./tensor.ts";

/** The blocks that a tensor became. */
export interface TensorBlocks {
  /** What the tensor means as a handle: its reduction where it has exactly one, else the block that writes it. */
  readonly main: BlockId;
  /** The block that computes the tensor from its reductions, where that isn't one of them. */
  readonly epilogue?: BlockId;
  readonly reductions: readonly BlockId[];
}
export interface CreatedFunc {
  readonly func: Func;
  readonly blocks: ReadonlyMap<Tensor, TensorBlocks>;
  readonly buffers: ReadonlyMap<Tensor, Buffer>;
}

/**
 * The function that computes the outputs, unscheduled. Inputs, sizes and scalars are in order of first use. The keys of a record
 * of outputs are what callers will call them by. `algorithm` may choose among alternatives of tensors (`withAlternatives`).
 *
 *     const { func, blocks } = createFunc([C]);
 *     printFunc(func);
 *
 * Throws TeError for no outputs, an input as an output, an output named twice, and two parameters, or a parameter and a result,
 * of one name.
 */
export function createFunc(given: Outputs, name?: string, algorithm?: Algorithm): CreatedFunc {
  const outputs: readonly Tensor[] = Object.values(given);
  checkOutputs(outputs);
  const sourceOf = sourcesBy(algorithm);
  const tensors = reachable(outputs, sourceOf);
  const sources = [...new Set(tensors.map(sourceOf))];
  const title = name ?? outputs.map((t) => t.name).join("_");
  const builder = new Builder();
  const nests = sources.map((s) => builder.nest(s));
  const results = outputs.map((t) => t.buffer);
  const written = sources.flatMap((s) => (s.kind === "placeholder" ? [] : s.outputs)).concat(builder.accumulators);
  const parameters = parametersOf(title, sources);
  checkResults(given);
  return {
    func: {
      name: title,
      inputs: [...parameters.inputs],
      outputs: results,
      sizes: [...parameters.sizes],
      scalars: [...parameters.scalars],
      intermediates: builder.ordered(written.filter((b) => !results.includes(b))),
      body: seq(nests),
    },
    blocks: builder.blocks,
    buffers: new Map(tensors.map((t) => [t, t.buffer])),
  };
}

/** The tensor to compute in place of one, by one of its alternatives; undefined for its own expression. */
export type Algorithm = (t: Tensor) => Tensor | undefined;

function sourcesBy(algorithm: Algorithm | undefined): (t: Tensor) => Source {
  const chosen = new Map<Tensor, Source>();
  return (t) => {
    const old = chosen.get(t);
    if (old) return old;
    const other = algorithm?.(t)?.source;
    // the other one's computation, into this one's memory
    const source =
      other?.kind === "compute" && t.source.kind === "compute"
        ? { ...other, name: t.name, outputs: t.source.outputs }
        : t.source;
    chosen.set(t, source);
    return source;
  };
}

function checkOutputs(outputs: readonly Tensor[]): void {
  if (outputs.length === 0) throw new TeError("te.output", "no outputs: give at least one tensor");
  const names = new Set<string>();
  for (const t of outputs) {
    if (!isTensor(t))
      throw new TeError(
        "te.output",
        "an output is not a tensor: expected what compute, scan, scatter or nest returned",
      );
    if (t.source.kind === "placeholder")
      throw new TeError("te.output", `the output "${t.name}" is an input: there is nothing to compute`);
    if (names.has(t.name)) throw new TeError("te.duplicate-name", `two outputs are named "${t.name}"`);
    names.add(t.name);
  }
}

/** Components of one reduction: same combiner, axes, values and condition. */
interface Group {
  readonly of: Reduce;
  /** Where each component accumulates. */
  readonly into: (Buffer | undefined)[];
}
const groupKey = (r: Reduce): string =>
  `${r.axes.map((a) => a.var.id)};${r.values.map((v) => v.id)};${r.condition?.id};${r.combiner.results.map((e) => e.id)}`;

/** Axes of one block: loops, block variables bound to them, and the map from the tensor's variables. */
interface Nest {
  readonly block: (id: BlockId, body: Stmt, reduction?: Pick<Block, "init" | "combiner">) => Stmt;
  readonly index: readonly Var[];
  readonly map: ReadonlyMap<Var, Node>;
}

function nestOf(list: readonly { readonly axis: TensorAxis; readonly kind: IterKind }[]): Nest {
  const made = list.map(({ axis, kind }) => ({
    kind,
    extent: axis.extent,
    loop: variable(axis.var.name),
    iter: variable(`v${axis.var.name}`),
    axis: axis.var,
  }));
  const block = (id: BlockId, body: Stmt, reduction: Pick<Block, "init" | "combiner"> = {}): Stmt => {
    const iters = made.map((m) => ({ var: m.iter, extent: m.extent, kind: m.kind, binding: m.loop }));
    const inner: Block = { kind: "block", id, iters, predicate: TRUE, ...reduction, body };
    return made.reduceRight<Stmt>(
      (s, m): For => ({ kind: "for", var: m.loop, min: int(0), extent: m.extent, loop: "serial", body: s }),
      inner,
    );
  };
  return { block, index: made.map((m) => m.iter), map: new Map(made.map((m) => [m.axis, m.iter])) };
}
const spatial = (axes: readonly TensorAxis[]) => axes.map((axis) => ({ axis, kind: "spatial" as const }));

class Builder {
  readonly blocks = new Map<Tensor, TensorBlocks>();
  readonly accumulators: Buffer[] = [];
  readonly #names = new Set<string>();
  readonly #order = new Map<Buffer, number>();

  /** Blocks are found by name in traces, so no two share one. */
  #id(name: string): BlockId {
    let unique = name;
    for (let n = 1; this.#names.has(unique); n++) unique = `${name}_${n}`;
    this.#names.add(unique);
    return Object.freeze({ name: unique });
  }
  #wrote(list: readonly Buffer[]): void {
    for (const b of list) if (!this.#order.has(b)) this.#order.set(b, this.#order.size);
  }
  ordered(list: readonly Buffer[]): Buffer[] {
    return [...list].sort((a, b) => this.#order.get(a)! - this.#order.get(b)!);
  }

  nest(source: Source): Stmt {
    switch (source.kind) {
      case "placeholder":
        return seq([]);
      case "compute":
        return this.#compute(source);
      case "scan":
        return this.#scan(source);
      case "scatter":
        return this.#scatter(source);
      case "nest":
        return this.#nest(source);
      default:
        return source satisfies never;
    }
  }
  #all(source: Exclude<Source, PlaceholderSource>, blocks: (output: number) => TensorBlocks): void {
    source.outputs.forEach((b, n) => {
      this.blocks.set(tensorOf(b)!, blocks(n));
    });
  }

  #compute(source: ComputeSource): Stmt {
    const groups = new Map<string, Group>();
    const group = (r: Reduce): Group => {
      const key = groupKey(r);
      let g = groups.get(key);
      if (g === undefined) {
        g = { of: r, into: r.values.map(() => undefined) };
        groups.set(key, g);
      }
      return g;
    };
    const reductionsOf = source.bodies.map((body) => {
      const found = new Set<Group>();
      visitExpr(body, (e) => {
        if (e.kind !== "reduce") return true;
        found.add(group(e));
        return false;
      });
      return found;
    });
    // a result that is nothing but a component of a reduction is where that component accumulates
    const direct = source.bodies.map((body, n) => {
      if (body.kind !== "reduce") return false;
      const g = group(body);
      if (g.into[body.component] !== undefined) return false;
      g.into[body.component] = source.outputs[n]!;
      return true;
    });
    const list = [...groups.values()];
    const ids = new Map<Group, BlockId>();
    const stmts: Stmt[] = [];
    list.forEach((g, n) => {
      const base = `${source.name}.acc${list.length === 1 ? "" : n}`;
      g.of.values.forEach((v, c) => {
        g.into[c] ??= this.#accumulator(source, g.of.values.length === 1 ? base : `${base}_${c}`, v);
      });
      const id = this.#id(list.length === 1 && direct.includes(true) ? source.name : this.#groupName(source, g, base));
      ids.set(g, id);
      this.#wrote(g.into as Buffer[]);
      stmts.push(reductionNest(source, g, id));
    });
    const rest = source.bodies.flatMap((_, n) => (direct[n] ? [] : [n]));
    let epilogue: BlockId | undefined;
    if (rest.length > 0) {
      epilogue = this.#id(list.length === 0 ? source.name : `${source.name}.out`);
      const nest = nestOf(spatial(source.axes));
      const axes = source.axes.map((a) => a.var);
      const finished = (e: Node): Node =>
        substitute(
          mapExpr(e, (x) => (x.kind === "reduce" ? load(group(x).into[x.component]!, axes) : x)),
          nest.map,
        );
      const targets = rest.map((n) => source.outputs[n]!);
      this.#wrote(targets);
      // results don't read each other, so their stores need no order
      const stores = rest.map((n) => store(source.outputs[n]!, nest.index, finished(source.bodies[n]!)));
      stmts.push(nest.block(epilogue, seq(stores)));
    }
    this.#all(source, (n) => {
      const reductions = [...reductionsOf[n]!].map((g) => ids.get(g)!);
      const main = reductions.length === 1 ? reductions[0]! : epilogue!;
      return { main, reductions, ...(direct[n] || list.length === 0 ? {} : { epilogue: epilogue! }) };
    });
    return seq(stmts);
  }

  #groupName(source: ComputeSource, g: Group, base: string): string {
    const own = g.into.find((b) => b !== undefined && source.outputs.includes(b));
    return own?.name ?? base;
  }
  #accumulator(source: ComputeSource, name: string, value: Node): Buffer {
    const b = buffer(
      name,
      value.dtype,
      source.axes.map((a) => a.extent),
    );
    this.accumulators.push(b);
    return b;
  }

  #scan(source: ScanSource): Stmt {
    const nest = nestOf([{ axis: source.ordered, kind: "ordered" }, ...spatial(source.axes)]);
    const first = eq(source.ordered.var, int(0));
    const values = source.outputs.map((_, n) => substitute(where(first, source.inits[n]!, source.steps[n]!), nest.map));
    const id = this.#id(source.name);
    this.#wrote(source.outputs);
    this.#all(source, () => ({ main: id, reductions: [] }));
    return nest.block(id, storeTogether(source.outputs, nest.index, values));
  }

  #scatter(source: ScatterSource): Stmt {
    const id = this.#id(source.name);
    this.#wrote(source.outputs);
    this.#all(source, () => ({ main: id, reductions: [id] }));
    return scatterNest(source, id);
  }

  #nest(source: NestSource): Stmt {
    const id = this.#id(source.name);
    this.#wrote(source.outputs);
    this.#all(source, () => ({ main: id, reductions: [] }));
    const nest = nestOf(spatial(source.axes));
    return nest.block(id, substituteStmt(source.body, nest.map));
  }
}

/**
 * A reduction whose points choose where they accumulate. Points of an axis that is a position by itself, along a whole axis of the
 * result, meet in no element: such an axis is spatial. A position that memory decides is read once, before it is looked at.
 */
function scatterNest(source: ScatterSource, id: BlockId): Stmt {
  const [target] = source.outputs;
  const homes = source.over.map((a) =>
    source.at.findIndex((p, d) => p === a.var && a.extent === target.shape[d] && !source.checked[d]),
  );
  const list = source.over.map((axis, n) => ({
    axis,
    kind: homes[n]! < 0 ? ("reduction" as const) : ("spatial" as const),
  }));
  const nest = nestOf([...list.filter((x) => x.kind === "spatial"), ...list.filter((x) => x.kind === "reduction")]);

  const positions = source.at.map((p, d) => {
    const e = substitute(p, nest.map);
    return { e, name: dependsOnData(e) ? variable(source.axes[d]!.var.name) : undefined };
  });
  const index = positions.map((p) => p.name ?? p.e);
  const update = updateOf(source.combiner, [target], index, [substitute(source.value, nest.map)]);
  const bounds = index.flatMap((p, d) => (source.checked[d] ? inside(p, target.shape[d]!) : []));
  const guarded: Stmt = bounds.length > 0 ? { kind: "if", condition: bounds.reduce(and), then: update } : update;
  const placed = positions.reduceRight<Stmt>(
    (body, p): Stmt => (p.name ? { kind: "let", var: p.name, value: p.e, body } : body),
    guarded,
  );
  const body: Stmt = source.where
    ? { kind: "if", condition: substitute(source.where, nest.map), then: placed }
    : placed;

  // elements that no axis tells apart are loops of the init
  const starts = source.axes.map((axis, d) => {
    const own = source.over[homes.indexOf(d)];
    return { axis, at: own ? (nest.map.get(own.var) as Var) : variable(axis.var.name), loop: own === undefined };
  });
  const value = substitute(source.init, new Map(starts.map((x) => [x.axis.var, x.at])));
  const init = starts.reduceRight<Stmt>(
    (s, x): Stmt =>
      x.loop ? { kind: "for", var: x.at, min: int(0), extent: x.axis.extent, loop: "serial", body: s } : s,
    store(
      target,
      starts.map((x) => x.at),
      value,
    ),
  );
  return nest.block(id, body, { init, combiner: source.combiner });
}

function reductionNest(source: ComputeSource, g: Group, id: BlockId): Stmt {
  const { combiner, axes, values, condition } = g.of;
  const nest = nestOf([...spatial(source.axes), ...axes.map((axis) => ({ axis, kind: "reduction" as const }))]);
  const index = nest.index.slice(0, source.axes.length);
  const targets = g.into as readonly Buffer[];
  const update = updateOf(
    combiner,
    targets,
    index,
    values.map((v) => substitute(v, nest.map)),
  );
  const body: Stmt = condition ? { kind: "if", condition: substitute(condition, nest.map), then: update } : update;
  const init = seq(targets.map((b, c) => store(b, index, combiner.identities[c]!)));
  return nest.block(id, body, { init, combiner });
}

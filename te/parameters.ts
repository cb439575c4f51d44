/**
 * What a computation needs from outside: inputs, sizes, scalars. They become the named arguments of a kernel, so two different
 * ones must not share a name.
 */
import { type Buffer, type Expr as Node, type Var, visitExpr, visitStmt } from "../src/ir/index.ts";
import { TeError } from "./error.ts";
import { definitions, reachable, type Source, type Tensor, tensorOf } from "./tensor.ts";

/** In order of first use. */
export interface Parameters {
  readonly inputs: ReadonlySet<Buffer>;
  readonly sizes: ReadonlySet<Var>;
  readonly scalars: ReadonlySet<Var>;
}
interface Growing {
  readonly inputs: Set<Buffer>;
  readonly sizes: Set<Var>;
  readonly scalars: Set<Var>;
}
const isScalar = (v: Var, own: ReadonlySet<Var>): boolean => !own.has(v) && v.size === undefined;
const known = new WeakMap<Source, Parameters>();

/** Own parameters of a source: its extents and definitions, and the inputs these read. Producers' parameters only when `deep`. */
function collect(source: Source, into: Growing, deep: boolean): void {
  if (source.kind === "placeholder") return;
  const own = new Set<Var>(source.axes.map((a) => a.var));
  if (source.kind === "scan") own.add(source.ordered.var);
  if (source.kind === "scatter") for (const a of source.over) own.add(a.var);
  if (source.kind === "nest")
    visitStmt(source.body, (s) => void ((s.kind === "for" || s.kind === "let") && own.add(s.var)));
  const seen = new Set<Node>();
  const visit = (e: Node): void =>
    visitExpr(
      e,
      (x) => {
        if (x.kind === "reduce") for (const a of x.axes) own.add(a.var);
        if (x.kind === "var" && x.size !== undefined) into.sizes.add(x);
        if (x.kind === "var" && isScalar(x, own)) into.scalars.add(x);
        if (x.kind === "load") read(x.buffer);
      },
      seen,
    );
  const read = (b: Buffer): void => {
    const from = tensorOf(b)?.source;
    if (from === undefined || from === source || source.outputs.includes(b)) return;
    if (from.kind === "placeholder") {
      if (into.inputs.has(b)) return;
      into.inputs.add(b);
      for (const e of [...b.shape, ...(b.strides ?? [])]) visit(e);
    } else if (deep) {
      const p = known.get(from);
      for (const x of p?.inputs ?? []) into.inputs.add(x);
      for (const x of p?.sizes ?? []) into.sizes.add(x);
      for (const x of p?.scalars ?? []) into.scalars.add(x);
    }
  };
  if (source.kind === "scan") visit(source.ordered.extent);
  if (source.kind === "scatter") for (const a of source.over) visit(a.extent);
  for (const a of source.axes) visit(a.extent);
  for (const b of source.outputs) for (const e of b.shape) visit(e);
  for (const e of definitions(source)) visit(e);
}

const fresh = (): Growing => ({ inputs: new Set(), sizes: new Set(), scalars: new Set() });

/** Throws when two parameters share a name. Remembers the source's parameters. */
export function checkParameters(owner: string, source: Source): void {
  const p = fresh();
  collect(source, p, true);
  known.set(source, p);
  checkDistinct(owner, p);
}

function checkDistinct(owner: string, p: Parameters): ReadonlyMap<string, string> {
  const kinds = new Map<string, string>();
  const add = (name: string, kind: string): void => {
    const old = kinds.get(name);
    if (old !== undefined)
      throw new TeError(
        "te.duplicate-name",
        `"${owner}" needs ${old === kind ? `two different ${kind}s` : `${old} and ${kind}`} named "${name}": ` +
          "they become arguments of one kernel, so give them different names (or share one object)",
      );
    kinds.set(name, kind);
  };
  for (const b of p.inputs) add(b.name, "input");
  for (const v of p.sizes) add(v.name, "size");
  for (const v of p.scalars) add(v.name, "scalar");
  return kinds;
}

/** All parameters of sources given producers first, in order of first use. */
export function parametersOf(owner: string, sources: readonly Source[]): Parameters {
  const p = fresh();
  for (const s of sources) collect(s, p, false);
  checkDistinct(owner, p);
  return p;
}

/** Outputs in a list are called by their tensors' names, those in a record by its keys. */
export type Outputs = readonly Tensor[] | { readonly [name: string]: Tensor };

/** Throws where a result has the name of a parameter: callers tell both apart by nothing else. */
export function checkResults(outputs: Outputs): void {
  const list = Object.values(outputs).filter((t) => t.source.kind !== "placeholder");
  const keys = Array.isArray(outputs) ? [] : Object.entries(outputs).filter(([, t]) => list.includes(t));
  const sources = new Set(reachable(list).map((t) => t.source));
  const title = list.map((t) => t.name).join("_");
  const kinds = checkDistinct(title, parametersOf(title, [...sources]));
  for (const [name, t] of [...keys, ...list.map((t): [string, Tensor] => [t.name, t])]) {
    const kind = kinds.get(name);
    if (kind === undefined) continue;
    const result = name === t.name ? `"${name}"` : `"${name}" (the tensor "${t.name}")`;
    throw new TeError(
      "te.duplicate-name",
      `the result ${result} and the ${kind} "${name}" that it is computed with have one name: ` +
        "both become arguments of one kernel, so give them different names",
    );
  }
}

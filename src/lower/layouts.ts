/**
 * Applies layouts: a buffer that has one becomes the box of memory behind it, and every access to it the physical index. From
 * here on an index says where an element lies.
 *
 * Before: scheduled IR, accesses by logical index. After: no buffer has a layout. Returns, for each buffer that was made, the
 * one it stands for: alignment and padding of an intermediate are a matter of its allocation.
 */
import { alignedStrides, Facts, type Range, reached, simplifyIndex } from "../arith/index.ts";
import {
  add,
  type Buffer,
  buffer,
  constInt,
  type Expr,
  FALSE,
  type For,
  type Func,
  int,
  load,
  mapExpr,
  not,
  physicalIndex,
  rebuildStmt,
  type Stmt,
  seq,
  store,
  substitute,
  variable,
} from "../ir/index.ts";

export function applyLayouts(f: Func): { readonly func: Func; readonly logical: ReadonlyMap<Buffer, Buffer> } {
  const physical = new Map<Buffer, Buffer>();
  for (const b of [...f.inputs, ...f.outputs, ...f.intermediates]) {
    if (!b.layout) continue;
    const { shape, align } = b.layout;
    // a parameter's strides are given, an intermediate's follow from what of it is allocated
    const strides = align && !f.intermediates.includes(b) ? alignedStrides(shape, align) : undefined;
    physical.set(b, buffer(b.name, b.dtype, shape, b.scope, strides));
  }
  const logical = new Map([...physical].map(([from, to]) => [to, from]));
  if (physical.size === 0) return { func: f, logical };
  const all = (list: readonly Buffer[]): Buffer[] => list.map((b) => physical.get(b) ?? b);
  const [inputs, outputs, intermediates] = [all(f.inputs), all(f.outputs), all(f.intermediates)];
  const padding = outputs.flatMap((b) => {
    const whole = b.shape.map((extent) => ({ min: int(0), extent }));
    const from = logical.get(b);
    return (from && fillPadding(b, from, whole, Facts.empty)) ?? [];
  });
  const body = seq([...padding, mapped(f.body, Facts.empty, physical)]);
  return { func: { ...f, inputs, outputs, intermediates, body }, logical };
}

/**
 * Fills the cells that no logical index reaches, where the layout asks for a value there. `fresh` holds a part of the physical
 * box: its cell 0 is `region`'s first.
 */
export function fillPadding(fresh: Buffer, logical: Buffer, region: readonly Range[], facts: Facts): Stmt | undefined {
  const { layout, shape } = logical;
  if (!layout?.pad) return undefined;
  const loops = layout.cells.map((c) => variable(c.name));
  const inside = loops.reduce((k, v, d) => k.withVar(v, int(0), fresh.shape[d]!), facts);
  const at = new Map(layout.cells.map((c, d) => [c, add(loops[d]!, region[d]!.min)]));
  const empty = simplifyIndex(not(substitute(reached(layout, shape), at)), inside);
  if (empty === FALSE) return undefined;
  // registers have no address to run along
  const written = fresh.scope === "local" && fresh.shape.every((n) => constInt(n) !== undefined);
  return loops.reduceRight<Stmt>(
    (body, v, d): For => ({
      kind: "for",
      var: v,
      min: int(0),
      extent: fresh.shape[d]!,
      loop: written ? "unrolled" : "serial",
      body,
    }),
    { kind: "if", condition: empty, then: store(fresh, loops, layout.pad) },
  );
}

function mapped(s: Stmt, facts: Facts, physical: ReadonlyMap<Buffer, Buffer>): Stmt {
  const at = (b: Buffer, index: readonly Expr[]): Expr[] => physicalIndex(b, index).map((e) => simplifyIndex(e, facts));
  const memo = new Map<Expr, Expr>();
  const fe = (e: Expr): Expr =>
    mapExpr(
      e,
      (x) => {
        const to = x.kind === "load" ? physical.get(x.buffer) : undefined;
        return to && x.kind === "load" ? load(to, at(x.buffer, x.index)) : x;
      },
      memo,
    );
  let known = facts;
  if (s.kind === "for") known = facts.withVar(s.var, s.min, s.extent);
  if (s.kind === "block") known = s.iters.reduce((k, it) => k.withVar(it.var, int(0), it.extent), facts);
  const r = rebuildStmt(s, (x) => mapped(x, known, physical), fe);
  const to = r.kind === "store" ? physical.get(r.buffer) : undefined;
  return to && r.kind === "store" ? { ...r, buffer: to, index: at(r.buffer, r.index) } : r;
}

/**
 * Bugs made by hand, each one edit in one file, of the kind that people make: the fuzzer must find every one of them. `find` is
 * source text that stands in the file exactly once.
 */
export interface Mutant {
  readonly name: string;
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}
const m = (name: string, file: string, find: string, replace: string): Mutant => ({ name, file, find, replace });

export const MUTANTS: readonly Mutant[] = [
  // ---- traces
  m(
    "trace: a tail policy is not recorded",
    "schedule/methods/loops.ts",
    'tail: options.tail ?? "guard" }',
    'tail: "guard" }',
  ),
  m(
    "trace: two results of one name in text",
    "schedule/trace-text.ts",
    "this.refs.has(alias) || CONSTANTS",
    "CONSTANTS",
  ),
  // ---- primitives
  m(
    "prepare: reads what each call computes",
    "schedule/primitives/prepare.ts",
    "makers.every((w) => isPrepared(w.node) && w.order < p.order)",
    "makers.every((w) => w.order < p.order)",
  ),
  m("runtime: one prepared buffer for all", "src/runtime/kernel.ts", "return kept[used++]!;", "return kept[0]!;"),
  m(
    "split: guard one too far",
    "schedule/primitives/split.ts",
    "simplifyIndex(lt(value, extent), inner)",
    "simplifyIndex(lt(value, add(extent, int(1))), inner)",
  ),
  m(
    "split: radix of the wrong part",
    "schedule/primitives/split.ts",
    "add(mul(v, m.extent), m.var)",
    "add(mul(v, list[i - 1]!.extent), m.var)",
  ),
  m(
    "split: a shifted round ends one too early",
    "schedule/primitives/split.ts",
    "sub(extent, int(product)))",
    "sub(sub(extent, int(product)), int(1)))",
  ),
  m(
    "split: points of a reduction are taken twice",
    "schedule/primitives/shift.ts",
    "[p.node, ...p.loops].find((l) => steps.has(l.var))",
    "p.loops.find((l) => steps.has(l.var))",
  ),
  m(
    "pad: the value begins one too late",
    "schedule/primitives/pad.ts",
    "const inside = lt(axis.var, axis.extent);",
    "const inside = lt(axis.var, add(axis.extent, int(1)));",
  ),
  m(
    "pad: a reduction takes whatever was added",
    "schedule/primitives/pad.ts",
    "const more = contribution(f, b, added);",
    "const more = b.combiner ? undefined : contribution(f, b, added);",
  ),
  m(
    "vectorize, parallel: any index tells iterations apart",
    "schedule/independent.ts",
    "return numbers.some((e) => plain(e) || solved([e]) || solved([backwards(e)])) || solved(using);",
    "return numbers.length > 0;",
  ),
  m(
    "parallel, bind: memory that others read counts as each iteration's own",
    "schedule/independent.ts",
    "  if (!users.every((u) => u.loops.includes(p.node))) return false;\n",
    "",
  ),
  m(
    "fuse: remainder by the wrong extent",
    "schedule/primitives/fuse.ts",
    "floormod(rest, n.extent)",
    "floormod(rest, nodes[0]!.extent)",
  ),
  m("reorder: scans forgotten", "schedule/primitives/reorder.ts", "    scanOrder(f, b, flipped, bad);\n", ""),
  m(
    "computeAt: no guard at the end of an axis",
    "schedule/primitives/compute-at.ts",
    "simplifyIndex(and(ge(it.binding, int(0)), lt(it.binding, it.extent)), known)",
    "simplifyIndex(and(ge(it.binding, int(0)), ge(it.extent, int(0))), known)",
  ),
  m(
    "computeAt: only the first read counts",
    "schedule/primitives/compute-at.ts",
    "region = region === undefined ? one : unionRanges(region, one, facts);",
    "region ??= one;",
  ),
  m(
    "cacheWrite, cacheRead: indices of the copy swapped",
    "schedule/primitives/cache.ts",
    "store(to, index, load(from, index))",
    "store(to, index, load(from, [...index].reverse()))",
  ),
  m(
    "cacheRead: copies what is not complete",
    "schedule/primitives/cache.ts",
    "find((w) => inside.has(w.node) || w.order > first.order)",
    "find((w) => w.order > first.order)",
  ),
  m(
    "reverseComputeAt, computeAt: reads of unwritten elements",
    "schedule/carried.ts",
    "return within(index[d]!, values, buffer.shape[d]).every((c) => prove(c, facts));",
    "return values.conditions.every((c) => prove(c(index[d]!), facts));",
  ),
  m(
    "reverseComputeAt: tail lost",
    "schedule/primitives/reverse-compute-at.ts",
    "        extent: from.extent,",
    "        extent: simplifyIndex(sub(from.extent, int(1))),",
  ),
  m(
    "reverseComputeInline: guard of what is not read lost",
    "schedule/primitives/inline.ts",
    "body: condition === TRUE ? stored :",
    "body: condition !== undefined ? stored :",
  ),
  m(
    "decomposeReduction: init where elements are computed again",
    "schedule/primitives/decompose.ts",
    "if (!visitsOnce(p.node, p.loops.slice(at), factsAround(l)))",
    "if (at < 0)",
  ),
  m(
    "rfactor: guard of the points lost",
    "schedule/partial.ts",
    'body: guard ? { kind: "if", condition: guard, then } : then,',
    "body: then,",
  ),
  m(
    "computeWith: nests that depend on each other",
    "schedule/primitives/compute-with.ts",
    '  say(4, "dependence", target);\n',
    "",
  ),
  m(
    "computeRoot: after its first consumer",
    "schedule/primitives/compute-root.ts",
    "const at = first >= 0 ? first : ",
    "const at = first >= 0 ? first + 1 : ",
  ),
  // ---- passes
  m(
    "forward: what a later store changed",
    "src/lower/forward.ts",
    "    known = known.filter((k) => k.store.buffer !== s.buffer || !mayOverlap(k.store.index, s.index));\n",
    "",
  ),
  m(
    "ladder: pieces one upon the other",
    "src/lower/ladder.ts",
    "seq([piece(w, off), from(w / 2, off + w)])",
    "seq([piece(w, off), from(w / 2, off)])",
  ),
  m(
    "allocate: room for the first access only",
    "src/lower/allocate.ts",
    "region = region === undefined ? r : unionRanges(region, r, facts);",
    "region ??= r;",
  ),
  m(
    "allocate: reads at the old place",
    "src/lower/allocate.ts",
    "load(fresh, rebase(x.index))",
    "load(fresh, x.index)",
  ),
  m(
    "speculate: reads beyond the buffer",
    "src/lower/speculate.ts",
    "return harmless(a, facts) && harmless(b, facts) ? select(c, a, b) : x;",
    "return harmless(b, facts) ? select(c, a, b) : x;",
  ),
  m(
    "computeInline: reads at the axis of the producer",
    "schedule/primitives/inline.ts",
    "new Map(s.index.map((v, d) => [v as Var, x.index[d]!]))",
    "new Map(s.index.map((v, d) => [v as Var, x.index[x.index.length - 1 - d]!]))",
  ),
  m(
    "codegen: slices widened where they lie",
    "codegen/wasm/convert.ts",
    "  if (at === 0) return r;\n",
    "  if (at >= 0) return r;\n",
  ),
  m(
    "init: inside the outermost reduction loop",
    "schedule/primitives/decompose.ts",
    "const carried = p.loops.length - reductionNest(p).length;",
    "const carried = Math.min(p.loops.length, p.loops.length - reductionNest(p).length + 1);",
  ),
  m(
    "partition: steady part one too long",
    "src/lower/partition.ts",
    "min(hi, add(r.max, int(1)))",
    "min(hi, add(r.max, int(2)))",
  ),
  m(
    "partition: cascade at the wrong offset",
    "src/lower/cascade.ts",
    "simplifyIndex(mul(floordiv(r.rem, int(2 * w)), int(2 * w)), facts)",
    "simplifyIndex(mul(floordiv(r.rem, int(w)), int(w)), facts)",
  ),
  m(
    "vectorize: stride forgotten",
    "src/lower/vectorize.ts",
    "return ramp(start, simplifyIndex(coefficient, facts), this.#n);",
    "return ramp(start, int(1), this.#n);",
  ),
  m("cut lanes: every second lane", "src/lower/lanes.ts", "n + 2 * l - (n - 1)", "n + 2 * l - n"),
  m(
    "share: loads across a store",
    "src/lower/share.ts",
    "    if (d) this.#versions.set(",
    '    if (d && l.kind === "assign") this.#versions.set(',
  ),
  m("hoist: loads across a store", "src/lower/hoist.ts", "r = certain && !writes.has(e.buffer) &&", "r = certain &&"),
  m(
    "hoist: loads from under a condition",
    "src/lower/hoist.ts",
    "r = certain && !writes.has(e.buffer) &&",
    "r = !writes.has(e.buffer) &&",
  ),
  m(
    "promote: lanes beyond a partial write",
    "src/lower/promote.ts",
    "(l >= at && l < at + span.lanes ? n + l - at : l)",
    "(l >= at && l <= at + span.lanes - 1 ? n + l - at : 0)",
  ),
  m(
    "plan scratch: lives end inside loops",
    "src/lower/scratch.ts",
    "          l.last = Math.max(l.last, clock - 1);\n",
    "",
  ),
  m(
    "addresses: one pointer for accesses that differ outside",
    "src/lower/address.ts",
    ".slice(0, depth + 1)",
    ".slice(Math.max(0, depth), depth + 1)",
  ),
  m(
    "addresses: loops that do not start at 0",
    "src/lower/address.ts",
    "isConst(skip, 0) ? outer : add(outer, skip)",
    "outer",
  ),
  m(
    "addresses: immediates on what may lie before the buffer",
    "src/lower/address.ts",
    "if (moving >= 0) return",
    "return",
  ),
  m(
    "legalize: f16 products not rounded",
    "src/lower/legalize/f16.ts",
    "return EXACT.has(e.op) ? r : roundToHalf(r);",
    'return EXACT.has(e.op) || e.op === "mul" ? r : roundToHalf(r);',
  ),
  m(
    "legalize: unsigned saturation tested the wrong way",
    "src/lower/legalize/ops-fixed.ts",
    "select(lt(s, a), largest(a), s)",
    "select(lt(a, s), largest(a), s)",
  ),
  m(
    "contract: factors mixed up with the summand",
    "src/lower/contract.ts",
    'op("fma", [a.args[0]!, a.args[1]!, b])',
    'op("fma", [a.args[0]!, b, a.args[1]!])',
  ),
  // ---- versions
  m(
    "partition: every part begins at 0",
    "schedule/primitives/partition.ts",
    "isConst(bounds[i]!, 0) ? nest.var : add(nest.var, bounds[i]!)",
    "isConst(bounds[i]!, 0) ? nest.var : nest.var",
  ),
  m(
    "specialize, partition: copies read the memory of the original",
    "schedule/copy.ts",
    'x.kind === "load" && this.#buffers.has(x.buffer) ? load(this.#buffer(x.buffer), x.index) : x',
    "x",
  ),
  m(
    "specialize: the other side knows the same",
    "schedule/tree.ts",
    "go(s.otherwise, facts.withCondition(not(condition)), plain)",
    "go(s.otherwise, facts.withCondition(condition), plain)",
  ),
  m(
    "reverseComputeAt: computed on one side of a branch only",
    "schedule/primitives/reverse-compute-at.ts",
    "const w = writtenBy(underBranches(p, branches), p.loops, facts);",
    "const w = writtenBy(p.node, p.loops, facts);",
  ),
  // ---- layouts
  m(
    "transformLayout: fused dimensions may overlap",
    "src/arith/affine.ts",
    " !== 0 || !proveLe(x.extent, radix, f))",
    " !== 0)",
  ),
  m(
    "layouts: places simplified for axes one short",
    "src/lower/layouts.ts",
    "k.withVar(it.var, int(0), it.extent)",
    "k.withVar(it.var, int(0), add(it.extent, int(-1)))",
  ),
  m(
    "storageAlign: strides rounded down",
    "src/arith/layout.ts",
    "add(step, floormod(sub(int(a.offset), step), int(a.factor)))",
    "sub(step, floormod(sub(step, int(a.offset)), int(a.factor)))",
  ),
  m(
    "reindex: the copy does not ask where the block did",
    "schedule/primitives/reindex.ts",
    "if (open.length === 0) return whole;",
    "if (open.length === 0) return l;",
  ),
  // ---- arithmetic
  m(
    "arith: quotients of negative numbers",
    "src/arith/index-arith.ts",
    "const q = Math.floor(b.min / c);",
    "const q = Math.trunc(b.min / c);",
  ),
  m(
    "arith: remainder keeps a negative constant",
    "src/arith/index-arith.ts",
    "return { terms, constant: floorMod(l.constant, c) };\n}\nfunction nonNegative",
    "return { terms, constant: l.constant % c };\n}\nfunction nonNegative",
  ),
  m(
    "arith: clamp the wrong way round",
    "src/arith/rules-int.ts",
    'rule("max(min(x, c), d) = d", max(min(X, C), D), D, (b) => b.value(D) >= b.value(C))',
    'rule("max(min(x, c), d) = d", max(min(X, C), D), D, (b) => b.value(D) <= b.value(C))',
  ),
  // ---- code generation
  m(
    "codegen: halves packed in the wrong order",
    "codegen/wasm/convert.ts",
    "next.push(n.pack(a, list[i + 1]!, bits))",
    "next.push(n.pack(list[i + 1]!, a, bits))",
  ),
  m("codegen: masks widened with zeros", "codegen/wasm/compare.ts", "_s`, r);", "_u`, r);"),
  m(
    "codegen: saturating addition always signed",
    "codegen/wasm/arith.ts",
    '["addSat", UP_TO_16, "add_saturate_%"]',
    '["addSat", UP_TO_16, "add_saturate_s"]',
  ),
  m(
    "codegen: counts of narrow shifts not masked",
    "codegen/wasm/arith.ts",
    "safe ? b! : c.w.m.i32.and(b!, c.w.i32(bits - 1))",
    "safe ? b! : c.w.m.i32.and(b!, c.w.i32(31))",
  ),
  m("codegen: lane stores take the first lane", "codegen/wasm/memory.ts", "from?.lane ?? 0", "0"),
  m(
    "codegen: loops one step too long",
    "codegen/wasm/stmt.ts",
    "m.br_if(label, m.i32.lt_s(next, end()))",
    "m.br_if(label, m.i32.le_s(next, end()))",
  ),
  m(
    "codegen: loops that may not run run once",
    "codegen/wasm/stmt.ts",
    "runs ? loop : m.if(m.i32.lt_s(w.get(i), end()), loop)",
    "loop",
  ),
  m(
    "codegen: the sign of zero in max(x, 0)",
    "codegen/wasm/arith.ts",
    'if (e.op === "max" && Object.is(v, 0))',
    'if (e.op === "max" && Object.is(v, 1))',
  ),
  // ---- blocks and instructions
  m(
    "tensorize: lanes of a piece all from its start",
    "schedule/tensorize/lanes.ts",
    "return starts[r]! + at - runs[r]!.start;",
    "return starts[r]!;",
  ),
  m(
    "tensorize: later steps are not checked",
    "schedule/settle.ts",
    "  checkTensorized(before, done.func, primitive);\n",
    "",
  ),
  m(
    "blockize: the values of an axis overlap",
    "schedule/primitives/blockize.ts",
    "simplifyIndex(add(mul(iters[i]!.var, a.count), a.inner))",
    "simplifyIndex(add(iters[i]!.var, a.inner))",
  ),
  // ---- what loops carry
  m(
    "foldStorage: rows that do not exist",
    "schedule/primitives/fold-storage.ts",
    "const block = clipped({ ...b, iters, predicate }, ",
    "const block = ((x: Block, _: Facts) => x)({ ...b, iters, predicate }, ",
  ),
  m(
    "folded buffers: one iteration may write more than there is room for",
    "schedule/carried.ts",
    "const once = prove(lt(sub(ends.max, ends.min), int(factor)), base);",
    "const once = true;",
  ),
  m(
    "later steps may break what a loop carries",
    "schedule/settle.ts",
    "  keepCarried(before, func, primitive, done.replaced);\n",
    "",
  ),
  m(
    "doubleBuffer: one iteration too many",
    "schedule/primitives/double-buffer.ts",
    "const ends = lt(chosen, extent);",
    "const ends = lt(sub(chosen, int(1)), extent);",
  ),
  m(
    "allocate: what is kept at the root is made anew in each iteration",
    "src/lower/allocate.ts",
    'if (storeAt === "root" || carried.has(s.var) || s.loop === "vectorized") return here();',
    'if (carried.has(s.var) || s.loop === "vectorized") return here();',
  ),
  m(
    "addresses: rows of a folded buffer share a pointer",
    "src/lower/address.ts",
    "ids(s.starts, starts)",
    "ids(s.steps, steps)",
  ),
  m(
    "hoist guards: a test of the loop's own variable",
    "src/lower/guards.ts",
    "isPure(c) && !usesVar(c, (v) => v === s.var)",
    'isPure(c) && (!usesVar(c, (v) => v === s.var) || s.loop === "unrolled")',
  ),
  // ---- bodies with statements of their own
  m(
    "computeAt: loops of a body forgotten",
    "schedule/primitives/compute-at.ts",
    "for (const [v, range] of r.inner) ranges.set(v, range);",
    "",
  ),
  m(
    "vectorize: lanes share the memory of a body",
    "src/lower/vectorize.ts",
    "[add(mul(index[0]!, int(n)), lane)]",
    "[mul(index[0]!, int(n))]",
  ),
  m(
    "nest: some elements written count as all",
    "te/fill.ts",
    "region?.every((r, d) => isConst(r.min, 0) && r.extent === shape[d]) ?? false",
    "region !== undefined && shape.length > 0",
  ),
  m(
    "scatter: only some elements start as they should",
    "te/func.ts",
    "const own = source.over[homes.indexOf(d)];",
    "const own = source.over[Math.min(homes.indexOf(d), 0)];",
  ),
  m(
    "computeAt: inside the reduction whose init reads it",
    "schedule/primitives/compute-at.ts",
    "reductionNest(c).includes(l.node) && initReads(c.node, written)",
    "reductionNest(c).includes(l.node) && initReads(c.node, new Set())",
  ),
  m(
    "facts: arithmetic on data does not wrap",
    "src/arith/bounds.ts",
    '(e.dtype === "bool" || !WRAPPING.has(e.op) || indexPure(e, f, false) || inRange(e, f, true))',
    "(e.args.length > 0)",
  ),
  m(
    "computeWith: another element than the one finished",
    "schedule/in-step.ts",
    "read.index.every((i, d) => prove(eq(i, target[d]!), known))",
    "read.index.length > 0",
  ),
  m(
    "computeWith: a sum that goes on",
    "schedule/in-step.ts",
    "if (nest.some((l) => carrying.has(l.var))) return false;",
    "",
  ),
  m(
    "registers: another access to what is kept",
    "src/lower/keep.ts",
    "if (read && loads.every(mine) && stores.every(mine)) found.push(s);",
    "if (read) found.push(s);",
  ),
  m(
    "registers: not written back",
    "src/lower/keep.ts",
    "...places.map((p, n): Stmt => ({ ...p, value: registers[n]! })),",
    "",
  ),
  m("constants around a loop: told apart by one byte", "codegen/wasm/writer.ts", "full.join()", "String(full[0])"),
];

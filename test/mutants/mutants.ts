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
  // ---- primitives
  m(
    "split: guard one too far",
    "schedule/primitives/split.ts",
    "simplifyIndex(lt(value, extent), inner)",
    "simplifyIndex(lt(value, add(extent, int(1))), inner)",
  ),
  m(
    "split: radix of the wrong part",
    "schedule/primitives/split.ts",
    "add(mul(v, made[i]!.extent), x)",
    "add(mul(v, made[i - 1]!.extent), x)",
  ),
  m(
    "fuse: remainder by the wrong extent",
    "schedule/primitives/fuse.ts",
    "floormod(rest, n.extent)",
    "floormod(rest, nodes[0]!.extent)",
  ),
  m("reorder: scans forgotten", "schedule/primitives/reorder.ts", "    scanOrder(b, flipped, bad);\n", ""),
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
    "store(to, target, load(from, index))",
    "store(to, target, load(from, [...index].reverse()))",
  ),
  m(
    "cacheRead: copies what is not complete",
    "schedule/primitives/cache.ts",
    "find((w) => w.order > rootOrder)",
    "find((w) => w.order > p.order)",
  ),
  m(
    "reverseComputeAt, computeAt: reads of unwritten elements",
    "schedule/regions.ts",
    "if (!prove(inside, known) || !v.conditions.every((c) => prove(c(x), known))) return unproved;",
    "if (!v.conditions.every((c) => prove(c(x), known))) return unproved;",
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
    "if (!visitsOnce(p.node, p.loops.slice(at), factsIn(l.loops)))",
    "if (at < 0)",
  ),
  // ---- passes
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
    "place(f, p, p.loops.length - reductionNest(p).length)",
    "place(f, p, Math.min(p.loops.length, p.loops.length - reductionNest(p).length + 1))",
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
    '    if (d && s.kind === "assign") this.#versions.set(',
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
    "depth < 0 ? add(outer, skip) : outer",
  ),
  m(
    "addresses: immediates on what may lie before the buffer",
    "src/lower/address.ts",
    "if (offset >= 0 && moving >= 0)",
    "if (offset >= 0)",
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
];

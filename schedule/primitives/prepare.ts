import type { Block, BlockId, Func, Var } from "../../src/ir/index.ts";
import { varsOf, visitExprsIn } from "../../src/ir/index.ts";
import { note, PREPARED } from "../analysis.ts";
import { type Complaint, refuse } from "../error.ts";
import type { Outcome } from "../outcome.ts";
import { io, type Place, replaceStmt, treeOf, writersOf } from "../tree.ts";
import { findBlock } from "./find.ts";

const NAME = "prepare";
/**
 * Computes a block ahead of time: it becomes part of a step that runs once for all calls with the same constants, and what it writes
 * stays in memory for the kernel (packed weights, transformed filters). The constants are inputs made with `{ constant: true }`.
 *
 *     const W = placeholder("W", { k: 512, j: 512 }, "f32", { constant: true });
 *     s.prepare(s.cacheRead(C, W, "workspace"))     // k.prepare({ W: w }) copies it, calls no longer do
 *
 * Conditions:
 * 1. the block stands alone: no loop around it holds another block;
 * 2. it reads constants and what is prepared before, nothing else;
 * 3. it alone writes its buffers, which are intermediates in memory: neither results nor registers;
 * 4. neither sizes nor scalars decide what it computes: they are not known before a call.
 *
 * All handles survive. Later steps that would break a condition are refused.
 */
export function prepare(f: Func, block: BlockId): Outcome {
  const p = findBlock(f, block);
  const problem = prepareProblem(f, p);
  if (problem) refuse(f, { primitive: NAME, ...problem });
  return { func: replaceStmt(f, p.node, note(p.node, { [PREPARED]: true })) };
}

export const isPrepared = (b: Block): boolean => b.annotations?.[PREPARED] === true;

/** What keeps a block from being computed ahead of time. */
function prepareProblem(f: Func, p: Place<Block>): Omit<Complaint, "primitive"> | undefined {
  const name = p.node.id.name;
  const other = p.path.findIndex((s) => s.kind === "seq" && s !== f.body);
  const conditional = p.path.find((s) => s.kind !== "seq" && s.kind !== "for");
  if (other >= 0 || conditional) {
    const neighbour = [...treeOf(f).blocks.values()].find((x) => x !== p && x.loops[0] && x.loops[0] === p.loops[0]);
    return {
      condition: 1,
      code: "not-alone",
      message: neighbour
        ? `block ${name} stands in one nest with ${neighbour.node.id.name}`
        : `block ${name} stands inside a branch`,
      marks: [p.node.id, ...(p.loops[0] ? [p.loops[0].var] : [])],
      legal: [`prepare(${name}) before it is moved`],
    };
  }
  const { reads, writes } = io(p.node);
  for (const b of reads) {
    if (writes.has(b) || b.constant) continue;
    const makers = writersOf(f, b);
    if (makers.length > 0 && makers.every((w) => isPrepared(w.node) && w.order < p.order)) continue;
    const maker = makers[0]?.node.id;
    return {
      condition: 2,
      code: "reads",
      message: `block ${name} reads ${b.name}, which is ${maker ? `computed by ${maker.name} at every call` : "an input that may differ from call to call"}`,
      marks: [p.node.id, ...(maker ? [maker] : [])],
      legal: [maker ? `prepare(${maker.name}) first` : `placeholder("${b.name}", ..., { constant: true })`],
    };
  }
  for (const b of writes) {
    const writer = writersOf(f, b).find((w) => w.node !== p.node);
    const why = f.outputs.includes(b)
      ? "is a result"
      : b.scope !== "global" && b.scope !== "workspace"
        ? `lives in ${b.scope} memory`
        : writer
          ? `is written by ${writer.node.id.name} too`
          : undefined;
    if (why)
      return {
        condition: 3,
        code: "writes",
        message: `${b.name}, which block ${name} writes, ${why}`,
        marks: [p.node.id, ...(writer ? [writer.node.id] : [])],
        legal: f.outputs.includes(b)
          ? [`prepare of the blocks that ${name} reads`]
          : writer
            ? [`prepare(${name}) before decomposeReduction`]
            : [`setScope(${name}, "workspace")`],
      };
  }
  const parameter = parameterIn(f, p);
  if (parameter)
    return {
      condition: 4,
      code: "parameter",
      message: `block ${name} depends on ${parameter.name}, which is not known before a call`,
      marks: [p.node.id],
      legal: [`a constant in place of ${parameter.name}`],
    };
  return undefined;
}

function parameterIn(f: Func, p: Place<Block>): Var | undefined {
  const used = new Set<Var>();
  for (const l of p.loops) varsOf(l.extent, used);
  visitExprsIn(p.node, (e) => void (e.kind === "var" && used.add(e)));
  for (const b of [...io(p.node).reads, ...io(p.node).writes]) for (const e of b.shape) varsOf(e, used);
  return [...f.sizes, ...f.scalars].find((v) => used.has(v));
}

/** Refuses a step after which something that is computed ahead of time no longer could be. */
export function keepPrepared(before: Func, after: Func, primitive: string): void {
  for (const p of treeOf(after).blocks.values()) {
    if (!isPrepared(p.node)) continue;
    const problem = prepareProblem(after, p);
    if (!problem) continue;
    const marks = problem.marks?.filter((m) => treeOf(before).blocks.has(m as BlockId)) ?? [];
    refuse(before, {
      primitive,
      condition: 0,
      code: "prepared",
      message: `${p.node.id.name} is computed ahead of time, and then ${problem.message}`,
      marks,
      legal: [`${primitive} of other blocks`, `${primitive} before prepare(${p.node.id.name})`],
    });
  }
}

/** Finding what a primitive works on; handles have been checked by then, so what is missing is our own mistake. */
import { type Block, type BlockId, type For, type Func, IrError, type Var } from "../../src/ir/index.ts";
import { type Complaint, refuse } from "../error.ts";
import { type Place, treeOf } from "../tree.ts";

export function findLoop(f: Func, v: Var): Place<For> {
  const p = treeOf(f).loops.get(v);
  if (!p) throw new IrError(`no loop ${v.name} in ${f.name}`);
  return p;
}
export function findBlock(f: Func, b: BlockId): Place<Block> {
  const p = treeOf(f).blocks.get(b);
  if (!p) throw new IrError(`no block ${b.name} in ${f.name}`);
  return p;
}
/** Refuses loops that have a kind already: they would lose it. */
export function needSerial(
  f: Func,
  primitive: string,
  condition: number,
  loops: readonly For[],
  legal?: Complaint["legal"],
): void {
  const l = loops.find((x) => x.loop !== "serial");
  if (l)
    refuse(f, {
      primitive,
      condition,
      code: "kind",
      message: `loop ${l.var.name} is ${l.loop} already; do this before it becomes that`,
      marks: [l.var],
      ...(legal ? { legal } : {}),
    });
}
export const listNames = (vs: Iterable<{ readonly name: string }>): string => [...vs].map((v) => v.name).join(", ");

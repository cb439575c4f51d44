/** What holds of loops that are bound to a GPU's grid, and of loops that run apart: how they may stand inside each other. */
import { constInt, type For, type Func, type GridIndex, printExpr, type Stmt, visitStmt } from "../src/ir/index.ts";
import type { Complaint } from "./error.ts";
import { type Place, treeOf } from "./tree.ts";

export const INDICES: readonly GridIndex[] = [
  "workgroup.x",
  "workgroup.y",
  "workgroup.z",
  "local.x",
  "local.y",
  "local.z",
];
/** Invocations of one workgroup: no WebGPU device allows more. */
export const INVOCATIONS = 1024;

export type GridKind = "lanes" | "twice" | "order" | "extent" | "invocations";
export type GridProblem = Pick<Complaint, "message" | "marks"> & { readonly code: GridKind };

const isLocal = (l: For): boolean => l.bind?.startsWith("local.") === true;

/** Lanes run together, so no loop whose iterations run apart stands inside a vectorized one. */
export function lanesAround(p: Place<For>): GridProblem | undefined {
  const lanes = p.loops.find((x) => x.loop === "vectorized");
  const { name } = p.node.var;
  return (
    lanes && {
      code: "lanes",
      message: `loop ${lanes.var.name}, around ${name}, is vectorized: its lanes run together`,
      marks: [lanes.var, p.node.var],
    }
  );
}

/** What is wrong with the place of a bound loop. */
export function gridProblem(f: Func, p: Place<For>): GridProblem | undefined {
  const l = p.node;
  const { name } = l.var;
  const inside: For[] = [];
  visitStmt(l.body, (s) => void (s.kind === "for" && inside.push(s)));
  const path = [...p.loops, ...inside].filter((x) => x.bind !== undefined);
  const twice = path.find((x) => x.bind === l.bind);
  if (twice)
    return {
      code: "twice",
      message: `loop ${twice.var.name}, ${p.loops.includes(twice) ? "around" : "inside"} ${name}, is bound to ${l.bind} already`,
      marks: [twice.var, l.var],
    };
  const local = isLocal(l) ? l : p.loops.find(isLocal);
  const group = isLocal(l) ? inside.find((x) => x.bind !== undefined && !isLocal(x)) : l;
  if (local && group)
    return {
      code: "order",
      message: `loop ${group.var.name}, bound to ${group.bind}, would stand inside ${local.var.name}, bound to ${local.bind}: workgroups hold invocations`,
      marks: [local.var, group.var],
    };
  if (!isLocal(l)) return undefined;
  if (constInt(l.extent) === undefined)
    return {
      code: "extent",
      message: `the extent of loop ${name} is ${printExpr(l.extent)}, not a constant: a workgroup has a fixed size`,
      marks: [l.var],
    };
  const sizes = workgroupOf(f, p);
  const total = [...sizes.values()].reduce((n, x) => n * constInt(x.extent)!, 1);
  if (total <= INVOCATIONS) return undefined;
  const text = [...sizes].map(([i, x]) => `${x.var.name} ${constInt(x.extent)} (${i})`).join(", ");
  return {
    code: "invocations",
    message: `with loop ${name} a workgroup has ${total} invocations: ${text}; WebGPU allows ${INVOCATIONS} at most`,
    marks: [...sizes.values()].map((x) => x.var),
  };
}

/** The longest loop bound to each local index in the nest of a loop: they share one workgroup. */
function workgroupOf(f: Func, p: Place<For>): Map<GridIndex, For> {
  const top = [...p.loops, p.node].find((x) => x.bind !== undefined)!;
  const out = new Map<GridIndex, For>();
  const put = (s: Stmt): void => {
    if (s.kind !== "for" || !isLocal(s)) return;
    const old = out.get(s.bind!);
    if (old === undefined || (constInt(old.extent) ?? 0) < (constInt(s.extent) ?? 0)) out.set(s.bind!, s);
  };
  visitStmt(treeOf(f).loops.get(top.var)!.node, put);
  return new Map(INDICES.flatMap((i) => (out.has(i) ? [[i, out.get(i)!] as const] : [])));
}

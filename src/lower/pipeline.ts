/**
 * The pipeline: from a scheduled function to what a code generator emits. One line per pass, in the order they run; each
 * pass's file says what it does and what must hold. `onStage` sees the function after every pass.
 */
import { settleTensorized } from "../../schedule/index.ts";
import { Facts } from "../arith/index.ts";
import { type Buffer, type Expr, type Func, int, type Stmt, variable, withBody } from "../ir/index.ts";
import type { Abi, Lowered, Target } from "../target/index.ts";
import { abiOf } from "./abi.ts";
import { addresses, type Bases } from "./address.ts";
import { allocate } from "./allocate.ts";
import { dissolveBlocks } from "./blocks.ts";
import { contract } from "./contract.ts";
import { flatten } from "./flatten.ts";
import { forward } from "./forward.ts";
import { hoistGuards } from "./guards.ts";
import { hoistInvariants } from "./hoist.ts";
import { initReductions } from "./init.ts";
import { keepInRegisters } from "./keep.ts";
import { cutLanes } from "./lanes.ts";
import { applyLayouts } from "./layouts.ts";
import { legalizeRest, legalizeValues } from "./legal.ts";
import { partitionLoops } from "./partition.ts";
import { splitPrepared } from "./prepare.ts";
import { type LowerWarning, promoteLocals } from "./promote.ts";
import { planScratch } from "./scratch.ts";
import { serialize } from "./serial.ts";
import { share } from "./share.ts";
import { simplifyStmt } from "./simplify.ts";
import { speculate } from "./speculate.ts";
import { tensorize } from "./tensorize.ts";
import { unroll } from "./unroll.ts";
import { vectorize } from "./vectorize.ts";

export interface LowerOptions {
  /** Called after each pass with its name and the function (the last stage only has a statement). */
  readonly onStage?: (name: string, stage: Func) => void;
}
export interface LowerResult extends Lowered {
  readonly prepare?: LowerResult;
  /** Those of the preparation step included. */
  readonly warnings: readonly LowerWarning[];
}

export function lowerFunc(scheduled: Func, target: Target, options: LowerOptions = {}): LowerResult {
  options.onStage?.("scheduled", scheduled);
  let f = scheduled;
  const pass = (name: string, run: (f: Func) => Func): void => {
    f = run(f);
    options.onStage?.(name, f);
  };
  pass("settle intrinsics", settleTensorized);
  pass("init reductions", initReductions);
  const { main, prepare } = splitPrepared(f);
  if (!prepare) return lowerPart(main, target, options.onStage);
  const first = lowerPart(prepare, target, (name, x) => options.onStage?.(`prepare: ${name}`, x));
  const l = lowerPart(main, target, options.onStage);
  const names = new Set(prepare.outputs.map((b) => b.name));
  const shared = (of: Abi): Abi => {
    const params = of.params.map((p) =>
      (p.role === "input" || p.role === "output") && names.has(p.name) ? ({ ...p, role: "prepared" } as const) : p,
    );
    return { ...of, params };
  };
  const step = { ...first, abi: shared(first.abi) };
  const abi = { ...shared(l.abi), prepare: step.abi };
  return { ...l, abi, prepare: step, warnings: [...first.warnings, ...l.warnings] };
}

/** One function, from blocks to addresses. */
function lowerPart(part: Func, target: Target, onStage: LowerOptions["onStage"]): LowerResult {
  const warnings: LowerWarning[] = [];
  let f = part;
  const pass = (name: string, run: (f: Func) => Func): void => {
    f = run(f);
    onStage?.(name, f);
  };
  const simplify = (x: Func): Func => withBody(x, simplifyStmt(x.body, Facts.empty));

  const { func: placed, logical } = applyLayouts(f);
  pass("layouts", () => placed);
  pass("allocate", (x) => allocate(x, logical));
  pass("serialize", serialize);
  pass("dissolve blocks", dissolveBlocks);
  pass("flatten", (x) => simplify(flatten(x).func));
  pass("tensorize", (x) => simplify(tensorize(x, target, (w) => warnings.push(w))));
  pass("hoist guards", hoistGuards);
  pass("speculate on data", (x) => speculate(x, "data"));
  pass("partition loops", (x) => partitionLoops(x));
  pass("speculate", (x) => speculate(x, "all"));
  pass("vectorize", (x) => simplify(vectorize(x)));
  pass("legalize", (x) => legalizeValues(x, target));
  pass("cut lanes", (x) => cutLanes(x, target));
  pass("unroll", (x) => simplify(unroll(x)));
  pass("promote locals", (x) => promoteLocals(x, (w) => warnings.push(w)));
  pass("forward", forward);
  pass("keep in registers", keepInRegisters);
  pass("contract", (x) => contract(x, target));
  pass("share", share);
  pass("hoist", hoistInvariants);

  const { func, offsets, total } = planScratch(f);
  onStage?.("plan scratch", func);
  const pointers = new Map<Buffer, { pointer: ReturnType<typeof variable>; offset: Expr }>();
  for (const b of [...func.inputs, ...func.outputs]) pointers.set(b, { pointer: variable(b.name), offset: int(0) });
  const scratch = variable("scratch");
  for (const [b, offset] of offsets) pointers.set(b, { pointer: scratch, offset });
  const bases: Bases = pointers;
  const body: Stmt = legalizeRest(addresses(func, bases), target);
  onStage?.("addresses", withBody(func, body));
  return {
    name: f.name,
    params: [
      ...[...func.inputs, ...func.outputs].map((b) => pointers.get(b)!.pointer),
      ...func.sizes,
      ...func.scalars,
      scratch,
    ],
    abi: abiOf(placed, total),
    body,
    warnings,
  };
}

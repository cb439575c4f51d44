// biome-ignore-all lint/suspicious/noExplicitAny: programs are built from data, so no static type can follow them
/** Stages that read neighbours of the stage before along one axis: what sliding windows are for. */
import * as te from "../../te/index.ts";
import type { StageSpec, Value } from "./program.ts";
import type { Workshop } from "./written.ts";

/** Two or three stages in a row; the last one may look back at the first. */
export function windowStages(s: StageSpec, src: Value, w: Workshop): boolean {
  const d = src.tensor.dtype;
  const axis = s.x % 4 === 3 ? src.shape.length - 1 : 0;
  if (d === "bool" || src.real[axis]! < 2) return false;
  let last = src;
  const made: Value[] = [];
  for (let n = 0; n < 2 + (s.y % 2); n++) {
    const next = windowStage(
      { ...s, x: s.x + n * s.z, z: s.z + n },
      last,
      made.length > 1 ? made[0] : undefined,
      axis,
      w,
    );
    if (next === undefined) break;
    w.add(next);
    made.push(next);
    last = next;
  }
  return made.length > 0;
}

function windowStage(s: StageSpec, src: Value, back: Value | undefined, axis: number, w: Workshop): Value | undefined {
  const [real, given] = [src.real[axis]!, src.shape[axis]];
  const [taps, gap] = [1 + (s.x % 4), 1 + (s.y % 5 === 1 ? 1 : 0)];
  const clamped = s.z % 3 === 0 || typeof given !== "number";
  const step = clamped ? 1 : 1 + (s.z % 4 === 1 ? 1 : 0);
  const span = (taps - 1) * gap;
  const out = clamped ? real : Math.floor((real - span - 1) / step) + 1;
  if (out < 1) return undefined;
  const put = (list: readonly any[], n: any): any[] => list.map((e, i) => (i === axis ? n : e));
  const shape = put(src.shape, clamped ? given : out);
  const reals = put(src.real, out);
  const edges = [te.repeatEdge, te.mirrorEdge, te.constantEdge, te.repeatEdge];
  const edge: any = edges[s.y % 4];
  const from: any = clamped ? (edge === te.constantEdge ? edge(src.tensor, 1) : edge(src.tensor)) : src.tensor;
  const shift = clamped ? s.x % (span + 1) : 0;
  const body = (ix: any[]): any => {
    const at = (n: number): any => from.at(...put(ix, ix[axis].mul(step).add(n * gap - shift)));
    if (s.z % 5 < 2 && !clamped)
      return te.sum({ r: taps } as any, ({ r }: any) => from.at(...put(ix, ix[axis].mul(step).add(r.mul(gap)))));
    let e = at(0);
    for (let n = 1; n < taps; n++) e = s.y % 2 === 0 ? e.add(at(n)) : e.max(at(n));
    const same = back?.shape.every((x, i) => x === shape[i] || (typeof x === "number" && back.real[i]! >= reals[i]!));
    return same ? e.add((back!.tensor as any).at(...ix)) : taps === 1 ? e.add(1) : e;
  };
  const axes = Object.fromEntries(shape.map((e, n) => [`a${n}`, e]));
  const tensor = te.compute(w.name("L"), axes, ((ax: any) => body(shape.map((_, n) => ax[`a${n}`]))) as any);
  return { tensor: tensor as unknown as Value["tensor"], shape, real: reals };
}

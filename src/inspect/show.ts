/** A schedule as text with what it costs: the loop nest, and beside each line how often it runs and what it moves. */
import { Schedule, schedule } from "../../schedule/index.ts";
import type { AnyTensor, TensorRecord } from "../../te/index.ts";
import { type BlockId, bytesOf, printFunc, TilewrightError, type Var } from "../ir/index.ts";
import { wasm } from "../target/index.ts";
import { warningsOf } from "./analyze.ts";
import { pageOf } from "./html/page.ts";
import {
  type BufferQuantities,
  type Level,
  type Quantities,
  type QuantityOptions,
  quantitiesOf,
} from "./quantities.ts";
import { bytesText, counted, short } from "./text.ts";

export interface ShowOptions extends QuantityOptions {
  /** A page of HTML instead of text: one file that needs nothing else. Default: false. */
  readonly html?: boolean;
}
const OPTIONS: readonly string[] = ["sizes", "target", "html"] satisfies (keyof ShowOptions)[];
function checkOptions(x: unknown): void {
  const fail = (message: string): never => {
    throw new TilewrightError("inspect-options", `show: ${message}`);
  };
  const isRecord = (y: unknown): y is object => typeof y === "object" && y !== null && !Array.isArray(y);
  if (!isRecord(x)) return fail(`the options are ${x === null ? "null" : typeof x}, not a record`);
  const { sizes, target, html } = x as Readonly<Record<string, unknown>>;
  for (const k of Object.keys(x))
    if (!OPTIONS.includes(k)) fail(`there is no option "${k}": there are ${OPTIONS.join(", ")}`);
  if (html !== undefined && typeof html !== "boolean") fail(`html is ${String(html)}, but true or false was expected`);
  if (sizes !== undefined && !isRecord(sizes)) fail("sizes are no record of numbers by name");
  if (target !== undefined && !(isRecord(target) && "kind" in target)) fail("target is none: expected wasm(...)");
}

function levelText(l: Level): string {
  if (l.runs === 0) return "";
  const moves = l.bytes === 0 ? "" : `moves ${bytesText(l.bytes)}`;
  if (l.ops === 0) return moves && `: ${moves}`;
  const both = [counted(l.ops, "op"), ...(moves ? [moves, `${short(l.intensity)} ops per byte`] : [])];
  return `: ${both.join(", ")}`;
}

function bufferText({ buffer, shape, bytes }: BufferQuantities): string {
  const logical = buffer.shape.length === shape.length ? "" : ` as [${shape.join(", ")}]`;
  const scope = buffer.scope === "global" ? "" : ` in ${buffer.scope}`;
  return `${buffer.name}: ${bytesText(bytes)}${scope}, ${shape.join(" x ") || 1} of ${bytesText(bytesOf(buffer.dtype))}${logical}`;
}
function note(q: Quantities, subject: object): string {
  const loop = q.loops.get(subject as Var);
  if (loop) return `${short(loop.runs)} x ${short(loop.extent)}${levelText(loop)}`;
  const block = q.blocks.get(subject as BlockId);
  return block ? `${counted(block.points, "point")}, ${counted(block.ops, "op")} each` : "";
}

/**
 * The loop nest with what it costs: beside each loop how often it runs, with how many iterations, and what one run of it
 * computes and moves (bytes that cross it; what lives inside or in registers is left out).
 *
 *     console.log(show(s));
 *     console.log(show(s, { sizes: { n: 1000 } }));
 *     await writeFile("gemm.html", show(s, { html: true }));
 *
 * As HTML: the nest as a tree, for each loop the regions it touches, the buffers, what `analyze` warns of, and the trace step by
 * step. The page loads nothing; the same schedule gives the same page. Throws TilewrightError `inspect-sizes` where a symbolic
 * size has no value, `inspect-options` for options that make no sense, and what lowering throws.
 */
export function show(x: Schedule<unknown> | AnyTensor | TensorRecord, options: ShowOptions = {}): string {
  checkOptions(options);
  const { html, sizes: given, target = wasm() } = options;
  const s: Schedule<unknown> = x instanceof Schedule ? x : schedule(x as AnyTensor);
  const q = quantitiesOf(s.func, { ...(given ? { sizes: given } : {}), target });
  if (html) return pageOf(s, q, warningsOf(s, target, q));
  const notes = new Map<number, string>();
  const lines = printFunc(s.func, { onLine: (subject, line) => notes.set(line, note(q, subject)) }).split("\n");
  const width = Math.min(64, Math.max(...[...notes.keys()].map((n) => lines[n]!.length)));
  const sizes = [...q.sizes].map(([v, n]) => `${v.name} = ${n}`);
  const nest = lines.map((l, n) => (notes.get(n) ? `${l.padEnd(width)}  # ${notes.get(n)}` : l));
  const total = `whole: 1 run${levelText(q.whole)}`;
  return [...sizes, ...nest, "", ...q.buffers.map(bufferText), total].join("\n");
}

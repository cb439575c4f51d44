/** A schedule as text with what it costs: the loop nest, and beside each line how often it runs and what it moves. */
import { type BlockId, bytesOf, printFunc, type Var } from "../ir/index.ts";
import { wasm } from "../target/index.ts";
import { warningsOf } from "./analyze.ts";
import { pageOf } from "./html/page.ts";
import { checkOptions, type Inspectable, type Rule, scheduleOf } from "./options.ts";
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
const RULES: { readonly [K in keyof ShowOptions]-?: Rule } = { sizes: "record", target: "target", html: "boolean" };

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
 * size has no value, `size-range` where one has a value that `dim` excludes, `inspect-options` for options that make no sense,
 * and what lowering throws.
 */
export function show(x: Inspectable, options: ShowOptions = {}): string {
  checkOptions("show", options, RULES);
  const { html, sizes: given, target = wasm() } = options;
  const s = scheduleOf(x);
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

/** What all parts of the page share: names as the printer gives them, a key for each loop and block, and what is known of it. */
import { treeOf } from "../../../schedule/index.ts";
import { type Block, type Buffer, type For, type Func, type Names, printStmt } from "../../ir/index.ts";
import { namesOf } from "../names.ts";
import type { Quantities } from "../quantities.ts";
import type { Warning } from "../types.ts";

export class View {
  readonly func: Func;
  readonly quantities: Quantities;
  readonly warnings: readonly Warning[];
  readonly names: Names;
  /** Loops and blocks in program order. */
  readonly nodes: readonly (For | Block)[];
  readonly #keys = new Map<object, string>();
  readonly #buffers: ReadonlyMap<Buffer, string>;

  constructor(func: Func, quantities: Quantities, warnings: readonly Warning[]) {
    this.func = func;
    this.quantities = quantities;
    this.warnings = warnings;
    this.names = namesOf(func);
    const { loops, blocks } = treeOf(func);
    const places = [...loops.values(), ...blocks.values()].sort((a, b) => a.order - b.order);
    this.nodes = places.map((p) => p.node);
    for (const [n, p] of this.nodes.entries()) this.#keys.set(p.kind === "for" ? p.var : p.id, `n${n + 1}`);
    this.#buffers = new Map(quantities.buffers.map((b, n) => [b.buffer, `b${n}`]));
  }
  /** The key of a loop (by variable) or block (by id). */
  key(subject: object): string {
    return this.#keys.get(subject)!;
  }
  /** The key of a buffer; a block's own scratch memory has none. */
  bufferKey(b: Buffer): string | undefined {
    return this.#buffers.get(b);
  }
  /** Warnings that mean a loop or a block. */
  warningsAt(subject: object): Warning[] {
    return this.warnings.filter(
      (w) => w.loops.some((l) => l.var === subject) || w.blocks.some((b) => b.id === subject),
    );
  }
}
/** A block's lines as the printer writes them, in parts. */
export function blockText(b: Block, v: View): { readonly where: string; readonly note: string; readonly body: string } {
  const [header = "", ...body] = printStmt(b, {}, v.names).split("\n");
  const [head = "", ...notes] = header.slice(`block ${b.id.name}`.length).split(":  # ");
  return {
    where: head.replace(/:$/, ""),
    note: notes.join(":  # "),
    body: body.map((line) => line.slice(2)).join("\n"),
  };
}
/** The key of the whole function. */
export const WHOLE = "n0";

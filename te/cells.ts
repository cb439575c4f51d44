// biome-ignore-all lint/suspicious/noExplicitAny: `any` as a type argument means "whatever facts", and must not be checked
/** Memory inside of a hand-written nest: its results, as far as they stand at the nest's axes, and what it allocates. */
import { type Buffer, type DType, load, type Expr as Node } from "../src/ir/index.ts";
import { clampIndex, indexList, inside, missingConditions, unlessEmpty, vouch } from "./access.ts";
import type { Known } from "./bounds.ts";
import { operand } from "./build.ts";
import { TeError } from "./error.ts";
import { type Expr, wrap } from "./expr.ts";
import { dependsOnData, where } from "./scope.ts";
import { brief } from "./text.ts";
import type { Arg, Index, IndexArgs, Shape } from "./types.ts";

/** What reads and writes become part of. */
export interface Writer {
  /** Throws unless the nest's body is running. */
  readonly open: () => void;
  readonly known: () => Known;
  /** The value now, whatever is stored later. */
  readonly keep: (name: string, value: Node) => Node;
  readonly store: (buffer: Buffer, index: readonly Node[], value: Node, conditions: readonly Node[]) => void;
}
type At<L extends string, S extends Shape> =
  | { readonly [K in keyof S]: Index }
  | ([L] extends [never] ? never : { readonly [K in L]: Index });

/**
 * Elements that a nest reads and writes. Reading gives the value at that point of the program: what is stored later doesn't
 * change it.
 *
 *     total.store([], total.at().add(A.at(i)));
 */
export class Cells<D extends DType = DType, L extends string = string, S extends Shape = Shape> {
  readonly name: string;
  readonly dtype: D;
  readonly axes: readonly L[];
  readonly #buffer: Buffer;
  /** Axes of the nest: the leading indices. */
  readonly #outer: readonly Node[];
  readonly #writer: Writer;

  constructor(name: string, buffer: Buffer, axes: readonly L[], outer: readonly Node[], writer: Writer) {
    this.name = name;
    this.dtype = buffer.dtype as D;
    this.axes = axes;
    this.#buffer = buffer;
    this.#outer = outer;
    this.#writer = writer;
  }
  /**
   * The element at an index, as it is now. Throws TeError for an index that can't be proven inside; one that depends on data is
   * clamped (see `asserted`).
   */
  at(...index: IndexArgs<L, S>): Expr<D, never> {
    this.#writer.open();
    const { nodes, asserted } = indexList(this.#readable(), index as readonly unknown[]);
    const known = this.#writer.known();
    const clamped: Node[] = [];
    const inner = nodes.map((i, d) => {
      const extent = this.#extent(d);
      if (asserted[d] || this.#missing(i, d, known).length === 0) return i;
      if (!dependsOnData(i)) throw this.#outside(i, d, known, "read");
      clamped.push(extent);
      return clampIndex(i, extent);
    });
    const element = vouch(load(this.#buffer, [...this.#outer, ...inner]));
    return wrap(this.#writer.keep(this.name, unlessEmpty(element, clamped, known.facts)));
  }
  /**
   * Writes an element. Throws TeError for an index that can't be proven inside; where one that depends on data is outside,
   * nothing is written (see `asserted`).
   */
  store(index: At<L, S>, value: Arg<D, any>): void {
    this.#writer.open();
    const list = Array.isArray(index) ? index : [index];
    const { nodes, asserted } = indexList(this.#readable(), list);
    const known = this.#writer.known();
    const conditions: Node[] = [];
    const inner = nodes.map((i, d) => {
      if (asserted[d] || this.#missing(i, d, known).length === 0) return i;
      if (!dependsOnData(i)) throw this.#outside(i, d, known, "write");
      // looked at and used: memory must not say two different things
      const kept = i.kind === "var" ? i : this.#writer.keep(this.axes[d] ?? `i${d}`, i);
      conditions.push(...inside(kept, this.#extent(d)));
      return kept;
    });
    const node = operand(value, this.dtype, `store to "${this.name}"`);
    this.#writer.store(this.#buffer, [...this.#outer, ...inner], node, conditions);
  }

  #extent(d: number): Node {
    return this.#buffer.shape[this.#outer.length + d]!;
  }
  #readable(): Parameters<typeof indexList>[0] {
    return {
      name: this.name,
      axes: this.axes,
      buffer: { ...this.#buffer, shape: this.#buffer.shape.slice(this.#outer.length) },
    };
  }
  #missing(i: Node, d: number, known: Known): Node[] {
    return missingConditions(i, this.#extent(d), known.facts).filter((c) => !known.given.has(c));
  }
  #outside(i: Node, d: number, known: Known, what: "read" | "write"): TeError {
    const first = this.#missing(i, d, known)[0]!;
    const low = first.kind === "op" && first.op === "ge";
    return new TeError(
      "te.bounds",
      `${where()}index ${d} of the ${what} of "${this.name}", ${brief(i)}, can't be proven to be ` +
        `${low ? "at least 0" : `below ${brief(this.#extent(d))}`}. Shorten the loops, put it into b.if(condition, ...), ` +
        "or vouch for the index with asserted(...)",
    );
  }
}

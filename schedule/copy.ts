/** Copies of a loop nest: other loops, other blocks, and other memory for what lives and dies inside. */
import {
  type Block,
  type BlockId,
  type Buffer,
  type Expr,
  type For,
  type Func,
  load,
  mapExpr,
  rebuildStmt,
  type Stmt,
  type Var,
  variable,
  visitStmt,
} from "../src/ir/index.ts";
import { feeding, isUpdate, TWIN } from "./analysis.ts";
import type { Handle } from "./outcome.ts";
import { blocksIn, bufferName, freshName, io, mapBlocks, type Place, treeOf } from "./tree.ts";

/** What stands for what in one copy. */
export interface Copy {
  readonly loops: ReadonlyMap<Var, Var>;
  readonly blocks: ReadonlyMap<BlockId, BlockId>;
}
/** A nest several times: the one that was there, and copies by name. */
export interface Copies {
  readonly original: Stmt;
  readonly copies: ReadonlyMap<string, Copy & { readonly stmt: Stmt }>;
  /** The copies' own. */
  readonly buffers: readonly Buffer[];
}

/**
 * Copies the nest at a loop once for each name, which is added to the names of its blocks and buffers. All versions of a block
 * are noted to be twins. `across`: other iterations of the loop run in other copies, so what one iteration leaves to the next
 * is shared.
 */
export function copies(f: Func, p: Place<For>, names: readonly string[], across: boolean): Copies {
  const taken = new Set([...treeOf(f).blocks.keys()].map((b) => b.name));
  const buffers: Buffer[] = [];
  const own = ownBuffers(f, p, across);
  const original = mapBlocks(p.node, (b) => {
    const twin = b.annotations?.[TWIN] ?? b.id.name;
    return { ...b, annotations: { ...b.annotations, [TWIN]: twin } };
  });
  const fresh = (name: string): string => {
    const unused = freshName(name, taken);
    taken.add(unused);
    return unused;
  };
  const made = new Map(
    names.map((suffix) => {
      const map = new Map<Buffer, Buffer>();
      for (const b of own) {
        const known = { ...f, intermediates: [...f.intermediates, ...buffers] };
        const copy: Buffer = Object.freeze({ ...b, name: bufferName(known, `${b.name}.${suffix}`) });
        map.set(b, copy);
        buffers.push(copy);
      }
      return [suffix, new Copier(map, (b) => fresh(`${b.name}.${suffix}`)).copy(original)];
    }),
  );
  return { original, copies: made, buffers };
}

/** Buffers whose contents live and die in the nest, or (`across`) in one iteration of its loop. */
function ownBuffers(f: Func, p: Place<For>, across: boolean): Buffer[] {
  const inside = new Set(blocksIn(p.node));
  const all = [...treeOf(f).blocks.values()];
  const outer = new Set([...p.loops, ...(across ? [p.node] : [])].map((l) => l.var));
  const kept = new Set(p.loops.map((l): Block["storeAt"] => l.var)).add("root");
  return f.intermediates.filter((b) => {
    const users = all.filter((x) => io(x.node).reads.has(b) || io(x.node).writes.has(b));
    return (
      users.length > 0 &&
      users.every(({ node }) => {
        if (!inside.has(node)) return false;
        if (!io(node).writes.has(b)) return true;
        const carried = isUpdate(node) && [...feeding(node, "reduction", "ordered")].some((v) => outer.has(v));
        return !carried && (node.storeAt === undefined || !kept.has(node.storeAt));
      })
    );
  });
}

class Copier {
  readonly #vars = new Map<Var, Var>();
  readonly #loops = new Map<Var, Var>();
  readonly #blocks = new Map<BlockId, BlockId>();
  readonly #buffers: Map<Buffer, Buffer>;
  readonly #name: (b: BlockId) => string;
  readonly #memo = new Map<Expr, Expr>();

  constructor(buffers: Map<Buffer, Buffer>, name: (b: BlockId) => string) {
    this.#buffers = buffers;
    this.#name = name;
  }
  copy(s: Stmt): Copy & { readonly stmt: Stmt } {
    const fresh = (v: Var): Var => {
      const copy = variable(v.name, v.dtype, { lanes: v.lanes });
      this.#vars.set(v, copy);
      return copy;
    };
    let inBlock = 0;
    const name = (x: Stmt): void => {
      if (x.kind === "for") {
        const v = fresh(x.var);
        if (inBlock === 0) this.#loops.set(x.var, v);
      } else if (x.kind === "let") fresh(x.var);
      else if (x.kind === "block") {
        for (const it of x.iters) fresh(it.var);
        this.#blocks.set(x.id, Object.freeze({ name: this.#name(x.id) }));
      }
    };
    visitStmt(s, (x) => {
      name(x);
      if (x.kind !== "block" || inBlock > 0) return true;
      inBlock++;
      for (const part of x.init ? [x.init, x.body] : [x.body]) visitStmt(part, name);
      inBlock--;
      return false;
    });
    return { stmt: this.#stmt(s), loops: this.#loops, blocks: this.#blocks };
  }

  #var<V extends Var | "root">(v: V): V {
    return v === "root" ? v : ((this.#vars.get(v as Var) as V | undefined) ?? v);
  }
  #buffer(b: Buffer): Buffer {
    return this.#buffers.get(b) ?? b;
  }
  #expr(e: Expr): Expr {
    return mapExpr(
      e,
      (x) => {
        if (x.kind === "var") return this.#var(x);
        return x.kind === "load" && this.#buffers.has(x.buffer) ? load(this.#buffer(x.buffer), x.index) : x;
      },
      this.#memo,
    );
  }
  #stmt(s: Stmt): Stmt {
    if (s.kind === "alloc") {
      const shape = s.buffer.shape.map((e) => this.#expr(e));
      const buffer: Buffer = Object.freeze({ ...s.buffer, shape });
      this.#buffers.set(s.buffer, buffer);
      return { ...s, buffer, body: this.#stmt(s.body) };
    }
    const x = rebuildStmt(
      s,
      (y) => this.#stmt(y),
      (e) => this.#expr(e),
    );
    switch (x.kind) {
      case "for":
      case "let":
        return { ...x, var: this.#var(x.var) };
      case "store":
        return { ...x, buffer: this.#buffer(x.buffer) };
      case "block":
        return {
          ...x,
          id: this.#blocks.get(x.id)!,
          iters: x.iters.map((it) => ({ ...it, var: this.#var(it.var) })),
          ...(x.storeAt ? { storeAt: this.#var(x.storeAt) } : {}),
        };
      default:
        return x;
    }
  }
}

/** Output names of a copy's loops and blocks: `cold.i`, `cold.C`. */
export function copyNames(part: string, copy: Copy): Map<string, Handle> {
  const out = new Map<string, Handle>();
  const taken = new Set<string>();
  for (const [old, made] of [...copy.loops, ...copy.blocks] as [Handle, Handle][]) {
    const name = freshName(`${part}.${old.name}`, taken);
    taken.add(name);
    out.set(name, made);
  }
  return out;
}

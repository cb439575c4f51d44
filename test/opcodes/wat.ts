/** Reads WebAssembly text as far as needed to say what a kernel's hot loop and its tail are made of. */

/** One instruction in folded form: its name, immediates, operands. */
export interface Node {
  readonly name: string;
  readonly words: readonly string[];
  readonly kids: readonly Node[];
}

/** The body of the first function of a module in text form. */
export function parseFunction(wat: string): Node {
  const text = wat.replace(/;;.*$/gm, "");
  const tokens = text.slice(text.indexOf("\n (func $") + 2).match(/[()]|"(?:[^"\\]|\\.)*"|[^\s()]+/g)!;
  let at = 0;
  const node = (): Node => {
    at++;
    const name = tokens[at++]!;
    const words: string[] = [];
    const kids: Node[] = [];
    while (tokens[at] !== ")") {
      if (tokens[at] === "(") kids.push(node());
      else words.push(tokens[at++]!);
    }
    at++;
    return { name, words, kids };
  };
  return node();
}

export function visit(n: Node, f: (n: Node, parent: Node | undefined) => boolean | void, parent?: Node): void {
  if (f(n, parent) === false) return;
  for (const k of n.kids) visit(k, f, n);
}
export function find(n: Node, test: (n: Node) => boolean): Node[] {
  const out: Node[] = [];
  visit(n, (x) => void (test(x) && out.push(x)));
  return out;
}
const isLoop = (n: Node): boolean => n.name === "loop";
/** Loops without a loop inside. */
export const innermostLoops = (root: Node): Node[] => find(root, isLoop).filter((l) => find(l, isLoop).length === 1);

/** Bytes that a store instruction writes; undefined for anything else. */
export function storedBytes(n: Node): number | undefined {
  const lane = /^v128\.store(\d+)_lane$/.exec(n.name);
  if (lane) return Number(lane[1]) / 8;
  if (n.name === "v128.store") return 16;
  const scalar = /^[if](\d+)\.store(\d*)$/.exec(n.name);
  return scalar ? Number(scalar[2] || scalar[1]) / 8 : undefined;
}
export const isSimd = (n: Node): boolean => /^(v128|[if]\d+x\d+)\./.test(n.name);

const SCALAR = /^[if](32|64)\./;
const isGet = (n: Node | undefined): boolean => n?.name === "local.get";
const isNumber = (n: Node | undefined): boolean => n?.name === "i32.const";
/** Taking lanes out of vectors, or putting them in one by one. */
const LANE = /\.(extract_lane|replace_lane)/;
const LANE_LOAD = /^v128\.load\d+_lane$/;

/**
 * Instructions that compute elements one at a time. Pointers (a local plus a constant), counters and conditions of loops are
 * not elements. A lane load of two bytes into zeros is how a pair of bytes is read.
 */
export function scalarCode(root: Node): string[] {
  const out: string[] = [];
  visit(root, (n, parent) => {
    if (n.name === "br_if" || n.name === "if") {
      for (const k of n.kids) if (!SCALAR.test(k.name)) out.push(...scalarCode(k));
      return false;
    }
    if (LANE.test(n.name)) out.push(n.name);
    if (LANE_LOAD.test(n.name) && n.kids.at(-1)?.name !== "v128.const") out.push(n.name);
    if (!SCALAR.test(n.name)) return;
    if (n.name === "i32.add" && isGet(n.kids[0]) && (isGet(n.kids[1]) || isNumber(n.kids[1]))) return false;
    // counts of vector shifts
    if (isNumber(n) && (parent === undefined || !SCALAR.test(parent.name))) return false;
    out.push(n.name);
  });
  return out;
}

/** The function without its loops that store: what runs before and after. */
export function withoutLoops(root: Node): Node {
  const strip = (n: Node): Node => ({ ...n, kids: n.kids.filter((k) => k.name !== "loop").map(strip) });
  return strip(root);
}
/** Lanes of each store, in order. */
export const lanesStored = (root: Node, bytes: number): number[] =>
  find(root, (n) => storedBytes(n) !== undefined).map((n) => storedBytes(n)! / bytes);

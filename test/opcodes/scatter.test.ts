/** Histograms: what they start as is stored in vectors, and points cost a load, an add and a store, with no test. */
import { expect, test } from "vitest";
import { build, compute, lit, placeholder, scatter } from "../../src/index.ts";
import { find, innermostLoops, type Node, parseFunction, scalarCode, storedBytes } from "./wat.ts";

/** Bytes that each store writes. */
const stores = (n: Node): number[] => find(n, (x) => storedBytes(x) !== undefined).map((x) => storedBytes(x)!);
const img = placeholder("img", { y: 48, x: 64 }, "u8");

test("a histogram by the default schedule", { timeout: 60_000 }, async () => {
  const H = scatter("H", { bin: 256 }, { y: 48, x: 64 }, ({ y, x }) => ({
    at: [img.at(y, x).cast("i32")],
    value: lit(1, "u32"),
  }));
  const { wat } = await build(H);
  const [init, points] = innermostLoops(parseFunction(wat));
  expect(stores(init!)).toEqual([16, 16]);
  expect(scalarCode(init!)).toEqual([]);
  const text = JSON.stringify(points);
  expect(text).toMatch(/i32\.load8_u/);
  // the end of the loop is the only branch
  expect(text.match(/"(if|br_if)"/g)).toEqual(['"br_if"']);
});

test("rows of a table are added to in vectors", { timeout: 60_000 }, async () => {
  const ids = placeholder("ids", { i: 100 }, "i32");
  const G = placeholder("G", { i: 100, j: 64 });
  const T = scatter("T", { k: 50, j: 64 }, { i: 100, j: 64 }, ({ i, j }) => ({
    at: [ids.at(i), j],
    value: G.at(i, j),
  }));
  const doubled = compute("doubled", { k: 50, j: 64 }, ({ k, j }) => T.at(k, j).mul(2));
  const { wat } = await build(doubled);
  const loops = innermostLoops(parseFunction(wat));
  expect(loops.length).toBe(3);
  for (const l of loops) expect(new Set(stores(l))).toEqual(new Set([16]));
});

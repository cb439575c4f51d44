import { describe, expect, test } from "vitest";
import { defaultSchedule } from "../../schedule/defaults/index.ts";
import { type Schedule, schedule } from "../../schedule/index.ts";
import { unrollAndVectorize } from "../../schedule/library/index.ts";
import { show } from "../../src/inspect/index.ts";
import { wasm } from "../../src/target/index.ts";
import { compute, dim, type Extent, placeholder, sum } from "../../te/index.ts";

interface Element {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: (Element | string)[];
}
const VOID = new Set(["meta", "input"]);
const RAW = new Set(["script", "style"]);
const decode = (s: string): string =>
  s.replace(/&(amp|lt|gt|quot|#39);/g, (_, n: string) => ({ amp: "&", lt: "<", gt: ">", quot: '"', "#39": "'" })[n]!);
/** A strict reading: every element is closed in order, every attribute quoted or bare, no stray < or & in text. */
function parse(page: string): Element {
  const root: Element = { name: "", attributes: {}, children: [] };
  const open = [root];
  const text = (s: string): void => {
    expect(s, "text").not.toMatch(/[<>]|&(?!(?:amp|lt|gt|quot|#39);)/);
    if (s !== "") open.at(-1)!.children.push(decode(s));
  };
  const tags = /<(\/?)([a-z][a-z0-9]*)((?: [a-z-]+(?:="[^"]*")?)*)>|<!doctype html>/g;
  let at = 0;
  for (let m = tags.exec(page); m; m = tags.exec(page)) {
    text(page.slice(at, m.index));
    at = tags.lastIndex;
    const [, close, name, list = ""] = m;
    if (name === undefined) continue;
    if (close) {
      expect(open.pop()!.name).toBe(name);
      continue;
    }
    const attributes = [...list.matchAll(/ ([a-z-]+)(?:="([^"]*)")?/g)].map((a) => [a[1]!, decode(a[2] ?? "")]);
    const e: Element = { name, attributes: Object.fromEntries(attributes), children: [] };
    open.at(-1)!.children.push(e);
    if (VOID.has(name)) continue;
    if (RAW.has(name)) {
      const end = page.indexOf(`</${name}`, at);
      e.children.push(page.slice(at, end));
      at = tags.lastIndex = page.indexOf(">", end) + 1;
    } else open.push(e);
  }
  text(page.slice(at));
  expect(open).toHaveLength(1);
  return root;
}
function all(e: Element, test: (e: Element) => boolean): Element[] {
  const inside = e.children.flatMap((c) => (typeof c === "string" ? [] : all(c, test)));
  return test(e) ? [e, ...inside] : inside;
}
const textOf = (e: Element): string => e.children.map((c) => (typeof c === "string" ? c : textOf(c))).join("");
const hasClass = (name: string) => (e: Element) => (e.attributes.class ?? "").split(" ").includes(name);
const byId = (e: Element, id: string): Element => all(e, (x) => x.attributes.id === id)[0]!;

type Any = Schedule<unknown>;
interface Data {
  readonly lines: readonly (readonly [string, string])[];
  readonly steps: readonly (readonly number[])[];
}
function pageOf(s: unknown, options: Parameters<typeof show>[1] = {}) {
  const html = show(s as Any, { ...options, html: true });
  const root = parse(html);
  const data = JSON.parse(textOf(byId(root, "trace-data"))) as Data;
  /** The nest after a step; lines that went left out. */
  const nestAfter = (n: number): string =>
    data.steps[n]!.filter((r) => (r & 3) !== 2)
      .map((r) => data.lines[r >> 2]![1])
      .join("\n");
  const change = (n: number, kind: 1 | 2 | 3): string[] =>
    data.steps[n]!.filter((r) => (r & 3) === kind).map((r) => data.lines[r >> 2]![1].trim());
  const summaries = all(byId(root, "nest"), (e) => e.name === "summary");
  return {
    html,
    root,
    data,
    nestAfter,
    change,
    summaries,
    rows: summaries.map((e) => textOf(e).replace(/\s+/g, " ").trim()),
  };
}

function gemm(M: Extent = 30, N: Extent = 32, K: Extent = 16) {
  const A = placeholder("A", [M, K]);
  const B = placeholder("B", [K, N]);
  const C = compute("C", { i: M, j: N }, ({ i, j }) => sum({ k: K }, ({ k }) => A.at(i, k).mul(B.at(k, j))));
  return { A, B, C };
}
function tiled(M?: Extent) {
  const { B, C } = gemm(M);
  const s = schedule(C);
  const { i, j, k } = s.loops(C);
  const { io, ii } = s.split(i, { io: "rest", ii: 6 }, { tail: "peel" });
  const { jo, ji } = s.split(j, { jo: "rest", ji: 8 });
  s.reorder(jo, io, k, ii, ji);
  s.computeAt(s.cacheRead(C, B, "workspace"), jo);
  const { copy } = s.cacheWrite(C, "local");
  s.reverseComputeAt(copy, io);
  const init = s.decomposeReduction(C, k);
  for (const b of [C, init, copy]) unrollAndVectorize(s, b);
  return { s, C };
}
const twice = (n: Extent = 64) => {
  const X = placeholder("X", [n]);
  const Y = compute("Y", { i: n }, ({ i }) => X.at(i).mul(2));
  return { X, Y, s: schedule(Y) };
};

describe("the page", () => {
  test("is one file that asks for nothing", () => {
    const { html, root } = pageOf(tiled().s);
    expect(html.startsWith('<!doctype html>\n<html lang="en">')).toBe(true);
    expect(html).not.toMatch(/https?:|\bsrc=|@import|url\(|<link/);
    expect(all(root, (e) => e.name === "meta").map((e) => e.attributes.content)).toContain(
      "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'",
    );
    const ids = all(root, (e) => e.attributes.id !== undefined).map((e) => e.attributes.id);
    expect(new Set(ids).size).toBe(ids.length);
  });
  test("has every loop and block once, in order, with what it is", () => {
    const { rows, summaries, root } = pageOf(tiled().s);
    expect(rows).toMatchInlineSnapshot(`
      [
        "func C 30.7 k ops · moves 7.63 KiB · 3.93 ops/byte",
        "serial jo in 4 30.7 k ops · moves 7.63 KiB · 3.93 ops/byte",
        "serial k in 16 moves 1 KiB",
        "serial j in 8 moves 64 bytes",
        "block B.workspace reads B · writes B.workspace",
        "serial io in 5 7.68 k ops · moves 3.31 KiB · 2.26 ops/byte",
        "unrolled ii in 6",
        "vectorized ji in 8",
        "block C.init writes C.local",
        "serial k_1 in 16 ⚠ register-tile 1.54 k ops · moves 896 bytes · 1.71 ops/byte",
        "unrolled ii_1 in 6 ⚠ register-tile 96 ops · moves 56 bytes · 1.71 ops/byte",
        "vectorized ji_1 in 8 ⚠ register-tile 16 ops · moves 36 bytes · 0.444 ops/byte",
        "block C ⚠ register-tile reads C.local, A, B.workspace · writes C.local",
        "unrolled i in 6 moves 192 bytes",
        "vectorized j_1 in 8 moves 32 bytes",
        "block C.copy reads C.local · writes C",
      ]
    `);
    for (const e of summaries) expect(byId(root, `at-${e.attributes["data-at"]}`)).toBeDefined();
    const panels = all(root, hasClass("panel"));
    expect(panels.map((p) => p.attributes.id)).toEqual(summaries.map((e) => `at-${e.attributes["data-at"]}`));
    expect(panels.filter((p) => !("hidden" in p.attributes))).toHaveLength(1);
  });
  test("says of a loop which region of which buffer it touches", () => {
    const { root, summaries } = pageOf(tiled().s);
    const key = summaries.find((e) => textOf(e).includes("io in"))!.attributes["data-at"];
    const rows = all(byId(root, `at-${key}`), (e) => e.name === "tr").slice(1);
    expect(rows.map((r) => r.children.map((c) => textOf(c as Element).trim()).join(" | "))).toMatchInlineSnapshot(`
      [
        "C.local[0 .. +30, jo * 8 .. +8] | 960 bytes | 25 % | inside",
        "A[0 .. +30, 0 .. +16] | 1.88 KiB | 100 % | read",
        "B.workspace[0 .. +16, jo * 8 .. +8] | 512 bytes | 25 % | read",
        "C[0 .. +30, jo * 8 .. +8] | 960 bytes | 25 % | write",
      ]
    `);
  });
  test("has every buffer with scope, shape, layout and bytes", () => {
    const { s } = tiled();
    s.transformLayout("B.workspace", (k, j) => [j, k]);
    const table = all(pageOf(s).root, (e) => e.name === "tr" && e.attributes.id !== undefined);
    expect(table.map((r) => r.children.map((c) => textOf(c as Element).trim()).join(" | "))).toMatchInlineSnapshot(`
      [
        "A | input | global | f32 | [30, 16] | 30 × 16 | row-major | 1.88 KiB",
        "B | input | global | f32 | [16, 32] | 16 × 32 | row-major | 2 KiB",
        "C | output | global | f32 | [30, 32] | 30 × 32 | row-major | 3.75 KiB",
        "B.workspace | intermediate | workspace | f32 | [16, 32] | 8 × 16 | (k, j) -> (j, k) of [32, 16] | 512 bytes",
        "C.local | intermediate | local | f32 | [30, 32] | 6 × 8 | row-major | 192 bytes",
      ]
    `);
  });
  test("has every step, with the nest after it and what changed", () => {
    const { s, C } = tiled();
    const { data, nestAfter, change, root } = pageOf(s);
    const texts = all(byId(root, "steps"), (e) => e.name === "code").map(textOf);
    expect(texts).toHaveLength(s.trace.length);
    expect(data.steps).toHaveLength(s.trace.length + 1);
    expect(texts[0]).toBe("io, ii = split(C.i, { io: rest, ii: 6 }, tail: peel)");
    expect(nestAfter(0)).toBe(String(schedule(C)));
    expect(nestAfter(s.trace.length)).toBe(String(s));
    expect(change(0, 1)).toEqual([]);
    expect(change(1, 2)).toContain("for i in 30:");
    expect(change(1, 1)).toContain("for io in 5:");
    expect(change(1, 3)).toContain("for j in 32:");
  });
  test("a loop that is renamed because another took its name has not changed", () => {
    const { B, C } = gemm();
    const s = schedule(C);
    s.cacheRead(C, B, "workspace");
    const { change, nestAfter } = pageOf(s);
    expect(nestAfter(1)).toContain("for k_1 in 16:");
    expect(change(1, 1).filter((l) => l.startsWith("for"))).toEqual(["for k in 16:", "for j in 32:"]);
    expect(change(1, 2)).toHaveLength(1);
  });
  test("is the same each time", () => {
    expect(pageOf(tiled().s).html).toBe(pageOf(tiled().s).html);
  });
  test("of a tensor, and without steps", () => {
    const { data, rows } = pageOf(twice().Y);
    expect(data.steps).toHaveLength(1);
    expect(rows).toHaveLength(3);
  });
});

describe("warnings", () => {
  test("stand at the loops they mean, and in a list", () => {
    const { C } = gemm();
    const { rows, root } = pageOf(schedule(C));
    expect(rows.filter((r) => r.includes("scalar-reduction")).map((r) => r.split(" ").slice(0, 2).join(" "))).toEqual([
      "serial k",
      "block C",
    ]);
    const go = all(root, (e) => e.attributes["data-go"] !== undefined);
    expect(go.map(textOf)).toEqual(expect.arrayContaining(["k", "C"]));
  });
  test("none: no list", () => {
    const { C } = gemm();
    const s = schedule(C);
    defaultSchedule(s as Any, wasm());
    expect(pageOf(s).html).not.toContain("<h2>Warnings</h2>");
  });
});

describe("any schedule", () => {
  test("with symbolic sizes", () => {
    const { html, rows } = pageOf(tiled(dim("m", { typical: 100 })).s, {
      sizes: { m: 50 },
      target: wasm({ relaxed: true }),
    });
    expect(rows).toEqual(expect.arrayContaining([expect.stringContaining("serial io in (m + 5) // 6")]));
    expect(html).toContain("<dt>m</dt><dd>50</dd>");
    expect(() => show(tiled(dim("m")).s, { html: true })).toThrow(expect.objectContaining({ code: "inspect-sizes" }));
  });
  test("with branches", () => {
    const n = dim("n", { typical: 64 });
    const { Y, s } = twice(n);
    s.specialize(s.loops(Y).i, n.eq(64));
    const { rows } = pageOf(s);
    expect(rows.some((r) => r.startsWith("if n == 64"))).toBe(true);
    expect(rows).toContain("else");
    expect(rows.filter((r) => r.startsWith("block Y"))).toHaveLength(2);
    expect(rows).toContain("serial i_1 in n never runs · moves 512 bytes");
  });
  test("with several outputs", () => {
    const X = placeholder("X", [16]);
    const a = compute("a", { i: 16 }, ({ i }) => X.at(i).add(1));
    const b = compute("b", { i: 16 }, ({ i }) => a.at(i).mul(X.at(i)));
    const { rows, root } = pageOf(schedule({ a, b }));
    expect(rows.filter((r) => r.startsWith("block")).map((r) => r.split(" ")[1])).toEqual(["a", "b"]);
    expect(all(root, (e) => e.name === "td" && textOf(e) === "output")).toHaveLength(2);
  });
});

describe("text that looks like HTML stays text", () => {
  const evil = `</script><b onclick="x">&amp;'`;
  test("in notes and steps", () => {
    const { Y, s } = twice();
    s.annotate(s.loops(Y).i, "note", evil);
    const { html, rows, nestAfter } = pageOf(s);
    expect(html).not.toContain("<b onclick");
    expect(html.match(/<\/script/g)).toHaveLength(2);
    expect(rows.some((r) => r.includes(`note: ${evil}`))).toBe(true);
    expect(nestAfter(1)).toContain(evil);
  });
  test("and characters that can't be seen are shown", () => {
    const { Y, s } = twice();
    s.annotate(s.loops(Y).i, "note", "a\u202eb\u2028");
    const { html, rows } = pageOf(s);
    expect(html).not.toMatch(/[\u202e\u2028]/);
    expect(rows.some((r) => r.includes("note: a\\u{202e}b\\u{2028}"))).toBe(true);
  });
});

test.each<[unknown, RegExp]>([
  [{ html: 1 }, /show: html is 1, but true or false was expected/],
  [{ htm: true }, /show: there is no option "htm": there are sizes, target, html/],
  [null, /show: the options are null, not a record/],
  ["html", /show: the options are "html", not a record/],
  [{ sizes: 3 }, /show: sizes is 3, not a record of numbers by name/],
  [{ target: "wasm" }, /show: the target is "wasm", but wasm\(\)/],
])("options %j are refused", (options, message) => {
  expect(() => show(twice().s, options as { html: true })).toThrow(
    expect.objectContaining({ code: "inspect-options", message: expect.stringMatching(message) }),
  );
});
test("what is no schedule is refused", () => {
  expect(() => show(3 as unknown as Any, { html: true })).toThrow(
    expect.objectContaining({ code: "schedule.argument" }),
  );
});

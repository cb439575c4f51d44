/** The runner of the lessons: what counts as the same output, and what is wrong with a page. */
import { describe, expect, it } from "vitest";
import {
  difference,
  expected,
  linksOf,
  moduleOf,
  outputsOf,
  type Page,
  parsePage,
  updated,
} from "../../scripts/lessons/page.ts";

const fence = (language: string, ...lines: string[]): string[] => [`\`\`\`${language}`, ...lines, "```"];
const page = (...lines: (string | string[])[]): Page => parsePage(lines.flat().join("\n"));
const good = page(
  "# One",
  fence("ts", 'import { f } from "pkg";', "f(1);"),
  "",
  fence("text", "1"),
  fence("sh", "npm start"),
  fence("ts", "f(2);"),
);

describe("a page", () => {
  it("pairs code with the text that follows it", () => {
    expect(good.problems).toEqual([]);
    expect(good.blocks.map((b) => expected(good, b))).toEqual([["1"], []]);
  });
  it("must run something, and check something", () => {
    expect(page("# None").problems).toEqual([expect.stringContaining("no ts block")]);
    expect(page(fence("ts", "f();")).problems).toEqual([expect.stringContaining("nothing is checked")]);
    expect(page(fence("ts", "f();"), fence("text", "1"), fence("text", "2")).problems).toEqual([
      expect.stringContaining("line 7"),
    ]);
    expect(page(fence("ts", "f();"), fence("text", "1"), "```ts").problems).toEqual([
      expect.stringContaining("no end"),
    ]);
  });
  it("becomes a module whose lines are its own", () => {
    const lines = moduleOf(good, new Map([["pkg", "../src/index.ts"]])).split("\n");
    expect(lines[2]).toBe('import { f } from "../src/index.ts";');
    expect(good.lines.indexOf("f(2);")).toBe(lines.indexOf("f(2);"));
    expect(lines).not.toContain("npm start");
  });
  it("links to files, but not in its code", () => {
    const text = "See [a](../a.md#part), [b](https://example.org/b) and [c](#here).";
    expect(linksOf(page(text, fence("ts", "x[0](y);"), fence("text", "[d](d.md)")))).toEqual(["../a.md"]);
  });
});

describe("output", () => {
  const printed = (...parts: string[]): string => parts.map((p, n) => `\u001e${n}\n${p}`).join("");
  it("is told apart by block, as far as the program came", () => {
    expect(outputsOf(good, printed("1\n", "a  \n\nb\n\n"))).toEqual([["1"], ["a", "", "b"]]);
    expect(outputsOf(good, printed("1\n"))).toEqual([["1"], undefined]);
  });
  it("must be the same line by line", () => {
    expect(difference(["a", "b", "c"], ["a", "b", "c"])).toBeUndefined();
    expect(difference(["a", "b", "c"], ["a", "x", "c"])).toBe("- b\n+ x");
    expect(difference(["a", "a"], ["a"])).toBe("- a");
    expect(difference([], ["a"])).toBe("+ a");
  });
  it("may have other numbers after ~", () => {
    expect(difference(["took ~1.25 ms"], ["took ~310 ms"])).toBeUndefined();
    expect(difference(["took ~1.25 ms"], ["took 1.25 ms"])).toBeDefined();
    expect(difference(["took ~1 ms"], ["took ~1 s"])).toBeDefined();
  });
  it("is written into the page", () => {
    const text = updated(good, [["3", "4"], ["5"]]);
    const again = parsePage(text);
    expect(again.blocks.map((b) => expected(again, b))).toEqual([["3", "4"], ["5"]]);
    expect(updated(again, [["3", "4"], ["5"]])).toBe(text);
    expect(updated(again, [[], undefined])).not.toContain("3");
    const timed = page(fence("ts", "f();"), fence("text", "~1 ms"));
    expect(updated(timed, [["~2 ms"]])).toContain("~1 ms");
  });
});

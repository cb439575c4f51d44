/** The page of the primitives is what the docstrings say now, and says all that they do. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import * as primitives from "../../schedule/primitives/index.ts";
import { docstringsIn, partsOf } from "../../scripts/primitives/docstrings.ts";
import { primitivesPage } from "../../scripts/primitives/page.ts";

const page = primitivesPage();

describe("docs/primitives.md", () => {
  it("is made anew after a docstring has changed (npm run primitives)", () => {
    expect(readFileSync(new URL("../../docs/primitives.md", import.meta.url), "utf8")).toBe(page);
  });
  it("has conditions, and what happens to handles, of every primitive", () => {
    for (const name of [
      ...Object.keys(primitives),
      "annotate",
      "prepare",
      "reindex",
      "transformLayout",
      "storageAlign",
    ]) {
      const section = new RegExp(`^### ${name}\\n[\\s\\S]*?(?=^##|(?![\\s\\S]))`, "m").exec(page)?.[0];
      expect(section, name).toMatch(/^ {4}s\.\w+\([\w., ?]+\)$/m);
      expect(section, name).toContain("\nConditions:\n1. ");
      expect(section, name).toContain("\n*Handles.* ");
    }
  });
  it("shows calls as users write them", () => {
    const names = Object.keys(primitives).join("|");
    const code = [...page.matchAll(/^```ts\n([\s\S]*?)^```/gm)].map((m) => m[1]!.replace(/\/\/.*/g, ""));
    expect(code.filter((c) => new RegExp(`(?<![.\\w])(?:${names})\\(`).test(c))).toEqual([]);
  });
});

describe("docstrings", () => {
  const source = `
export class A<X> {
  /** One. */
  short(): void {}
  /**
   * Two.
   *
   * Conditions:
   * 1. first,
   *    and more;
   * 2. second.
   *
   * All handles survive.
   */
  long<Y extends { a: number }>(y: Y, f: (a: number, b: Y) => void, ...rest: Y[]): void;
  long(y: number, options: Record<string, number> = {}): void {}
}`;
  const [short, long] = docstringsIn(source);

  it("are found with their calls; the implementation of an overload is none", () => {
    expect(short).toEqual({ name: "short", lines: ["One."], calls: [[]] });
    expect(long!.calls).toEqual([["y", "f", "...rest"]]);
  });
  it("have parts", () => {
    expect(partsOf(short!)).toEqual({ before: ["One."], conditions: [], after: [] });
    expect(partsOf(long!)).toEqual({
      before: ["Two."],
      conditions: [
        { number: 1, lines: ["1. first,", "   and more;"] },
        { number: 2, lines: ["2. second."] },
      ],
      after: ["All handles survive."],
    });
  });
});

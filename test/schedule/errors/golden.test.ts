/**
 * Every numbered condition of every primitive has an illegal step in a file of this folder, refused with a message that names
 * what it means, underlines it in the loop nest and says what would be legal. `npx vitest run test/schedule/errors -t split` runs
 * one primitive; `-u` rewrites golden/.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { docstringsIn, partsOf } from "../../../scripts/primitives/docstrings.ts";
import { blocksOf, type Func, type Stmt, visitStmt } from "../../../src/ir/index.ts";
import { illegal } from "../helper.ts";
import type { ErrorCase } from "./case.ts";

const here = new URL("./", import.meta.url);
const root = new URL("../../../schedule/", here);

const files = readdirSync(here).filter((f) => f.endsWith(".ts") && !f.endsWith(".test.ts") && f !== "case.ts");
const collected = await Promise.all(
  files.map(async (file) => ({
    file,
    cases: ((await import(new URL(file, here).pathname)) as { readonly cases: readonly ErrorCase[] }).cases,
  })),
);

const goldenName = (c: ErrorCase): string => {
  const code = c.code.startsWith(`${c.primitive}.`) ? c.code.slice(c.primitive.length + 1) : c.code;
  return [c.primitive, c.condition, code, ...(c.name ? [c.name] : []), "txt"].join(".");
};

/** Names of all loops, blocks and buffers. */
function namesIn(f: Func): Set<string> {
  const names = new Set([...f.inputs, ...f.outputs, ...f.intermediates].map((b) => b.name));
  for (const b of blocksOf(f.body)) names.add(b.id.name);
  visitStmt(f.body, (s: Stmt) => void (s.kind === "for" && names.add(s.var.name)));
  return names;
}

/** The numbers under `Conditions:` in the docstrings of functions and methods, by name. */
function allConditions(): Map<string, number[]> {
  const out = new Map<string, number[]>();
  for (const folder of ["primitives/", "library/", "methods/"])
    for (const file of readdirSync(new URL(folder, root), { recursive: true }) as string[]) {
      if (!file.endsWith(".ts")) continue;
      for (const doc of docstringsIn(readFileSync(new URL(folder + file, root), "utf8"))) {
        const { conditions } = partsOf(doc);
        if (conditions.length > 0)
          out.set(
            doc.name,
            conditions.map((c) => c.number),
          );
      }
    }
  return out;
}

describe.each(collected)("$file", ({ cases }) => {
  test.each(cases.map((c) => [goldenName(c), c] as const))("%s", async (file, c) => {
    const { s, step } = c.make();
    const error = illegal(s, step);
    expect([error.primitive, error.condition, error.code]).toEqual([c.primitive, c.condition, c.code]);
    if (c.condition > 0) {
      expect(error.nest, "the culprit is underlined").toMatch(/^ *\^+$/m);
      const head = error.message.split("\n")[0]!.slice(error.message.indexOf(":") + 1);
      const words = new Set(head.match(/[\p{L}_$][\p{L}\p{N}_$.]*/gu)?.map((w) => w.replace(/\.$/, "")));
      const named = [...namesIn(s.func)].filter((n) => words.has(n));
      expect(named, "the message names a loop, block or buffer").not.toEqual([]);
    }
    if (c.noWayOut === undefined) expect(error.legal, "what would be legal").not.toEqual([]);
    else expect(error.legal, `a way out although "${c.noWayOut}"`).toEqual([]);
    await expect(`${error.message}\n`).toMatchFileSnapshot(`./golden/${file}`);
  });
});

describe("completeness", () => {
  const all = collected.flatMap((x) => x.cases);

  test("every numbered condition has a case", () => {
    const have = new Set(all.map((c) => `${c.primitive} ${c.condition}`));
    const want = [...allConditions()].flatMap(([name, numbers]) => numbers.map((n) => `${name} ${n}`));
    expect(want.length).toBeGreaterThan(0);
    expect(want.filter((x) => !have.has(x))).toEqual([]);
  });
  test("every case is of a condition that a docstring lists", () => {
    const known = allConditions();
    const stray = all.filter((c) => c.condition > 0 && !known.get(c.primitive)?.includes(c.condition));
    expect(stray.map(goldenName)).toEqual([]);
  });
  test("the numbers of each list count from 1", () => {
    const odd = [...allConditions()].filter(([, numbers]) => numbers.some((n, i) => n !== i + 1));
    expect(odd).toEqual([]);
  });
  test("no two cases share a file, and every file has its case", () => {
    const names = all.map(goldenName);
    expect(names.filter((n, i) => names.indexOf(n) !== i)).toEqual([]);
    const golden = new URL("golden/", here);
    const kept = existsSync(golden) ? readdirSync(golden) : [];
    expect(kept.filter((n) => !names.includes(n))).toEqual([]);
  });
});

/** Names that somebody may have meant. */
import { expect, test } from "vitest";
import { nearNames } from "../../src/ir/index.ts";

const NAMES = ["split", "reorder", "storeAt", "storageAlign", "computeAt", "computeWith"];

test.each([
  ["splt", ["split"]],
  ["SPLIT", ["split"]],
  ["slpit", ["split"]],
  ["computAt", ["computeAt", "computeWith"]],
  ["quux", []],
  ["", []],
])("near %j", (given, names) => {
  expect(nearNames(given, NAMES)).toEqual(names);
});
test("a long word costs no more than a short one", () => {
  const start = performance.now();
  expect(nearNames("split".repeat(100_000), NAMES)).toEqual([]);
  expect(performance.now() - start).toBeLessThan(500);
});

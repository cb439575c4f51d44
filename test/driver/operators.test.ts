/** Without a schedule: the default one, for the plain module and for the relaxed one, is right in every shape. */
import { expect, test } from "vitest";
import { build, load, wasm } from "../../src/index.ts";
import { OPERATORS } from "./operators.ts";
import { agrees, validate } from "./support.ts";

test.each(OPERATORS)("$name", { timeout: 30_000 }, async ({ make, sizes = [{}] }) => {
  const x = make();
  const artifact = await build(x as never, { target: wasm({ relaxed: true }) });
  expect(artifact.warnings.filter((w) => w.code !== "local-demoted")).toEqual([]);
  await validate(artifact.wasm, false);
  await validate(artifact.variants.relaxed!, true);
  const plain = await load(artifact.wasm);
  // what this engine takes: relaxed where it can, which may round differently, but within the same bounds
  const best = await load(artifact);
  for (const [n, s] of sizes.entries()) {
    agrees(x, plain, { sizes: s, seed: n + 1 });
    agrees(x, best, { sizes: s, seed: n + 2 });
  }
});

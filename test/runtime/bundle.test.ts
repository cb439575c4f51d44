import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build } from "esbuild";
import { expect, it } from "vitest";
import { addModule } from "./modules.ts";

const entry = fileURLToPath(new URL("../../src/runtime/index.ts", import.meta.url));

it("the runtime bundles for browsers to less than 20 KB, without the compiler", async () => {
  const r = await build({
    entryPoints: [entry],
    bundle: true,
    minify: true,
    format: "esm",
    platform: "browser",
    target: "es2022",
    write: false,
    metafile: true,
    logLevel: "silent",
  });
  expect(r.warnings).toEqual([]);
  const code = r.outputFiles[0]!.text;
  expect(code.length).toBeLessThan(20_000);
  expect(code).not.toMatch(/binaryen|node:/i);
  // besides its own files only the class that all errors extend
  const rooms = Object.keys(r.metafile.inputs).filter((f) => !f.includes("src/runtime/"));
  expect(rooms.map((f) => f.replace(/^.*src\//, ""))).toEqual(["ir/error.ts"]);

  // and what was bundled runs
  const folder = await mkdtemp(join(tmpdir(), "tilewright-"));
  try {
    const file = join(folder, "runtime.mjs");
    await writeFile(file, code);
    const runtime = (await import(
      /* @vite-ignore */ pathToFileURL(file).href
    )) as typeof import("../../src/runtime/index.ts");
    const add = await runtime.load(addModule());
    expect(add({ A: Float32Array.of(1), B: Float32Array.of(2), alpha: 2 })).toEqual(Float32Array.of(6));
    expect(() => add({})).toThrow(runtime.RuntimeArgumentError);
  } finally {
    await rm(folder, { recursive: true });
  }
});

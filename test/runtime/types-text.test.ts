import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Artifact, filesOf, makeArtifact } from "../../src/driver/artifact.ts";
import { type Abi, load, readAbi } from "../../src/runtime/index.ts";
import {
  addModule,
  f16Module,
  gemmModule,
  input,
  n,
  notModule,
  of,
  output,
  pairModule,
  size,
  stridedModule,
  wrap,
} from "./modules.ts";

const run = promisify(execFile);
const artifactOf = (wasm: Uint8Array, relaxed?: Uint8Array): Artifact =>
  makeArtifact({ wasm, relaxed, abi: readAbi(wasm), wat: () => "(module)" });
const oddAbi: Abi = {
  version: 1,
  name: "odd names",
  params: [
    input("memory", "f32", [of("add", n, 2), { size: "new" }]),
    input("p_x", "f32", [of("sub", { size: "new" }, 1)]),
    output("end", "f32", [n]),
    size("n", { min: 1 }),
    size("new", { max: 64, multipleOf: 2 }),
    { role: "scalar", name: "the scale", dtype: "bool" },
    { role: "scratch" },
  ],
  scratch: of("floordiv", of("mul", n, 16), of("floormod", n, 3)),
  results: "record",
};
const odd = (): Uint8Array =>
  wrap(
    oddAbi,
    "(param $m i32) (param $p i32) (param $e i32) (param $n i32) (param $w i32) (param $s i32) (param $x i32) (f32.store (local.get $e) (f32.convert_i32_s (i32.add (local.get $w) (local.get $s))))",
  );

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "tilewright-"));
  await writeFile(join(folder, "package.json"), `{ "type": "module" }`);
  for (const wasm of [addModule(), gemmModule(), f16Module(), pairModule(), stridedModule(), notModule()])
    for (const [file, content] of Object.entries(filesOf(artifactOf(wasm))))
      await writeFile(join(folder, file), content);
  for (const [file, content] of Object.entries(filesOf(artifactOf(odd()), "odd")))
    await writeFile(join(folder, file), content);
});
afterAll(() => rm(folder, { recursive: true }));

/** What a program in that folder prints, as JSON. */
async function program(name: string, body: string): Promise<unknown> {
  const file = join(folder, `${name}-main.js`);
  await writeFile(
    file,
    `import { readFile } from "node:fs/promises";
    import { load } from "./${name}.js";
    const k = await load(readFile(new URL("./${name}.wasm", import.meta.url)));
    const error = (f) => { try { f(); } catch (e) { return e.constructor.name + ": " + e.message; } };
    console.log(JSON.stringify(await (async () => { ${body} })(), (_, v) =>
      typeof v === "bigint" ? v + "n" : ArrayBuffer.isView(v) ? [...v] : v));`,
  );
  return JSON.parse((await run(process.execPath, [file])).stdout);
}

describe("the loader, run by node alone", () => {
  it("add", async () => {
    const r = await program(
      "add",
      `const A = Float32Array.of(1, 2, 3), B = Float32Array.of(4, 5, 6), big = new Float32Array(99999).fill(1);
      return [k({ A, B, alpha: 2 }), k({ A, B, alpha: 1, n: 3 }), k({ A: big, B: big, alpha: 1 }).every((x) => x === 2),
        k({ A, B, alpha: 2 }), error(() => k({ A, B: B.subarray(1), alpha: 1 })), error(() => k({ A: [1], B, alpha: 1 })),
        error(() => k({ A, B, alpha: 1, n: -1 }))]`,
    );
    expect(r).toEqual([
      [10, 14, 18],
      [5, 7, 9],
      true,
      [10, 14, 18],
      "RangeError: B must be a Float32Array of shape [n]",
      "RangeError: A must be a Float32Array of shape [n]",
      "RangeError: n must be a size from 0 to 2147483647, but is -1",
    ]);
  });
  it("gemm: sizes from shapes", async () => {
    const r = await program(
      "gemm",
      `return k({ A: Float64Array.of(1, 2, 3, 4, 5, 6), B: Float64Array.of(1, 0, 0, 1, 1, 1), bias: Float64Array.of(10, 20) })`,
    );
    expect(r).toEqual([14, 25, 20, 31]);
  });
  it("f16, several results, bigint, bool, strides", async () => {
    const halves = await program(
      "copy",
      `return [-0, 1, 1.0009765625, 65520, NaN, 2 ** -24, 3 * 2 ** -25, 1 + 3 * 2 ** -11].map((h) => k({ X: Uint16Array.of(7), h }))`,
    );
    expect((halves as { Y: number[]; Z: number[] }[]).map((x) => x.Z[0])).toEqual([
      0x8000, 0x3c00, 0x3c01, 0x7c00, 0x7e00, 1, 2, 0x3c02,
    ]);
    expect((halves as { Y: number[] }[])[0]!.Y).toEqual([7]);
    expect(await program("pair", "return k({ X: BigInt64Array.of(-1n, 5n) })")).toEqual({ S: ["0n", "6n"], P: [0, 1] });
    expect(await program("not", "return k({ X: Uint8Array.of(0, 1) })")).toEqual([1, 0]);
    expect(
      await program(
        "plane",
        "return [k({ X: Uint8Array.of(5, 0, 0, 0, 6, 0, 0, 0), n: 2 }), k({ X: new Uint8Array(0), n: 0 })]",
      ),
    ).toEqual([[6, 0, 0, 7], []]);
  });
  it("odd names and shapes", async () => {
    const r = await program(
      "odd",
      `return [k({ memory: new Float32Array(5 * 4), p_x: new Float32Array(3), "the scale": true }),
        error(() => k({ memory: new Float32Array(5 * 3), p_x: new Float32Array(2), "the scale": true }))]`,
    );
    expect(r).toEqual([{ end: [5, 0, 0] }, "RangeError: new must be a size from 0 to 64, a multiple of 2, but is 3"]);
    const same = await load(odd());
    expect(same({ memory: new Float32Array(20), p_x: new Float32Array(3), "the scale": true })).toEqual({
      end: Float32Array.of(5, 0, 0),
    });
  });
});

describe("texts", () => {
  it("are stable", () => {
    const a = artifactOf(addModule());
    expect(a.types).toMatchSnapshot();
    expect(a.loader).toMatchSnapshot();
    expect(artifactOf(pairModule()).types).toMatchSnapshot();
    expect(a.wat).toBe("(module)");
    expect(Object.keys(filesOf(artifactOf(addModule(), addModule())))).toEqual([
      "add.wasm",
      "add.relaxed.wasm",
      "add.js",
      "add.d.ts",
    ]);
  });
  it("an artifact loads", async () => {
    const k = await load(artifactOf(addModule(), addModule()));
    expect(k.variant).toBe("relaxed");
  });
  it("the types let right programs through and refuse wrong ones", async () => {
    await writeFile(
      join(folder, "use.ts"),
      `import { load } from "./add.js";
      import { load as loadPair } from "./pair.js";
      import { load as loadPlane } from "./plane.js";
      import { load as loadOdd, type Args } from "./odd.js";
      const add = await load(fetch("add.wasm"));
      const a = new Float32Array(1);
      const c: Float32Array = add({ A: a, B: a, alpha: 1 });
      add({ A: a, B: a, alpha: 1, n: 3 });
      const r: { S: BigInt64Array; P: Uint8Array } = (await loadPair(new Uint8Array(1)))({ X: new BigInt64Array(1) });
      const args: Args = { memory: a, p_x: a, "the scale": true };
      const end: Float32Array = (await loadOdd(new ArrayBuffer(1)))(args).end;
      (await loadPlane(new Uint8Array(1)))({ X: new Uint8Array(1), n: 1 });
      // @ts-expect-error missing
      add({ A: a, alpha: 1 });
      // @ts-expect-error another dtype
      add({ A: a, B: new Float64Array(1), alpha: 1 });
      // @ts-expect-error unknown
      add({ A: a, B: a, alpha: 1, beta: 2 });
      // @ts-expect-error a size that no length tells
      (await loadPlane(new Uint8Array(1)))({ X: new Uint8Array(1) });
      console.log(c, r, end);
      `,
    );
    const tsc = fileURLToPath(new URL("../../node_modules/typescript/bin/tsc", import.meta.url));
    const options = "--noEmit --strict --target es2022 --module nodenext --lib es2022,dom --types".split(" ");
    const said = await run(process.execPath, [tsc, ...options, "", join(folder, "use.ts")], { cwd: folder }).catch(
      (e: { stdout: string }) => e,
    );
    expect(said.stdout).toBe("");
  });
});

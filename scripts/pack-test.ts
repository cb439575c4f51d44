/**
 * What a user gets: packs the package, installs the tarball in an empty folder and runs a program and a type check there.
 * Needs the network or npm's cache, for the package's own dependencies.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { USER_PROGRAM } from "../test/types/user-program.ts";

const root = dirname(dirname(fileURLToPath(import.meta.url)));

const PROGRAM = `
import { readFileSync, writeFileSync } from "node:fs";
import { build, compile, compute, placeholder, sum } from "tilewright";
import { matmul } from "tilewright/ops";
import { load } from "tilewright/runtime";

const [M, N, K] = [7, 12, 5];
const A = placeholder("A", [M, K]);
const B = placeholder("B", [K, N]);
const C = compute("C", { i: M, j: N }, ({ i, j }) => sum({ k: K }, ({ k }) => A.at(i, k).mul(B.at(k, j))));
const a = Float32Array.from({ length: M * K }, (_, q) => (q % 5) - 2);
const b = Float32Array.from({ length: K * N }, (_, q) => (q % 7) - 3);

function check(what: string, c: Float32Array): void {
  for (let i = 0; i < M; i++) for (let j = 0; j < N; j++) {
    let want = 0;
    for (let k = 0; k < K; k++) want += a[i * K + k]! * b[k * N + j]!;
    if (c[i * N + j] !== want) throw new Error(\`\${what}: C[\${i}, \${j}] is \${c[i * N + j]}, not \${want}\`);
  }
}
const gemm = await compile(C);
check("compiled", gemm({ A: a, B: b }));
check("an operator", (await compile(matmul("P", A, B)))({ A: a, B: b }));

// The file alone is enough to run it.
writeFileSync("gemm.wasm", (await build(C)).wasm);
const loaded = await load<{ A: Float32Array; B: Float32Array }, Float32Array>(readFileSync("gemm.wasm"));
check("loaded", loaded({ A: a, B: b }));
console.log("the installed package compiles and runs");
`;

/** The runtime must not drag the compiler in. */
const RUNTIME_ONLY = `
import { readFileSync } from "node:fs";
import { load } from "tilewright/runtime";
await load(readFileSync("gemm.wasm"));
const drawn = process.memoryUsage().rss / 2 ** 20;
console.log("the runtime alone loads a module (" + drawn.toFixed(0) + " MB resident)");
`;

const TSCONFIG = {
  compilerOptions: {
    ...{ target: "ES2022", lib: ["ES2023", "DOM"], module: "NodeNext", moduleResolution: "NodeNext" },
    ...{ strict: true, noUncheckedIndexedAccess: true, declaration: true, outDir: "out", rootDir: "." },
    ...{ types: ["node"], typeRoots: [join(root, "node_modules/@types")] },
  },
  files: ["program.ts", "declared.ts"],
};

const folder = mkdtempSync(join(tmpdir(), "tilewright-pack-"));
const npm = (cwd: string, ...args: string[]): string =>
  execFileSync("npm", args, { cwd, encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] });
try {
  const packed = JSON.parse(npm(root, "pack", "--ignore-scripts", "--json", "--pack-destination", folder)) as
    | readonly { readonly filename: string; readonly files: readonly { readonly path: string }[] }[]
    | { readonly [name: string]: { readonly filename: string; readonly files: readonly { readonly path: string }[] } };
  const [tarball] = Object.values(packed);
  if (tarball === undefined) throw new Error("npm pack made nothing");
  for (const path of ["dist/src/index.js", "dist/src/index.d.ts", "README.md", "LICENSE"]) {
    if (!tarball.files.some((f) => f.path === path))
      throw new Error(`the tarball has no ${path}: run npm run build first`);
  }
  writeFileSync(join(folder, "package.json"), JSON.stringify({ name: "user", private: true, type: "module" }));
  npm(folder, "install", "--no-save", "--no-audit", "--no-fund", join(folder, tarball.filename));
  writeFileSync(join(folder, "program.ts"), PROGRAM);
  writeFileSync(join(folder, "declared.ts"), USER_PROGRAM);
  writeFileSync(join(folder, "runtime.mjs"), RUNTIME_ONLY);
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(TSCONFIG));
  const run = (...args: string[]) => execFileSync(process.execPath, args, { cwd: folder, stdio: "inherit" });
  // Users' programs with `declaration: true` must type-check too, so the compiler's output is what runs.
  run(join(root, "node_modules/typescript/bin/tsc"), "-p", ".");
  run(join("out", "program.js"));
  run("runtime.mjs");
} finally {
  rmSync(folder, { recursive: true, force: true });
}

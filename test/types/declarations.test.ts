/** What the package exports is enough to declare what users make with it. */
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { USER_PROGRAM } from "./user-program.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));

const tsc = (cwd: string, ...args: string[]): string =>
  spawnSync(process.execPath, [join(root, "node_modules/typescript/bin/tsc"), "--pretty", "false", ...args], {
    cwd,
    encoding: "utf8",
  }).stdout;

test("a module that exports results of every function can be declared", { timeout: 120_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), "declarations-"));
  try {
    const installed = join(folder, "node_modules/tilewright");
    mkdirSync(installed, { recursive: true });
    cpSync(join(root, "package.json"), join(installed, "package.json"));
    symlinkSync(join(root, "node_modules/binaryen"), join(folder, "node_modules/binaryen"));
    expect(tsc(root, "-p", "tsconfig.build.json", "--emitDeclarationOnly", "--outDir", join(installed, "dist"))).toBe(
      "",
    );
    const compilerOptions = {
      ...{ target: "ES2022", lib: ["ES2023", "DOM"], module: "NodeNext", moduleResolution: "NodeNext", strict: true },
      // with noEmit the compiler still reports what it could not have declared
      ...{ declaration: true, noEmit: true, types: [] },
    };
    writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
    writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions, files: ["program.ts"] }));
    writeFileSync(join(folder, "program.ts"), USER_PROGRAM);
    expect(tsc(folder, "-p", ".")).toBe("");
  } finally {
    rmSync(folder, { recursive: true });
  }
});

/**
 * The package in a browser: bundles it with esbuild as a user would, serves a page on localhost and reads what headless Chromium made
 * of it. Two pages: one runs a built module through the runtime alone, one brings the whole compiler. Needs `npm run build` first.
 */
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build as bundle } from "esbuild";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const RUNTIME_LIMIT = 20_000;

/** Sends PASS or the error back to the server. */
const page = (body: string): string => `
const report = (text) => fetch("/report", { method: "POST", body: text });
addEventListener("error", (e) => report("FAIL " + e.message));
addEventListener("unhandledrejection", (e) => report("FAIL " + e.reason));
const [M, N, K] = [33, 40, 21];
const a = Float32Array.from({ length: M * K }, (_, q) => (q % 5) - 2);
const b = Float32Array.from({ length: K * N }, (_, q) => (q % 7) - 3);
function check(c) {
  for (let i = 0; i < M; i++) for (let j = 0; j < N; j++) {
    let want = 0;
    for (let k = 0; k < K; k++) want += a[i * K + k] * b[k * N + j];
    if (c[i * N + j] !== want) throw new Error("C[" + i + ", " + j + "] is " + c[i * N + j] + ", not " + want);
  }
}
${body}
report("PASS");
`;
const EXPRESSION = `
const A = placeholder("A", [M, K]);
const B = placeholder("B", [K, N]);
const C = compute("C", { i: M, j: N }, ({ i, j }) => sum({ k: K }, ({ k }) => A.at(i, k).mul(B.at(k, j))));
`;
const PAGES: { readonly [name: string]: string } = {
  runtime: `import { load } from "tilewright/runtime";${page(`
const bytes = new Uint8Array(await (await fetch("/gemm.wasm")).arrayBuffer());
const gemm = await load(bytes);
check(gemm({ A: a, B: b }));`)}`,
  compiler: `import { compile, compute, placeholder, sum } from "tilewright";${page(`${EXPRESSION}
check((await compile(C))({ A: a, B: b }));`)}`,
};

async function bundled(contents: string): Promise<Uint8Array> {
  const { outputFiles } = await bundle({
    stdin: { contents, resolveDir: root, loader: "js" },
    ...{ bundle: true, minify: true, write: false, format: "esm", platform: "browser", logLevel: "warning" },
    // Binaryen reaches for it in Node only, behind a check at run time.
    external: ["node:module"],
  });
  return outputFiles[0]!.contents;
}

/** The module for the runtime's page, built by the package itself. */
async function gemmWasm(): Promise<Uint8Array> {
  const path = join(root, "dist/src/index.js");
  if (!existsSync(path)) throw new Error("there is no dist/src/index.js: run npm run build first");
  const { build, compute, placeholder, sum } = (await import(path)) as typeof import("../src/index.ts");
  const [M, N, K] = [33, 40, 21];
  const A = placeholder("A", [M, K]);
  const B = placeholder("B", [K, N]);
  const C = compute("C", { i: M, j: N }, ({ i, j }) => sum({ k: K }, ({ k }) => A.at(i, k).mul(B.at(k, j))));
  return (await build(C)).wasm;
}

function browser(): string {
  const names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
  const folders = (process.env.PATH ?? "").split(":");
  const paths = [process.env.CHROMIUM ?? "", ...names.flatMap((n) => folders.map((f) => join(f, n)))];
  const found = paths.find((p) => p !== "" && existsSync(p));
  if (found === undefined) throw new Error("no Chromium: install it (apt-get install chromium) or name it in CHROMIUM");
  return found;
}

const FLAGS = [
  ...["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-dev-shm-usage", "--disable-sync"],
  ...[
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-extensions",
  ],
];
const LIMIT_MS = 90_000;

let reported: ((text: string) => void) | undefined;
/** What the page at `url` reports. */
async function reportOf(url: string): Promise<string> {
  const profile = mkdtempSync(join(tmpdir(), "tilewright-browser-"));
  const child = spawn(browser(), [...FLAGS, `--user-data-dir=${profile}`, url], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  let errors = "";
  child.stderr.on("data", (d) => {
    errors += d;
  });
  const ended = new Promise<void>((done) => child.on("close", () => done()));
  try {
    return await new Promise<string>((done, fail) => {
      reported = done;
      child.on("error", fail);
      child.on("close", (code) => fail(new Error(`the browser ended with ${code}:\n${errors.slice(-2000)}`)));
      setTimeout(() => fail(new Error(`nothing was reported in ${LIMIT_MS / 1000} s`)), LIMIT_MS).unref();
    });
  } finally {
    child.kill("SIGKILL");
    await ended;
    rmSync(profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  }
}

const files = new Map<string, readonly [type: string, content: string | Uint8Array]>();
const server = createServer((request, response) => {
  if (request.url === "/report") {
    let text = "";
    request.on("data", (d) => {
      text += d;
    });
    request.on("end", () => {
      response.end();
      reported?.(text);
    });
    return;
  }
  const file = files.get(request.url ?? "");
  if (file === undefined) return void response.writeHead(404).end();
  response.writeHead(200, { "content-type": file[0] }).end(file[1]);
});

const failures: string[] = [];
async function test(name: string, work: () => Promise<string>): Promise<void> {
  try {
    console.log(`ok      ${name}: ${await work()}`);
  } catch (e) {
    console.log(`FAILED  ${name}: ${e instanceof Error ? e.message : e}`);
    failures.push(name);
  }
}

await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
try {
  await test("gemm.wasm", async () => {
    const wasm = await gemmWasm();
    files.set("/gemm.wasm", ["application/wasm", wasm]);
    return `${wasm.length} bytes`;
  });
  await test("size of the runtime", async () => {
    const { length } = await bundled(`export * from "tilewright/runtime";`);
    if (length > RUNTIME_LIMIT) throw new Error(`${length} bytes, more than ${RUNTIME_LIMIT}`);
    return `${length} bytes, minified`;
  });
  for (const [name, source] of Object.entries(PAGES)) {
    await test(`the ${name} in a page`, async () => {
      const script = await bundled(source);
      files.set(`/${name}.js`, ["text/javascript", script]);
      const html = `<!doctype html><title>${name}</title><body><script type="module" src="/${name}.js"></script>`;
      files.set(`/${name}.html`, ["text/html", html]);
      const report = await reportOf(`${origin}/${name}.html`);
      if (report !== "PASS") throw new Error(report);
      return `bundle of ${(script.length / 1024).toFixed(0)} KB`;
    });
  }
} finally {
  server.close();
  server.closeAllConnections();
}
process.exitCode = failures.length > 0 ? 1 : 0;

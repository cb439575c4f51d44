/**
 * The package in a browser: bundles it with esbuild as a user would, serves a page on localhost and reads what headless Chromium made
 * of it. One page runs a built module through the runtime alone, one brings the whole compiler, one is the picture of a schedule.
 * Needs `npm run build` first.
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

/** The picture of a schedule, drawn by the package itself. It keeps account of its errors. */
async function picture(): Promise<string> {
  const { compute, placeholder, schedule, show, sum } = (await import(
    join(root, "dist/src/index.js")
  )) as typeof import("../src/index.ts");
  const A = placeholder("A", [32, 32]);
  const C = compute("C", { i: 32, j: 32 }, ({ i, j }) => sum({ k: 32 }, ({ k }) => A.at(i, k).mul(A.at(k, j))));
  const s = schedule(C);
  s.vectorize(s.split(s.loops(C).j, { jo: "rest", ji: 8 }).ji);
  const account = `<script>
window.errors = [];
addEventListener("error", (e) => errors.push(e.message));
addEventListener("securitypolicyviolation", (e) => errors.push(e.violatedDirective));
console.error = (...what) => errors.push(what.join(" "));
</script>`;
  return show(s, { html: true }).replace("<head>", `<head>${account}`);
}
/** Looks at the picture in a frame, because its own page may not talk to anybody. */
const LOOK = `
const report = (text) => fetch("/report", { method: "POST", body: text });
const frame = document.querySelector("iframe");
function look(page) {
  const d = page.document;
  const must = (holds, what) => { if (!holds) throw new Error(what); };
  const press = (on, key) => on.dispatchEvent(new page.KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
  const text = () => d.getElementById("step-nest").textContent;
  must(text().includes("for j in 32"), "the first step is not the plain nest: " + text());
  d.getElementById("next").click();
  must(text().includes("for jo in 4") && d.querySelector(".row.added"), "next does not show the split: " + text());
  press(d.body, "ArrowRight");
  must(text().includes("vectorized ji in 8"), "the right arrow does not show vectorize: " + text());
  must(d.getElementById("next").disabled, "there is a step after the last");
  press(d.body, "ArrowLeft");
  d.getElementById("previous").click();
  must(d.querySelector("[aria-current]").dataset.step === "0", "stepping back does not reach the beginning");
  const rows = [...d.querySelectorAll("#nest summary")];
  rows[0].focus();
  press(rows[0], "ArrowDown");
  must(d.activeElement === rows[1], "the down arrow does not reach the next row");
  const panel = d.getElementById("at-" + rows[1].dataset.at);
  must(!panel.hidden && d.querySelectorAll(".panel:not([hidden])").length === 1, "the row that has focus is not shown");
  must(d.querySelectorAll("tr.lit").length === 2, "its buffers are not marked");
  must(d.documentElement.scrollWidth <= page.innerWidth, "the page is wider than its window");
  must(page.errors.length === 0, "errors: " + page.errors.join("; "));
}
frame.addEventListener("load", () => {
  try {
    look(frame.contentWindow);
    report("PASS");
  } catch (e) {
    report("FAIL " + e.message);
  }
});
frame.src = "/picture.html";
`;

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
  await test("the picture of a schedule", async () => {
    const html = await picture();
    files.set("/picture.html", ["text/html", html]);
    const frame = `<!doctype html><title>look</title><body><iframe width="900" height="700"></iframe><script>${LOOK}</script>`;
    files.set("/look.html", ["text/html", frame]);
    const report = await reportOf(`${origin}/look.html`);
    if (report !== "PASS") throw new Error(report);
    return `${(html.length / 1024).toFixed(0)} KB`;
  });
} finally {
  server.close();
  server.closeAllConnections();
}
process.exitCode = failures.length > 0 ? 1 : 0;

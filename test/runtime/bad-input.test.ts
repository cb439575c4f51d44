/** What no type lets through and JavaScript does: every such call names what is wrong. */
import { describe, expect, it } from "vitest";
import { makeArtifact } from "../../src/driver/artifact.ts";
import { arena, load, readAbi, TilewrightError } from "../../src/runtime/index.ts";
import { addModule, input, output, pairModule, size, wrap } from "./modules.ts";

// biome-ignore lint/suspicious/noExplicitAny: calls that the types refuse
type Loose = any;
const f32 = (...v: number[]): Float32Array => Float32Array.from(v);
/** `code: message` of a typed error; other errors fail. */
async function said(f: () => unknown): Promise<string> {
  try {
    await f();
  } catch (e) {
    if (!(e instanceof TilewrightError)) throw e;
    return `${e.code}: ${e.message}`;
  }
  return "nothing was thrown";
}
const add: Loose = await load(addModule());
const args = { A: f32(1), B: f32(2), alpha: 2 };

describe.each<[string, () => unknown, RegExp]>([
  ["an array as the options of a call", () => add(args, f32(0)), /^argument-unknown: add: .*Float32Array.*into/],
  ["another option", () => add(args, { in2: f32(0) }), /no option in2.*into/],
  ["text as the options", () => add(args, "into"), /"into".*\{ into: array \}/],
  ["null as the options", () => add(args, null), /Null.*into/],
  ["a record for one result", () => add(args, { into: { C: f32(0) } }), /^argument-type: add: into is an Object/],
  ["load of nothing", () => load(undefined as Loose), /^module: undefined is neither/],
  ["load of null", () => load(null as Loose), /^module: a Null is neither/],
  ["load of a number", () => load(5 as Loose), /^module: 5 is neither/],
  ["load of a path", () => load("gemm.wasm" as Loose), /^module: "gemm.wasm".*read the file first/],
  ["load with no arena", () => load(addModule(), { arena: {} as Loose }), /^module: load: arena is an Object/],
  ["load with null", () => load(addModule(), null as Loose), /^module: load: the options are a Null/],
  ["readAbi of text", () => readAbi("x" as Loose), /read the file first/],
  ["arena(null)", () => arena(null as Loose), /^arena-options: .*Null/],
  ["arena of a bigint", () => arena({ max: 10n as Loose }), /^arena-options: .*max is 10/],
  ["arena with another option", () => arena({ mx: 3 } as Loose), /^arena-options: .*no option mx; there is max/],
  [
    "an array of no dtype",
    () => arena({ max: "1MB" }).array("f33" as Loose, 4),
    /^arena-options: .*"f33" is not a dtype/,
  ],
  ["an array of no shape", () => arena({ max: "1MB" }).array("f32", undefined as Loose), /undefined is not a length/],
])("%s", (_, f, message) => {
  it("is a typed error", async () => expect(await said(f)).toMatch(message));
});

it.each(["toString", "constructor", "valueOf", "hasOwnProperty"])("a size may be called %s", async (name) => {
  const abi = {
    version: 1 as const,
    name: "k",
    params: [input("X", "f32", [{ size: name }]), output("Y", "f32", [{ size: name }]), size(name)],
    scratch: 0,
  };
  const k: Loose = await load(wrap(abi, "(param i32 i32 i32)"));
  expect(k({ X: f32(1, 2, 3) })).toHaveLength(3);
});

it("a result may be called __proto__", async () => {
  const params = [input("X", "f32", [2]), output("__proto__", "f32", [2])];
  const k: Loose = await load(
    wrap({ version: 1, name: "k", params, scratch: 0, results: "record" }, "(param i32 i32)"),
  );
  expect(Object.keys(k({ X: f32(1, 2) }))).toEqual(["__proto__"]);
});

it("arrays that only alignment brings to the limit are too large", async () => {
  const of = (bytes: number): Uint8Array => new Uint8Array(bytes);
  const one = await load(
    wrap(
      { version: 1, name: "k", params: [input("X", "u8", [{ size: "n" }]), size("n")], scratch: 0 },
      "(param i32 i32)",
    ),
  );
  for (const bytes of [2 ** 31 - 1, 2 ** 31 - 16])
    expect(await said(() => (one as Loose)({ X: of(bytes) }))).toMatch(/^too-large|^out-of-memory/);
}, 60_000);

describe("the loader beside a module", () => {
  const loaded = async (wasm: Uint8Array): Promise<Loose> => {
    const { loader } = makeArtifact({ wasm, abi: readAbi(wasm), wat: () => "" });
    const made = await import(/* @vite-ignore */ `data:text/javascript,${encodeURIComponent(loader)}`);
    return made.load(wasm);
  };
  it("names the arrays and scalars that do not fit", async () => {
    const k = await loaded(addModule());
    expect(() => k({})).toThrow("A must be a Float32Array of shape [n]");
    expect(() => k()).toThrow("A must be a Float32Array of shape [n]");
    for (const alpha of [undefined, "2", true, 2n])
      expect(() => k({ ...args, alpha })).toThrow("alpha must be a number");
    expect(k(args)).toEqual(f32(6));
    const pair = await loaded(pairModule());
    expect(() => pair({ X: f32(1) })).toThrow("X must be a BigInt64Array");
  });
  it("refuses scalars beyond their range and negative dimensions", async () => {
    const scalars = ["i8", "u16", "i64", "bool"] as const;
    const abi = {
      version: 1 as const,
      name: "k",
      params: [
        output("Y", "f32", [{ op: "sub" as const, args: [{ size: "n" }, 2] as const }]),
        size("n"),
        ...scalars.map((dtype) => ({ role: "scalar" as const, name: `s_${dtype}`, dtype })),
      ],
      scratch: 0,
    };
    const k = await loaded(wrap(abi, "(param i32 i32 i32 i32 i64 i32)"));
    const ok = { n: 2, s_i8: -128, s_u16: 65535, s_i64: -1n, s_bool: true };
    expect(k(ok)).toHaveLength(0);
    expect(() => k({ ...ok, n: 1 })).toThrow("Y[n - 2] has a negative dimension");
    for (const bad of [{ s_i8: 128 }, { s_i8: 1.5 }, { s_u16: -1 }, { s_i64: 1 }, { s_i64: 2n ** 63n }, { s_bool: 2 }])
      expect(() => k({ ...ok, ...bad })).toThrow(`${Object.keys(bad)[0]} must be a`);
  });
});

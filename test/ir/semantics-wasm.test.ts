/** The semantics table against the WebAssembly engine, for every operation that WebAssembly has. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import wabt from "wabt";
import { applyOp, type DType, normalize, type OpName, type Scalar } from "../../src/ir/index.ts";

type Ty = "i32" | "i64" | "f32" | "f64";
interface Row {
  readonly op: OpName;
  readonly args: readonly DType[];
  readonly out: DType;
  readonly wasm: string;
  /** Operands for which wasm traps, where our semantics differs on purpose. */
  readonly skip?: (a: Scalar, b: Scalar) => boolean;
}
const TY: { readonly [D in DType]?: Ty } = {
  i32: "i32",
  u32: "i32",
  bool: "i32",
  i64: "i64",
  u64: "i64",
  f32: "f32",
  f64: "f64",
};

const rows: Row[] = [];
for (const d of ["i32", "u32", "i64", "u64"] as const) {
  const t = TY[d]!;
  const s = d.startsWith("i") ? "s" : "u";
  const two = [d, d] as const;
  for (const op of ["add", "sub", "mul", "and", "or", "xor", "shl"] as const)
    rows.push({ op, args: two, out: d, wasm: `${t}.${op}` });
  rows.push({ op: "shr", args: two, out: d, wasm: `${t}.shr_${s}` });
  const traps = (a: Scalar, b: Scalar): boolean => Number(b) === 0 || (Number(b) === -1 && Number(a) < -(2 ** 30));
  rows.push({ op: "truncdiv", args: two, out: d, wasm: `${t}.div_${s}`, skip: traps });
  rows.push({ op: "truncrem", args: two, out: d, wasm: `${t}.rem_${s}`, skip: (_, b) => Number(b) === 0 });
  for (const op of ["eq", "ne"] as const) rows.push({ op, args: two, out: "bool", wasm: `${t}.${op}` });
  for (const op of ["lt", "le", "gt", "ge"] as const)
    rows.push({ op, args: two, out: "bool", wasm: `${t}.${op}_${s}` });
  for (const f of ["f32", "f64"] as const) {
    rows.push({ op: "cast", args: [f], out: d, wasm: `${t}.trunc_sat_${f}_${s}` });
    rows.push({ op: "cast", args: [d], out: f, wasm: `${f}.convert_${t}_${s}` });
  }
}
rows.push({ op: "cast", args: ["i64"], out: "i32", wasm: "i32.wrap_i64" });
rows.push({ op: "cast", args: ["i32"], out: "i64", wasm: "i64.extend_i32_s" });
rows.push({ op: "cast", args: ["u32"], out: "u64", wasm: "i64.extend_i32_u" });
rows.push({ op: "cast", args: ["f64"], out: "f32", wasm: "f32.demote_f64" });
rows.push({ op: "cast", args: ["f32"], out: "f64", wasm: "f64.promote_f32" });
rows.push({ op: "bitcast", args: ["f32"], out: "i32", wasm: "i32.reinterpret_f32", skip: (a) => Number.isNaN(a) });
rows.push({ op: "bitcast", args: ["i32"], out: "f32", wasm: "f32.reinterpret_i32" });
rows.push({ op: "bitcast", args: ["f64"], out: "i64", wasm: "i64.reinterpret_f64", skip: (a) => Number.isNaN(a) });
rows.push({ op: "bitcast", args: ["i64"], out: "f64", wasm: "f64.reinterpret_i64" });
for (const f of ["f32", "f64"] as const) {
  for (const op of ["add", "sub", "mul", "div", "min", "max"] as const)
    rows.push({ op, args: [f, f], out: f, wasm: `${f}.${op}` });
  for (const op of ["neg", "abs", "sqrt", "floor", "ceil", "trunc"] as const)
    rows.push({ op, args: [f], out: f, wasm: `${f}.${op}` });
  rows.push({ op: "round", args: [f], out: f, wasm: `${f}.nearest` });
  for (const op of ["eq", "ne", "lt", "le", "gt", "ge"] as const)
    rows.push({ op, args: [f, f], out: "bool", wasm: `${f}.${op}` });
}

function values(d: DType): fc.Arbitrary<Scalar> {
  const whole = [0n, 1n, -1n, 2n ** 31n, 2n ** 31n - 1n, 2n ** 63n, 2n ** 63n - 1n, 31n, 32n, 33n, 63n, 64n];
  if (d === "f32" || d === "f64") {
    const odd = [
      0,
      -0,
      0.5,
      -0.5,
      1.5,
      2.5,
      NaN,
      Infinity,
      -Infinity,
      2 ** 31,
      2 ** 32,
      2 ** 63,
      -(2 ** 63),
      2 ** 64,
      1e-45,
    ];
    return fc
      .oneof(fc.constantFrom(...odd), fc.double(), fc.float(), fc.double({ min: -1e3, max: 1e3 }))
      .map((x) => normalize(d, x));
  }
  return fc
    .oneof(
      fc.constantFrom(...whole),
      fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n }),
      fc.bigInt({ min: -70n, max: 70n }),
    )
    .map((x) => normalize(d, x));
}

const w = await wabt();
const text = rows.map((r, i) => {
  const params = r.args.map((a) => `(param ${TY[a]})`).join(" ");
  const gets = r.args.map((_, k) => `(local.get ${k})`).join(" ");
  return `(func (export "f${i}") ${params} (result ${TY[r.out]}) (${r.wasm} ${gets}))`;
});
const parsed = w.parseWat("ops.wat", `(module ${text.join("\n")})`, { sat_float_to_int: true });
const { buffer } = parsed.toBinary({});
const instance = new WebAssembly.Instance(new WebAssembly.Module(new Uint8Array(buffer)));

describe("the semantics table agrees with the engine", () => {
  for (const [i, r] of rows.entries()) {
    it(`${r.op} ${r.args.join()} -> ${r.out} (${r.wasm})`, () => {
      const f = instance.exports[`f${i}`] as (...v: Scalar[]) => Scalar;
      fc.assert(
        fc.property(values(r.args[0]!), values(r.args.at(-1)!), (a, b) => {
          if (r.skip?.(a, b)) return;
          const v = r.args.length === 1 ? [a] : [a, b];
          // Object.is through toBe: -0 and NaN are told apart from 0
          expect(applyOp(r.op, r.out, r.args, v)).toBe(normalize(r.out, f(...v)));
        }),
        { numRuns: 300 },
      );
    });
  }
});

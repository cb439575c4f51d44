/** Hand-written modules with the ABI of built ones, for tests of the runtime alone. */

import wabtInit from "wabt";
import { addAbi } from "../../src/driver/artifact.ts";
import type { Abi, AbiBuffer, AbiSize, SizeExpr } from "../../src/runtime/index.ts";

const wabt = await wabtInit();

export function assemble(wat: string): Uint8Array {
  const m = wabt.parseWat("test.wat", wat, { simd: true, threads: true, relaxed_simd: true });
  try {
    return new Uint8Array(m.toBinary({}).buffer);
  } finally {
    m.destroy();
  }
}
export const input = (
  name: string,
  dtype: AbiBuffer["dtype"],
  shape: SizeExpr[],
  more: Partial<AbiBuffer> = {},
): AbiBuffer => ({ role: "input", name, dtype, shape, ...more });
export const output = (
  name: string,
  dtype: AbiBuffer["dtype"],
  shape: SizeExpr[],
  more: Partial<AbiBuffer> = {},
): AbiBuffer => ({ role: "output", name, dtype, shape, ...more });
export const size = (name: string, more: Partial<AbiSize> = {}): AbiSize => ({
  role: "size",
  name,
  min: 0,
  max: 2 ** 31 - 1,
  multipleOf: 1,
  ...more,
});
export const n: SizeExpr = { size: "n" };
export const of = (op: "add" | "sub" | "mul" | "floordiv" | "floormod", a: SizeExpr, b: SizeExpr): SizeExpr => ({
  op,
  args: [a, b],
});

/** A module around one function. */
export const wrap = (abi: Abi, func: string, heap = 1024): Uint8Array =>
  addAbi(
    assemble(`(module
      (memory (export "memory") 1)
      (global (export "heap") i32 (i32.const ${heap}))
      (func (export "${abi.name}") ${func}))`),
    abi,
  );

/** For i in [0, count): the body, with $i the element. */
const loop = (count: string, body: string): string => `
  (local $i i32)
  (block $end (loop $next
    (br_if $end (i32.ge_s (local.get $i) ${count}))
    ${body}
    (local.set $i (i32.add (local.get $i) (i32.const 1)))
    (br $next)))`;
const at = (base: string, bytes: number): string =>
  `(i32.add (local.get ${base}) (i32.mul (local.get $i) (i32.const ${bytes})))`;

/** C[i] = alpha * (A[i] + B[i]), f32[n]. */
export const addAbiOf = (more: Partial<Abi> = {}, sizeFacts: Partial<AbiSize> = {}): Abi => ({
  version: 1,
  name: "add",
  params: [
    input("A", "f32", [n]),
    input("B", "f32", [n]),
    output("C", "f32", [n]),
    size("n", sizeFacts),
    { role: "scalar", name: "alpha", dtype: "f32" },
    { role: "scratch" },
  ],
  scratch: of("mul", n, 8),
  ...more,
});
export const addModule = (more: Partial<Abi> = {}, sizeFacts: Partial<AbiSize> = {}): Uint8Array =>
  wrap(
    addAbiOf(more, sizeFacts),
    `(param $a i32) (param $b i32) (param $c i32) (param $n i32) (param $alpha f32) (param $s i32)
    ${loop(
      "(local.get $n)",
      // scribbles over its scratch, so that tests see it if scratch is anybody else's
      `(i64.store ${at("$s", 8)} (i64.const -1))
       (f32.store ${at("$c", 4)} (f32.mul (local.get $alpha)
         (f32.add (f32.load ${at("$a", 4)}) (f32.load ${at("$b", 4)}))))`,
    )}`,
  );

/** C[i, j] = sum over k of A[i, k] * B[k, j], f64, all sizes symbolic. */
export const gemmModule = (): Uint8Array => {
  const [m, k] = [{ size: "m" }, { size: "k" }];
  const abi: Abi = {
    version: 1,
    name: "gemm",
    params: [
      input("A", "f64", [m, k]),
      input("B", "f64", [k, n]),
      input("bias", "f64", [n]),
      output("C", "f64", [m, n]),
      size("m"),
      size("n"),
      size("k"),
      { role: "scratch" },
    ],
    scratch: 0,
  };
  const el = (b: string, row: string, width: string, col: string): string =>
    `(i32.add (local.get ${b}) (i32.shl (i32.add (i32.mul (local.get ${row}) (local.get ${width})) (local.get ${col})) (i32.const 3)))`;
  const each = (v: string, count: string, body: string): string => `(local.set ${v} (i32.const 0))
    (block $e${v} (loop $n${v} (br_if $e${v} (i32.ge_s (local.get ${v}) (local.get ${count}))) ${body}
    (local.set ${v} (i32.add (local.get ${v}) (i32.const 1))) (br $n${v})))`;
  return wrap(
    abi,
    `(param $A i32) (param $B i32) (param $bias i32) (param $C i32) (param $m i32) (param $n i32) (param $k i32) (param $s i32)
    (local $x i32) (local $y i32) (local $z i32) (local $acc f64)
    ${each(
      "$x",
      "$m",
      each(
        "$y",
        "$n",
        `(local.set $acc (f64.load (i32.add (local.get $bias) (i32.shl (local.get $y) (i32.const 3)))))
        ${each("$z", "$k", `(local.set $acc (f64.add (local.get $acc) (f64.mul (f64.load ${el("$A", "$x", "$k", "$z")}) (f64.load ${el("$B", "$z", "$n", "$y")}))))`)}
        (f64.store ${el("$C", "$x", "$n", "$y")} (local.get $acc))`,
      ),
    )}`,
  );
};

/** Copies of 16-bit elements: Y[i] = X[i], f16[n]; and the scalar's bits to Z[0]. */
export const f16Module = (): Uint8Array =>
  wrap(
    {
      version: 1,
      name: "copy",
      params: [
        input("X", "f16", [n]),
        output("Y", "f16", [n]),
        output("Z", "f16", []),
        size("n"),
        { role: "scalar", name: "h", dtype: "f16" },
        { role: "scratch" },
      ],
      scratch: 0,
    },
    `(param $x i32) (param $y i32) (param $z i32) (param $n i32) (param $h i32) (param $s i32)
    ${loop("(local.get $n)", `(i32.store16 ${at("$y", 2)} (i32.load16_u ${at("$x", 2)}))`)}
    (i32.store16 (local.get $z) (local.get $h))`,
  );

/** Two results: S[i] = X[i] + 1 (i64) and P[i] = whether X[i] > 0 (bool). */
export const pairModule = (): Uint8Array =>
  wrap(
    {
      version: 1,
      name: "pair",
      params: [
        input("X", "i64", [n]),
        output("S", "i64", [n]),
        output("P", "bool", [n]),
        size("n"),
        { role: "scratch" },
      ],
      scratch: 0,
    },
    `(param $x i32) (param $s i32) (param $p i32) (param $n i32) (param $w i32)
    ${loop(
      "(local.get $n)",
      `(i64.store ${at("$s", 8)} (i64.add (i64.load ${at("$x", 8)}) (i64.const 1)))
       (i32.store8 ${at("$p", 1)} (i64.gt_s (i64.load ${at("$x", 8)}) (i64.const 0)))`,
    )}`,
  );

/** Every third byte: Y[3 i] = X[4 i] + 1, u8[n] of strides 4 and 3. */
export const stridedModule = (): Uint8Array =>
  wrap(
    {
      version: 1,
      name: "plane",
      params: [
        input("X", "u8", [n], { strides: [4] }),
        output("Y", "u8", [n], { strides: [3] }),
        size("n"),
        { role: "scratch" },
      ],
      scratch: 0,
    },
    `(param $x i32) (param $y i32) (param $n i32) (param $s i32)
    ${loop("(local.get $n)", `(i32.store8 ${at("$y", 3)} (i32.add (i32.load8_u ${at("$x", 4)}) (i32.const 1)))`)}`,
  );

/** Y[i] = not X[i], bool[n]. */
export const notModule = (): Uint8Array =>
  wrap(
    {
      version: 1,
      name: "not",
      params: [input("X", "bool", [n]), output("Y", "bool", [n]), size("n"), { role: "scratch" }],
      scratch: 0,
    },
    `(param $x i32) (param $y i32) (param $n i32) (param $s i32)
    ${loop("(local.get $n)", `(i32.store8 ${at("$y", 1)} (i32.eqz (i32.load8_u ${at("$x", 1)})))`)}`,
  );

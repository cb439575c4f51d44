/**
 * The intrinsics that ship for WebAssembly, as a table. Each is what users can write themselves (see te/intrinsic.ts): semantics that
 * the oracle runs, and the instructions. A test holds every one of them against its semantics.
 */
import { compute, defineIntrinsic, placeholder, sum } from "../../te/index.ts";

/** c + a * b; an operand that is the same for all lanes is loaded as a splat. */
function multiplyAdd<const S extends "f32x4" | "f64x2">(shape: S, relaxed: boolean) {
  const [dtype, n] = shape === "f32x4" ? (["f32", 4] as const) : (["f64", 2] as const);
  const a = placeholder("a", [n], dtype);
  const b = placeholder("b", [n], dtype);
  const c = placeholder("c", [n], dtype);
  const semantics = compute("multiplyAdd", { i: n }, ({ i }) => c.at(i).add(a.at(i).mul(b.at(i))));
  return relaxed
    ? defineIntrinsic({
        name: `${shape}.relaxed_madd`,
        semantics,
        requires: { features: ["relaxed"] },
        emit: { wasm: ({ a, b, c }, i) => i(`${shape}.relaxed_madd`, a, b, c) },
      })
    : defineIntrinsic({
        name: `${shape}.mul_add`,
        semantics,
        emit: { wasm: ({ a, b, c }, i) => i(`${shape}.add`, c, i(`${shape}.mul`, a, b)) },
      });
}

/** Four sums of two products each. */
function dotI16(accumulate: boolean) {
  const a = placeholder("a", [4, 2], "i16");
  const b = placeholder("b", [4, 2], "i16");
  const c = placeholder("c", [4], "i32");
  return accumulate
    ? defineIntrinsic({
        name: "i32x4.dot_i16x8_add_s",
        semantics: compute("dot", { i: 4 }, ({ i }) =>
          c.at(i).add(sum({ k: 2 }, ({ k }) => a.at(i, k).cast("i32").mul(b.at(i, k).cast("i32")))),
        ),
        emit: { wasm: ({ a, b, c }, i) => i("i32x4.add", c, i("i32x4.dot_i16x8_s", a, b)) },
      })
    : defineIntrinsic({
        name: "i32x4.dot_i16x8_s",
        semantics: compute("dot", { i: 4 }, ({ i }) =>
          sum({ k: 2 }, ({ k }) => a.at(i, k).cast("i32").mul(b.at(i, k).cast("i32"))),
        ),
        emit: { wasm: ({ a, b }, i) => i("i32x4.dot_i16x8_s", a, b) },
      });
}

/** Four sums of two products of bytes each: products in 16 bits, which neighbours then leave together as 32. */
function extmul8(dtype: "i8" | "u8") {
  const s = dtype === "i8" ? "s" : "u";
  const a = placeholder("a", [4, 2], dtype);
  const b = placeholder("b", [4, 2], dtype);
  const c = placeholder("c", [4], "i32");
  return defineIntrinsic({
    name: `i32x4.extmul_low_i8x16_add_${s}`,
    semantics: compute("extmul", { i: 4 }, ({ i }) =>
      c.at(i).add(sum({ k: 2 }, ({ k }) => a.at(i, k).cast("i32").mul(b.at(i, k).cast("i32")))),
    ),
    emit: {
      wasm: ({ a, b, c }, i) =>
        i("i32x4.add", c, i(`i32x4.extadd_pairwise_i16x8_${s}`, i(`i16x8.extmul_low_i8x16_${s}`, a, b))),
    },
  });
}
/** Four sums of four products of bytes each. The halves of a register hold the first and the second two products of every sum. */
function extmul16(dtype: "i8" | "u8") {
  const s = dtype === "i8" ? "s" : "u";
  const a = placeholder("a", [2, 4, 2], dtype);
  const b = placeholder("b", [2, 4, 2], dtype);
  const c = placeholder("c", [4], "i32");
  return defineIntrinsic({
    name: `i32x4.extmul_i8x16_add_${s}`,
    semantics: compute("extmul", { i: 4 }, ({ i }) =>
      c.at(i).add(
        sum({ h: 2, k: 2 }, ({ h, k }) =>
          a
            .at(h, i, k)
            .cast("i32")
            .mul(b.at(h, i, k).cast("i32")),
        ),
      ),
    ),
    emit: {
      wasm: ({ a, b, c }, i) => {
        const half = (name: string) =>
          i(`i32x4.extadd_pairwise_i16x8_${s}`, i(`i16x8.extmul_${name}_i8x16_${s}`, a, b));
        return i("i32x4.add", i("i32x4.add", c, half("low")), half("high"));
      },
    },
  });
}

/** Eight sums of two products of bytes each, in 16 bits. Machines agree where `b` has seven bits. */
function relaxedDot() {
  const a = placeholder("a", [8, 2], "i8");
  const b = placeholder("b", [8, 2], "i8");
  return defineIntrinsic({
    name: "i16x8.relaxed_dot_i8x16_i7x16_s",
    semantics: compute("dot", { i: 8 }, ({ i }) =>
      sum({ k: 2 }, ({ k }) => a.at(i, k).cast("i16").mul(b.at(i, k).cast("i16"))),
    ),
    requires: { features: ["relaxed"], ranges: { b: [0, 127] } },
    emit: { wasm: ({ a, b }, i) => i("i16x8.relaxed_dot_i8x16_i7x16_s", a, b) },
  });
}
/** Four sums of four products of bytes each. Machines agree where `b` has seven bits. */
function relaxedDotAdd() {
  const a = placeholder("a", [4, 4], "i8");
  const b = placeholder("b", [4, 4], "i8");
  const c = placeholder("c", [4], "i32");
  return defineIntrinsic({
    name: "i32x4.relaxed_dot_i8x16_i7x16_add_s",
    semantics: compute("dot", { i: 4 }, ({ i }) =>
      c.at(i).add(sum({ k: 4 }, ({ k }) => a.at(i, k).cast("i32").mul(b.at(i, k).cast("i32")))),
    ),
    requires: { features: ["relaxed"], ranges: { b: [0, 127] } },
    emit: { wasm: ({ a, b, c }, i) => i("i32x4.relaxed_dot_i8x16_i7x16_add_s", a, b, c) },
  });
}

/**
 * The intrinsics that ship for WebAssembly, by the instruction that they are about (a dot of its name is an underscore here).
 *
 *     s.tensorize(ji, intrinsics.i32x4_dot_i16x8_s);
 */
export const intrinsics = Object.freeze({
  f32x4_mul_add: multiplyAdd("f32x4", false),
  f64x2_mul_add: multiplyAdd("f64x2", false),
  f32x4_relaxed_madd: multiplyAdd("f32x4", true),
  f64x2_relaxed_madd: multiplyAdd("f64x2", true),
  i32x4_dot_i16x8_s: dotI16(false),
  i32x4_dot_i16x8_add_s: dotI16(true),
  i32x4_extmul_low_i8x16_add_s: extmul8("i8"),
  i32x4_extmul_low_i8x16_add_u: extmul8("u8"),
  i32x4_extmul_i8x16_add_s: extmul16("i8"),
  i32x4_extmul_i8x16_add_u: extmul16("u8"),
  i16x8_relaxed_dot_i8x16_i7x16_s: relaxedDot(),
  i32x4_relaxed_dot_i8x16_i7x16_add_s: relaxedDotAdd(),
});

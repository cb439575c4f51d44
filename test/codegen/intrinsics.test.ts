import { describe, expect, it } from "vitest";
import { emitWasm, intrinsics } from "../../codegen/wasm/index.ts";
import {
  applyOp,
  bytesOf,
  call,
  type Intrinsic,
  isFloat,
  normalize,
  type Scalar,
  variable,
} from "../../src/ir/index.ts";
import { compileIntrinsic } from "../../src/reference/index.ts";
import { type Lowered, type WasmTarget, wasm } from "../../src/target/index.ts";
import { compute, defineIntrinsic, placeholder, sum } from "../../te/index.ts";
import {
  at,
  loadAt,
  loop,
  lowered,
  pointer,
  random,
  randomValue,
  readAll,
  start,
  storeAt,
  validate,
  writeAll,
} from "./harness.ts";

const ROWS = 400;

/** One intrinsic over rows of operands. */
function kernelOf(x: Intrinsic): Lowered {
  const [row, out] = [variable("row"), pointer("out")];
  const pointers = x.operands.map((o) => pointer(o.name));
  const args = x.operands.map((o, i) => loadAt(at(pointers[i]!, row, o.lanes * bytesOf(o.dtype)), o.dtype, o.lanes));
  const value = call(x, args);
  const to = at(out, row, x.lanes * bytesOf(x.dtype));
  return lowered([out, ...pointers], loop(row, ROWS, storeAt(to, value)));
}

const targetOf = (x: Intrinsic): WasmTarget => wasm({ relaxed: x.features.includes("relaxed") });
async function runs(x: Intrinsic): Promise<boolean> {
  const { wasm: bytes } = await emitWasm(kernelOf(x), targetOf(x));
  await validate(bytes, targetOf(x));
  return WebAssembly.validate(bytes as BufferSource);
}

/** Where an instruction may round once or twice, either will do. */
function agrees(x: Intrinsic, args: readonly Scalar[][], lane: number, want: Scalar, got: Scalar): boolean {
  if (Object.is(want, got) || (Number.isNaN(want) && Number.isNaN(got))) return true;
  if (!x.features.includes("relaxed") || !isFloat(x.dtype)) return false;
  const [a, b, c] = ["a", "b", "c"].map((n) => args[x.operands.findIndex((o) => o.name === n)]![lane]!);
  const fused = applyOp("fma", x.dtype, [x.dtype, x.dtype, x.dtype], [a!, b!, c!]);
  return Object.is(fused, got) || (Number.isNaN(fused) && Number.isNaN(got));
}

async function checkAgainstSemantics(x: Intrinsic, seed: number): Promise<void> {
  const rnd = random(seed);
  const within = (v: Scalar, o: Intrinsic["operands"][number]): Scalar => {
    if (o.range === undefined) return v;
    const [least, most] = o.range;
    return rnd() < 0.2 ? (rnd() < 0.5 ? least : most) : least + (Math.abs(Number(v)) % (most - least + 1));
  };
  const rows = Array.from({ length: ROWS }, () =>
    x.operands.map((o) =>
      Array.from({ length: o.lanes }, () => normalize(o.dtype, within(randomValue(o.dtype, rnd), o))),
    ),
  );
  const semantics = compileIntrinsic(x);
  const k = await start(kernelOf(x), targetOf(x));
  let free = 1024;
  const reserve = (bytes: number): number => {
    const here = free;
    free = Math.ceil((free + bytes) / 16) * 16;
    return here;
  };
  const out = reserve(ROWS * x.lanes * bytesOf(x.dtype));
  const places = x.operands.map((o, i) => {
    const to = reserve(ROWS * o.lanes * bytesOf(o.dtype));
    writeAll(
      k.memory,
      to,
      o.dtype,
      rows.flatMap((r) => r[i]!),
    );
    return to;
  });
  k.call(out, ...places);
  const got = readAll(k.memory, out, x.dtype, ROWS * x.lanes);
  rows.forEach((args, r) => {
    semantics(args).forEach((want, lane) => {
      const v = got[r * x.lanes + lane]!;
      const told = x.operands.map((o, i) => `${o.name} = ${args[i]!.join(" ")}`).join("; ");
      expect(agrees(x, args, lane, want, v), `${x.name}, lane ${lane}: ${v} instead of ${want} for ${told}`).toBe(true);
    });
  });
}

describe("every intrinsic does what its semantics say", () => {
  for (const [key, x] of Object.entries(intrinsics) as [string, Intrinsic][])
    it(key, async ({ skip }) => {
      if (!(await runs(x))) skip("this engine has no relaxed SIMD");
      for (const seed of [1, 2, 3]) await checkAgainstSemantics(x, seed);
    });
});

describe("emission", () => {
  const a = placeholder("a", [8], "i16");
  const b = placeholder("b", [8], "i16");

  it("computes a node that stands in several places once", async () => {
    const x = defineIntrinsic({
      name: "test.square_sum",
      semantics: compute("t", { i: 8 }, ({ i }) =>
        a
          .at(i)
          .add(b.at(i))
          .mul(a.at(i).add(b.at(i))),
      ),
      emit: {
        wasm: ({ a, b }, i) => {
          const s = i("i16x8.add", a, b);
          return i("i16x8.mul", s, s);
        },
      },
    });
    await checkAgainstSemantics(x, 4);
    const { wat } = await emitWasm(kernelOf(x), wasm());
    expect(wat.match(/i16x8\.add/g)).toHaveLength(1);
    expect(wat.match(/v128\.load/g)).toHaveLength(2);
  });

  it("takes immediates, constants, lanes and counts of shifts", async () => {
    const x = defineIntrinsic({
      name: "test.immediates",
      semantics: compute("t", { i: 8 }, ({ i }) => a.at(i).shl(3).add(1).sub(b.at(i))),
      emit: {
        wasm: ({ a, b }, i) => {
          const one = i("i16x8.splat", i("i32.const", 1));
          const swapped = i("i8x16.shuffle", b, b, [2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13]);
          const back = i(
            "i8x16.swizzle",
            swapped,
            i("v128.const", [2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13]),
          );
          const same = i("i16x8.replace_lane", back, i("i16x8.extract_lane_s", b, 5), 5);
          return i("i16x8.sub", i("i16x8.add", i("i16x8.shl", a, i("i32.const", 3)), one), same);
        },
      },
    });
    await checkAgainstSemantics(x, 5);
  });

  it("widens partial registers", async () => {
    const [c, d] = [placeholder("c", [2, 2], "i8"), placeholder("d", [2], "i16")];
    const x = defineIntrinsic({
      name: "test.pairs",
      semantics: compute("t", { i: 2 }, ({ i }) => d.at(i).add(sum({ k: 2 }, ({ k }) => c.at(i, k).cast("i16")))),
      emit: { wasm: ({ c, d }, i) => i("i16x8.add", d, i("i16x8.extadd_pairwise_i8x16_s", c)) },
    });
    await checkAgainstSemantics(x, 6);
  });
});

describe("defineIntrinsic refuses", () => {
  const a = placeholder("a", [4, 2], "i16");
  const b = placeholder("b", [4], "i32");
  const add = (x = b) => compute("t", { i: 4 }, ({ i }) => x.at(i).add(1));
  const emit = { wasm: ({ b }: { b: never }, i: never) => (i as (...x: unknown[]) => never)("i32x4.neg", b) };
  // biome-ignore lint/suspicious/noExplicitAny: mistakes that types would catch
  const define = (x: any): unknown => defineIntrinsic({ name: "test.bad", emit, ...x });
  const cases: [string, () => unknown, RegExp][] = [
    ["a name with blanks", () => define({ name: "no good", semantics: add() }), /can't be named "no good"/],
    ["no tensor", () => define({ semantics: 3 }), /semantics is/],
    [
      "an unknown instruction",
      () => define({ semantics: add(), emit: { wasm: (_: never, i: (n: string) => never) => i("i32x4.frob") } }),
      /no instruction "i32x4.frob": is it i32x4/,
    ],
    [
      "operands that an instruction does not take",
      () =>
        define({
          semantics: add(),
          emit: { wasm: (o: { b: never }, i: (...x: unknown[]) => never) => i("i32x4.add", o.b) },
        }),
      /i32x4\.add takes v128, v128, but was given v128/,
    ],
    [
      "a lane that is not there",
      () =>
        define({
          semantics: add(),
          emit: {
            wasm: (o: { b: never }, i: (...x: unknown[]) => unknown) =>
              i("i32x4.splat", i("i32x4.extract_lane", o.b, 4)),
          },
        }),
      /1 number\(s\) below 4/,
    ],
    [
      "a relaxed instruction that is not required",
      () =>
        define({
          semantics: add(),
          emit: { wasm: (o: { b: never }, i: (...x: unknown[]) => never) => i("i32x4.relaxed_trunc_f32x4_s", o.b) },
        }),
      /needs requires/,
    ],
    [
      "a scalar result",
      () =>
        define({
          semantics: add(),
          emit: { wasm: (o: { b: never }, i: (...x: unknown[]) => never) => i("i32x4.extract_lane", o.b, 1) },
        }),
      /returns no vector/,
    ],
    [
      "an operand left out",
      () =>
        define({
          semantics: add(),
          emit: { wasm: (_: never, i: (...x: unknown[]) => unknown) => i("i32x4.splat", i("i32.const", 1)) },
        }),
      /leaves operand b out/,
    ],
    [
      "an operand at two indices",
      () => define({ semantics: compute("t", { i: 4 }, ({ i }) => a.at(i, 0).add(a.at(i, 1))) }),
      /operand a is read at two indices/,
    ],
    [
      "lanes that nothing reads",
      () => define({ semantics: compute("t", { i: 4 }, ({ i }) => a.at(i, 0)) }),
      /only 4 of the 8 elements of operand a/,
    ],
    [
      "a lane read at two points",
      () => define({ semantics: compute("t", { i: 4 }, ({ i }) => sum({ k: 2 }, ({ k }) => b.at(i.add(k).mod(4)))) }),
      /reads lane .* at two points/,
    ],
    [
      "more than a register",
      () => define({ semantics: compute("t", { i: 8 }, ({ i }) => placeholder("w", [8], "i32").at(i)) }),
      /8 lanes of i32/,
    ],
    [
      "an axis as a value",
      () => define({ semantics: compute("t", { i: 4 }, ({ i }) => b.at(i).add(i)) }),
      /i stands outside of an index/,
    ],
    [
      "an operand that is computed",
      () => define({ semantics: add(compute("q", { i: 4 }, ({ i }) => b.at(i)) as never) }),
      /reads q, which is no placeholder/,
    ],
    [
      "something after a reduction",
      () => define({ semantics: compute("t", { i: 4 }, ({ i }) => sum({ k: 2 }, ({ k }) => a.at(i, k)).neg()) }),
      /a reduction is its whole element/,
    ],
    [
      "an accumulator of another operation",
      () =>
        define({
          semantics: compute("t", { i: 4 }, ({ i }) => b.at(i).max(sum({ k: 2 }, ({ k }) => a.at(i, k).cast("i32")))),
        }),
      /combined by max, the reduction by add/,
    ],
    [
      "a range of no operand",
      () => define({ semantics: add(), requires: { ranges: { z: [0, 1] } } }),
      /no operand "z"/,
    ],
    [
      "features that are no list",
      () => define({ semantics: add(), requires: { features: 3 } }),
      /the features are number 3: expected a list/,
    ],
    ["ranges that are none", () => define({ semantics: add(), requires: { ranges: 3 } }), /the ranges are number 3/],
    [
      "a range of texts",
      () => define({ semantics: add(), requires: { ranges: { b: ["a", "b"] } } }),
      /the range of b is .*: expected \[min, max\]/,
    ],
    [
      "a feature that is none",
      () => define({ semantics: add(), requires: { features: ["fast"] } }),
      /no feature "fast"/,
    ],
  ];
  it.each(cases)("%s", (_, f, message) => {
    expect(f).toThrow(expect.objectContaining({ code: "te.intrinsic", message: expect.stringMatching(message) }));
  });

  it("a second intrinsic of one name, unless it says the same", () => {
    const make = (n: number) =>
      defineIntrinsic({
        name: "test.twice",
        semantics: compute("t", { i: 4 }, ({ i }) => b.at(i).add(n)),
        emit: { wasm: ({ b }, i) => i("i32x4.add", b, i("i32x4.splat", i("i32.const", n))) },
      });
    const first = make(1);
    expect(make(1)).toBe(first);
    expect(() => make(2)).toThrow(expect.objectContaining({ code: "intrinsic-name" }));
  });
});

import { describe, expect, it } from "vitest";
import { emitWasm, intrinsics } from "../../codegen/wasm/index.ts";
import { replay, schedule } from "../../schedule/index.ts";
import { type Intrinsic, isFloat, printFunc, verify } from "../../src/ir/index.ts";
import { lowerFunc } from "../../src/lower/index.ts";
import { evaluate, interpretLowered, type TypedArrayLike } from "../../src/reference/index.ts";
import { load } from "../../src/runtime/index.ts";
import { wasm } from "../../src/target/index.ts";
import { compute, defineIntrinsic, dim, placeholder, sum } from "../../te/index.ts";
import { firstDifference, generator, randomArray } from "../fuzz/data.ts";
import { illegal, nest, same } from "./helper.ts";
import { Random } from "./random.ts";
import { isAccumulator, type Rewritten, rewriteOf, type Slip } from "./rewrites.ts";

/** Operands may be written as one row of lanes, too. */
const flat = (() => {
  const [a, b, c] = [placeholder("a", [8], "i16"), placeholder("b", [8], "i16"), placeholder("c", [4], "i32")];
  return defineIntrinsic({
    name: "test.flat_dot",
    semantics: compute("dot", { i: 4 }, ({ i }) =>
      sum({ k: 2 }, ({ k }) =>
        b
          .at(k.add(i.mul(2)))
          .cast("i32")
          .mul(a.at(i.mul(2).add(k)).cast("i32")),
      ).add(c.at(i)),
    ),
    emit: { wasm: ({ a, b, c }, i) => i("i32x4.add", c, i("i32x4.dot_i16x8_s", a, b)) },
  });
})();
const SHIPPED: [string, Intrinsic][] = [...(Object.entries(intrinsics) as [string, Intrinsic][]), ["flat", flat]];
/** Inputs whose values the tests keep in range. */
const assumed = (x: Intrinsic): string[] => x.operands.filter((o) => o.range).map((o) => `X${o.name}`);

/** Inputs over the whole range of their dtypes; within the range of an operand where it needs one. Floats are small whole numbers. */
function inputsOf(x: Intrinsic, { s }: Rewritten, seed: number): Record<string, TypedArrayLike> {
  const next = generator(seed);
  return Object.fromEntries(
    s.func.inputs.map((b) => {
      const n = b.shape.reduce((k, e) => k * (e.kind === "const" ? Number(e.value) : 1), 1);
      const a = randomArray(b.dtype, n, next, isFloat(b.dtype));
      const range = x.operands.find((o) => `X${o.name}` === b.name)?.range;
      if (range) for (let i = 0; i < n; i++) a[i] = Number(a[i]) & 127;
      if (isFloat(b.dtype)) for (let i = 0; i < n; i++) a[i] = Math.round(Number(a[i]) * 4);
      return [b.name, a];
    }),
  );
}

async function agreesWithOracle(x: Intrinsic, w: Rewritten, seed: number): Promise<void> {
  verify(w.s.func, "scheduled");
  const args = inputsOf(x, w, seed);
  const want = evaluate(w.tensor, args);
  const target = wasm({ relaxed: x.features.includes("relaxed") });
  const lowered = lowerFunc(w.s.func, target);
  expect(lowered.warnings).toEqual([]);
  const read = interpretLowered(lowered, args).C!;
  expect(firstDifference(x.dtype, want, read), `interpreted:\n${w.s}`).toBeUndefined();
  const { wasm: bytes } = await emitWasm(lowered, target);
  if (!WebAssembly.validate(bytes as BufferSource)) return;
  const got = (await load(bytes))(args as never) as unknown as TypedArrayLike;
  expect(firstDifference(x.dtype, want, got), `run:\n${w.s}`).toBeUndefined();
}

describe("rewrites of the semantics match", { timeout: 60_000 }, () => {
  it.each(SHIPPED)("%s", async (_, x) => {
    for (let seed = 1; seed <= 30; seed++) {
      const w = rewriteOf(x, new Random(seed));
      try {
        w.s.tensorize(w.loop, x, { assume: assumed(x) });
      } catch (e) {
        throw new Error(`seed ${seed}: ${e}`);
      }
      if (seed <= 12) await agreesWithOracle(x, w, seed);
    }
  });
});

describe("near misses are refused", { timeout: 60_000 }, () => {
  const slips: readonly Slip[] = ["operand", "sign", "dtype", "result stride", "operand stride", "extent", "operation"];
  const wanted: Readonly<Record<Slip, readonly number[]>> = {
    operand: [6],
    sign: [6],
    dtype: [6],
    "result stride": [7],
    "operand stride": [9],
    extent: [7, 8],
    operation: [6],
  };
  for (const slip of slips)
    it.each(SHIPPED)(`${slip}: %s`, (_, x) => {
      for (let seed = 1; seed <= 12; seed++) {
        // a pair of lanes may lie anywhere: that is two pieces of memory
        if (slip === "operand stride" && x.operands.every((o) => isAccumulator(x, o.name) || o.lanes <= 4)) return;
        // a wider float would have to be converted: another expression
        const w = rewriteOf(x, new Random(seed), slip);
        const e = illegal(w.s, () => w.s.tensorize(w.loop, x, { assume: assumed(x) }));
        expect(e.primitive, e.message).toBe("tensorize");
        expect(wanted[slip], e.message).toContain(e.condition);
      }
    });
});

/** A product of narrow integers, in blocks of four columns and two steps of the sum. */
function product(n = 8, k = 6) {
  const A = placeholder("A", [3, k], "i8");
  const B = placeholder("B", [k, n], "i8");
  const C = compute("C", { i: 3, j: n }, ({ i, j }) =>
    sum({ k }, ({ k }) => A.at(i, k).cast("i32").mul(B.at(k, j).cast("i32"))),
  );
  const s = schedule(C);
  const loops = s.loops(C);
  const before = s.func;
  const { jo, ji } = s.split(loops.j, { jo: "rest", ji: 4 });
  const { ko, ki } = s.split(loops.k, { ko: "rest", ki: 2 });
  s.reorder(loops.i, jo, ko, ji, ki);
  return { A, B, C, s, before, i: loops.i, jo, ko, ji, ki };
}
const { i32x4_dot_i16x8_s: dot, i32x4_dot_i16x8_add_s: dotAdd } = intrinsics;

describe("tensorize", () => {
  it("marks the nest and leaves it as it is", () => {
    const { s, ji, before } = product();
    s.tensorize(ji, dot);
    same(s as never, before);
    expect(nest(s as never)).toMatchInlineSnapshot(`
      "for i in 3:
        for jo in 2:
          for ko in 3:
            tensorized ji in 4:  # i32x4.dot_i16x8_s
              for ki in 2:
                block C(vi = i, vj = jo * 4 + ji, vk (reduce) = ko * 2 + ki):
                  init:
                    C[vi, vj] = 0
                  C[vi, vj] = C[vi, vj] + i32(A[vi, vk]) * i32(B[vk, vj])"
    `);
  });

  it("becomes one instruction over what lies in memory", () => {
    const { s, ji } = product();
    s.tensorize(ji, dotAdd);
    const stages = new Map<string, string>();
    lowerFunc(s.func, wasm(), { onStage: (name, f) => stages.set(name, printFunc(f)) });
    expect(stages.get("tensorize")).toMatchInlineSnapshot(`
      "func C(A: i8[18], B: i8[48]) -> C: i32[24]:
        for i in 3:
          for jo in 2:
            vectorized ji in 4:
              C[i * 8 + jo * 4 + ji] = 0
            for ko in 3:
              C[ramp(i * 8 + jo * 4, 1, 4)] = i32x4.dot_i16x8_add_s(C[ramp(i * 8 + jo * 4, 1, 4)], i16(shuffle([A[ramp(i * 6 + ko * 2, 1, 2)]], [0, 1, 0, 1, 0, 1, 0, 1])), i16(shuffle([B[ramp(ko * 16 + jo * 4, 1, 4)], B[ramp(ko * 16 + jo * 4 + 8, 1, 4)]], [0, 4, 1, 5, 2, 6, 3, 7])))"
    `);
  });

  it("replays by the name of the intrinsic, assumptions included", () => {
    const make = () => {
      const A = placeholder("A", [3, 8], "i8");
      const B = placeholder("B", [8, 4], "i8");
      return compute("C", { i: 3, j: 4 }, ({ i, j }) =>
        sum({ k: 8 }, ({ k }) => A.at(i, k).cast("i32").mul(B.at(k, j).cast("i32"))),
      );
    };
    const s = schedule(make());
    const { i, j, k } = s.loops(s.of);
    const { ko, ki } = s.split(k, { ko: "rest", ki: 4 });
    s.reorder(i, ko, j, ki);
    s.tensorize(j, intrinsics.i32x4_relaxed_dot_i8x16_i7x16_add_s, { assume: ["B"] });
    expect(s.trace.at(-1)).toEqual({
      primitive: "tensorize",
      args: { loop: "C.j", intrinsic: "i32x4.relaxed_dot_i8x16_i7x16_add_s", assume: ["B"] },
      results: [],
    });
    expect(`${replay(s.trace, schedule(make()))}`).toBe(`${s}`);
    const unknown = [{ ...s.trace.at(-1)!, args: { loop: "C.j", intrinsic: "none.such" } }];
    expect(() => replay(unknown, schedule(make()))).toThrow(/the intrinsic "none.such", which is not defined here/);
  });

  it("keeps its promise through steps around it, and refuses those that would break it", () => {
    const { C, s, before, i, jo, ji, ki, ko } = product(16, 8);
    s.tensorize(ji, dot);
    // around the nest everything goes
    const { copy } = s.cacheWrite(C, "local");
    s.reverseComputeAt(copy, jo);
    s.decomposeReduction(C, ko);
    s.unroll(ko);
    s.split(i, { io: "rest", ii: 3 });
    // and inside, what adds but loops of one step
    const { b: pairs } = s.split(ki, { a: 1, b: 2 });
    same(s as never, before);
    for (const step of [
      () => s.vectorize(jo),
      () => s.unroll(pairs),
      () => s.reorder(ji, ko),
      () => s.cacheRead(C, "A", "workspace") && s.computeAt(s.block("A.workspace"), ji),
    ]) {
      const e = s.attempt(step);
      expect(e?.message).toMatch(
        /loop ji is tensorized and would no longer be a i32x4\.dot_i16x8_s|loop ji is tensorized/,
      );
    }
    expect(lowerFunc(s.func, wasm()).warnings.map((w) => w.code)).not.toContain("intrinsic-unmatched");
  });

  it("finds out which operand is the one that has to be in range", () => {
    const build = (order: boolean) => {
      const A = placeholder("A", [3, 8], "i8");
      const B = placeholder("B", [8, 4], "i8");
      const C = compute("C", { i: 3, j: 4 }, ({ i, j }) =>
        sum({ k: 8 }, ({ k }) => {
          const [a, b] = [A.at(i, k).cast("i32"), B.at(k, j).and(63).cast("i32")];
          return order ? a.mul(b) : b.mul(a);
        }),
      );
      const s = schedule(C);
      const { i, j, k } = s.loops(C);
      const { ko, ki } = s.split(k, { ko: "rest", ki: 4 });
      s.reorder(i, ko, j, ki);
      s.tensorize(j, intrinsics.i32x4_relaxed_dot_i8x16_i7x16_add_s);
      const stages = new Map<string, string>();
      lowerFunc(s.func, wasm({ relaxed: true }), { onStage: (name, f) => stages.set(name, printFunc(f)) });
      return stages.get("tensorize")!;
    };
    for (const order of [true, false])
      expect(build(order)).toMatch(/add_s\(C\[.*shuffle\(\[A\[.*shuffle\(\[B\[.*& x16\(i8\(63\)\)\)/);
  });

  it("takes a promise about an input through copies and casts of it", () => {
    const A = placeholder("A", [3, 8], "i8");
    const B = placeholder("B", [8, 4], "u8");
    const C = compute("C", { i: 3, j: 4 }, ({ i, j }) =>
      sum({ k: 8 }, ({ k }) => B.at(k, j).cast("i32").mul(A.at(i, k).cast("i32"))),
    );
    const s = schedule(C);
    s.transformLayout(s.cacheRead(C, B, "workspace"), (k, j) => [k.div(4), j, k.mod(4)]);
    const { i, j, k } = s.loops(C);
    const { ko, ki } = s.split(k, { ko: "rest", ki: 4 });
    s.reorder(i, ko, j, ki);
    const x = intrinsics.i32x4_relaxed_dot_i8x16_i7x16_add_s;
    expect(illegal(s as never, () => s.tensorize(j, x)).code).toBe("tensorize.body");
    s.tensorize(j, x, { assume: [B] });
    expect(lowerFunc(s.func, wasm({ relaxed: true })).warnings).toEqual([]);
    expect(() => s.tensorize(i, x, { assume: [C] })).toThrow(/assume speaks of inputs/);
  });

  it("says of a float reduction in one instruction that its order changes", () => {
    const a = placeholder("a", [2, 2]);
    const c = placeholder("c", [2]);
    const pairs = defineIntrinsic({
      name: "test.pair_sums",
      semantics: compute("t", { i: 2 }, ({ i }) => c.at(i).add(sum({ k: 2 }, ({ k }) => a.at(i, k)))),
      emit: {
        wasm: ({ a, c }, i) =>
          i(
            "f32x4.add",
            c,
            i(
              "f32x4.add",
              i("i8x16.shuffle", a, a, [0, 1, 2, 3, 8, 9, 10, 11, 0, 1, 2, 3, 8, 9, 10, 11]),
              i("i8x16.shuffle", a, a, [4, 5, 6, 7, 12, 13, 14, 15, 4, 5, 6, 7, 12, 13, 14, 15]),
            ),
          ),
      },
    });
    const X = placeholder("X", [2, 8]);
    const S = compute("S", { i: 2 }, ({ i }) => sum({ k: 8 }, ({ k }) => X.at(i, k)));
    const s = schedule(S);
    const { i, k } = s.loops(S);
    const { ko, ki } = s.split(k, { ko: "rest", ki: 2 });
    s.reorder(ko, i, ki);
    s.tensorize(i, pairs);
    expect(s.trace.at(-1)?.reassociates).toBe(true);
  });

  it("places the init before the nest where the nest is all of the reduction", () => {
    const { s, ki, ji, jo, i } = product(8, 2);
    s.reorder(i, jo, ki, ji);
    s.tensorize(ki, dot);
    const stages = new Map<string, string>();
    lowerFunc(s.func, wasm(), { onStage: (name, f) => stages.set(name, printFunc(f)) });
    expect(stages.get("init reductions")).toMatchInlineSnapshot(`
      "func C(A: i8[3, 2], B: i8[2, 8]) -> C: i32[3, 8]:
        for i in 3:
          for jo in 2:
            vectorized ji in 4:
              block C.init(vi = i, vj = jo * 4 + ji):
                C[vi, vj] = 0
            for ko in 1:
              tensorized ki in 2:  # i32x4.dot_i16x8_s
                for ji_1 in 4:
                  block C(vi_1 = i, vj_1 = jo * 4 + ji_1, vk (reduce) = ko * 2 + ki):
                    C[vi_1, vj_1] = C[vi_1, vj_1] + i32(i16(A[vi_1, vk])) * i32(i16(B[vk, vj_1]))"
    `);
  });

  it("lowers to plain vectors, with a warning, where the target lacks a feature", () => {
    const A = placeholder("A", [3, 5]);
    const B = placeholder("B", [5, 8]);
    const C = compute("C", { i: 3, j: 8 }, ({ i, j }) => sum({ k: 5 }, ({ k }) => A.at(i, k).mul(B.at(k, j))));
    const s = schedule(C);
    const { i, j, k } = s.loops(C);
    const { jo, ji } = s.split(j, { jo: "rest", ji: 4 });
    s.reorder(i, jo, k, ji);
    s.tensorize(ji, intrinsics.f32x4_relaxed_madd);
    const [w] = lowerFunc(s.func, wasm()).warnings;
    expect(w).toMatchObject({ code: "intrinsic-target", loop: expect.objectContaining({ name: "ji" }) });
    expect(w!.message).toBe(
      "loop ji is no f32x4.relaxed_madd but loops of plain vectors: the target has no relaxed SIMD",
    );
    expect(lowerFunc(s.func, wasm({ relaxed: true })).warnings).toEqual([]);
  });

  it("takes any size around the nest", () => {
    const n = dim("n", { max: 64, multipleOf: 4 });
    const A = placeholder("A", [n, 6], "i16");
    const B = placeholder("B", [6, n], "i16");
    const C = compute("C", { i: n, j: n }, ({ i, j }) => sum({ k: 6 }, ({ k }) => A.at(i, k).widenMul(B.at(k, j))));
    const s = schedule(C);
    const before = s.func;
    const { i, j, k } = s.loops(C);
    const { jo, ji } = s.split(j, { jo: "rest", ji: 4 });
    const { ko, ki } = s.split(k, { ko: "rest", ki: 2 });
    s.reorder(i, jo, ko, ji, ki);
    s.tensorize(ji, dot);
    same(s as never, before, [{ n: 0 }, { n: 4 }, { n: 12 }]);
    expect(lowerFunc(s.func, wasm()).warnings).toEqual([]);
  });
});

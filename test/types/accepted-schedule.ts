// What must type-check around schedules and kernels, and what must be inferred. Nothing here runs: types.test.ts hands it to the compiler.

import type { BlockHandle, Loop } from "../../schedule/index.ts";
import {
  type Arrays,
  arena,
  build,
  compile,
  compute,
  defineIntrinsic,
  dim,
  type Expr,
  type Intrinsic,
  intrinsics,
  load,
  max,
  placeholder,
  reduce,
  run,
  scalar,
  schedule,
  select,
  sum,
  type Tensor,
  wasm,
} from "../../src/index.ts";
import { pack, registerTile, unrollAndVectorize } from "../../src/schedules.ts";

type Eq<A, B> = (<X>() => X extends A ? 1 : 2) extends <X>() => X extends B ? 1 : 2 ? true : false;
function ok<_ extends true>(): void {}

const [M, N, K] = [512, 512, 512];
const A = placeholder("A", [M, K]);
const B = placeholder("B", { k: K, j: N });
const bias = placeholder("bias", [N]);
const C = compute("C", { i: M, j: N }, ({ i, j }) => sum({ k: K }, ({ k }) => A.at(i, k).mul(B.at(k, j))));
const C2 = compute("C2", { i: M, j: N }, ({ i, j }) =>
  sum({ k: K }, ({ k }) => A.at(i, k).mul(B.at(k, j)))
    .add(bias.at(j))
    .max(0),
);

// loops by name, parts of a split by name
const s = schedule(C);
const loops = s.loops(C);
ok<Eq<keyof typeof loops, "i" | "j" | "k">>();
const { i, j, k } = s.loops(C);
const { io, ii } = s.split(i, { io: "rest", ii: 6 }, { tail: "peel" });
ok<Eq<typeof ii, Loop<"ii">>>();
const { jo, ji } = s.split(j, { jo: "rest", ji: 8 });
s.reorder(jo, io, k, ii, ji);
const panel = s.cacheRead(C, B, "workspace");
s.computeAt(panel, jo);
const packed = s.loops(panel);
ok<Eq<keyof typeof packed, "k" | "j">>();
const { copy } = s.cacheWrite(C, "local");
const moved = s.reverseComputeAt(copy, io);
ok<Eq<keyof typeof moved, "i" | "j">>();
const init = s.decomposeReduction(C, k);
const started = s.loops(init);
ok<Eq<keyof typeof started, "i" | "j">>();
for (const b of [C, init, copy]) unrollAndVectorize(s, b);
const fused = s.fuseAs("both", io, jo);
ok<Eq<typeof fused, Loop<"both">>>();

// recipes: functions of schedules
const tiles = registerTile(schedule(C), C, { i: 6, j: 8 });
ok<Eq<keyof typeof tiles.outer, "i" | "j">>();
function recipe<X>(t: ReturnType<typeof schedule<typeof C>>, at: Loop, x: X): BlockHandle {
  void x;
  return pack(t, C, B, at);
}
recipe(s, jo, 1);

// kernels
const gemm = await compile(C);
const c: Float32Array = gemm({ A: new Float32Array(1), B: new Float32Array(1) });
ok<Eq<Parameters<typeof gemm>[0], { readonly A: Float32Array; readonly B: Float32Array }>>();
const g2 = await compile(schedule(C2));
const y: Float32Array = g2({ A: new Float32Array(1), B: new Float32Array(1), bias: new Float32Array(1) });
ok<Eq<Parameters<typeof g2>[0], { readonly A: Float32Array; readonly B: Float32Array; readonly bias: Float32Array }>>();
gemm({ A: c, B: c }, { into: y });
gemm.memory.buffer satisfies ArrayBufferLike;

// two stages; symbolic sizes flow through
const n = dim("n");
const X = placeholder("X", [n, 64], "u8");
const bx = compute("bx", { y: n, x: 62 }, ({ y, x }) =>
  X.at(y, x)
    .cast("i32")
    .add(X.at(y, x.add(1)).cast("i32")),
);
const by = compute("by", { y: 60, x: 62 }, ({ y, x }) => bx.at(y, x).add(bx.at(y.add(1), x)));
const kb = await compile(by, { target: wasm({ relaxed: true }), arena: arena({ max: "1GB" }) });
const r: Int32Array = kb({ X: new Uint8Array(4) });
ok<Eq<Parameters<typeof kb>[0], { readonly X: Uint8Array; readonly n?: number }>>();
const Z: { readonly y: Loop<"y">; readonly x: Loop<"x"> } = schedule(by).loops(bx);

// several outputs, of tensors and of a schedule of them
const two = await compile({ C, by });
const o = two({ A: new Float32Array(1), B: new Float32Array(1), X: new Uint8Array(1), n: 3 });
ok<Eq<typeof o, { readonly C: Float32Array; readonly by: Int32Array }>>();
const scheduled = await compile(schedule({ C, by }));
ok<Eq<ReturnType<typeof scheduled>, typeof o>>();
const once = await run(C2, { A: c, B: c, bias: c });
ok<Eq<typeof once, Float32Array>>();
const alpha = scalar("alpha", "i64");
const F = compute("F", { i: 3 }, () => alpha.add(1n));
ok<Eq<Awaited<ReturnType<typeof run<typeof F>>>, BigInt64Array>>();
await run(F, { alpha: 3n });

// generic rank
function relu<D extends "f32" | "f64", L extends string, G>(x: Tensor<D, L, G>) {
  return compute("relu", x.shape, (...v) => x.at(...v).max(0));
}
const re = relu(C2);
const kr = await compile(re);
ok<Eq<Parameters<typeof kr>[0], Parameters<typeof g2>[0]>>();
const list: Loop[] = schedule(re).loopList(re);

// by name, in a chain that knows which names are left
const st = schedule(C2)
  .stage(C2)
  .split("i", { io: "rest", ii: 6 })
  .split("j", { jo: "rest", ji: 8 })
  .reorder("io", "jo", "k", "ii", "ji")
  .vectorize("ji")
  .unroll("ii");
ok<Eq<keyof typeof st.loops, "k" | "io" | "ii" | "jo" | "ji">>();
const { jo: jo2 } = st.loops;

// facts survive whatever stands around an operation: here a record
const stats = compute("stats", { c: K }, ({ c: at }) => {
  const [a, q] = reduce(
    { r: M },
    {
      values: ({ r }) => [A.at(r, at), A.at(r, at).mul(2)],
      identity: [0, 0],
      combine: (x, z) => [x[0].add(z[0]), x[1].max(z[1])],
    },
  );
  return { mean: a.div(M), top: select(q.gt(0), q.mul(2), 0).add(1) };
});
const statLoops = schedule(stats).loops(stats.mean);
ok<Eq<keyof typeof statLoops, "c" | "r">>();
const ks = await compile(stats);
ok<Eq<Parameters<typeof ks>[0], { readonly A: Float32Array }>>();
const record = compute("record", { c: K }, ({ c: at }) => ({
  a: A.at(0, at).add(1).mul(2),
  b: max({ r: M }, ({ r }) => A.at(r, at)),
}));
const recordLoops = schedule(record).loops(record.b);
ok<Eq<keyof typeof recordLoops, "c" | "r">>();

// instructions: the names of operands are known
const [oa, ob, oc] = [placeholder("a", [4, 2], "i8"), placeholder("b", [4, 2], "i8"), placeholder("c", [4], "i32")];
const dotted = defineIntrinsic({
  name: "types.dots",
  semantics: compute("dots", { i: 4 }, ({ i }) =>
    oc.at(i).add(sum({ k: 2 }, ({ k }) => oa.at(i, k).cast("i32").mul(ob.at(i, k).cast("i32")))),
  ),
  requires: { features: ["relaxed"], ranges: { b: [0, 127] } },
  emit: { wasm: ({ a, b, c }, i) => i("i32x4.relaxed_dot_i8x16_i7x16_add_s", a, b, c) },
});
ok<Eq<typeof dotted, Intrinsic<"a" | "b" | "c">>>();
const byInstruction = schedule(C);
byInstruction.tensorize(byInstruction.loops(C).j, dotted, { assume: [B] });
byInstruction.tensorize(byInstruction.loops(C).j, intrinsics.f32x4_mul_add);
byInstruction.blockize(byInstruction.loops(C).i);

// partial results: their loops by the names of the loops given
const sr = schedule(C);
const { ko, ki } = sr.split(sr.loops(C).k, { ko: "rest", ki: 4 });
const { rf, loops: rfLoops } = sr.rfactor(C, ki, { at: 0 });
ok<Eq<typeof rfLoops, { readonly ki: Loop<"ki"> }>>();
const both = schedule(C2);
const parts = both.split(both.loops(C2).k, { ka: "rest", kb: 4, kc: 4 });
ok<Eq<keyof ReturnType<typeof pair>["loops"], "ka" | "kc">>();
const pair = () => both.rfactor(C2, [parts.ka, parts.kc]);
sr.cacheRead([C, rf], A, "workspace");
sr.cacheRead("all", A, "workspace");
const rooted: Loop<"i"> = sr.computeRoot(C).i;
sr.computeWith(C, ko);

// versions: loops and blocks by what they were
const [vm, vn] = [dim("vm"), dim("vn")];
const VX = placeholder("VX", [vm, vn]);
const VY = compute("VY", { i: vm, j: vn }, ({ i, j }) => VX.at(i, j).mul(2));
const sv = schedule(VY);
const { hot, cold } = sv.specialize(sv.loops(VY).i, vn.mod(8).eq(0).and(vm.ge(2)));
sv.specialize(cold.loops(VY).j, ({ i, vn }) => i.lt(4).or(vn.ge(16)));
const coldJ: Loop<"j"> = cold.loop(sv.loops(VY).j);
const coldBlock: BlockHandle<"i" | "j"> = cold.block(VY);
const { top, rest: body } = sv.partition(hot.loops(VY).i, { top: 1, rest: "rest", bottom: vm.div(4) });
ok<Eq<keyof ReturnType<typeof body.loops<typeof VY>>, "i" | "j">>();
sv.unroll(top.loop(coldJ));

// data and back
const artifact = await build(C, { name: "gemm" });
const bytes: Uint8Array = artifact.wasm;
const relaxed: Uint8Array | undefined = artifact.variants.relaxed;
const typed = await load<{ A: Float32Array; B: Float32Array }, Float32Array>(artifact);
const again: Float32Array = typed({ A: c, B: c });
const mem = arena();
const half: Arrays["f16"] = mem.array("f16", [3, 4]);
const e: Expr<"f32"> = A.at(0, 0);
export const used = { coldBlock, rooted, c, y, r, Z, list, jo2, bytes, relaxed, again, half, e };

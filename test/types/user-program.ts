/**
 * A module of a user's that exports the results of all that the package exports. Compiled with declarations on against the
 * package (not its sources), it shows whether every type that appears in an inferred type is exported.
 */
export const USER_PROGRAM = `
import * as tw from "tilewright";
import * as ops from "tilewright/ops";
import * as library from "tilewright/schedules";
import * as oracle from "tilewright/oracle";
import * as runtime from "tilewright/runtime";

// expressions
export const n = tw.dim("n", { min: 1 });
export const alpha = tw.scalar("alpha");
export const A = tw.placeholder("A", { i: n, k: 64 });
export const B = tw.placeholder("B", { k: 64, j: 48 }, "f32", { constant: true });
export const C = tw.compute("C", { i: n, j: 48 }, ({ i, j }) => tw.sum({ k: 64 }, ({ k }) => A.at(i, k).mul(B.at(k, j))));
export const D = tw.compute("D", C.shape, (i, j) => C.at(i, j).mul(alpha).max(0));
export const E = tw.einsum("E", "i k, k j -> i j", A, B);
export const R = tw.compute("R", { i: n }, ({ i }) => tw.argmax({ k: 64 }, ({ k }) => A.at(i, k)));
export const S = tw.scan("S", { t: n }, { i: 64 }, { init: ({ i }) => A.at(0, i), step: ({ t, i }, prev) => prev(i).add(A.at(t, i)) });
export const H = tw.scatter("H", { bin: 256 }, { i: n }, ({ i }) => ({ at: [A.at(i, 0).cast("i32")], value: tw.lit(1, "u32") }));
export const W = tw.nest("W", { reads: [A], axes: { i: n }, results: { a: { shape: { x: 64 }, dtype: "f32" } } }, ({ i }, { a }, b) =>
  b.for("x", 64, (x) => a.store([x], A.at(i, x))));

// operators
export const product = ops.matmul("product", A, B);
export const layer = ops.dense("layer", A, B, { bias: tw.placeholder("bias", [48]) });
export const activated = ops.relu("activated", product);
export const scaled = ops.broadcastMul("scaled", activated, alpha);
export const zipped = ops.elementwise("zipped", [C, D], (x, y) => x.add(y));
export const rowSums = ops.reduceSum("rowSums", C, { axes: -1 });
export const normed = ops.layerNorm("normed", C);
export const image = tw.placeholder("image", [1, 8, 8, 4]);
export const convolved = ops.conv2d("convolved", image, tw.placeholder("kernel", [3, 3, 4, 8]), { padding: "same" });
export const deep = ops.depthwiseConv2d("deep", image, tw.placeholder("taps", [3, 3, 4, 1]));
export const pooled = ops.maxPool2d("pooled", convolved, { size: 2 });
export const flat = ops.reshape("flat", pooled, [1, -1]);
export const joined = ops.concat("joined", [flat, flat], { axis: 1 });
export const larger = ops.resize("larger", image, { size: [n, 16] });
export const chosen = ops.gather("rows", A, tw.placeholder("codes", [3], "i32"));
export const hot = ops.oneHot("hot", tw.placeholder("labels", [3], "u8"), { depth: 4 });
export const seen = ops.attention("seen", C, C, C, { causal: true });

export const edge = tw.constantEdge(A, alpha);
export const bound = tw.asserted;
export const body = ({ i }: { i: tw.Axis }) => A.at(i, 0).lt(1);
export const definitions = tw.definitions(C.source as tw.ScatterSource);
export const value = A.at(0, 0);
export const node = value.node;
export const buffer = C.buffer;
export const created = tw.createFunc([C]);
export const instruction = tw.defineIntrinsic;
export const known = tw.intrinsics;
export const dot = tw.intrinsics.i32x4_dot_i16x8_s;

// schedules
export const s = tw.schedule(C);
export const pair = tw.schedule({ C, D });
export const loops = s.loops(C);
export const list = s.loopList(C);
export const own = s.ownLoops(C);
export const kind = s.axisKind(C, loops.i);
export const blocks = s.blocks();
export const handle = s.handle(C);
export const named = s.block("C");
export const chain = s.stage(C).split("i", { io: "rest", ii: 6 }).reorder("io", "j", "k", "ii");
export const fused = s.fuse(loops.i, loops.j);
export const fusedAs = s.fuseAs("ij", loops.i, loops.j);
export const parts = s.split(loops.i, { io: "rest", ii: 4 });
export const tiles = s.tile(loops.i, loops.j, { io: "rest", ii: 4 }, { jo: "rest", ji: 8 });
export const lanes = s.vectorize(loops.j, 8);
export const cached = s.cacheRead(C, B, "workspace");
export const written = s.cacheWrite(C, "local");
export const placed = s.computeAt(cached, parts.io);
export const later = s.reverseComputeAt(written.copy, parts.io);
export const root = s.computeRoot(cached);
export const folded = s.foldStorage(cached, parts.io);
export const reindexed = s.reindex(C, A, "workspace");
export const started = s.decomposeReduction(C, loops.k);
export const factored = s.rfactor(C, loops.k);
export const several = s.rfactor(C, [loops.k]);
export const branches = s.specialize(loops.i, n.ge(16));
export const condition = ({ i }: tw.Surroundings<typeof C>) => i.ge(16);
export const ranges = s.partition(loops.i, { top: 1, body: "rest" });
export const rows = s.choose("rows", [4, 6]);
export const illegal = s.attempt(() => {});
export const func = s.func;
export const statement = func.body;
export const loopVar = loops.i.var;
export const id = handle.id;
export const at = s.loopAt("C.i");
export const blockAt = s.blockAt("C");
export const copied = s.copy();
export const trace = s.trace;
export const parsed = tw.parseTrace("");
export const again = tw.replay(trace, s);
export const choices = tw.choicesOf(trace);
export const decided = tw.withChoices(s, {}, (x) => x.loops(C));
export const explained = tw.explain(s);
export const warnings = tw.analyze(s);
export const shown = tw.show(s);
export const recipe = (x: tw.Schedule<typeof C>) => x.split(x.loops(C).j, { jo: "rest", ji: 8 });
export const helper = <X>(x: tw.Schedule<X>, t: tw.Tensor) => ({ last: x.loopList(t).at(-1), block: x.handle(t), stage: x.stage(t) });
export const registers = library.registerTile(s, C, { i: 4, j: 8 });
export const panel = library.pack(s, C, B, loops.j);
export const inLanes = library.vectorizeReduction(s, C, loops.k, 8);
export const twoLevel = library.twoLevelReduction(s, C, loops.k, 8);
export const tidy = library.unrollAndVectorize;
export const window = library.slidingWindow(s, cached, loops.i);
export const place = library.blockAt(s, C);
export const contiguous = library.contiguousLoop(place.node, []);
export const good = library.defaultSchedule(s, tw.wasm());

// building and running
export const artifact = await tw.build(C);
export const kernel = await tw.compile(C);
export const prepared = kernel.prepare({ B: new Float32Array(64 * 48) });
export const both = await tw.compile({ C, D });
export const result = kernel({ A: new Float32Array(64), B: new Float32Array(64 * 48) });
export const ran = tw.run(C, { A: new Float32Array(64), B: new Float32Array(64 * 48) });
export const stages = tw.lower(C);
export const loaded = await runtime.load(artifact);
export const memory = tw.arena({});
export const array = memory.array("f32", [4]);
export const files = tw.filesOf(artifact, "x");
export const limit = tw.measureLimit();
export const limits = tw.createLimit();
export const timed = tw.measure;
export const quick = tw.speedup;
export const target = tw.wasm();
export const want = oracle.evaluate(C, { A: new Float32Array(64), B: new Float32Array(64 * 48) });
export const interpreted = oracle.interpret;
`;

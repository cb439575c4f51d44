/** What types promise about loops; checked by tsc, and that it runs. */
import { expect, test } from "vitest";
import { type Loop, schedule } from "../../schedule/index.ts";
import { compute, dim, type KernelOf, placeholder, sum } from "../../te/index.ts";

type Eq<A, B> = (<X>() => X extends A ? 1 : 2) extends <X>() => X extends B ? 1 : 2 ? true : false;
function ok<_ extends true>(): void {}

const A = placeholder("A", [6, 4]);
const B = placeholder("B", { k: 4, j: 8 });
const C = compute("C", { i: 6, j: 8 }, ({ i, j }) => sum({ k: 4 }, ({ k }) => A.at(i, k).mul(B.at(k, j))));

test("loops, splits, chains and handles are typed", () => {
  const s = schedule(C);
  const loops = s.loops(C);
  ok<Eq<keyof typeof loops, "i" | "j" | "k">>();
  ok<Eq<keyof ReturnType<typeof s.loops<typeof C>>, "i" | "j" | "k">>();
  const { io, ii } = s.split(loops.i, { io: "rest", ii: 3 });
  ok<Eq<typeof ii, Loop<"ii">>>();
  expect(io.name).toBe("io");
  // @ts-expect-error a misspelt axis
  expect(s.loops(C).kk).toBeUndefined();
  // @ts-expect-error a misspelt part
  expect(s.split(loops.j, { jo: "rest", ji: 8 }).jx).toBeUndefined();
  // @ts-expect-error an input has no loops
  expect(() => s.loops(A).z).toThrow("is an input");
  const copy = s.cacheRead(C, B, "workspace");
  ok<Eq<keyof ReturnType<typeof s.loops<typeof copy>>, "k" | "j">>();
  const w = s.cacheWrite(C, "local");
  ok<Eq<keyof ReturnType<typeof s.loops<typeof w.copy>>, "i" | "j">>();
  const t = schedule(C).stage(C).split("i", { io: "rest", ii: 6 }).split("j", { jo: "rest", ji: 8 });
  ok<Eq<keyof typeof t.loops, "k" | "io" | "ii" | "jo" | "ji">>();
  // @ts-expect-error i is gone
  expect(() => t.reorder("io", "i", "k")).toThrow('no loop "i"');
  const u = t.reorder("io", "jo", "k", "ii", "ji").unroll("ii").parallel("io").annotate("jo", "note", 1);
  ok<Eq<keyof typeof u.loops, "k" | "io" | "ii" | "jo" | "ji">>();
  // @ts-expect-error j is gone
  expect(() => u.parallel("j")).toThrow('no loop "j"');
  // @ts-expect-error no such index
  expect(() => u.bind("jo", "workgroup.w")).toThrow("no grid index");
  const v = u.bind("jo", "workgroup.x").vectorize("ji", 4);
  ok<Eq<keyof typeof v.loops, "k" | "io" | "ii" | "jo" | "jio" | "jii">>();
  // @ts-expect-error ji is gone
  expect(() => v.unroll("ji")).toThrow('no loop "ji"');
  const y = schedule(C).stage(C).fuse(["i", "j"], "ij").split("ij", { o: "rest", x: 4 }, { tail: "shift" });
  ok<Eq<keyof typeof y.loops, "k" | "o" | "x">>();
  // @ts-expect-error ij is gone
  expect(() => y.vectorize("ij")).toThrow('no loop "ij"');
  // @ts-expect-error a loop is expected
  expect(() => s.reorder(io, "j")).toThrow("expected a loop");
});

test("a schedule is as good as its tensor for kernel types", () => {
  const n = dim("n");
  const X = placeholder("X", [n], "u8");
  const Y = compute("Y", { i: n }, ({ i }) => X.at(i).cast("i32"));
  const s = schedule({ C, Y });
  type K = KernelOf<typeof s>;
  ok<Eq<ReturnType<K>, { readonly C: Float32Array; readonly Y: Int32Array }>>();
  const t = schedule(Y);
  ok<Eq<Parameters<KernelOf<typeof t>>[0], { readonly X: Uint8Array; readonly n?: number }>>();
  const Z: { y: Loop<"i"> } = { y: t.loops(Y).i };
  expect(Z.y.name).toBe("i");
  expect(s.of.C).toBe(C);
});

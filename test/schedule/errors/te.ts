import { compute, lit, nest, placeholder, scatter, schedule } from "../../../src/index.ts";
import type { ErrorCase } from "./case.ts";

const img = placeholder("img", { y: 4, x: 8 }, "u8");
/** A histogram that starts as what a stage before it computes. */
const histogram = () => {
  const base = placeholder("base", { bin: 256 }, "i32");
  const start = compute("start", { bin: 256 }, ({ bin }) => base.at(bin).mul(2));
  const H = scatter(
    "H",
    { bin: 256 },
    { y: 4, x: 8 },
    ({ y, x }) => ({ at: [img.at(y, x).cast("i32")], value: lit(1, "i32") }),
    { init: ({ bin }) => start.at(bin) },
  );
  return { start, H };
};

/** Blocks that are no expression per element: accumulation at computed positions, nests written by hand. */
export const cases: readonly ErrorCase[] = [
  {
    primitive: "computeAt",
    condition: 3,
    code: "computeAt.init",
    make: () => {
      const { start, H } = histogram();
      const s = schedule(H);
      return { s, step: () => s.computeAt(start, s.loops(H).y) };
    },
  },
  {
    primitive: "cacheWrite",
    condition: 3,
    code: "cacheWrite.shapes",
    make: () => {
      const A = placeholder("A", [8]);
      const T = nest(
        "T",
        {
          reads: [A],
          results: { all: { shape: { i: 8 }, dtype: "f32" }, last: { shape: [], dtype: "f32" } },
        },
        (_, { all, last }, b) => {
          b.for("i", 8, (i) => all.store([i], A.at(i)));
          last.store([], all.at(7));
        },
      );
      const D = compute("D", { i: 8 }, ({ i }) => T.all.at(i).div(T.last.at()));
      const s = schedule(D);
      return { s, step: () => s.cacheWrite(T.all, "workspace") };
    },
  },
  {
    primitive: "vectorize",
    condition: 6,
    code: "vectorize.inner-extent",
    name: "body",
    make: () => {
      const T = nest("T", { axes: { y: 4 }, results: { shape: { x: 8 }, dtype: "i32" } }, ({ y }, out, b) =>
        b.for("x", y.add(1), (x) => out.store([x], x)),
      );
      const s = schedule(T);
      return { s, step: () => s.vectorize(s.loops(T).y) };
    },
  },
];

/** Weights: what depends on constants alone, computed once for all calls. */
import { pack, unrollAndVectorize } from "../../schedule/library/index.ts";
import { compute, max, placeholder, schedule, sum } from "../../src/index.ts";
import { defaultSchedule } from "../../src/schedules.ts";
import { wasm } from "../../src/target/index.ts";
import type { Idiom } from "./idiom.ts";

const constant = { constant: true } as const;
const dense = () => {
  const X = placeholder("X", { i: 9, k: 12 });
  const W = placeholder("W", { j: 21, k: 12 }, "f32", constant);
  const bias = placeholder("bias", { j: 21 }, "f32", constant);
  const Y = compute("Y", { i: 9, j: 21 }, ({ i, j }) =>
    sum({ k: 12 }, ({ k }) => X.at(i, k).mul(W.at(j, k)))
      .add(bias.at(j))
      .max(0),
  );
  return { X, W, bias, Y, s: schedule(Y) };
};

export const CONSTANT: readonly Idiom[] = [
  {
    name: "weights turned and packed ahead of time",
    make: () => {
      const { s, Y, W } = dense();
      const copy = pack(s, Y, W, "root", { layout: (j, k) => [j.div(8), k, j.mod(8)], pad: 0 });
      s.prepare(copy);
      const { j, k } = s.loops(Y);
      const { ji } = s.split(j, { jo: "rest", ji: 8 });
      s.reorder(k, ji);
      s.decomposeReduction(Y, k);
      s.vectorize(ji);
      unrollAndVectorize(s, s.epilogue(Y));
      return s;
    },
    wat: [/f32x4\.mul/, /Y\.prepare/],
  },
  {
    name: "the default schedule of a dense layer",
    make: () => {
      const { s } = dense();
      defaultSchedule(s as never, wasm());
      return s;
    },
    nest: [/W\.workspace: .* layout/],
  },
  {
    name: "a transformed filter, computed from the constant by a reduction",
    make: () => {
      const W = placeholder("W", { r: 3, c: 8 }, "f32", constant);
      const G = placeholder("G", { t: 4, r: 3 }, "f32", constant);
      const X = placeholder("X", { t: 4, c: 8 });
      const U = compute("U", { t: 4, c: 8 }, ({ t, c }) => sum({ r: 3 }, ({ r }) => G.at(t, r).mul(W.at(r, c))));
      const Y = compute("Y", { t: 4, c: 8 }, ({ t, c }) => X.at(t, c).mul(U.at(t, c)));
      const s = schedule(Y);
      s.vectorize(s.loops(Y).c);
      s.prepare(U);
      return s;
    },
  },
  {
    name: "two kernels' worth of one constant: as it is, and turned",
    make: () => {
      const W = placeholder("W", { i: 6, j: 10 }, "i16", constant);
      const X = placeholder("X", { i: 6, j: 10 }, "i16");
      const a = compute("a", { i: 6 }, ({ i }) => max({ j: 10 }, ({ j }) => X.at(i, j).mul(W.at(i, j))));
      const b = compute("b", { j: 10 }, ({ j }) => max({ i: 6 }, ({ i }) => X.at(i, j).mul(W.at(i, j))));
      const s = schedule({ a, b });
      const copy = s.cacheRead(a, W, "workspace");
      s.transformLayout(copy, (i, j) => [j, i]);
      s.prepare(copy);
      return s;
    },
    nest: [/layout \(i, j\) -> \(j, i\)/],
  },
];

/** Convolutions and pooling: padding as a stage, in every place it may be computed. */
import { pack, registerTile, unrollAndVectorize } from "../../schedule/library/index.ts";
import { compute, constantEdge, max, placeholder, schedule, sum, where } from "../../src/index.ts";
import type { Idiom } from "./idiom.ts";

/** 3x3, padded by one, NHWC without the batch; bias and relu6. */
function padded(H = 9, W = 11, CI = 5, CO = 12) {
  const X = placeholder("X", { h: H, w: W, c: CI });
  const F = placeholder("F", { r: 3, q: 3, c: CI, o: CO });
  const bias = placeholder("bias", [CO]);
  const P = compute("P", { h: H + 2, w: W + 2, c: CI }, ({ h, w, c }) =>
    where(h.ge(1).and(h.le(H)).and(w.ge(1)).and(w.le(W)), X.at(h.sub(1), w.sub(1), c), 0),
  );
  const Y = compute("Y", { h: H, w: W, o: CO }, ({ h, w, o }) =>
    sum({ r: 3, q: 3, c: CI }, ({ r, q, c }) => P.at(h.add(r), w.add(q), c).mul(F.at(r, q, c, o)))
      .add(bias.at(o))
      .clamp(0, 6),
  );
  return { X, F, P, Y, s: schedule(Y) };
}
/** Four pixels by eight channels in registers, the epilogue behind them. */
function tiled({ Y, s }: ReturnType<typeof padded>) {
  const { h, w, o, r, q, c } = s.loops(Y);
  const { wo, wi } = s.split(w, { wo: "rest", wi: 4 });
  const { oo, oi } = s.split(o, { oo: "rest", oi: 8 });
  s.reorder(oo, h, wo, r, q, c, wi, oi);
  s.setScope(Y, "local");
  const out = s.epilogue(Y);
  s.reverseComputeAt(out, wo);
  const init = s.decomposeReduction(Y, r);
  for (const b of [Y, init, out]) unrollAndVectorize(s, b);
  return { h, oo, wo, r, c };
}
const PAD: Readonly<Record<string, (p: ReturnType<typeof padded>) => void>> = {
  "as a stage of its own, in vectors": ({ P, s }) => void s.vectorize(s.loops(P).c),
  "inlined: conditions at every read": ({ P, s }) => s.computeInline(P),
};
const PAD_AT: readonly ("oo" | "h" | "wo" | "r")[] = ["oo", "h", "wo", "r"];

/** Small pieces of one shape: output position times stride plus tap times dilation. */
function conv(stride: number, dilation: number) {
  const [H, W, CI, CO] = [6, 7, 3, 10];
  const X = placeholder("X", [stride * (H - 1) + 2 * dilation + 1, stride * (W - 1) + 2 * dilation + 1, CI]);
  const F = placeholder("F", [3, 3, CI, CO]);
  const Y = compute("Y", { h: H, w: W, o: CO }, ({ h, w, o }) =>
    sum({ r: 3, q: 3, c: CI }, ({ r, q, c }) =>
      X.at(h.mul(stride).add(r.mul(dilation)), w.mul(stride).add(q.mul(dilation)), c).mul(F.at(r, q, c, o)),
    ),
  );
  const s = schedule(Y);
  const { outer } = registerTile(s, Y, { w: 4, o: 8 }, { tail: "peel" });
  pack(s, Y, F, outer.o);
  const { copy } = s.cacheWrite(Y, "local");
  s.reverseComputeAt(copy, outer.o);
  const init = s.decomposeReduction(Y, s.loops(Y).r);
  for (const b of [Y, init, copy]) unrollAndVectorize(s, b);
  return s;
}

export const CONV: readonly Idiom[] = [
  ...Object.entries(PAD).map(
    ([where, step]): Idiom => ({
      name: `padding ${where}`,
      make: () => {
        const p = padded();
        step(p);
        tiled(p);
        return p.s;
      },
      wat: [/f32x4\.mul/, /f32x4\.p?min/],
    }),
  ),
  ...PAD_AT.map(
    (at): Idiom => ({
      name: `padding computed at ${at}`,
      make: () => {
        const p = padded();
        const loops = tiled(p);
        p.s.computeAt(p.P, loops[at]);
        return p.s;
      },
      wat: [/f32x4\.mul/],
    }),
  ),
  {
    name: "weights packed per block of output channels, padding per row, taps written out",
    make: () => {
      const p = padded(7, 9, 4, 16);
      const { h, oo } = tiled(p);
      const copy = pack(p.s, p.Y, p.F, oo);
      unrollAndVectorize(p.s, copy);
      p.s.computeAt(p.P, h);
      const { q } = p.s.loops(p.Y);
      p.s.unroll(q);
      return p.s;
    },
    wat: [/f32x4\.mul/, /v128\.load32_splat/],
  },
  {
    name: "padding kept per row of the picture, three rows made once (storeAt)",
    make: () => {
      const p = padded();
      const { h, oo } = tiled(p);
      p.s.computeAt(p.P, h);
      p.s.storeAt(p.P, oo);
      return p.s;
    },
  },
  { name: "stride 2", make: () => conv(2, 1), wat: [/f32x4\.mul/, /v128\.load32_splat/] },
  { name: "dilation 2", make: () => conv(1, 2), wat: [/f32x4\.mul/, /v128\.load32_splat/] },
  { name: "stride 3, dilation 2", make: () => conv(3, 2), wat: [/f32x4\.mul/] },
  {
    name: "1x1: a matrix product over pixels",
    make: () => {
      const X = placeholder("X", [6, 7, 9]);
      const F = placeholder("F", [9, 20]);
      const Y = compute("Y", { h: 6, w: 7, o: 20 }, ({ h, w, o }) =>
        sum({ c: 9 }, ({ c }) => X.at(h, w, c).mul(F.at(c, o))),
      );
      const s = schedule(Y);
      const { h, w, o, c } = s.loops(Y);
      const p = s.fuseAs("p", h, w);
      const { po, pi } = s.split(p, { po: "rest", pi: 4 }, { tail: "peel" });
      const { oo, oi } = s.split(o, { oo: "rest", oi: 8 }, { tail: "peel" });
      s.reorder(oo, po, c, pi, oi);
      pack(s, Y, F, oo);
      const { copy } = s.cacheWrite(Y, "workspace");
      s.reverseComputeAt(copy, oo);
      const init = s.decomposeReduction(Y, c);
      for (const b of [Y, init, copy]) unrollAndVectorize(s, b);
      return s;
    },
    wat: [/f32x4\.mul/],
  },
  {
    name: "depthwise, channels in lanes, taps written out",
    make: () => {
      const [H, W, C] = [6, 7, 12];
      const X = placeholder("X", [H, W, C]);
      const F = placeholder("F", [3, 3, C]);
      const e = constantEdge(X, 0);
      const P = compute("P", { h: H + 2, w: W + 2, c: C }, ({ h, w, c }) => e.at(h.sub(1), w.sub(1), c));
      const Y = compute("Y", { h: H, w: W, c: C }, ({ h, w, c }) =>
        sum({ r: 3, q: 3 }, ({ r, q }) => P.at(h.add(r), w.add(q), c).mul(F.at(r, q, c))).max(0),
      );
      const s = schedule(Y);
      const { h, w, c, r, q } = s.loops(Y);
      const { co, ci } = s.split(c, { co: "rest", ci: 8 });
      const { wo, wi } = s.split(w, { wo: "rest", wi: 2 });
      s.reorder(h, co, wo, r, q, wi, ci);
      s.setScope(Y, "local");
      const out = s.epilogue(Y);
      s.reverseComputeAt(out, wo);
      const init = s.decomposeReduction(Y, r);
      s.computeAt(P, h);
      s.vectorize(s.loops(P).c);
      for (const b of [Y, init, out]) unrollAndVectorize(s, b);
      s.unroll(r);
      s.unroll(q);
      return s;
    },
    wat: [/f32x4\.mul/],
  },
  {
    name: "grouped: two groups of channels",
    make: () => {
      const X = placeholder("X", [8, 9, 2, 3]);
      const F = placeholder("F", [2, 3, 3, 3, 8]);
      const Y = compute("Y", { h: 6, w: 7, g: 2, o: 8 }, ({ h, w, g, o }) =>
        sum({ r: 3, q: 3, c: 3 }, ({ r, q, c }) => X.at(h.add(r), w.add(q), g, c).mul(F.at(g, r, q, c, o))),
      );
      const s = schedule(Y);
      const { outer } = registerTile(s, Y, { w: 4, o: 8 });
      const { copy } = s.cacheWrite(Y, "local");
      s.reverseComputeAt(copy, outer.o);
      const init = s.decomposeReduction(Y, s.loops(Y).r);
      for (const b of [Y, init, copy]) unrollAndVectorize(s, b);
      return s;
    },
    wat: [/f32x4\.mul/],
  },
  {
    name: "channels first, lanes along the row",
    make: () => {
      const X = placeholder("X", [3, 8, 21]);
      const F = placeholder("F", [5, 3, 3, 3]);
      const Y = compute("Y", { o: 5, h: 6, w: 19 }, ({ o, h, w }) =>
        sum({ c: 3, r: 3, q: 3 }, ({ c, r, q }) => X.at(c, h.add(r), w.add(q)).mul(F.at(o, c, r, q))),
      );
      const s = schedule(Y);
      const { outer } = registerTile(s, Y, { o: 4, w: 8 }, { tail: "peel" });
      const { copy } = s.cacheWrite(Y, "local");
      s.reverseComputeAt(copy, outer.w);
      const init = s.decomposeReduction(Y, s.loops(Y).c);
      for (const b of [Y, init, copy]) unrollAndVectorize(s, b);
      return s;
    },
    wat: [/f32x4\.mul/],
  },
  {
    name: "one dimension, several taps, along a signal",
    make: () => {
      const X = placeholder("X", [107]);
      const F = placeholder("F", [8]);
      const Y = compute("Y", { t: 100 }, ({ t }) => sum({ k: 8 }, ({ k }) => X.at(t.add(k)).mul(F.at(k))));
      const s = schedule(Y);
      const { t, k } = s.loops(Y);
      const { to, ti } = s.split(t, { to: "rest", ti: 16 }, { tail: "peel" });
      s.reorder(to, k, ti);
      const { copy } = s.cacheWrite(Y, "local");
      s.reverseComputeAt(copy, to);
      const init = s.decomposeReduction(Y, k);
      for (const b of [Y, init, copy]) unrollAndVectorize(s, b);
      s.unroll(k);
      return s;
    },
    wat: [/f32x4\.mul/, /v128\.load32_splat/],
  },
  {
    name: "transposed (upsampling by 2): a condition in the reduction",
    make: () => {
      const [H, CI, CO] = [5, 3, 8];
      const X = placeholder("X", [H, CI]);
      const F = placeholder("F", [3, CI, CO]);
      const Y = compute("Y", { h: 2 * H - 1, o: CO }, ({ h, o }) =>
        sum({ r: 3, c: CI }, ({ r, c }) => {
          const at = h.add(1).sub(r);
          const hit = at.mod(2).eq(0).and(at.ge(0)).and(at.div(2).lt(H));
          return where(hit, X.at(at.div(2), c).mul(F.at(r, c, o)), 0);
        }),
      );
      const s = schedule(Y);
      const { h, o, r, c } = s.loops(Y);
      s.reorder(h, r, c, o);
      const { copy } = s.cacheWrite(Y, "local");
      s.reverseComputeAt(copy, h);
      const init = s.decomposeReduction(Y, r);
      for (const b of [Y, init, copy]) unrollAndVectorize(s, b);
      return s;
    },
    wat: [/f32x4\.mul/],
  },
  {
    name: "max pooling 2x2, channels in lanes",
    make: () => {
      const X = placeholder("X", [8, 10, 20]);
      const Y = compute("Y", { h: 4, w: 5, c: 20 }, ({ h, w, c }) =>
        max({ r: 2, q: 2 }, ({ r, q }) => X.at(h.mul(2).add(r), w.mul(2).add(q), c)),
      );
      const s = schedule(Y);
      const { h, w, c, r, q } = s.loops(Y);
      const { co, ci } = s.split(c, { co: "rest", ci: 8 });
      s.reorder(h, w, co, r, q, ci);
      const { copy } = s.cacheWrite(Y, "local");
      s.reverseComputeAt(copy, co);
      const init = s.decomposeReduction(Y, r);
      for (const b of [Y, init, copy]) unrollAndVectorize(s, b);
      s.unroll(r);
      s.unroll(q);
      return s;
    },
    wat: [/f32x4\.max/],
  },
  {
    name: "average pooling 3x3 of bytes, with a border of zeros",
    make: () => {
      const [H, W, C] = [7, 6, 20];
      const X = placeholder("X", [H, W, C], "u8");
      const e = constantEdge(X, 0);
      const Y = compute("Y", { h: H, w: W, c: C }, ({ h, w, c }) =>
        sum({ r: 3, q: 3 }, ({ r, q }) => e.at(h.add(r).sub(1), w.add(q).sub(1), c).cast("u16"))
          .add(4)
          .div(9)
          .cast("u8"),
      );
      const s = schedule(Y);
      const { h, w, c, r, q } = s.loops(Y);
      const { co, ci } = s.split(c, { co: "rest", ci: 16 });
      s.reorder(h, w, co, r, q, ci);
      s.setScope(Y, "local");
      const out = s.epilogue(Y);
      s.reverseComputeAt(out, co);
      const init = s.decomposeReduction(Y, r);
      for (const b of [Y, init, out]) unrollAndVectorize(s, b);
      return s;
    },
    wat: [/i16x8\.add/],
  },
];

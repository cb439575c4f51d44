/**
 * A 3x3 convolution with bias and relu6, NHWC, padded by one.
 *
 * The padding is a stage of its own (a copy of the image with a border of zeros), so the convolution itself has no
 * conditions. It is the same pattern as a matrix product, with w as the rows, output channels as the columns and
 * (r, q, c) as the reduction: the same schedule fits. Run it: npm run ts examples/conv2d.ts
 */
import { compile, compute, constantEdge, placeholder, schedule, sum } from "../src/index.ts";
import { evaluate } from "../src/oracle.ts";
import { unrollAndVectorize } from "../src/schedules.ts";
import { check, random } from "./support/check.ts";

const [H, W, CI, CO] = [56, 56, 64, 64];
const X = placeholder("X", { h: H, w: W, c: CI });
const F = placeholder("F", { r: 3, q: 3, c: CI, o: CO });
const bias = placeholder("bias", [CO]);

const edge = constantEdge(X, 0);
const P = compute("P", { h: H + 2, w: W + 2, c: CI }, ({ h, w, c }) => edge.at(h.sub(1), w.sub(1), c));
const Y = compute("Y", { h: H, w: W, o: CO }, ({ h, w, o }) =>
  sum({ r: 3, q: 3, c: CI }, ({ r, q, c }) => P.at(h.add(r), w.add(q), c).mul(F.at(r, q, c, o)))
    .add(bias.at(o))
    .clamp(0, 6),
);

const s = schedule(Y);
const { c: pc } = s.loops(P);
s.vectorize(pc);

// Y means the reduction; what follows it (bias, clamp) is its epilogue, a block of its own.
const { h, w, o, r, q, c } = s.loops(Y);
const { wo, wi } = s.split(w, { wo: "rest", wi: 4 });
const { oo, oi } = s.split(o, { oo: "rest", oi: 8 });
s.reorder(oo, h, wo, r, q, c, wi, oi);
s.computeAt(s.cacheRead(Y, F, "workspace"), oo);
s.setScope(Y, "local");
const epilogue = s.epilogue(Y);
s.reverseComputeAt(epilogue, wo);
const init = s.decomposeReduction(Y, r);
for (const block of [Y, init, epilogue]) unrollAndVectorize(s, block);
console.log(`${s}\n`);

const conv = await compile(s);
const args = { X: random(H * W * CI, 1), F: random(9 * CI * CO, 2), bias: random(CO, 3) };
check("conv2d", conv(args), (at) => evaluate(Y, args, { at }), [H, W, CO]);

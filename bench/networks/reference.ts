/** The network straight from the definition, in f64, and how answers are compared with it. */
import { type ConvLayer, type DepthwiseLayer, elements, type Layer, type Network, type Parameters } from "./network.ts";

type Values = Float64Array;
const relu6 = (v: number): number => Math.min(6, Math.max(0, v));

function convolution(l: ConvLayer | DepthwiseLayer, x: Values, { w, bias }: Parameters): Values {
  const [height, width, cin] = l.input;
  const [oh, ow, cout] = l.output;
  const y = new Float64Array(oh * ow * cout);
  const sums = new Float64Array(cout);
  for (let p = 0; p < oh * ow; p++) {
    sums.set(bias);
    for (let t = 0; t < l.size ** 2; t++) {
      const iy = Math.floor(p / ow) * l.stride + Math.floor(t / l.size) - l.pad;
      const ix = (p % ow) * l.stride + (t % l.size) - l.pad;
      if (iy < 0 || ix < 0 || iy >= height || ix >= width) continue;
      const pixel = (iy * width + ix) * cin;
      if (l.kind === "depthwise") {
        for (let c = 0; c < cin; c++) sums[c]! += x[pixel + c]! * w[t * cin + c]!;
        continue;
      }
      for (let c = 0; c < cin; c++) {
        const v = x[pixel + c]!;
        const row = (t * cin + c) * cout;
        for (let o = 0; o < cout; o++) sums[o]! += v * w[row + o]!;
      }
    }
    for (let o = 0; o < cout; o++) y[p * cout + o] = relu6(sums[o]!);
  }
  return y;
}

function resultOf(l: Layer, x: Values, parameters: Parameters | undefined): Values {
  switch (l.kind) {
    case "conv":
    case "depthwise":
      return convolution(l, x, parameters!);
    case "pool": {
      const [height, width, channels] = l.input;
      const y = new Float64Array(channels);
      x.forEach((v, i) => {
        y[i % channels]! += v / (height * width);
      });
      return y;
    }
    case "dense": {
      const y = Float64Array.from(parameters!.bias);
      const { w } = parameters!;
      x.forEach((v, k) => {
        for (let o = 0; o < y.length; o++) y[o]! += v * w[k * y.length + o]!;
      });
      return y;
    }
    case "softmax": {
      const top = Math.max(...x);
      const e = x.map((v) => Math.exp(v - top));
      const total = e.reduce((a, b) => a + b, 0);
      return e.map((v) => v / total);
    }
    default:
      return l satisfies never;
  }
}

/** The result of every layer. Takes a second or two. */
export function reference(net: Network): readonly Values[] {
  const results: Values[] = [];
  let x: Values = Float64Array.from(net.input);
  net.layers.forEach((l, i) => {
    x = resultOf(l, x, net.parameters[i]);
    results.push(x);
  });
  return results;
}

/**
 * How far a layer's result may be from the definition, relative to the largest value of the layer: some hundred roundings of
 * f32. A layer that leaves out or misplaces anything is far outside.
 */
export const BOUND = 2e-5;

/** The largest distance of a layer's result from the wanted one, relative to the largest wanted value; infinite for what is no number. */
export function distance(got: Float32Array, want: Values): number {
  const scale = want.reduce((a, v) => Math.max(a, Math.abs(v)), 0);
  return got.reduce((worst, v, i) => {
    const d = Math.abs(v - want[i]!) / scale;
    return d <= worst ? worst : Number.isNaN(d) ? Number.POSITIVE_INFINITY : d;
  }, 0);
}

/** What is wrong with the result of a layer, or undefined. */
export function wrong(l: Layer, got: Float32Array, want: Values): string | undefined {
  if (got.length !== elements(l.output)) return `${l.name}: ${got.length} elements instead of ${elements(l.output)}`;
  const d = distance(got, want);
  return d <= BOUND
    ? undefined
    : `${l.name}: off by ${d.toExponential(1)} of its largest value, where ${BOUND} are allowed`;
}

/** Networks as data: chains of layers with their shapes, the parameters they are given, and who runs them. One image, channels last. */
import { noise } from "../work/work.ts";

/** height x width x channels, or one axis. */
export type Shape = readonly [height: number, width: number, channels: number] | readonly [length: number];

/** A layer before the shapes are known. Convolutions pad by `(size - 1) / 2` on each side, add a bias and end with relu6. */
export type Step =
  | {
      readonly kind: "conv";
      readonly name: string;
      readonly size: number;
      readonly stride: number;
      readonly channels: number;
    }
  | { readonly kind: "depthwise"; readonly name: string; readonly size: number; readonly stride: number }
  | { readonly kind: "pool"; readonly name: string }
  | { readonly kind: "dense"; readonly name: string; readonly channels: number }
  | { readonly kind: "softmax"; readonly name: string };

export type Image = Extract<Shape, { readonly length: 3 }>;
interface Convolving {
  readonly name: string;
  readonly size: number;
  readonly stride: number;
  readonly pad: number;
  readonly input: Image;
  readonly output: Image;
}
/** Filters are size x size x channels in x channels out. */
export interface ConvLayer extends Convolving {
  readonly kind: "conv";
}
/** Filters are size x size x channels. */
export interface DepthwiseLayer extends Convolving {
  readonly kind: "depthwise";
}
/** The average of each channel. */
export interface PoolLayer {
  readonly kind: "pool";
  readonly name: string;
  readonly input: Image;
  readonly output: readonly [number];
}
/** Weights are in x out, and there is a bias. */
export interface DenseLayer {
  readonly kind: "dense";
  readonly name: string;
  readonly input: readonly [number];
  readonly output: readonly [number];
}
export interface SoftmaxLayer {
  readonly kind: "softmax";
  readonly name: string;
  readonly input: readonly [number];
  readonly output: readonly [number];
}
export type Layer = ConvLayer | DepthwiseLayer | PoolLayer | DenseLayer | SoftmaxLayer;

export interface Parameters {
  readonly w: Float32Array;
  readonly bias: Float32Array;
}
export interface Network {
  readonly name: string;
  readonly layers: readonly Layer[];
  /** One entry a layer; undefined for layers without parameters. */
  readonly parameters: readonly (Parameters | undefined)[];
  readonly input: Float32Array;
}

export const elements = (s: Shape): number => s.reduce<number>((a, n) => a * n, 1);
export const shapeText = (s: Shape): string => s.join("x");

const misplaced = (step: Step, input: Shape): Error =>
  new Error(`layer ${step.name} (${step.kind}) cannot follow a result of ${shapeText(input)}`);

function layerOf(step: Step, input: Shape): Layer {
  if (step.kind === "conv" || step.kind === "depthwise") {
    if (input.length !== 3 || step.size % 2 !== 1) throw misplaced(step, input);
    const { kind, name, size, stride } = step;
    const out = (extent: number): number => Math.floor((extent - 1) / stride) + 1;
    const channels = step.kind === "conv" ? step.channels : input[2];
    return { kind, name, size, stride, pad: (size - 1) / 2, input, output: [out(input[0]), out(input[1]), channels] };
  }
  const { name } = step;
  if (step.kind === "pool") {
    if (input.length !== 3) throw misplaced(step, input);
    return { kind: "pool", name, input, output: [input[2]] };
  }
  if (input.length !== 1) throw misplaced(step, input);
  return step.kind === "dense"
    ? { kind: "dense", name, input, output: [step.channels] }
    : { kind: "softmax", name, input, output: input };
}

/** The number of weights, and of terms summed up in one element of the result; undefined for layers without parameters. */
function weightsOf(l: Layer): { readonly count: number; readonly terms: number } | undefined {
  switch (l.kind) {
    case "conv":
      return { count: l.size ** 2 * l.input[2] * l.output[2], terms: l.size ** 2 * l.input[2] };
    case "depthwise":
      return { count: l.size ** 2 * l.input[2], terms: l.size ** 2 };
    case "dense":
      return { count: l.input[0] * l.output[0], terms: l.input[0] };
    default:
      return undefined;
  }
}

/**
 * Random weights whose variance is 2 / terms (He et al. 2015), so that values neither die out nor all end at 6, and biases in [-1, 1),
 * which take some there. The batch norm is already folded in.
 */
function parametersOf(l: Layer, index: number): Parameters | undefined {
  const weights = weightsOf(l);
  if (weights === undefined) return undefined;
  const scale = Math.sqrt(6 / weights.terms);
  return {
    w: noise(weights.count, 2 * index + 11).map((v) => v * scale),
    bias: noise(l.output.at(-1)!, 2 * index + 12),
  };
}

/** A network of these steps, with random parameters and a random image. Throws where a step does not fit the one before. */
export function network(name: string, input: Shape, steps: readonly Step[]): Network {
  const layers: Layer[] = [];
  for (const step of steps) layers.push(layerOf(step, layers.at(-1)?.output ?? input));
  return { name, layers, parameters: layers.map(parametersOf), input: noise(elements(input), 7) };
}

/** Multiplications and additions, counted apart; undefined where other work dominates. */
export function flopsOf(l: Layer): number | undefined {
  const weights = weightsOf(l);
  return weights && 2 * weights.terms * elements(l.output);
}

/** One layer as somebody runs it; all of them in order are a run of the network. */
export interface LayerRun {
  run(): void;
  /** What the last call left, channels last. */
  result(): Float32Array;
}
/** Somebody who runs the network, one thread, everything that can be done ahead of time already done. */
export interface Runner {
  readonly name: string;
  /** This project's. */
  readonly own: boolean;
  /** Finished when it returns, or when the promise it returns resolves. */
  run(): unknown;
  /** Runs, and returns the network's result. */
  result(): Float32Array | Promise<Float32Array>;
  /** Where layers can be run apart: one entry for each of the network's. */
  readonly layers?: readonly LayerRun[];
  dispose(): void;
}

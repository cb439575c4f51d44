/** The network as a chain of this project's kernels in one arena: one kernel a layer, two activation buffers that take turns. */
import { type Artifact, arena, type Buildable, build, load, placeholder } from "../../src/index.ts";
import { conv2d, dense, depthwiseConv2d, globalAveragePool, relu6, softmax } from "../../src/ops.ts";
import { elements, type Layer, type LayerRun, type Network, type Runner } from "./network.ts";

export type Variant = "relaxed" | "plain";

/** Address space for weights, activations and scratch: what is never touched costs nothing, and a memory that never grows detaches no view. */
const ARENA = "256MB";

/** The expression of a layer, without any schedule. */
function expressionOf(l: Layer): Buildable {
  const constant = { constant: true } as const;
  const bias = placeholder("bias", [l.output.at(-1)!], "f32", constant);
  switch (l.kind) {
    case "conv": {
      const X = placeholder("X", [1, ...l.input]);
      const W = placeholder("W", [l.size, l.size, l.input[2], l.output[2]], "f32", constant);
      return relu6("Y", conv2d("conv", X, W, { stride: l.stride, padding: l.pad, bias }));
    }
    case "depthwise": {
      const X = placeholder("X", [1, ...l.input]);
      const W = placeholder("W", [l.size, l.size, l.input[2], 1], "f32", constant);
      return relu6("Y", depthwiseConv2d("conv", X, W, { stride: l.stride, padding: l.pad, bias }));
    }
    case "pool":
      return globalAveragePool("Y", placeholder("X", [1, ...l.input]));
    case "dense": {
      const W = placeholder("W", [l.input[0], l.output[0]], "f32", constant);
      return dense("Y", placeholder("X", [1, ...l.input]), W, { bias });
    }
    case "softmax":
      return softmax("Y", placeholder("X", [1, ...l.input]));
    default:
      return l satisfies never;
  }
}

/** Equal layers have one module. */
const keyOf = ({ name: _, ...shape }: Layer): string => JSON.stringify(shape);
export type Artifacts = ReadonlyMap<string, Artifact>;

/** Builds what the layers need, each shape once. */
export async function buildLayers(net: Network): Promise<Artifacts> {
  const artifacts = new Map<string, Artifact>();
  for (const l of net.layers) {
    const key = keyOf(l);
    if (artifacts.has(key)) continue;
    try {
      artifacts.set(key, await build(expressionOf(l)));
    } catch (e) {
      throw new Error(`layer ${l.name}: ${e instanceof Error ? e.message : e}`, { cause: e });
    }
  }
  return artifacts;
}

/**
 * The chain, ready to run: weights packed, every buffer allocated. A run calls the kernels in order and copies no activation.
 */
export async function chain(net: Network, artifacts: Artifacts, variant: Variant): Promise<Runner> {
  const memory = arena({ initial: ARENA, max: ARENA });
  const kernelOf = async (l: Layer) => {
    const { wasm, variants } = artifacts.get(keyOf(l))!;
    return load(variant === "plain" ? { wasm } : { wasm, variants }, { arena: memory });
  };
  const loaded = new Map<string, Awaited<ReturnType<typeof kernelOf>>>();
  for (const l of net.layers) if (!loaded.has(keyOf(l))) loaded.set(keyOf(l), await kernelOf(l));
  const kernels = net.layers.map((l, i) => {
    const kernel = loaded.get(keyOf(l))!;
    const p = net.parameters[i];
    return p === undefined ? kernel : kernel.prepare({ W: p.w, bias: p.bias });
  });
  const input = memory.array("f32", net.input.length);
  input.set(net.input);
  const largest = (parity: number): number =>
    Math.max(...net.layers.filter((_, i) => i % 2 === parity).map((l) => elements(l.output)));
  const buffers = [memory.array("f32", largest(0)), memory.array("f32", largest(1))] as const;
  const results = net.layers.map((l, i) => buffers[(i % 2) as 0 | 1].subarray(0, elements(l.output)));
  // The arguments are made here, once: a run makes none.
  const layers = kernels.map((kernel, i): LayerRun => {
    const args = { X: i === 0 ? input : results[i - 1]! };
    const options = { into: results[i]! };
    return { run: () => void kernel(args, options), result: () => results[i]!.slice() };
  });
  const run = (): void => {
    for (const l of layers) l.run();
  };
  return {
    own: true,
    name: variant === "plain" ? "tilewright" : "tilewright (relaxed)",
    run,
    result() {
      run();
      return results.at(-1)!.slice();
    },
    layers,
    dispose() {},
  };
}

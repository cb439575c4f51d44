/** The convolutions of three networks, from their published definitions: 224 x 224 x 3, batch 1, batch norm folded into weights and bias. */
import type { Activation, ConvShape } from "../work/index.ts";

const SIDE = 224;

interface Layer {
  readonly network: string;
  readonly shape: ConvShape;
}

/** Layers in order, the picture's side and channels carried along. */
class Walk {
  readonly layers: Layer[] = [];
  readonly network: string;
  side = SIDE;
  channels = 3;

  constructor(network: string) {
    this.network = network;
  }
  #add(size: number, stride: number, cout: number, depthwise: boolean, activation: Activation): void {
    const shape = {
      height: this.side,
      width: this.side,
      cin: this.channels,
      cout,
      size,
      stride,
      depthwise,
      activation,
    };
    this.layers.push({ network: this.network, shape });
    this.side = Math.ceil(this.side / stride);
    this.channels = cout;
  }
  conv(size: number, cout: number, activation: Activation, stride = 1): void {
    this.#add(size, stride, cout, false, activation);
  }
  depthwise(size: number, activation: Activation, stride = 1): void {
    this.#add(size, stride, this.channels, true, activation);
  }
}

/** MobileNet v1, width 1.0 (Howard et al. 2017). */
function mobileNetV1(): readonly Layer[] {
  /** Output channels and stride of each separable layer. */
  const table: readonly (readonly [number, number])[] = [
    [64, 1],
    [128, 2],
    [128, 1],
    [256, 2],
    [256, 1],
    [512, 2],
    ...Array.from({ length: 5 }, () => [512, 1] as const),
    [1024, 2],
    [1024, 1],
  ];
  const net = new Walk("MobileNet v1");
  net.conv(3, 32, "relu6", 2);
  for (const [channels, stride] of table) {
    net.depthwise(3, "relu6", stride);
    net.conv(1, channels, "relu6");
  }
  return net.layers;
}

/** MobileNet v2, width 1.0 (Sandler et al. 2018): inverted residuals whose projections are linear. */
function mobileNetV2(): readonly Layer[] {
  /** Expansion, output channels, repeats, stride of the first. */
  const table: readonly (readonly [number, number, number, number])[] = [
    [1, 16, 1, 1],
    [6, 24, 2, 2],
    [6, 32, 3, 2],
    [6, 64, 4, 2],
    [6, 96, 3, 1],
    [6, 160, 3, 2],
    [6, 320, 1, 1],
  ];
  const net = new Walk("MobileNet v2");
  net.conv(3, 32, "relu6", 2);
  for (const [expansion, channels, repeats, first] of table) {
    for (let r = 0; r < repeats; r++) {
      if (expansion > 1) net.conv(1, net.channels * expansion, "relu6");
      net.depthwise(3, "relu6", r === 0 ? first : 1);
      net.conv(1, channels, "none");
    }
  }
  net.conv(1, 1280, "relu6");
  return net.layers;
}

/**
 * ResNet-50 (He et al. 2015) in the form "v1.5", with the stride of a stage in its first 3x3 layer instead of the 1x1 before. The layers
 * whose result goes into an addition are linear: relu follows the addition.
 */
function resNet50(): readonly Layer[] {
  /** Channels, repeats, stride of the first. */
  const table: readonly (readonly [number, number, number])[] = [
    [64, 3, 1],
    [128, 4, 2],
    [256, 6, 2],
    [512, 3, 2],
  ];
  const net = new Walk("ResNet-50");
  net.conv(7, 64, "relu", 2);
  // the pooling after the first layer
  net.side /= 2;
  for (const [channels, repeats, first] of table) {
    for (let r = 0; r < repeats; r++) {
      const stride = r === 0 ? first : 1;
      const { side, channels: before } = net;
      if (r === 0) {
        net.conv(1, 4 * channels, "none", stride);
        Object.assign(net, { side, channels: before });
      }
      net.conv(1, channels, "relu");
      net.conv(3, channels, "relu", stride);
      net.conv(1, 4 * channels, "none");
    }
  }
  return net.layers;
}

export interface DistinctLayer {
  readonly name: string;
  readonly shape: ConvShape;
  readonly networks: readonly string[];
}

/** Size, channels, side, and what is not usual: `1x1-64-128-56`, `3x3-3-32-224-s2`, `dw-64-112-s2`, `1x1-32-16-112-linear`. */
function nameOf(s: ConvShape): string {
  const kind = s.depthwise
    ? [s.size === 3 ? "dw" : `dw${s.size}x${s.size}`, s.cin]
    : [`${s.size}x${s.size}`, s.cin, s.cout];
  const stride = s.stride === 1 ? [] : [`s${s.stride}`];
  const activation = { relu6: [], relu: ["relu"], none: ["linear"] }[s.activation];
  return [...kind, s.height, ...stride, ...activation].join("-");
}

/** Every convolution that differs from the others in shape, stride or activation. */
export function distinctLayers(): readonly DistinctLayer[] {
  const found = new Map<string, DistinctLayer>();
  for (const { network, shape } of [...mobileNetV1(), ...mobileNetV2(), ...resNet50()]) {
    const name = nameOf(shape);
    const networks = found.get(name)?.networks ?? [];
    found.set(name, { name, shape, networks: networks.includes(network) ? networks : [...networks, network] });
  }
  return [...found.values()];
}

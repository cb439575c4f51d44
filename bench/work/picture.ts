import { bytesIn, noise, type Operand, type WorkBase } from "./work.ts";

/** An image pipeline of the examples. Its answers are compared with each other: the example itself checks them against the oracle. */
export interface Picture extends WorkBase {
  readonly kind: "picture";
  readonly example: string;
  readonly height: number;
  readonly width: number;
}
export interface PictureShape {
  readonly example: string;
  readonly height: number;
  readonly width: number;
  readonly planes: number;
  readonly input: "u8" | "u16" | "f32";
  /** Bytes of an element of the result. */
  readonly outBytes: number;
}

const PIXELS: { readonly [T in PictureShape["input"]]: (values: Float32Array) => Operand } = {
  u8: (v) => Uint8Array.from(v, (x) => 255 * Math.abs(x)),
  u16: (v) => Uint16Array.from(v, (x) => 65535 * Math.abs(x)),
  f32: (v) => v.map((x) => 0.05 + 0.9 * Math.abs(x)),
};

export function pictureOf({ example, height, width, planes, input, outBytes }: PictureShape): Picture {
  const length = planes * height * width;
  const inputs = { input: PIXELS[input](noise(length, 14)) };
  return {
    ...{ kind: "picture", example, height, width, inputs, length },
    flops: undefined,
    bytes: bytesIn(inputs) + outBytes * length,
    bound: 5e-4,
  };
}

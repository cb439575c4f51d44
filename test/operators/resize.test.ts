import { describe, expect, test } from "vitest";
import { dim, placeholder } from "../../src/index.ts";
import * as ops from "../../src/ops.ts";
import { check, integers, random } from "./helper.ts";
import * as plain from "./plain.ts";

const POSITION = {
  "half-pixel": (i: number, n: number, to: number) => ((i + 0.5) * n) / to - 0.5,
  asymmetric: (i: number, n: number, to: number) => (i * n) / to,
  "align-corners": (i: number, n: number, to: number) => (to === 1 ? 0 : (i * (n - 1)) / (to - 1)),
} as const;
type Coordinates = keyof typeof POSITION;
const clamp = (i: number, n: number): number => Math.min(Math.max(i, 0), n - 1);

/** x [n, h, w, C]. */
function resized(x: plain.Plain, size: readonly number[], method: string, coordinates: Coordinates): plain.Plain {
  return plain.make([x.shape[0]!, ...size, x.shape[3]!], (p) => {
    const at = [0, 1].map((d) => POSITION[coordinates](p[d + 1]!, x.shape[d + 1]!, size[d]!));
    const read = (h: number, w: number): number =>
      plain.get(x, [p[0]!, clamp(h, x.shape[1]!), clamp(w, x.shape[2]!), p[3]!]);
    // a little more than the position, against rounding in what should be whole or half
    if (method === "nearest") {
      const near = at.map((q) => Math.floor(q + 1e-9 + (coordinates === "asymmetric" ? 0 : 0.5)));
      return read(near[0]!, near[1]!);
    }
    const [h, w] = at.map((q) => Math.floor(q + 1e-9)) as [number, number];
    const [fh, fw] = [at[0]! - h, at[1]! - w];
    return (
      (read(h, w) * (1 - fw) + read(h, w + 1) * fw) * (1 - fh) +
      (read(h + 1, w) * (1 - fw) + read(h + 1, w + 1) * fw) * fh
    );
  });
}

describe("resize", () => {
  const all = Object.keys(POSITION) as Coordinates[];
  test.each(all)("%s", async (coordinates) => {
    for (const [from, size] of [
      [
        [1, 1, 1, 1],
        [1, 1],
      ],
      [
        [2, 4, 3, 5],
        [8, 7],
      ],
      [
        [1, 9, 7, 3],
        [4, 1],
      ],
      [
        [1, 5, 5, 1],
        [5, 10],
      ],
    ] as [number[], [number, number]][])
      for (const method of ["nearest", "bilinear"] as const) {
        const x = random(from);
        const want = resized(x, size, method, coordinates);
        await check(ops.resize("Y", placeholder("X", from), { size, method, coordinates }), { X: x }, want);
      }
    const x = random([1, 5, 6, 2]);
    const [h, w, H, W] = [dim("h", { min: 1 }), dim("w", { min: 1 }), dim("H", { min: 1 }), dim("W", { min: 1 })];
    const xf = plain.channelsFirst(x);
    for (const method of ["nearest", "bilinear"] as const) {
      const Y = ops.resize("Y", placeholder("X", [1, 2, h, w]), { size: [H, W], method, coordinates, layout: "NCHW" });
      const want = plain.channelsFirst(resized(x, [9, 4], method, coordinates));
      await check(Y, { X: xf }, want, { sizes: { h: 5, w: 6, H: 9, W: 4 } });
    }
  });
  test("integers, bad input", async () => {
    const x = integers([1, 4, 4, 3], 0, 255);
    const want = resized(x, [8, 2], "nearest", "half-pixel");
    await check(ops.resize("Y", placeholder("X", x.shape, "u8"), { size: [8, 2], method: "nearest" }), { X: x }, want);
    const X = placeholder("X", [1, 4, 4, 3]);
    expect(() => ops.resize("Y", placeholder("I", [1, 4, 4, 3], "u8"), { size: [8, 8] })).toThrow(
      /"I" is u8: expected f64/,
    );
    expect(() => ops.resize("Y", X, {} as never)).toThrow(/size is undefined: expected height and width/);
    expect(() => ops.resize("Y", X, undefined as never)).toThrow(/size is undefined/);
    expect(() => ops.resize("Y", X, { size: [8, -8] })).toThrow(/can't be negative/);
    expect(() => ops.resize("Y", X, { size: [8, 8], method: "cubic" as never })).toThrow(/method is "cubic"/);
    expect(() => ops.resize("Y", placeholder("S", [4, 4]), { size: [8, 8] })).toThrow(/expected 4, NHWC/);
    expect(() => ops.resize("Y", placeholder("S", [1, 1, 50_000, 1]), { size: [1, 50_000] })).toThrow(/in two steps/);
  });
});

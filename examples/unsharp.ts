/**
 * Sharpening a picture in colour. A Gaussian blur (sigma 1.5, 7 taps, first down then across) of the brightness is taken away
 * from twice the brightness; each pixel is scaled by what that changes.
 *
 * Five stages, and a decision: `gray` and `down` are computed row by row in a sliding window, as the rows of the result ask for them,
 * so that they stay in the cache; what works on single pixels is inlined.
 *
 * Reads a picture (examples/pictures/hills-color.png, or the one you name), writes out/unsharp.png. Run it: npm run ts examples/unsharp.ts
 */
import { addAll, compute, placeholder, repeatEdge, type Schedule } from "../src/index.ts";
import { slidingWindow } from "../src/schedules.ts";
import { checkSizes, type Pipeline, race } from "./support/pipeline.ts";
import { readColor, writeColor } from "./support/png.ts";

const SIGMA = 1.5;
const R = 3;
const taps = Array.from({ length: 2 * R + 1 }, (_, i) => Math.exp(-((i - R) ** 2) / (2 * SIGMA * SIGMA)));
const total = taps.reduce((a, b) => a + b);
const weights = taps.map((t) => t / total);

export function unsharp(H: number, W: number): Pipeline {
  const input = placeholder("input", { c: 3, y: H, x: W });
  // Beyond the border the nearest pixel counts; `gray` covers what the blur reads there.
  const pixel = repeatEdge(input);
  const gray = compute("gray", { y: H + 2 * R, x: W + 2 * R }, ({ y, x }) => {
    const at = (c: number) => pixel.at(c, y.sub(R), x.sub(R));
    return at(0).mul(0.299).add(at(1).mul(0.587)).add(at(2).mul(0.114));
  });
  const down = compute("down", { y: H, x: W + 2 * R }, ({ y, x }) =>
    addAll(weights.map((w, i) => gray.at(y.add(i), x).mul(w))),
  );
  const across = compute("across", { y: H, x: W }, ({ y, x }) =>
    addAll(weights.map((w, i) => down.at(y, x.add(i)).mul(w))),
  );
  const ratio = compute("ratio", { y: H, x: W }, ({ y, x }) => {
    const g = gray.at(y.add(R), x.add(R));
    return g.mul(2).sub(across.at(y, x)).div(g);
  });
  const output = compute("output", { c: 3, y: H, x: W }, ({ c, y, x }) => ratio.at(y, x).mul(input.at(c, y, x)));

  const byHand = (s: Schedule<typeof output>): void => {
    const { c, y, x } = s.loops(output);
    s.reorder(y, x, c);
    const { xi } = s.split(x, { xo: "rest", xi: 16 });
    s.reorder(c, xi);
    s.unroll(c);
    s.vectorize(xi);
    s.computeInline(across);
    s.computeAt(ratio, y);
    slidingWindow(s, down, y);
    slidingWindow(s, gray, y);
    for (const t of [ratio, down, gray]) {
      const l = s.loopList(t).at(-1)!;
      s.vectorize((s.split(l, { xo: "rest", xi: 16 }) as { xi: typeof l }).xi);
    }
  };
  return { input, output, byHand };
}

if (process.argv[1]?.endsWith("unsharp.ts")) {
  await checkSizes("unsharp", unsharp, [
    [9, 11],
    [32, 48],
    [50, 37],
  ]);
  const path = process.argv[2] ?? new URL("pictures/hills-color.png", import.meta.url);
  const picture = readColor(path);
  const { width, height } = picture;
  const data = (await race("unsharp", unsharp(height, width), picture.data)) as Float32Array;
  writeColor({ width, height, data }, "out/unsharp.png");
}

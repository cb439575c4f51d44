/**
 * Finding corners (Harris). Sobel derivatives across and down, their three products summed over 3x3 pixels, and
 * det - 0.04 trace^2 of the resulting 2x2 matrix: large where the picture changes in both directions.
 *
 * The sums are computed where they are used, for four rows at a time; the derivatives, which nine sums share, in a sliding window of six rows.
 *
 * Reads a picture (examples/pictures/hills.png, or the one you name), writes out/harris.png: corners bright, edges dark.
 * Run it: npm run ts examples/harris.ts
 */
import { addAll, compute, placeholder, repeatEdge, type Schedule } from "../src/index.ts";
import { slidingWindow } from "../src/schedules.ts";
import { checkSizes, type Pipeline, race } from "./support/pipeline.ts";
import { enlarge, readGray8, writeGray } from "./support/png.ts";

export function harris(H: number, W: number): Pipeline {
  const input = placeholder("input", { y: H, x: W });
  const pixel = repeatEdge(input);
  // Derivatives one pixel beyond the picture on every side, for the sums.
  const sobel = (name: string, weights: readonly (readonly [number, number, number])[]) =>
    compute(name, { y: H + 2, x: W + 2 }, ({ y, x }) =>
      addAll(weights.map(([dy, dx, w]) => pixel.at(y.add(dy - 1), x.add(dx - 1)).mul(w / 12))),
    );
  const across = [-1, 1].flatMap((d) => [-1, 0, 1].map((k): [number, number, number] => [k, d, d * (k === 0 ? 2 : 1)]));
  const Ix = sobel("Ix", across);
  const Iy = sobel(
    "Iy",
    across.map(([k, d, w]): [number, number, number] => [d, k, w]),
  );
  const nine = [0, 1, 2].flatMap((dy) => [0, 1, 2].map((dx) => [dy, dx] as const));
  const products = (name: string, a: typeof Ix, b: typeof Ix) =>
    compute(name, { y: H, x: W }, ({ y, x }) =>
      addAll(nine.map(([dy, dx]) => a.at(y.add(dy), x.add(dx)).mul(b.at(y.add(dy), x.add(dx))))),
    );
  const [Sxx, Syy, Sxy] = [products("Sxx", Ix, Ix), products("Syy", Iy, Iy), products("Sxy", Ix, Iy)];
  const output = compute("corners", { y: H, x: W }, ({ y, x }) => {
    const [xx, yy, xy] = [Sxx.at(y, x), Syy.at(y, x), Sxy.at(y, x)];
    const trace = xx.add(yy);
    return xx.mul(yy).sub(xy.mul(xy)).sub(trace.mul(trace).mul(0.04));
  });

  const byHand = (s: Schedule<typeof output>): void => {
    const { y, x } = s.loops(output);
    for (const t of [Sxx, Syy, Sxy]) s.computeInline(t);
    // Four rows at a time: their sums share derivatives, and the products of those.
    const { yo, yi } = s.split(y, { yo: "rest", yi: 4 });
    const { xo, xi } = s.split(x, { xo: "rest", xi: 4 });
    s.reorder(yo, xo, yi, xi);
    s.vectorize(xi);
    s.unroll(yi);
    for (const t of [Ix, Iy]) {
      slidingWindow(s, t, yo);
      const { lanes } = s.split(s.loopList(t).at(-1)!, { vectors: "rest", lanes: 4 });
      s.vectorize(lanes);
    }
  };
  return { input, output, byHand };
}

if (process.argv[1]?.endsWith("harris.ts")) {
  await checkSizes("harris", harris, [
    [7, 9],
    [30, 40],
    [41, 27],
  ]);
  const [width, height] = [2560, 1920];
  const { data } = enlarge(readGray8(process.argv[2] ?? new URL("pictures/hills.png", import.meta.url)), width, height);
  const gray = Float32Array.from(data, (v) => v / 255);
  const corners = (await race("harris", harris(height, width), gray)) as Float32Array;
  // Gray where nothing is, bright at corners, dark along edges.
  const scale = 110 / corners.reduce((m, v) => Math.max(m, Math.abs(v)), 0) ** 0.25;
  const picture = Uint8Array.from(corners, (v) => Math.round(128 + scale * Math.sign(v) * Math.abs(v) ** 0.25));
  writeGray({ width, height, data: picture }, "out/harris.png");
}

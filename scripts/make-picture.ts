/**
 * Draws the pictures the examples work on, examples/pictures/hills.png and, in colour, hills-color.png: soft gradients, hard edges,
 * fine texture and grain, so that a blur, an edge filter and a resampling each have something to show. The same bytes every time.
 */
import { statSync } from "node:fs";
import { writeColor, writeGray } from "../examples/support/png.ts";

const [WIDTH, HEIGHT] = [640, 480];

/** A value in [0, 1) that depends on the point only. */
function hash(x: number, y: number): number {
  let h = (Math.imul(x, 374761393) + Math.imul(y, 668265263)) | 0;
  h = Math.imul(h ^ (h >>> 13), 1274126177);
  return ((h ^ (h >>> 16)) >>> 0) / 2 ** 32;
}
const smooth = (t: number): number => t * t * (3 - 2 * t);
const mix = (a: number, b: number, t: number): number => a + (b - a) * t;

/** Value noise: random values at whole points, smoothly joined. */
function noise(x: number, y: number): number {
  const [ix, iy] = [Math.floor(x), Math.floor(y)];
  const [tx, ty] = [smooth(x - ix), smooth(y - iy)];
  return mix(mix(hash(ix, iy), hash(ix + 1, iy), tx), mix(hash(ix, iy + 1), hash(ix + 1, iy + 1), tx), ty);
}
const fractal = (x: number, y: number): number =>
  0.5 * noise(x, y) + 0.25 * noise(2 * x, 2 * y) + 0.15 * noise(4 * x, 4 * y) + 0.1 * noise(8 * x, 8 * y);

/** Height of the ridge of hill `n` at column x, in rows from the top. */
const ridge = (n: number, x: number): number =>
  210 + 62 * n + (90 - 18 * n) * (fractal(x / (190 - 25 * n) + 17 * n, n) - 0.5);

function isFence(x: number, y: number): boolean {
  const post = x % 40 < 7 && y > 396 && y < 462;
  return post || (y > 410 && y < 416) || (y > 438 && y < 444);
}

/** Brightness in [0, 1]. */
function shade(x: number, y: number): number {
  const sun = Math.hypot(x - 470, y - 110);
  if (sun < 38) return 0.97;
  let v =
    0.88 -
    0.4 * (y / HEIGHT) +
    0.22 * Math.exp(-sun / 70) -
    0.18 * smooth(Math.max(0, fractal(x / 120, y / 45) - 0.45) * 1.8);
  for (let n = 0; n < 4; n++) {
    if (y > ridge(n, x)) v = 0.56 - 0.13 * n + 0.14 * (fractal(x / 22 + n, y / 14) - 0.5) - 0.0004 * (y - ridge(n, x));
  }
  // A fence: hard vertical edges in front of soft ground, and two rails.
  if (isFence(x, y)) v = 0.78 - 0.2 * ((x % 40) / 40);
  return v;
}

const data = Uint8Array.from({ length: WIDTH * HEIGHT }, (_, i) => {
  const [x, y] = [i % WIDTH, Math.floor(i / WIDTH)];
  const grain = (hash(x + 9001, y) + hash(x, y + 9001) - 1) * 5;
  return Math.min(255, Math.max(0, Math.round(255 * shade(x, y) + grain)));
});
const path = new URL("../examples/pictures/hills.png", import.meta.url);
writeGray({ width: WIDTH, height: HEIGHT, data }, path);
console.log(`${path.pathname}: ${WIDTH} x ${HEIGHT}, ${(statSync(path).size / 1024).toFixed(0)} KB`);

/** Red, green and blue of a point: blue sky that is warm around the sun, green hills, a brown fence. */
function color(x: number, y: number): readonly [number, number, number] {
  const v = shade(x, y);
  const sun = Math.exp(-Math.hypot(x - 470, y - 110) / 130);
  const hill = [0, 1, 2, 3].findLast((n) => y > ridge(n, x));
  if (v > 0.96) return [1, 0.95, 0.8];
  if (isFence(x, y)) return [v, 0.72 * v, 0.5 * v];
  if (hill === undefined) return [v * (0.72 + 0.45 * sun), v * (0.85 + 0.1 * sun), v * (1.12 - 0.3 * sun)];
  return [v * (0.85 - 0.08 * hill), v * (1.15 + 0.03 * hill), v * (0.8 - 0.1 * hill)];
}
const n = WIDTH * HEIGHT;
const planes = new Float32Array(3 * n);
for (let i = 0; i < n; i++)
  color(i % WIDTH, Math.floor(i / WIDTH)).forEach((v, c) => {
    planes[c * n + i] = v;
  });
const colored = new URL("../examples/pictures/hills-color.png", import.meta.url);
writeColor({ width: WIDTH, height: HEIGHT, data: planes }, colored);
console.log(`${colored.pathname}: ${WIDTH} x ${HEIGHT}, ${(statSync(colored).size / 1024).toFixed(0)} KB`);

/** Pictures from and to PNG files, as plain arrays a kernel takes. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { PNG } from "pngjs";

export interface Picture<A extends Uint8Array | Uint16Array = Uint8Array | Uint16Array> {
  readonly width: number;
  readonly height: number;
  /** height x width, row-major. */
  readonly data: A;
}

interface Rgba {
  readonly width: number;
  readonly height: number;
  /** Four channels a pixel, each 0 to `most`. */
  readonly rgba: Uint8Array | Uint16Array;
  readonly most: number;
}
function readRgba(path: string | URL): Rgba {
  // Without rescaling a 16-bit file comes as 16-bit values, others as bytes.
  const png = PNG.sync.read(readFileSync(path), { skipRescale: true });
  const rgba = png.data as Uint8Array | Uint16Array;
  return { width: png.width, height: png.height, rgba, most: png.depth === 16 ? 65535 : 255 };
}

/** Reads a picture as 16-bit gray, 0 to 65535, whatever the depth of the file. */
export function readGray16(path: string | URL): Picture<Uint16Array> {
  const { width, height, rgba, most } = readRgba(path);
  const data = Uint16Array.from({ length: width * height }, (_, i) => {
    const [r, g, b] = [rgba[4 * i]!, rgba[4 * i + 1]!, rgba[4 * i + 2]!];
    return Math.round(((0.2126 * r + 0.7152 * g + 0.0722 * b) * 65535) / most);
  });
  return { width, height, data };
}

/** Reads a picture as three planes (red, green, blue) of numbers from 0 to 1. */
export function readColor(path: string | URL): { width: number; height: number; data: Float32Array } {
  const { width, height, rgba, most } = readRgba(path);
  const n = width * height;
  const data = Float32Array.from({ length: 3 * n }, (_, i) => rgba[4 * (i % n) + Math.floor(i / n)]! / most);
  return { width, height, data };
}

/** Writes three planes of numbers from 0 to 1 (others are clipped) as an 8-bit picture in colour. */
export function writeColor(
  { width, height, data }: { width: number; height: number; data: Float32Array },
  path: string | URL,
): void {
  const options = { width, height, colorType: 2, inputColorType: 2, inputHasAlpha: false, bitDepth: 8 } as const;
  const png = new PNG(options);
  const n = width * height;
  const byte = (v: number): number => Math.round(255 * Math.min(1, Math.max(0, v)));
  png.data = Buffer.from(Uint8Array.from({ length: 3 * n }, (_, i) => byte(data[(i % 3) * n + Math.floor(i / 3)]!)));
  save(png, options, path);
}

/** Reads a picture as 8-bit gray. */
export function readGray8(path: string | URL): Picture<Uint8Array> {
  const { width, height, data } = readGray16(path);
  return { width, height, data: Uint8Array.from(data, (v) => Math.round(v / 257)) };
}

/** Writes a gray picture with the depth its array has, making the folder if need be. */
export function writeGray({ width, height, data }: Picture, path: string | URL): void {
  if (data.length !== width * height)
    throw new Error(`${width} x ${height} needs ${width * height} pixels, not ${data.length}`);
  const bitDepth = data instanceof Uint16Array ? 16 : 8;
  const options = { width, height, colorType: 0, inputColorType: 0, inputHasAlpha: false, bitDepth } as const;
  const png = new PNG(options);
  png.data = Buffer.from(data.slice().buffer);
  save(png, options, path);
}

function save(png: PNG, options: object, path: string | URL): void {
  mkdirSync(dirname(path instanceof URL ? path.pathname : path), { recursive: true });
  writeFileSync(path, PNG.sync.write(png, { ...options, deflateLevel: 9 }));
}

/** A picture repeated, mirrored at each seam, until it fills `width` x `height`: large inputs from a small file. */
export function enlarge<A extends Uint8Array | Uint16Array>(p: Picture<A>, width: number, height: number): Picture<A> {
  const mirror = (v: number, n: number): number => (Math.floor(v / n) % 2 === 0 ? v % n : n - 1 - (v % n));
  const make = p.data instanceof Uint16Array ? Uint16Array : Uint8Array;
  const data = new make(width * height) as A;
  for (let y = 0; y < height; y++) {
    const row = mirror(y, p.height) * p.width;
    for (let x = 0; x < width; x++) data[y * width + x] = p.data[row + mirror(x, p.width)]!;
  }
  return { width, height, data };
}

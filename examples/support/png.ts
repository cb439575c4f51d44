/** Gray pictures from and to PNG files, as plain arrays a kernel takes. Pictures in colour are read as their luminance. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { PNG } from "pngjs";

export interface Picture<A extends Uint8Array | Uint16Array = Uint8Array | Uint16Array> {
  readonly width: number;
  readonly height: number;
  /** height x width, row-major. */
  readonly data: A;
}

/** Reads a picture as 16-bit gray, 0 to 65535, whatever the depth of the file. */
export function readGray16(path: string | URL): Picture<Uint16Array> {
  // Without rescaling a 16-bit file comes as 16-bit values, others as bytes; always four channels a pixel.
  const png = PNG.sync.read(readFileSync(path), { skipRescale: true });
  const { width, height } = png;
  const rgba = png.data as Uint8Array | Uint16Array;
  const deep = png.depth === 16;
  const scale = deep ? 1 : 257;
  const data = Uint16Array.from({ length: width * height }, (_, i) => {
    const [r, g, b] = [rgba[4 * i]!, rgba[4 * i + 1]!, rgba[4 * i + 2]!];
    return Math.round((0.2126 * r + 0.7152 * g + 0.0722 * b) * scale);
  });
  return { width, height, data };
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

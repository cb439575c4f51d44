/**
 * Histogram equalization. Count how often each gray value stands in a picture, add the counts up, and give each value the
 * share of pixels that are no brighter: the values of the result are spread evenly.
 *
 * The counting is a `scatter`: each pixel adds 1 at a position that it computes, its own value. What follows is a running
 * total (`scan`), a table, and a lookup per pixel.
 *
 * By hand, several histograms are counted at once, so that pixels that stand together and are alike need not wait for each other
 * (`rfactor`); they are added up in vector lanes, as they are set to 0. Sixteen lookups end in one store.
 *
 * Reads a picture (examples/pictures/hills.png, or the one you name), writes out/histogram.png. Run it: npm run ts examples/histogram.ts
 */
import { compute, lit, min, placeholder, type Schedule, scan, scatter, select } from "../src/index.ts";
import { checkSizes, type Pipeline, race } from "./support/pipeline.ts";
import { enlarge, readGray8, writeGray } from "./support/png.ts";

/** Histograms that are counted at once. */
const AT_ONCE = 4;

export function equalize(H: number, W: number): Pipeline {
  const input = placeholder("input", { y: H, x: W }, "u8");
  const one = lit(1, "i32");
  const count = scatter("count", { bin: 256 }, { y: H, x: W }, ({ y, x }) => ({
    at: [input.at(y, x).cast("i32")],
    value: one,
  }));
  /** Pixels that are no brighter. */
  const below = scan(
    "below",
    { bin: 256 },
    {},
    { init: () => count.at(0), step: ({ bin }, before) => before().add(count.at(bin)) },
  );
  const darkest = compute("darkest", {}, () =>
    min({ bin: 256 }, ({ bin }) => select(count.at(bin).gt(0), below.at(bin), H * W)),
  );
  const table = compute("table", { bin: 256 }, ({ bin }) => {
    const [part, all] = [
      below.at(bin).sub(darkest.at()).max(0),
      darkest
        .at()
        .neg()
        .add(H * W)
        .max(1),
    ];
    return part.cast("f32").mul(255).div(all.cast("f32")).round().cast("u8");
  });
  const output = compute("output", { y: H, x: W }, ({ y, x }) => table.at(input.at(y, x).cast("i32")));

  const byHand = (s: Schedule<typeof output>): void => {
    const { xi } = s.split(s.loops(count).x, { xo: "rest", xi: AT_ONCE }, { tail: "peel" });
    const { rf, loops } = s.rfactor(count, xi, { at: 0 });
    const zero = s.decomposeReduction(rf, s.loopList(rf)[0]!);
    s.vectorize(s.loopList(zero).at(-1)!, 16);
    s.unroll(loops.xi);

    const [bin, copies] = s.loopList(count).slice(-2);
    const { bo, bi } = s.split(bin!, { bo: "rest", bi: 16 });
    s.reorder(bo, copies!, bi);
    const start = s.decomposeReduction(count, copies!);
    for (const b of [count, start]) s.vectorize(s.loopList(b).at(-1)!);
    s.unroll(copies!);

    s.vectorize(s.loops(table).bin, 16);
    s.vectorize(s.split(s.loops(output).x, { xo: "rest", xi: 16 }, { tail: "peel" }).xi);
  };
  return { input, output, byHand };
}

if (process.argv[1]?.endsWith("histogram.ts")) {
  await checkSizes("histogram", equalize, [
    [1, 3],
    [9, 11],
    [32, 48],
  ]);
  const [W, H] = [2560, 1920];
  const picture = enlarge(readGray8(process.argv[2] ?? new URL("pictures/hills.png", import.meta.url)), W, H);
  const data = (await race("histogram", equalize(H, W), picture.data)) as Uint8Array;
  writeGray({ width: W, height: H, data }, "out/histogram.png");
}

/**
 * Thirty-two 5x5 stencils in a row, the worst case for memory: each stage reads the one before, and none does much.
 *
 * Computed stage by stage, every picture goes through memory thirty-two times. Computed in sliding windows, each stage keeps the last
 * five rows only, and all of them together fit in the cache. The weights are binomial, so that the chain is a strong blur; sums of
 * bytes times 256 fit in 16 bits, so the arithmetic is exact.
 *
 * Reads a picture (examples/pictures/hills.png, or the one you name), writes out/stencil-chain.png. Run it: npm run ts examples/stencil-chain.ts
 */
import { addAll, compute, placeholder, repeatEdge, type Schedule, type Tensor } from "../src/index.ts";
import { slidingWindow } from "../src/schedules.ts";
import { checkSizes, type Pipeline, race } from "./support/pipeline.ts";
import { enlarge, readGray8, writeGray } from "./support/png.ts";

const STAGES = 32;
const R = 2;
const row = [1, 4, 6, 4, 1];

export function chain(H: number, W: number): Pipeline {
  const input = placeholder("input", { y: H, x: W }, "u8");
  const pixel = repeatEdge(input);
  // Each stage needs two more rows and columns on every side than the next one.
  const margin = (stage: number): number => R * (STAGES - stage);
  const stages: Tensor<"u16">[] = [];
  for (let n = 0; n <= STAGES; n++) {
    const m = margin(n);
    const shape = { y: H + 2 * m, x: W + 2 * m };
    const before = stages[n - 1];
    stages.push(
      compute(n === STAGES ? "output" : `s${n}`, shape, ({ y, x }) => {
        if (!before) return pixel.at(y.sub(m), x.sub(m)).cast("u16");
        const products = row.flatMap((a, i) => row.map((b, j) => before.at(y.add(i), x.add(j)).mul(a * b)));
        return addAll(products).add(128).shr(8);
      }) as Tensor<"u16">,
    );
  }
  const output = stages[STAGES]!;
  const byHand = (s: Schedule<typeof output>): void => {
    const { y } = s.loops(output) as unknown as Record<"y", ReturnType<typeof s.loopList>[number]>;
    for (const t of stages.toReversed()) {
      if (t !== output) slidingWindow(s, t, y);
      const l = s.loopList(t).at(-1)!;
      s.vectorize((s.split(l, { xo: "rest", xi: 16 }) as { xi: typeof l }).xi);
    }
  };
  return { input, output, byHand };
}

if (process.argv[1]?.endsWith("stencil-chain.ts")) {
  await checkSizes("chain", chain, [
    [5, 7],
    [20, 33],
  ]);
  const [width, height] = [2560, 1920];
  const { data } = enlarge(readGray8(process.argv[2] ?? new URL("pictures/hills.png", import.meta.url)), width, height);
  const result = (await race("chain", chain(height, width), data)) as Uint16Array;
  writeGray({ width, height, data: Uint8Array.from(result) }, "out/stencil-chain.png");
}

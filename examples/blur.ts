/**
 * A two-stage 3x3 blur of 16-bit pictures, and where to compute the first stage.
 *
 * The same two expressions, four schedules. Computing all of `bx` first walks through memory twice; inlining it computes
 * every row sum three times; `computeAt` computes a strip of `bx` for a strip of `by`, and the rows between two strips twice. A
 * sliding window (`foldStorage`) computes each row of `bx` when it is first needed and keeps three: `by` follows two rows
 * behind. The results are the same to the bit: a schedule can't change them.
 *
 * Reads a picture (examples/pictures/hills.png, or the one you name), writes out/blur.png. Run it: npm run ts examples/blur.ts
 */
import { arena, compile, compute, measure, placeholder, repeatEdge, type Schedule, schedule } from "../src/index.ts";
import { evaluate } from "../src/oracle.ts";
import { check } from "./support/check.ts";
import { enlarge, readGray16, writeGray } from "./support/png.ts";

/** The blur of a picture of H x W pixels, and its schedules by name. */
function blurs(H: number, W: number) {
  const input = placeholder("input", { y: H, x: W }, "u16");
  // Beyond the border the nearest pixel counts.
  const pixel = repeatEdge(input);
  const bx = compute("bx", { y: H + 2, x: W }, ({ y, x }) => {
    const at = (dx: number) => pixel.at(y.sub(1), x.add(dx)).cast("u32");
    return at(-1).add(at(0)).add(at(1)).div(3).cast("u16");
  });
  const by = compute("by", { y: H, x: W }, ({ y, x }) => {
    const at = (dy: number) => bx.at(y.add(dy), x).cast("u32");
    return at(0).add(at(1)).add(at(2)).div(3).cast("u16");
  });

  /** Vector lanes along x, for a block whose loops end in x. */
  const lanes = (s: Schedule<typeof by>, block: typeof by | typeof bx): void => {
    const { xi } = s.split(s.loops(block).x, { xo: "rest", xi: 16 });
    s.vectorize(xi);
  };

  const schedules: Record<string, (s: Schedule<typeof by>) => void> = {
    "all of bx first": (s) => {
      lanes(s, bx);
      lanes(s, by);
    },
    "bx inlined": (s) => {
      s.computeInline(bx);
      lanes(s, by);
    },
    "computeAt: bx per strip of 32 rows": (s) => {
      const { yo } = s.split(s.loops(by).y, { yo: "rest", yi: 32 });
      lanes(s, by);
      s.computeAt(bx, yo);
      lanes(s, bx);
    },
    "sliding window: rows of bx as they are needed": (s) => {
      const { y } = s.loops(by);
      s.computeAt(bx, y);
      s.foldStorage(bx, y);
      lanes(s, by);
      lanes(s, bx);
    },
  };
  return { input, by, schedules };
}

/** As the other pipelines: with the schedule that is the fastest. */
export function blur(H: number, W: number) {
  const { input, by, schedules } = blurs(H, W);
  return { input, output: by, byHand: schedules["sliding window: rows of bx as they are needed"]! };
}

if (process.argv[1]?.endsWith("blur.ts")) {
  const [W, H] = [2560, 1920];
  const picture = enlarge(readGray16(process.argv[2] ?? new URL("pictures/hills.png", import.meta.url)), W, H);
  const { by, schedules } = blurs(H, W);
  // One memory for the picture and all kernels: a call copies nothing. Room for everything at once, because a memory that grows
  // detaches the arrays handed out before.
  const memory = arena({ initial: "64MB" });
  const source = memory.array("u16", [H, W]);
  source.set(picture.data);
  const out = memory.array("u16", [H, W]);

  const runs: Record<string, () => unknown> = {};
  let first: Uint16Array | undefined;
  for (const [name, apply] of Object.entries(schedules)) {
    const s = schedule(by);
    apply(s);
    console.log(`--- ${name}\n${s}\n`);
    const kernel = await compile(s, { arena: memory });
    kernel({ input: source }, { into: out });
    first ??= out.slice();
    if (out.some((v, i) => v !== first![i])) throw new Error(`${name} gives another picture`);
    runs[name] = () => kernel({ input: source }, { into: out });
  }
  check("blur", first!, (at) => evaluate(by, { input: picture.data }, { at }), [H, W], 0);
  writeGray({ width: W, height: H, data: first! }, "out/blur.png");

  const times = await measure(runs, { rounds: 5, minMs: 1, budgetMs: 4000 });
  for (const [name, t] of Object.entries(times)) console.log(`${t.ms.toFixed(2).padStart(7)} ms  ${name}`);
}

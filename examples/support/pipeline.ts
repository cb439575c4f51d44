/** What the examples with pictures share: the same expressions by the default schedule and by hand, checked on several sizes, then timed. */
import { arena, compile, measure, type Schedule, schedule, type Tensor } from "../../src/index.ts";
import { evaluate } from "../../src/oracle.ts";
import { check, random } from "./check.ts";

type Numbers = Float32Array | Uint8Array | Uint16Array;
// biome-ignore lint/suspicious/noExplicitAny: pipelines of any tensors
type AnyTensor = Tensor<any, any, any, any, any>;
// biome-ignore lint/suspicious/noExplicitAny: and their schedules
type AnySchedule = Schedule<any>;

/** A pipeline from one picture (planes x rows x columns, or rows x columns) to another, for one size. */
export interface Pipeline {
  readonly input: AnyTensor;
  readonly output: AnyTensor;
  readonly byHand: (s: AnySchedule) => void;
}

const elements = (t: AnyTensor): number => (t.shape as readonly number[]).reduce((a, b) => a * b, 1);
const kernelOf = async (p: Pipeline, hand: boolean, memory?: ReturnType<typeof arena>) => {
  const s = schedule(p.output) as AnySchedule;
  if (hand) p.byHand(s);
  const kernel = await compile(hand ? s : p.output, memory ? { arena: memory } : {});
  return { s, call: kernel as unknown as (args: object, more?: object) => Numbers };
};

/** Both schedules give what the oracle says, on every size. */
export async function checkSizes(name: string, make: (h: number, w: number) => Pipeline, sizes: [number, number][]) {
  for (const [h, w] of sizes) {
    const p = make(h, w);
    const noise = random(elements(p.input), h * w);
    const data =
      p.input.dtype === "f32" ? noise.map((v) => 0.05 + Math.abs(v)) : Uint8Array.from(noise, (v) => 255 * Math.abs(v));
    for (const hand of [false, true]) {
      const { call } = await kernelOf(p, hand);
      const got = call({ [p.input.name]: data });
      const label = `${name} ${h}x${w}, ${hand ? "by hand" : "default schedule"}`;
      check(label, got, (at) => evaluate(p.output, { [p.input.name]: data }, { at }), p.output.shape as number[]);
    }
  }
}

/** Runs both schedules on a picture, compares them, prints their times, and returns the result. */
export async function race(name: string, p: Pipeline, data: Numbers): Promise<Numbers> {
  const memory = arena({ initial: "128MB" });
  const source = memory.array(p.input.dtype as "f32", p.input.shape as number[]);
  (source as Numbers).set(data);
  const out = memory.array(p.output.dtype as "f32", p.output.shape as number[]);
  const plain = await kernelOf(p, false, memory);
  const hand = await kernelOf(p, true, memory);
  console.log(`${hand.s}\n`);
  const run = (k: { call: (args: object, more?: object) => Numbers }) => (): unknown =>
    k.call({ [p.input.name]: source }, { into: out });
  run(plain)();
  const first = out.slice();
  run(hand)();
  const different = first.findIndex((v, i) => Math.abs(v - out[i]!) > 1e-3 * Math.max(1, Math.abs(v)));
  if (different >= 0) throw new Error(`${name}: the schedules differ at ${different}`);
  const times = await measure({ plain: run(plain), hand: run(hand) }, { rounds: 5, minMs: 1, budgetMs: 4000 });
  const [a, b] = [times.plain!.ms, times.hand!.ms];
  console.log(
    `${a.toFixed(2)} ms by the default schedule, ${b.toFixed(2)} ms by hand: ${(a / b).toFixed(2)} times as fast`,
  );
  return out.slice() as Numbers;
}

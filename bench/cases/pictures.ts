/** The image pipelines of the examples: their expressions by the default schedule, and by the schedule written there. */
import type { AnyTensor, Schedule } from "../../src/index.ts";
import type { Kit } from "../kit.ts";
import { type PictureShape, pictureOf } from "../work/index.ts";
import type { Case } from "./case.ts";

/** What an example gives for a picture of so many rows and columns. */
interface Pipeline {
  readonly output: AnyTensor;
  readonly byHand: (s: Schedule<AnyTensor>) => void;
}

const [H, W] = [1920, 2560];
const PICTURES: { readonly [name: string]: PictureShape } = {
  harris: { example: "harris", height: H, width: W, planes: 1, input: "f32", outBytes: 4 },
  blur: { example: "blur", height: H, width: W, planes: 1, input: "u16", outBytes: 2 },
  unsharp: { example: "unsharp", height: H / 2, width: W / 2, planes: 3, input: "f32", outBytes: 4 },
  histogram: { example: "histogram", height: H, width: W, planes: 1, input: "u8", outBytes: 1 },
  "stencil chain": { example: "stencil-chain", height: H / 4, width: W / 4, planes: 1, input: "u8", outBytes: 2 },
};
/** Names of the functions that the examples export. */
const FUNCTION: { readonly [example: string]: string } = {
  ...{ harris: "harris", blur: "blur", unsharp: "unsharp", histogram: "equalize", "stencil-chain": "chain" },
};

async function pipeline(kit: Kit, s: PictureShape): Promise<Pipeline> {
  const make = await kit.example(s.example, FUNCTION[s.example]!);
  return make(s.height, s.width) as Pipeline;
}

export const pictureCases: readonly Case[] = Object.entries(PICTURES).map(([name, s]) => ({
  ...{ group: "pictures", name, quick: name === "blur", classes: [], memory: "copy" as const },
  work: () => pictureOf(s),
  ours: [
    { label: "", direct: true, make: async (kit) => (await pipeline(kit, s)).output },
    {
      ...{ label: "by hand", direct: true },
      async make(kit) {
        const { output, byHand } = await pipeline(kit, s);
        const scheduled = kit.tw.schedule(output);
        byHand(scheduled);
        return scheduled;
      },
    },
  ],
}));

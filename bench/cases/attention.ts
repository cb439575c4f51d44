/** Scaled dot-product attention, as in a vision transformer: 197 tokens of 64 numbers, 12 heads. */
import { attentionOf } from "../work/index.ts";
import { byDefault, type Case } from "./case.ts";

const [TOKENS, WIDTH, HEADS] = [197, 64, 12];
const shape = [HEADS, TOKENS, WIDTH] as const;

export const attentionCases: readonly Case[] = [
  {
    ...{ group: "attention", name: `${TOKENS}x${WIDTH}x${HEADS} heads`, quick: true, classes: [] },
    work: () => attentionOf(TOKENS, WIDTH, HEADS),
    ours: [
      byDefault(({ tw, ops }) =>
        ops.attention("Y", tw.placeholder("Q", shape), tw.placeholder("K", shape), tw.placeholder("V", shape)),
      ),
    ],
  },
];

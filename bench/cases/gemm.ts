/** Matrix products, with B constant and with B given at run time. */
import { gemmOf } from "../work/index.ts";
import { byDefault, type Case } from "./case.ts";

/** Rows of A, columns of B, and what they share. */
type Size = readonly [m: number, n: number, k: number];
const square = (n: number): Size => [n, n, n];
const SIZES: readonly Size[] = [
  ...[64, 128, 256, 512, 768, 1024, 2048].map(square),
  [37, 53, 29],
  [333, 777, 555],
  [49, 1024, 1024],
  [197, 768, 768],
  [1, 1000, 1024],
  [128, 3072, 768],
];
const QUICK = ["64", "256", "512", "37x53x29", "333x777x555"];

const nameOf = ([m, n, k]: Size): string => (m === n && n === k ? `${m}` : `${m}x${n}x${k}`);

const gemm =
  (constant: boolean) =>
  (size: Size): Case => {
    const [m, n, k] = size;
    const name = nameOf(size);
    return {
      ...{ group: "gemm", name: constant ? name : `${name} B at run time`, quick: QUICK.includes(name) },
      classes: [constant ? "B constant" : "B at run time"],
      work: () => gemmOf(m, n, k, constant),
      ours: [
        byDefault(({ tw, ops }) =>
          ops.matmul("C", tw.placeholder("A", [m, k]), tw.placeholder("B", [k, n], "f32", { constant })),
        ),
      ],
    };
  };

export const gemmCases: readonly Case[] = [...SIZES.map(gemm(true)), ...SIZES.map(gemm(false))];

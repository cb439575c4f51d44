/** All tables. An operator is added to the table of its kind; no operator may be without a row. */
import type { Row } from "../row.ts";
import { activationRows } from "./activation.ts";
import { convolutionRows } from "./convolution.ts";
import { elementwiseRows } from "./elementwise.ts";
import { layoutRows } from "./layout.ts";
import { matmulRows } from "./matmul.ts";
import { normalizationRows } from "./normalization.ts";
import { poolingRows, resizeRows } from "./pooling.ts";
import { reductionRows } from "./reduction.ts";

export const tables: Readonly<Record<string, readonly Row[]>> = {
  "matrix products, attention": matmulRows,
  convolutions: convolutionRows,
  pooling: poolingRows,
  resize: resizeRows,
  activations: activationRows,
  "softmax, normalizations": normalizationRows,
  "element by element": elementwiseRows,
  "reductions, running sums": reductionRows,
  "movement of data": layoutRows,
};

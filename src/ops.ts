/** `tilewright/ops`: operators as ordinary expressions (matrix products, convolutions, norms, ...), to schedule like one's own. */

export * from "../te/operators/index.ts";

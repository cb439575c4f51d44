/** Operands of window operators, read and checked. */
import type { Extent } from "../types.ts";
import type { Call, Values } from "./common.ts";
import { type Layouts, type Placement, placement, type Rank, type WindowOptions } from "./window.ts";

export interface DepthwiseOptions<R extends Rank, B> extends WindowOptions {
  /** Order of the axes of input and result; channels last unless told otherwise. */
  readonly layout?: Layouts[R];
  /** One number per channel of the result, added. */
  readonly bias?: B;
}
export interface ConvOptions<R extends Rank, B> extends DepthwiseOptions<R, B> {
  /** Channels are divided into so many groups, which don't see each other; 1 unless told otherwise. */
  readonly groups?: number;
}

/** The bias, where there is one, checked against the channels of the result. */
export function biasOf(call: Call, x: Values, bias: unknown, channels: Extent): Values | undefined {
  if (bias === undefined) return undefined;
  const b = call.numeric(bias, "bias");
  call.rank(b, "bias", 1, "[O]");
  call.sameDType(x, b);
  call.same(b.shape[0]!, channels, `the extent of bias "${b.name}"`, "the number of channels of the result");
  return b;
}
/** Input and weights of a window operator in a layout. */
export function operands(
  call: Call,
  rank: Rank,
  x: unknown,
  w: unknown,
  layout: unknown,
  weights: (p: Placement) => string,
) {
  const [input, kernel] = [call.numeric(x, "X"), call.numeric(w, "W")];
  const place = placement(call, rank, layout);
  call.rank(input, "X", rank + 2, place.layout);
  call.rank(kernel, "W", rank + 2, `${weights(place)} for ${place.layout}`);
  call.sameDType(input, kernel);
  return { input, kernel, place };
}

import { TilewrightError } from "../src/ir/index.ts";

/** What went wrong, for programs. */
export type TeErrorCode =
  | "te.rank"
  | "te.index-name"
  | "te.index-type"
  | "te.bounds"
  | "te.scope"
  | "te.dtype"
  | "te.literal"
  | "te.alternative"
  | "te.extent"
  | "te.nested-reduction"
  | "te.shadow"
  | "te.duplicate-name"
  | "te.lost-comparison"
  | "te.operator"
  | "te.body"
  | "te.name"
  | "te.einsum"
  | "te.output"
  | "te.option"
  | "te.intrinsic"
  | "te.depth";

/** A mistake in an expression: thrown by the call that made it. The message names the tensor and the axis, and a way out. */
export class TeError extends TilewrightError {
  override name = "TeError";
  declare readonly code: TeErrorCode;
  constructor(code: TeErrorCode, message: string) {
    super(code, message);
  }
}

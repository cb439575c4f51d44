import { TilewrightError } from "../../src/ir/index.ts";

/** Lowered IR that the code generator has no instructions for, or that breaks its contract: lowering should have removed it. */
export class CodegenError extends TilewrightError {
  override name = "CodegenError";
}

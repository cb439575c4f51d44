/** Describes a function's parameters for loaders: the ABI that travels with the module. */
import { type Buffer, type Expr, type Func, TilewrightError, type Var } from "../ir/index.ts";
import type { Abi, AbiParam, SizeExpr } from "../target/index.ts";

const SIZE_OPS = ["add", "sub", "mul", "floordiv", "floormod", "min", "max"] as const;

/** An expression over symbolic sizes as plain data. */
export function sizeExpr(e: Expr): SizeExpr {
  if (e.kind === "const") return Number(e.value);
  if (e.kind === "var") return { size: e.name };
  if (e.kind === "op") {
    const op = SIZE_OPS.find((o) => o === e.op);
    if (op) return { op, args: [sizeExpr(e.args[0]!), sizeExpr(e.args[1]!)] };
    if (e.op === "neg") return { op: "sub", args: [0, sizeExpr(e.args[0]!)] };
  }
  throw new TilewrightError("size-expression", "a shape may use + - * // % min max of sizes and constants only");
}

/** Parameters in order: inputs, outputs, sizes, scalars, scratch pointer. */
export function abiOf(f: Func, scratch: Expr): Abi {
  const buf =
    (role: "input" | "output") =>
    (b: Buffer): AbiParam => ({
      role,
      name: b.name,
      dtype: b.dtype,
      shape: b.shape.map(sizeExpr),
      ...(b.strides ? { strides: b.strides.map(sizeExpr) } : {}),
    });
  const size = (v: Var): AbiParam => {
    const { min, max, multipleOf } = v.size ?? { min: 0, max: 2 ** 31 - 1, multipleOf: 1 };
    return { role: "size", name: v.name, min, max, multipleOf };
  };
  return {
    version: 1,
    name: f.name,
    params: [
      ...f.inputs.map(buf("input")),
      ...f.outputs.map(buf("output")),
      ...f.sizes.map(size),
      ...f.scalars.map((v): AbiParam => ({ role: "scalar", name: v.name, dtype: v.dtype })),
      { role: "scratch" },
    ],
    scratch: sizeExpr(scratch),
  };
}

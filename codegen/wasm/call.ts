/** Emission of intrinsics: the tree of instructions that their definition gives, over the operands of a call. */
import type { Call, IntrinsicCode } from "../../src/ir/index.ts";
import { WASM_INSTRUCTIONS } from "../../src/target/index.ts";
import type { Ref } from "./binaryen.ts";
import type { Context } from "./context.ts";
import { CodegenError } from "./error.ts";
import { emitInstruction } from "./instructions.ts";

export function emitCall(c: Context, e: Call): Ref {
  const { name, operands, emit } = e.intrinsic;
  const code = emit.wasm;
  if (code === undefined) throw new CodegenError("unsupported-op", `intrinsic ${name} says nothing of WebAssembly`);
  const { w } = c;
  const uses = new Map<object, number>();
  // an operand may be mentioned by several tokens, so it counts by name
  const keyOf = (x: IntrinsicCode): object => (x.kind === "operand" ? operands.find((o) => o.name === x.name)! : x);
  const count = (x: IntrinsicCode): void => {
    const n = uses.get(keyOf(x)) ?? 0;
    uses.set(keyOf(x), n + 1);
    if (n === 0 && x.kind === "instruction") x.args.forEach(count);
  };
  count(code);
  /** Ways to read again what is in a local. */
  const held = new Map<object, () => Ref>();
  const go = (x: IntrinsicCode): Ref => {
    const key = keyOf(x);
    const again = held.get(key);
    if (again) return again();
    const made =
      x.kind === "operand"
        ? c.value(e.args[operands.findIndex((o) => o.name === x.name)]!)
        : emitInstruction(w.lib, w.m, x.name, x.immediates, x.args.map(go));
    // constants are made anew where they are used
    if (uses.get(key)! < 2 || (x.kind === "instruction" && x.args.length === 0)) return made;
    const kept = w.dup(x.kind === "operand" ? "v128" : WASM_INSTRUCTIONS.get(x.name)!.gives, made);
    held.set(key, kept.again);
    return kept.first;
  };
  return go(code);
}

/** Intrinsics carried out by their semantics: vectors in, a vector out. */
import type { Buffer, Expr, Intrinsic, Scalar } from "../ir/index.ts";
import { constInt } from "../ir/index.ts";
import { type Environment, setError, Term } from "./term.ts";

type Lanes = readonly Scalar[];

/** A function of the operands' lanes, in the order of the operands. */
export function compileIntrinsic(x: Intrinsic): (args: readonly Lanes[]) => Scalar[] {
  let current: readonly Lanes[] = [];
  const env: Environment = {
    track: false,
    contract: false,
    parameter: () => 0,
    computed: () => false,
    read: (b: Buffer) => {
      const at = x.operands.findIndex((o) => o.buffer === b);
      const shape = b.shape.map((e: Expr) => constInt(e)!);
      return (index) => {
        setError(0);
        return current[at]![index.reduce((lane, i, d) => lane * shape[d]! + i, 0)]!;
      };
    },
  };
  const term = new Term(env, [x.body]);
  const cells = x.axes.map((a) => term.cell(a.var));
  const value = term.scalar(x.body);
  return (args) => {
    current = args;
    const out: Scalar[] = [];
    for (let lane = 0; lane < x.lanes; lane++) {
      let rest = lane;
      for (let d = x.axes.length - 1; d >= 0; d--) {
        cells[d]!.v = rest % x.axes[d]!.extent;
        rest = Math.floor(rest / x.axes[d]!.extent);
      }
      term.begin();
      out.push(value());
    }
    return out;
  };
}

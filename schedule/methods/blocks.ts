/** Primitives that treat a loop nest as one block or one instruction: what each does, and its conditions, stands at the function of the same name in primitives/. */
import { type Intrinsic, intrinsicNamed, intrinsicNames, TilewrightError } from "../../src/ir/index.ts";
import { badArgument, checkOptions, describe } from "../arguments.ts";
import type { Loop } from "../handles.ts";
import { blockize } from "../primitives/blockize.ts";
import { type TensorizeOptions, tensorize } from "../primitives/tensorize.ts";
import { optional, type Replay, TEXT, TEXTS } from "../replay.ts";
import { BranchMethods } from "./branches.ts";

export class BlockMethods<X> extends BranchMethods<X> {
  /**
   * A loop, those inside it and the block inside those become one block, whose body they are.
   *
   *     s.blockize(ii);
   */
  blockize(loop: Loop): void {
    const v = this.session.loop(loop, this.blockize);
    this.session.apply("blockize", this.blockize, { loop: this.session.ref(v) }, (f) => blockize(f, v));
  }
  /**
   * A loop and those inside it become one hardware instruction.
   *
   *     s.tensorize(ji, intrinsics.i32x4_dot_i16x8_s);
   *     s.tensorize(ji, intrinsics.i32x4_relaxed_dot_i8x16_i7x16_add_s, { assume: [B] });
   */
  tensorize(loop: Loop, intrinsic: Intrinsic, options: TensorizeOptions = {}): void {
    const v = this.session.loop(loop, this.tensorize);
    this.check(this.tensorize, () => {
      checkOptions(this.func, "tensorize", options, ["assume"]);
      if (options.assume !== undefined && !Array.isArray(options.assume))
        badArgument(this.func, "tensorize", `assume is ${describe(options.assume)}, not a list of inputs`, [
          "assume: [B]",
        ]);
    });
    const assume = (options.assume ?? []).map((x) => this.session.buffer(x, this.tensorize).name);
    const args = {
      loop: this.session.ref(v),
      intrinsic: intrinsic?.name ?? null,
      ...(assume.length > 0 ? { assume } : {}),
    };
    this.session.apply("tensorize", this.tensorize, args, (f) => tensorize(f, v, intrinsic, assume));
  }
}

function known(name: string): Intrinsic {
  const x = intrinsicNamed(name);
  if (x === undefined)
    throw new TilewrightError(
      "schedule.trace",
      `a trace names the intrinsic ${describe(name)}, which is not defined here: there are ${intrinsicNames().join(", ")}`,
    );
  return x;
}
export const blockReplay: Replay = {
  blockize: { args: { loop: TEXT }, again: (s, a) => s.blockize(a.loop()) },
  tensorize: {
    args: { loop: TEXT, intrinsic: TEXT, assume: optional(TEXTS) },
    again: (s, a) =>
      s.tensorize(a.loop(), known(a.get<string>("intrinsic")), { assume: a.get<string[]>("assume") ?? [] }),
  },
};

/** Search points of a schedule. */
import { CHOICE, type ChoiceSettings, decide } from "../choices.ts";
import type { Replay } from "../replay.ts";
import type { Json } from "../trace.ts";
import { BlockMethods } from "./blocks.ts";

export class ChoiceMethods<X> extends BlockMethods<X> {
  /**
   * One of several options; the decision becomes a step of the trace. Inside `withChoices` it is taken from there, else it is
   * the default. Asking twice by one name gives one answer.
   *
   *     const mr = s.choose("mr", [4, 5, 6]);       // 4 | 5 | 6
   */
  choose<const O extends readonly Json[]>(
    name: string,
    options: O,
    settings: ChoiceSettings<O[number]> = {},
  ): O[number] {
    const { decision, known } = this.session.at(this.choose, () =>
      decide<O[number]>(this.func, this.trace, name, options, settings),
    );
    if (!known)
      this.session.apply("choose", this.choose, { name, options: [...options], decision }, (func) => ({ func }));
    return decision;
  }
}

export const choiceReplay: Replay = {
  choose: {
    args: CHOICE,
    again: (s, a) => s.choose(a.get<string>("name"), a.get<Json[]>("options"), { default: a.get<Json>("decision") }),
  },
};

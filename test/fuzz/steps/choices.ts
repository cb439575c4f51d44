import { FACTORS, pick, type Step } from "./view.ts";

export const choices: Readonly<Record<string, Step>> = {
  choose: (c) => {
    const name = ["mr", "nr", "io"][c.x.a % 3]!;
    // one name for several lists of options is refused
    const options = c.plausible ? FACTORS : FACTORS.slice(0, 1 + (c.x.b % FACTORS.length));
    const wanted = pick(FACTORS, c.x.c)!;
    return () => c.v.s.choose(name, options, { default: wanted });
  },
};

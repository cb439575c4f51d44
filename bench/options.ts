/** What the command line of the benchmarks says. */
import { parseArgs } from "node:util";

export const list = (text: string | undefined): readonly string[] => text?.split(",").filter((x) => x !== "") ?? [];

export interface Options {
  readonly groups: readonly string[];
  readonly cases: readonly string[];
  readonly quick: boolean;
  readonly ours: boolean;
  readonly peers: boolean;
  readonly json: string | undefined;
  readonly svg: string | undefined;
}

/** `--groups a,b  --cases a,b  --quick  --peers-only  --no-peers  --json file  --svg file` */
export function options(): Options {
  const { values } = parseArgs({
    options: {
      groups: { type: "string" },
      cases: { type: "string" },
      quick: { type: "boolean", default: false },
      "peers-only": { type: "boolean", default: false },
      "no-peers": { type: "boolean", default: false },
      json: { type: "string" },
      svg: { type: "string" },
    },
  });
  if (values["peers-only"] && values["no-peers"])
    throw new Error("--peers-only and --no-peers leave nobody to measure");
  return {
    groups: list(values.groups),
    cases: list(values.cases),
    quick: values.quick,
    ours: !values["peers-only"],
    peers: !values["no-peers"],
    json: values.json,
    svg: values.svg,
  };
}

/** The page of the primitives, made of the docstrings in schedule/: what each does, its numbered conditions, and its handles. */
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Docstring, docstringsIn, partsOf } from "./docstrings.ts";

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

const INTRODUCTION = `# Primitives

Every step that a schedule knows, with the conditions that it checks. Errors name the condition that failed by its number here; one without a number is about the
arguments: a loop that is gone, a name that is taken, an option that there is not.

A primitive keeps the meaning of the program, or refuses and leaves the schedule as it was. Handles are the loops and blocks that calls take and return: they
survive a step, or die and have successors, or are born by it. The [lessons](README.md) show the primitives at work.

This page is made from the docstrings in \`schedule/primitives/\`: \`npm run primitives\`.
`;

interface Source {
  readonly text: string;
  readonly docs: readonly Docstring[];
}
function sourcesIn(folder: string): Source[] {
  const at = join(root, "schedule", folder);
  return readdirSync(at)
    .filter((f) => f.endsWith(".ts"))
    .map((f) => readFileSync(join(at, f), "utf8"))
    .map((text) => ({ text, docs: docstringsIn(text) }));
}

interface Family {
  readonly title: string;
  readonly methods: readonly Docstring[];
}
/** The families in the order in which a schedule is made of them; each is a class that extends the one before. */
function families(): Family[] {
  const classes = new Map(
    sourcesIn("methods").flatMap((s) => {
      const [, own, base] = /^export class (\w+)<X> extends (\w+)<X>/m.exec(s.text) ?? [];
      return own === undefined ? [] : [[base, { ...s, own }] as const];
    }),
  );
  const out: Family[] = [];
  for (let next = classes.get("Handles"); next !== undefined; next = classes.get(next.own)) {
    const title = /^\/\*\* (?:Primitives that )?([^:.]*)/.exec(next.text)![1]!;
    out.push({ title: title[0]!.toUpperCase() + title.slice(1), methods: next.docs });
  }
  return out;
}

/** Lines of a docstring as Markdown: what is indented is code. */
function markdown(lines: readonly string[]): string[] {
  const isCode = (l: string | undefined): boolean => l?.startsWith("    ") === true;
  return lines.flatMap((l, n) => [
    ...(isCode(l) && !isCode(lines[n - 1]) ? ["```ts"] : []),
    isCode(l) ? l.slice(4) : l,
    ...(isCode(l) && !isCode(lines[n + 1]) ? ["```"] : []),
  ]);
}
const HANDLES = /^(All handles|Dies|Born)\b/;

function section(method: Docstring, primitive: Docstring | undefined): string[] {
  const { before, conditions, after } = partsOf(primitive ?? method);
  return [
    `### ${method.name}`,
    "",
    ...method.calls.flatMap((call) => [`    s.${method.name}(${call.join(", ")})`]),
    "",
    ...markdown(before),
    "",
    ...(conditions.length > 0 ? ["Conditions:", ...conditions.flatMap((c) => c.lines), ""] : []),
    ...(after.length > 0 ? [...after.map((l) => (HANDLES.test(l) ? `*Handles.* ${l}` : l)), ""] : []),
  ];
}

/** The text of docs/primitives.md. */
export function primitivesPage(): string {
  const primitives = new Map(sourcesIn("primitives").flatMap((s) => s.docs.map((d) => [d.name, d] as const)));
  const all = families();
  const link = (name: string): string => `[${name}](#${name.toLowerCase()})`;
  const contents = all.map(({ title, methods }) => `| ${title} | ${methods.map((m) => link(m.name)).join(", ")} |`);
  const body = all.flatMap(({ title, methods }) => [
    `## ${title}`,
    "",
    ...methods.flatMap((m) => section(m, primitives.get(m.name))),
  ]);
  return `${[INTRODUCTION, "| | |", "|---|---|", ...contents, "", ...body].join("\n").trimEnd()}\n`;
}

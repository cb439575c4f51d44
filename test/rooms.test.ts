/** Imports run down the list of rooms only, through a room's front door, and never in a circle. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, posix, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** From the lowest to the highest; a folder belongs to one room, with everything below it. */
const ROOMS = {
  ir: ["src/ir"],
  arith: ["src/arith"],
  target: ["src/target"],
  te: ["te"],
  reference: ["src/reference"],
  schedule: ["schedule"],
  lower: ["src/lower"],
  inspect: ["src/inspect"],
  codegen: ["codegen"],
  runtime: ["src/runtime"],
  driver: ["src/driver"],
  autotune: ["autotune"],
  // The files directly in src: the package's exports.
  index: ["src"],
  cli: ["src/cli"],
} as const;
type Room = keyof typeof ROOMS;
const ORDER = Object.keys(ROOMS) as Room[];

/** Front doors besides `<folder>/index.ts`. */
const DOORS: readonly string[] = [
  "te/operators/index.ts",
  "schedule/library/index.ts",
  "schedule/defaults/index.ts",
  "codegen/wasm/index.ts",
  "codegen/wgsl/index.ts",
];
/** Imports past a front door, each with its reason. */
const PAST_THE_DOOR: readonly { readonly from: RegExp; readonly to: string; readonly why: string }[] = [
  { from: /^src\/runtime\//, to: "src/ir/error.ts", why: "a page that only runs modules must not load the IR" },
];
/** Packages and Node's modules, by the room that may use them; from autotune on anything goes. */
const OUTSIDE: { readonly [R in Room]?: readonly string[] } = { codegen: ["#binaryen"] };

interface Import {
  readonly from: string;
  readonly to: string;
  /** Erased when compiled, so it can't make a circle at run time. */
  readonly typeOnly: boolean;
}

const STATIC =
  /^(?:import\s+(type\s+)?(?:[\w$*{}\s,]+?\s+from\s+)?|export\s+(type\s+)?(?:\*(?:\s+as\s+[\w$]+)?|\{[\w$\s,]*\})\s+from\s+)"([^"]+)"/gm;
const DYNAMIC = /\bimport\(\s*"([^"]+)"\s*\)/g;
const COMMENTS = /^\s*\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm;

/** The imports of a file. Relies on the formatter: statements begin in the first column, names stand in double quotes. */
function importsIn(from: string, source: string): Import[] {
  const code = source.replace(COMMENTS, "");
  const resolved = (to: string): string => (to.startsWith(".") ? posix.join(posix.dirname(from), to) : to);
  return [
    ...[...code.matchAll(STATIC)].map((m) => ({
      from,
      to: resolved(m[3]!),
      typeOnly: m[1] !== undefined || m[2] !== undefined,
    })),
    // `typeof import("...")` and friends are types, but never mind: they keep to the rooms as well.
    ...[...code.matchAll(DYNAMIC)].map((m) => ({ from, to: resolved(m[1]!), typeOnly: true })),
  ];
}

function roomOf(file: string): Room | undefined {
  const inside = (folder: string): boolean =>
    folder === "src" ? posix.dirname(file) === "src" : file.startsWith(`${folder}/`);
  return ORDER.find((r) => ROOMS[r].some(inside));
}

function sources(folder: string): string[] {
  if (!existsSync(join(root, folder))) return [];
  const entries = readdirSync(join(root, folder), { recursive: true, withFileTypes: true });
  return entries
    .filter((e) => e.isFile() && e.name.endsWith(".ts"))
    .map((e) => relative(root, join(e.parentPath, e.name)).replaceAll("\\", "/"));
}

function isDoor(file: string): boolean {
  return DOORS.includes(file) || Object.values(ROOMS).some((folders) => folders.some((f) => file === `${f}/index.ts`));
}

/** What is wrong with an import, or undefined. */
function fault({ from, to }: Import): string | undefined {
  const room = roomOf(from);
  if (room === undefined) return `${from} is in no room`;
  if (!/^(src|te|schedule|codegen|autotune|test|examples|scripts|bench)\//.test(to)) {
    const free = ORDER.indexOf(room) >= ORDER.indexOf("autotune");
    return free || OUTSIDE[room]?.includes(to) ? undefined : `${from} (${room}) imports ${to} from outside the project`;
  }
  const other = roomOf(to);
  if (other === undefined) return `${from} imports ${to}, which is in no room`;
  if (other === room) return undefined;
  if (ORDER.indexOf(other) > ORDER.indexOf(room)) return `${from} (${room}) imports ${to} of the higher room ${other}`;
  if (isDoor(to) || PAST_THE_DOOR.some((p) => p.from.test(from) && p.to === to)) return undefined;
  return `${from} (${room}) imports ${to} past the index.ts of ${other}`;
}

/** One circle of files that import each other, or undefined. */
function circle(imports: readonly Import[]): string[] | undefined {
  const next = new Map<string, string[]>();
  for (const i of imports) {
    if (!i.typeOnly) next.set(i.from, [...(next.get(i.from) ?? []), i.to]);
  }
  const done = new Set<string>();
  const visit = (file: string, path: readonly string[]): string[] | undefined => {
    const seen = path.indexOf(file);
    if (seen >= 0) return [...path.slice(seen), file];
    if (done.has(file)) return undefined;
    for (const to of next.get(file) ?? []) {
      const found = visit(to, [...path, file]);
      if (found) return found;
    }
    done.add(file);
    return undefined;
  };
  for (const file of next.keys()) {
    const found = visit(file, []);
    if (found) return found;
  }
  return undefined;
}

describe("rooms", () => {
  const files = ["src", "te", "schedule", "codegen", "autotune"].flatMap(sources);
  const imports = files.flatMap((f) => importsIn(f, readFileSync(join(root, f), "utf8")));

  it("imports only lower rooms, through their front doors", () => {
    expect(files.length).toBeGreaterThan(10);
    expect(imports.map(fault).filter((f) => f !== undefined)).toEqual([]);
  });

  it("has no circle of files", () => {
    expect(circle(imports)?.join(" -> ")).toBeUndefined();
  });
});

describe("the check itself", () => {
  const source = `
import type { A } from "../ir/index.ts";
import {
  type B,
  c,
} from "./c.ts";
import "./effect.ts";
export * from "../../te/index.ts";
export type { D } from "./d.ts";
// import { no } from "./no.ts";
/* import { no } from "./no.ts"; */
const late = () => import("../driver/index.ts");
`;
  const found = importsIn("src/lower/a.ts", source);

  it("finds every form of import", () => {
    expect(found.map((i) => `${i.to}${i.typeOnly ? " (type)" : ""}`)).toEqual([
      "src/ir/index.ts (type)",
      "src/lower/c.ts",
      "src/lower/effect.ts",
      "te/index.ts",
      "src/lower/d.ts (type)",
      "src/driver/index.ts (type)",
    ]);
  });

  it.each([
    ["src/lower/a.ts", "src/driver/index.ts", /higher room driver/],
    ["src/lower/a.ts", "src/ir/expr.ts", /past the index.ts of ir/],
    ["src/lower/a.ts", "node:fs", /from outside/],
    ["src/codegen.ts", "src/cli/main.ts", /higher room cli/],
    ["src/lower/a.ts", "test/x.ts", /in no room/],
  ])("refuses %s -> %s", (from, to, message) => {
    expect(fault({ from, to, typeOnly: false })).toMatch(message);
  });

  it.each([
    ["src/lower/a.ts", "src/lower/passes/b.ts"],
    ["src/lower/a.ts", "te/index.ts"],
    ["src/runtime/errors.ts", "src/ir/error.ts"],
    ["codegen/wasm/emit.ts", "#binaryen"],
    ["autotune/log.ts", "node:fs"],
  ])("accepts %s -> %s", (from, to) => {
    expect(fault({ from, to, typeOnly: false })).toBeUndefined();
  });

  it("finds a circle", () => {
    const edge = (from: string, to: string, typeOnly = false): Import => ({ from, to, typeOnly });
    const open = [edge("a", "b"), edge("b", "c"), edge("d", "c")];
    expect(circle([...open, edge("c", "a", true)])).toBeUndefined();
    expect(circle([...open, edge("c", "a")])).toEqual(["a", "b", "c", "a"]);
  });
});

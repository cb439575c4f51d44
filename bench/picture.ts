/** The comparison as a picture: bars per case and contestant, native code as a tick, the limit as a line. */
import { parse, View } from "vega";
import { compile, type TopLevelSpec } from "vega-lite";
import type { Report, Row } from "./compare.ts";

interface Bar {
  readonly case: string;
  readonly who: string;
  readonly percent: number;
  readonly far: boolean;
}

/** What a group is measured by. */
interface Measure {
  readonly title: string;
  of(row: Row): number | undefined;
}
const LIMIT: Measure = { title: "percent of the machine's 128-bit limit", of: (r) => r.percentOfLimit };
const MEMORY: Measure = { title: "percent of a copy of as many bytes, or of exp alone", of: (r) => r.percentOfMemory };
/** What some cases of a group are bound by is arithmetic, and what others are is memory. */
const ROOFLINE: Measure = { title: "percent of the roofline", of: (r) => r.percentOfRoofline };
const DEFAULT: Measure = {
  title: "speed of the schedule by hand, percent of the default schedule's",
  of: (r) => r.toDefault && 100 * r.toDefault,
};
const MEASURES: { readonly [group: string]: Measure } = {
  ...{ gemm: LIMIT, conv: LIMIT, attention: LIMIT, memory: MEMORY, pictures: DEFAULT, operators: ROOFLINE },
};
const TITLES: { readonly [group: string]: string } = {
  gemm: "Matrix products",
  conv: "Convolutions of MobileNet v1, MobileNet v2 and ResNet-50",
  attention: "Attention",
  memory: "Softmax, layer normalization, pooling",
  pictures: "Image pipelines",
  operators: "Other operators",
};
/** A colour each, and the order of the bars. Names in brackets that say how a library keeps its pictures are left out. */
const COLORS: { readonly [who: string]: string } = {
  "tilewright (by hand, relaxed)": "#7b3294",
  "tilewright (by hand)": "#c2a5cf",
  "tilewright (best known, relaxed)": "#7b3294",
  "tilewright (best known)": "#c2a5cf",
  "tilewright (relaxed)": "#0b5394",
  tilewright: "#6fa8dc",
  "tfjs-wasm": "#e69138",
  "ort-web": "#93c47d",
  "jax-js": "#bfbfbf",
};
const FAR = "#222222";
const OTHER = "#d5006c";
/** Height of a bar, and the share of a case's room that stays empty. */
const [BAR, GAP] = [9, 0.35];

const bare = (name: string): string => name.replace(/ \((NCW|NCHW|NHWC|NDHWC)\)$/, "");

function barsOf(reports: readonly Report[], measure: Measure): readonly Bar[] {
  return reports.flatMap((r) =>
    r.rows.flatMap((row): Bar[] => {
      const percent = measure.of(row);
      return percent === undefined ? [] : [{ case: r.case, who: bare(row.name), percent, far: row.kind === "far" }];
    }),
  );
}

/** The picture as the text of an SVG file. Throws where there is nothing to show. */
export async function picture(reports: readonly Report[]): Promise<string> {
  const groups = [...new Set(reports.map((r) => r.group))];
  const charts = groups.flatMap((group) => {
    const measure = MEASURES[group] ?? LIMIT;
    const bars = barsOf(
      reports.filter((r) => r.group === group),
      measure,
    );
    return bars.length === 0 ? [] : [chart(TITLES[group] ?? group, measure.title, bars)];
  });
  if (charts.length === 0) throw new Error("nothing to show: no case was measured");
  const spec: TopLevelSpec = {
    background: "white",
    padding: 16,
    title: { text: "One thread, one run: higher is better", anchor: "start", fontSize: 16, offset: 16 },
    vconcat: charts,
    spacing: 36,
    resolve: { scale: { color: "independent", yOffset: "independent" }, legend: { color: "independent" } },
    config: { view: { stroke: null }, axis: { labelLimit: 260, grid: true }, legend: { symbolOpacity: 1 } },
  };
  const view = new View(parse(compile(spec).spec), { renderer: "none" });
  try {
    return await view.toSVG();
  } finally {
    view.finalize();
  }
}

function chart(title: string, axis: string, bars: readonly Bar[]): Extract<TopLevelSpec, { layer: unknown }> {
  const named = [...new Set(bars.filter((b) => !b.far).map((b) => b.who))];
  const order = [...Object.keys(COLORS).filter((w) => named.includes(w)), ...named.filter((w) => !(w in COLORS))];
  const cases = new Set(bars.map((b) => b.case)).size;
  const far = [...new Set(bars.filter((b) => b.far).map((b) => b.who))];
  const color = {
    field: "who",
    type: "nominal",
    title: null,
    scale: { domain: [...order, ...far], range: [...order.map((w) => COLORS[w] ?? OTHER), ...far.map(() => FAR)] },
    legend: { orient: "top", columns: 4, labelLimit: 300, symbolType: "square" },
  } as const;
  const y = { field: "case", type: "nominal", sort: null, title: null, scale: { paddingInner: GAP } } as const;
  const x = { field: "percent", type: "quantitative", title: axis } as const;
  return {
    title: { text: title, anchor: "start" },
    data: { values: [...bars] },
    width: 640,
    height: (cases * order.length * BAR) / (1 - GAP),
    layer: [
      {
        transform: [{ filter: "!datum.far" }],
        mark: { type: "bar" },
        encoding: { y, yOffset: { field: "who", sort: order, scale: { domain: order } }, x, color },
      },
      {
        transform: [{ filter: "datum.far" }],
        mark: { type: "tick", thickness: 2, bandSize: BAR * order.length },
        encoding: { y, x, color },
      },
      {
        data: { values: [{ limit: 100 }] },
        mark: { type: "rule", strokeDash: [4, 3], color: FAR },
        encoding: { x: { field: "limit", type: "quantitative" } },
      },
    ],
  };
}

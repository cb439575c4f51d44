/** A schedule as one page of HTML that needs nothing else. */
import { explainSteps, type Schedule } from "../../../schedule/index.ts";
import type { Quantities } from "../quantities.ts";
import { bytesText, short } from "../text.ts";
import type { Warning } from "../types.ts";
import { buffersMarkup } from "./buffers.ts";
import { html, jsonData, Markup } from "./markup.ts";
import { panelsMarkup, warningsMarkup } from "./panels.ts";
import { SCRIPT } from "./script.ts";
import { stepData, stepsMarkup } from "./steps.ts";
import { STYLE } from "./style.ts";
import { treeMarkup } from "./tree.ts";
import { View } from "./view.ts";

function summary(v: View): Markup {
  const { whole, buffers, sizes } = v.quantities;
  const memory = buffers.filter((b) => b.buffer.scope !== "local").reduce((n, b) => n + b.bytes, 0);
  const facts = [
    ...[...sizes].map(([s, n]) => [s.name, String(n)]),
    ["operations", short(whole.ops)],
    ["memory", bytesText(memory)],
    ["intensity", whole.bytes === 0 ? "nothing moves" : `${short(whole.intensity)} ops per byte`],
    ["warnings", String(v.warnings.length)],
  ] as const;
  return html`<dl class="summary">${facts.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>`;
}

const LEGEND = ["serial", "unrolled", "vectorized", "parallel", "bound", "tensorized"];

/** The page: tree, panels, buffers and steps. */
export function pageOf(s: Schedule<unknown>, quantities: Quantities, warnings: readonly Warning[]): string {
  const v = new View(s.func, quantities, warnings);
  const steps = explainSteps(s);
  const data = stepData(s.unscheduled().func, steps);
  const rows = Math.max(data.steps.length, ...data.steps.map((x) => x.length));
  const kinds = LEGEND.filter((k) => v.nodes.some((n) => n.kind === "for" && n.loop === k));
  const legend = html`<span class="legend">${kinds.map((k) => html`<span class="loop ${k}"><span class="kind">${k}</span></span> `)}</span>`;
  const policy = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'";
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${v.func.name}: schedule</title>
<style>${new Markup(STYLE)}</style>
</head>
<body>
<header><h1>${v.func.name}</h1>${summary(v)}</header>
<main>
<section class="nest" aria-labelledby="nest-title"><div class="head"><h2 id="nest-title">Loop nest</h2>${legend}<span class="tools"><button type="button" id="open-all">unfold</button> <button type="button" id="close-all">fold</button></span></div>
<div class="box" id="nest">${treeMarkup(v)}</div></section>
<aside aria-label="what is looked at" aria-live="polite"><div class="head"><h2>Looked at</h2></div><div class="box" id="panels">${panelsMarkup(v)}</div></aside>
${
  warnings.length > 0 &&
  html`<section class="all"><div class="head"><h2>Warnings</h2></div><div class="box">${warningsMarkup(v)}</div></section>`
}
<section class="all"><div class="head"><h2>Buffers</h2></div><div class="box">${buffersMarkup(v)}</div></section>
<section class="all trace" id="trace" aria-labelledby="trace-title"><div class="head"><h2 id="trace-title">Trace</h2><span class="tools"><label><input type="checkbox" id="removed" checked> lines that went</label> <button type="button" id="previous">← previous</button> <button type="button" id="next">next →</button></span></div>
<div class="pair" style="--rows:${rows}"><div class="box" id="steps">${stepsMarkup(steps)}</div>
<div class="box after"><p id="step-title" aria-live="polite"></p><div id="step-nest" class="lines" tabindex="0" role="region" aria-label="loop nest after the step"></div></div></div></section>
</main>
<script type="application/json" id="trace-data">${jsonData(data)}</script>
<script>${new Markup(SCRIPT)}</script>
</body>
</html>
`.text;
}

/** What is known of one loop, one block, or the whole: shown beside the tree when it is looked at. */
import { readsOf, storesOf } from "../../../schedule/index.ts";
import { type Block, bytesOf, constInt, type For, printExpr } from "../../ir/index.ts";
import { countOf } from "../numbers.ts";
import type { Level, Touched } from "../quantities.ts";
import { bytesText, short } from "../text.ts";
import type { Warning } from "../types.ts";
import { html, type Markup } from "./markup.ts";
import { blockText, type View, WHOLE } from "./view.ts";

/** `B[0 .. +512, jo * 8 .. +8]`: where a region begins and how far it goes. */
function regionText(v: View, t: Touched): string {
  const dims = t.box.map(({ min }, d) => {
    const n = t.shape[d]!;
    const at = printExpr(min, v.names);
    return n === 1 && constInt(t.box[d]!.extent) === 1 ? at : `${at} .. +${n}`;
  });
  return `${v.names.of(t.buffer)}[${dims.join(", ")}]`;
}
function access(t: Touched): string {
  if (t.inside) return "inside";
  if (t.buffer.scope === "local") return "registers";
  return [t.read && "read", t.written && "write"].filter((x) => x !== false).join(" + ");
}
function touchedRow(v: View, t: Touched): Markup {
  const all = v.quantities.buffers.find((b) => b.buffer === t.buffer);
  const logical = t.buffer.shape.map((e) => countOf(e, v.quantities.sizes));
  const whole = all ? logical.reduce((n, x) => n * x, bytesOf(t.buffer.dtype)) : t.bytes;
  const share = whole === 0 ? 0 : Math.min(1, t.bytes / whole) * 100;
  const percent = share > 0 && share < 1 ? "<1 %" : `${Math.round(share)} %`;
  const free = t.inside || t.buffer.scope === "local";
  return html`<tr${free && html` class="free"`}><td class="code">${regionText(v, t)}</td><td class="number">${bytesText(t.bytes)}</td><td class="number"><span class="bar" style="--share:${Math.round(share)}%"></span> ${percent}</td><td>${access(t)}</td></tr>`;
}
function warningList(found: readonly Warning[]): Markup | undefined {
  if (found.length === 0) return undefined;
  return html`<ul class="warnings">${found.map((w) => html`<li><span class="flag">⚠ ${w.code}</span> ${w.message}</li>`)}</ul>`;
}
const facts = (list: readonly (readonly [string, string])[]): Markup =>
  html`<dl>${list.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>`;

function panel(key: string, buffers: readonly (string | undefined)[], title: Markup, content: Markup): Markup {
  const lit = buffers.filter((b) => b !== undefined).join(" ");
  return html`<section class="panel" id="at-${key}" data-buffers="${lit}"${key !== WHOLE && html` hidden`}><h3>${title}</h3>${content}</section>
`;
}

function levelPanel(
  v: View,
  key: string,
  title: Markup,
  l: Level,
  iterations: number | undefined,
  found: readonly Warning[],
): Markup {
  const numbers = facts([
    ["runs", short(l.runs)],
    ...(iterations === undefined ? [] : ([["iterations", short(iterations)]] as const)),
    ["operations a run", short(l.ops)],
    ["bytes moved a run", bytesText(l.bytes)],
    [
      "intensity",
      l.ops === 0 ? "no arithmetic" : l.bytes === 0 ? "nothing moves" : `${short(l.intensity)} ops per byte`,
    ],
  ]);
  const rows = l.touched.map((t) => touchedRow(v, t));
  const table = html`<div class="wide" tabindex="0"><table><thead><tr><th>region of one run</th><th class="number">bytes</th><th class="number">of it</th><th></th></tr></thead><tbody>${rows}</tbody></table></div>`;
  return panel(
    key,
    l.touched.map((t) => v.bufferKey(t.buffer)),
    title,
    html`${warningList(found)}${numbers}${table}`,
  );
}
const loopTitle = (v: View, l: For): Markup =>
  html`<span class="loop ${l.loop}"><span class="kind">${l.loop}</span></span> ${v.names.of(l.var)}`;

function blockPanel(v: View, b: Block): Markup {
  const q = v.quantities.blocks.get(b.id)!;
  const again = q.domain === 0 ? 0 : q.points / q.domain;
  const numbers = facts([
    ["points", short(q.points)],
    ["operations at a point", short(q.ops)],
    ...(again > 1.005 ? ([["each computed", `${short(again)} times`]] as const) : []),
  ]);
  const reads = readsOf(b, () => true).map((r) => ({ ...r, how: "read" }));
  const writes = storesOf(b).map((s) => ({ buffer: s.buffer, index: s.index, how: "write" }));
  const rows = new Map(
    [...reads, ...writes].map((a) => {
      const text = `${v.names.of(a.buffer)}[${a.index.map((e) => printExpr(e, v.names)).join(", ")}]`;
      return [`${text} ${a.how}`, html`<tr><td class="code">${text}</td><td>${a.how}</td></tr>`];
    }),
  );
  const table = html`<div class="wide" tabindex="0"><table><thead><tr><th>access at a point</th><th></th></tr></thead><tbody>${[...rows.values()]}</tbody></table></div>`;
  const title = html`<span class="block"><span class="kind">block</span></span> ${b.id.name}`;
  const buffers = [...new Set([...reads, ...writes].map((a) => v.bufferKey(a.buffer)))];
  const at = html`<div class="wide code" tabindex="0">at ${blockText(b, v).where}</div>`;
  return panel(v.key(b.id), buffers, title, html`${warningList(v.warningsAt(b.id))}${numbers}${at}${table}`);
}

/** A panel for the whole, and for every loop and block. */
export function panelsMarkup(v: View): Markup {
  const { loops, whole } = v.quantities;
  const title = html`<span class="func"><span class="kind">func</span></span> ${v.func.name}`;
  return html`${levelPanel(v, WHOLE, title, whole, undefined, [])}${v.nodes.map((n) => {
    if (n.kind === "block") return blockPanel(v, n);
    const l = loops.get(n.var)!;
    return levelPanel(v, v.key(n.var), loopTitle(v, n), l, l.extent, v.warningsAt(n.var));
  })}`;
}

/** All warnings, each with buttons that lead to what it means. */
export function warningsMarkup(v: View): Markup {
  const where = (name: string, subject: object): Markup =>
    html` <button type="button" class="link" data-go="${v.key(subject)}">${name}</button>`;
  return html`<ul class="warnings">${v.warnings.map(
    (w) =>
      html`<li><span class="flag">⚠ ${w.code}</span> ${w.message}<span class="places">${w.loops.map((l) => where(v.names.of(l.var), l.var))}${w.blocks.map((b) => where(b.name, b.id))}</span></li>`,
  )}</ul>`;
}

/** The buffers: where they live, how they lie, how large they are. */
import { type Buffer, printExpr, printLayout } from "../../ir/index.ts";
import type { BufferQuantities } from "../quantities.ts";
import { bytesText } from "../text.ts";
import { html, type Markup } from "./markup.ts";
import type { View } from "./view.ts";

function layoutText(v: View, b: Buffer): string {
  if (b.strides) return `strides [${b.strides.map((e) => printExpr(e, v.names)).join(", ")}]`;
  const text = b.layout ? printLayout(b, b.layout, v.names).replace(/^, (layout )?/, "") : "";
  return text === "" ? "row-major" : text;
}
function role(v: View, b: Buffer): string {
  if (v.func.inputs.includes(b)) return b.constant ? "input, constant" : "input";
  return v.func.outputs.includes(b) ? "output" : "intermediate";
}
function row(v: View, { buffer: b, shape, bytes }: BufferQuantities): Markup {
  const key = v.bufferKey(b)!;
  return html`<tr id="${key}"><th scope="row" class="code">${v.names.of(b)}</th><td>${role(v, b)}</td><td><span class="scope ${b.scope}">${b.scope}</span></td><td class="code">${b.dtype}</td><td class="code">[${b.shape.map((e) => printExpr(e, v.names)).join(", ")}]</td><td class="code">${shape.join(" × ") || "1"}</td><td class="code">${layoutText(v, b)}</td><td class="number">${bytesText(bytes)}</td></tr>
`;
}
export const buffersMarkup = (v: View): Markup =>
  html`<div class="wide" tabindex="0"><table><thead><tr><th>buffer</th><th></th><th>scope</th><th>dtype</th><th>shape</th><th>in memory</th><th>layout</th><th class="number">bytes</th></tr></thead><tbody>
${v.quantities.buffers.map((b) => row(v, b))}</tbody></table></div>`;

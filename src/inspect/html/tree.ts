/** The loop nest as a tree to fold and unfold. */
import {
  type Block,
  type Buffer,
  buffersIn,
  constInt,
  type For,
  type If,
  printExpr,
  printStmt,
  type Stmt,
} from "../../ir/index.ts";
import type { Level } from "../quantities.ts";
import { bytesText, counted, short } from "../text.ts";
import { html, type Markup } from "./markup.ts";
import { blockText, type View, WHOLE } from "./view.ts";

/** Bodies longer than this begin folded. */
const LONG = { lines: 5, characters: 240 };

const cost = (l: Level): string =>
  [
    l.runs === 0 && "never runs",
    l.ops > 0 && counted(l.ops, "op"),
    l.bytes > 0 && `moves ${bytesText(l.bytes)}`,
    l.ops > 0 && l.bytes > 0 && `${short(l.intensity)} ops/byte`,
  ]
    .filter((x) => x !== false)
    .join(" · ");

function flag(v: View, subject: object): Markup | undefined {
  const found = v.warningsAt(subject);
  if (found.length === 0) return undefined;
  return html` <span class="flag" title="${found.map((w) => w.message).join("\n")}">⚠ ${[...new Set(found.map((w) => w.code))].join(", ")}</span>`;
}

function loopRow(v: View, l: For): Markup {
  const from = constInt(l.min) === 0 ? "" : `${printExpr(l.min, v.names)} .. +`;
  const notes = [
    ...(l.bind ? [l.bind] : []),
    ...(l.tail && l.tail !== "guard" ? [`tail: ${l.tail}`] : []),
    ...(l.tensor ? [l.tensor.intrinsic.name] : []),
    ...(l.tensor?.assume.length ? [`assume: ${l.tensor.assume.join(" ")}`] : []),
    ...Object.entries(l.annotations ?? {}).map(([k, x]) => `${k}: ${x}`),
  ];
  return html`<span class="kind">${l.loop}</span> <b>${v.names.of(l.var)}</b> <span class="extent">in ${from}${printExpr(l.extent, v.names)}</span>${notes.map(
    (n) => html` <span class="note">${n}</span>`,
  )}${flag(v, l.var)} <span class="cost">${cost(v.quantities.loops.get(l.var)!)}</span>`;
}

function blockNode(v: View, b: Block): Markup {
  const { where, note, body } = blockText(b, v);
  const { reads, writes } = buffersIn(b);
  const list = (buffers: Iterable<Buffer>): string => [...buffers].map((x) => v.names.of(x)).join(", ");
  const open = body.length <= LONG.characters && body.split("\n").length <= LONG.lines;
  const touches = html`${reads.size > 0 && html`reads ${list(reads)} · `}writes ${list(writes)}`;
  return html`<li><details class="block"${open && html` open`}><summary data-at="${v.key(b.id)}"><span class="kind">block</span> <b>${b.id.name}</b>${note !== "" && html` <span class="note">${note}</span>`}${flag(v, b.id)} <span class="cost">${touches}</span></summary><pre>at ${where}\n${body}</pre></details></li>`;
}
const branch = (v: View, head: string, body: Stmt): Markup =>
  html`<li><details class="branch" open><summary><span class="kind">${head.split(" ")[0]!}</span> <span class="extent">${head.split(" ").slice(1).join(" ")}</span></summary><ul>${node(v, body)}</ul></details></li>`;
const branches = (v: View, s: If): Markup =>
  html`${branch(v, `if ${printExpr(s.condition, v.names)}`, s.then)}${s.otherwise && branch(v, "else", s.otherwise)}`;

function node(v: View, s: Stmt): Markup {
  switch (s.kind) {
    case "for":
      return html`<li><details class="loop ${s.loop}" open><summary data-at="${v.key(s.var)}">${loopRow(v, s)}</summary><ul>${node(v, s.body)}</ul></details></li>`;
    case "block":
      return blockNode(v, s);
    case "if":
      return branches(v, s);
    case "seq":
      return html`${s.body.map((x) => node(v, x))}`;
    default:
      return html`<li><pre>${printStmt(s, {}, v.names)}</pre></li>`;
  }
}

/** The function with its loops, branches and blocks inside. */
export function treeMarkup(v: View): Markup {
  const f = v.func;
  const { whole } = v.quantities;
  return html`<ul class="tree"><li><details class="func" open><summary data-at="${WHOLE}"><span class="kind">func</span> <b>${f.name}</b> <span class="cost">${cost(whole)}</span></summary><ul>${node(v, f.body)}</ul></details></li></ul>`;
}

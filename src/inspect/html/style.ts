/** The page's style: colours as variables, in light and dark. */

export const STYLE = `
:root {
  color-scheme: light dark;
  --page: #f6f7f9; --box: #ffffff; --line: #d9dde3; --text: #1b2027; --dim: #59626e;
  --pick: #e6effc; --hover: #f0f3f7; --accent: #1857b8; --warn: #8a4b00; --warn-box: #fff2dc;
  --added: #ddf4e1; --added-edge: #1a7f37; --removed: #ffe6e3; --removed-edge: #b3261e; --moved: #e8ecf8; --moved-edge: #4a5fc1;
  --serial: #59626e; --unrolled: #7436b8; --vectorized: #0b6b34; --parallel: #a33b0b; --bound: #0a5c9e; --tensorized: #a8196f;
  --block: #1b2027; --bar: #c3cad4;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #14171b; --box: #1b1f25; --line: #343b45; --text: #e4e8ee; --dim: #a2acb9;
    --pick: #22344f; --hover: #262c34; --accent: #8ab8ff; --warn: #ffc46b; --warn-box: #3a2c12;
    --added: #17361f; --added-edge: #56d364; --removed: #43201f; --removed-edge: #ff8a80; --moved: #252d4d; --moved-edge: #9fb0ff;
    --serial: #a2acb9; --unrolled: #c9a2f7; --vectorized: #63d58c; --parallel: #ffa274; --bound: #79bdf5; --tensorized: #ff94cf;
    --block: #e4e8ee; --bar: #48515d;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--text); font: 14px/1.45 system-ui, sans-serif; }
header, main { max-width: 1800px; margin: 0 auto; padding: 0 20px; }
header { display: flex; flex-wrap: wrap; align-items: baseline; gap: 4px 32px; padding-top: 16px; }
h1 { margin: 0; font-size: 22px; overflow-wrap: anywhere; }
h2 { margin: 0; font-size: 15px; }
h3 { margin: 0 0 8px; font-size: 15px; overflow-wrap: anywhere; }
dl { display: flex; flex-wrap: wrap; gap: 4px 24px; margin: 0; }
dt { color: var(--dim); font-size: 12px; }
dd { margin: 0; font-variant-numeric: tabular-nums; }
.summary > div { display: flex; gap: 6px; align-items: baseline; overflow-wrap: anywhere; }
.summary dt { font-size: 13px; }
main { display: grid; grid-template-columns: minmax(0, 3fr) minmax(0, 2fr); gap: 16px 20px; padding-top: 12px; padding-bottom: 40px; }
main > * { min-width: 0; }
.all { grid-column: 1 / -1; }
.head { display: flex; flex-wrap: wrap; align-items: center; gap: 4px 12px; min-height: 32px; }
.tools { margin-left: auto; display: flex; flex-wrap: wrap; align-items: center; gap: 6px; }
.box { background: var(--box); border: 1px solid var(--line); border-radius: 8px; padding: 10px 12px; overflow: auto; }
#nest { max-height: 72vh; min-height: 300px; }
aside { display: flex; flex-direction: column; }
/* as high as the tree, whatever is shown in it: nothing jumps while the pointer moves */
#panels { flex: 1; contain: size; }
pre, code, .code, .lines, .tree, .steps { font-family: ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; font-size: 12.5px; }
button { font: inherit; color: var(--text); background: var(--box); border: 1px solid var(--line); border-radius: 6px; padding: 2px 10px; cursor: pointer; }
button:hover { background: var(--hover); }
button:disabled { color: var(--dim); cursor: default; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 1px; }

.tree, .tree ul { list-style: none; margin: 0; padding: 0; }
.tree { width: max-content; min-width: 100%; }
.tree ul { margin-left: 9px; padding-left: 11px; border-left: 1px solid var(--line); }
summary { padding: 1px 6px; border-radius: 5px; cursor: pointer; white-space: nowrap; }
summary::marker { color: var(--dim); }
summary:hover, summary.hover { background: var(--hover); }
summary.pick { background: var(--pick); }
.tree pre { margin: 1px 0 3px 20px; padding: 2px 10px; border-left: 1px solid var(--line); color: var(--dim); }
.extent { color: var(--text); }
.cost { color: var(--dim); margin-left: 14px; }
.note, .scope { border: 1px solid var(--line); border-radius: 4px; padding: 0 5px; color: var(--dim); font-size: 11.5px; }
.kind { display: inline-block; border: 1px solid currentcolor; border-radius: 4px; padding: 0 5px; font: 600 11px/1.4 system-ui, sans-serif; }
.loop > summary > .kind, .loop > .kind { color: var(--serial); }
.unrolled > summary > .kind, .unrolled > .kind { color: var(--unrolled); }
.vectorized > summary > .kind, .vectorized > .kind { color: var(--vectorized); }
.parallel > summary > .kind, .parallel > .kind { color: var(--parallel); }
.bound > summary > .kind, .bound > .kind { color: var(--bound); }
.tensorized > summary > .kind, .tensorized > .kind { color: var(--tensorized); }
.block > summary > .kind, .block > .kind, .func > summary > .kind, .func > .kind { color: var(--box); background: var(--block); border-color: var(--block); }
.branch > summary > .kind { color: var(--dim); border-style: dashed; }
.flag { background: var(--warn-box); color: var(--warn); border-radius: 4px; padding: 0 6px; font: 600 11.5px/1.5 system-ui, sans-serif; white-space: nowrap; }

.wide { overflow-x: auto; }
table { font-size: 13px; }
.panel .wide { margin-top: 10px; white-space: nowrap; }
.panel dl { column-gap: 18px; }
.panel th, .panel td { padding-right: 10px; }
.panel .code { font-size: 12px; }
/* long names make rows higher before they push the numbers out of sight */
.panel td.code { white-space: normal; overflow-wrap: anywhere; min-width: 12em; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: 3px 14px 3px 0; white-space: nowrap; font-weight: normal; }
thead th { color: var(--dim); font-size: 12px; border-bottom: 1px solid var(--line); }
tbody th { font-weight: 600; }
th:last-child, td:last-child { padding-right: 4px; }
.number { text-align: right; font-variant-numeric: tabular-nums; }
tbody tr + tr > * { border-top: 1px solid var(--line); }
tr.lit > * { background: var(--pick); }
tr.free > * { color: var(--dim); }
.bar { display: inline-block; width: 34px; height: 8px; border-radius: 3px; vertical-align: 0; background: linear-gradient(to right, var(--accent) var(--share), var(--bar) var(--share)); }
.scope.local { color: var(--unrolled); border-color: currentcolor; }
.scope.workspace { color: var(--bound); border-color: currentcolor; }
.scope.shared { color: var(--parallel); border-color: currentcolor; }
.warnings { margin: 0; padding: 0; list-style: none; }
.warnings li { margin: 2px 0; overflow-wrap: anywhere; }
.panel .warnings { margin-bottom: 10px; }
.link { border: 0; background: none; padding: 0 4px; color: var(--accent); text-decoration: underline; }

.pair { display: grid; grid-template-columns: minmax(0, 2fr) minmax(0, 3fr); gap: 12px; height: clamp(260px, var(--rows) * 18.5px + 76px, 80vh); }
.after { display: flex; flex-direction: column; }
.steps { margin: 0; padding: 0; list-style: none; width: max-content; min-width: 100%; }
.steps button { display: block; width: 100%; text-align: left; border: 0; background: none; padding: 1px 6px; font: inherit; white-space: pre; }
.steps button:hover { background: var(--hover); }
.steps button[aria-current] { background: var(--pick); }
.step { display: inline-block; min-width: 2.2em; text-align: right; color: var(--dim); margin-right: 6px; }
#step-title { margin: 0 0 8px; overflow-wrap: anywhere; font-weight: 600; }
.lines { flex: 1; overflow: auto; white-space: pre; }
.lines > div { width: max-content; min-width: 100%; }
.row { padding: 0 8px 0 4px; border-left: 3px solid transparent; }
.row::before { content: " "; display: inline-block; width: 1.6em; color: var(--dim); }
.row.added { background: var(--added); border-color: var(--added-edge); }
.row.added::before { content: "+"; color: var(--added-edge); }
.row.removed { background: var(--removed); border-color: var(--removed-edge); }
.row.removed::before { content: "−"; color: var(--removed-edge); }
.row.removed > span { text-decoration: line-through; text-decoration-color: var(--removed-edge); }
.row.moved { background: var(--moved); border-color: var(--moved-edge); }
.row.moved::before { content: "→"; color: var(--moved-edge); }
.without .row.removed { display: none; }
.word { font-weight: 600; }
.word.unrolled { color: var(--unrolled); }
.word.vectorized { color: var(--vectorized); }
.word.parallel { color: var(--parallel); }
.word.bound { color: var(--bound); }
.word.tensorized { color: var(--tensorized); }

@media (max-width: 900px) {
  main, .pair { grid-template-columns: minmax(0, 1fr); }
  .pair { height: auto; }
  #nest { min-height: 0; max-height: 62vh; }
  #panels { flex: none; contain: none; max-height: 50vh; }
  #steps, .after { max-height: 60vh; }
}
@media print {
  #nest, .pair { height: auto; max-height: none; }
}
`;

/** The page's script, as text: choosing a loop, folding the tree, going through the steps. */

export const SCRIPT = `
"use strict";
(() => {
  const at = (id) => document.getElementById(id);
  const nest = at("nest");

  // what is looked at: a row stays chosen by click or focus, and the pointer looks at another for a while
  let chosen = "n0";
  const show = (key, of) => {
    for (const p of document.querySelectorAll(".panel")) p.hidden = p.id !== "at-" + key;
    for (const s of nest.querySelectorAll("summary[data-at]")) {
      s.classList.toggle("pick", s.dataset.at === chosen);
      s.classList.toggle("hover", s.dataset.at === key && key !== chosen);
    }
    const buffers = key === "n0" ? [] : at("at-" + key).dataset.buffers.split(" ");
    for (const r of document.querySelectorAll("tr[id]")) r.classList.toggle("lit", buffers.includes(r.id));
  };
  const choose = (key) => show((chosen = key));
  const rowOf = (e) => e.target.closest("summary[data-at]");
  nest.addEventListener("mouseover", (e) => show(rowOf(e)?.dataset.at ?? chosen));
  nest.addEventListener("mouseleave", () => show(chosen));
  for (const kind of ["focusin", "click"])
    nest.addEventListener(kind, (e) => rowOf(e) && choose(rowOf(e).dataset.at));
  document.addEventListener("click", (e) => {
    const key = e.target.closest("[data-go]")?.dataset.go;
    if (!key) return;
    const row = nest.querySelector('summary[data-at="' + key + '"]');
    for (let d = row.parentElement.parentElement.closest("details"); d; d = d.parentElement.closest("details")) d.open = true;
    row.focus();
    row.scrollIntoView({ block: "center", inline: "nearest" });
  });

  const folds = (open) => {
    for (const d of nest.querySelectorAll("details")) if (!d.classList.contains("func")) d.open = open;
  };
  at("open-all").addEventListener("click", () => folds(true));
  at("close-all").addEventListener("click", () => folds(false));
  nest.addEventListener("keydown", (e) => {
    const by = { ArrowDown: 1, ArrowUp: -1 }[e.key];
    const row = e.target.closest("summary");
    if (!by || !row) return;
    const rows = [...nest.querySelectorAll("summary")].filter((s) => !s.parentElement.parentElement.closest("details:not([open])"));
    rows[rows.indexOf(row) + by]?.focus();
    e.preventDefault();
  });

  // the steps
  const { lines, steps } = JSON.parse(at("trace-data").textContent);
  const changes = ["", "added", "removed", "moved"];
  const buttons = [...document.querySelectorAll("[data-step]")];
  const box = at("step-nest");
  let step = 0;
  const element = (name, style, text = "") => {
    const e = document.createElement(name);
    e.className = style;
    e.textContent = text;
    return e;
  };
  const line = (row) => {
    const [kind, text] = lines[row >> 2];
    const [, indent, word, rest] = /^(\\s*)(\\S*)([^]*)$/.exec(text);
    const inside = element("span", "");
    inside.append(kind ? element("span", "word " + kind, word) : word, rest);
    const e = element("div", "row " + changes[row & 3]);
    e.append(indent, inside);
    return e;
  };
  const go = (n, quiet) => {
    step = Math.max(0, Math.min(steps.length - 1, n));
    const all = document.createElement("div");
    all.append(...steps[step].map(line));
    box.replaceChildren(all);
    buttons.forEach((b, i) => (i === step ? b.setAttribute("aria-current", "step") : b.removeAttribute("aria-current")));
    const still = step > 0 && steps[step].every((r) => (r & 3) === 0);
    const text = buttons[step].lastElementChild.textContent;
    at("step-title").textContent = step + " of " + (steps.length - 1) + ": " + text + (still ? " (the loop nest stays as it is)" : "");
    at("previous").disabled = step === 0;
    at("next").disabled = step === steps.length - 1;
    // what happened to the loops, and what changed above them if both can be seen
    const changed = [...box.querySelectorAll(".added, .moved, .removed")];
    const main = changed.find((e) => e.querySelector(".word")) ?? changed[0];
    const both = main && main.offsetTop - changed[0].offsetTop < box.clientHeight / 2;
    const to = both ? changed[0] : main;
    // only the boxes scroll, never the page under the reader's eyes
    box.scrollTo(0, to ? Math.max(0, to.offsetTop - box.offsetTop - box.clientHeight / 4) : 0);
    const list = at("steps");
    const b = buttons[step];
    const top = b.offsetTop - list.offsetTop;
    if (top < list.scrollTop || top + b.offsetHeight > list.scrollTop + list.clientHeight) list.scrollTop = top - list.clientHeight / 2;
    if (!quiet) at("trace").scrollIntoView({ block: "nearest" });
  };
  for (const b of buttons) b.addEventListener("click", () => go(Number(b.dataset.step), true));
  at("previous").addEventListener("click", () => go(step - 1, true));
  at("next").addEventListener("click", () => go(step + 1, true));
  at("removed").addEventListener("change", (e) => box.classList.toggle("without", !e.target.checked));
  document.addEventListener("keydown", (e) => {
    const by = { ArrowRight: 1, ArrowLeft: -1 }[e.key];
    if (!by || e.altKey || e.ctrlKey || e.metaKey || e.shiftKey) return;
    // a box that scrolls sideways keeps its keys
    if (e.target.tabIndex === 0 && e.target.scrollWidth > e.target.clientWidth && e.target.matches(".lines, .wide")) return;
    e.preventDefault();
    go(step + by);
  });
  const linked = () => {
    const n = /^#step-(\\d+)$/.exec(location.hash);
    if (n) go(Number(n[1]));
  };
  addEventListener("hashchange", linked);
  choose("n0");
  go(0, true);
  linked();
})();
`;

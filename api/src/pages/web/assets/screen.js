// The middle of the page: a title, tools, and a list that comes page by page.

import { query, read } from "./api.js";
import { at, button, icon, make } from "./dom.js";
import { attempt } from "./messages.js";
import { day, hour, number, t } from "./text.js";

// Which screen is the newest: what an older one still receives is dropped.
let turn = 0;

// Whoever is about to show a screen says so, and asks again when what it needs is there.
export function claim() {
  turn += 1;
  const mine = turn;
  return () => mine === turn;
}

// `tools` and `path` are elements. `columns` are the headings that the rows have, for those who see them.
export function open({ title, lead = "", tools = [], path = null, columns = [] }) {
  at("title").textContent = title;
  document.title = `${title} · Cairn`;
  at("lead").textContent = lead;
  at("tools").replaceChildren(...tools);
  at("path").replaceChildren(...(path ? [path] : []));
  at("heads").replaceChildren(...columns.map((column) => make("span", { class: column }, t(`column.${column}`))));
  at("list").replaceChildren();
  at("more").hidden = at("empty").hidden = true;
  at("list").setAttribute("aria-busy", "true");
}

// Fills the list with the rows of `nextPage`, a page for each press of the button.
export async function fill(nextPage, nothing) {
  const mine = turn;
  const show = async () => {
    const { rows, goesOn } = await nextPage();
    if (mine !== turn) return;
    at("list").removeAttribute("aria-busy");
    // What was added while the page was on its way is in both.
    const ids = new Set(rows.map((row) => row.dataset.id));
    for (const row of [...at("list").children]) if (ids.has(row.dataset.id)) row.remove();
    at("list").append(...rows);
    at("more").hidden = !goesOn;
    if (!at("more").hidden)
      at("more").onclick = () =>
        attempt(at("more"), async () => {
          const before = at("list").childElementCount;
          await show();
          at("list").children[before]?.querySelector("a, button")?.focus();
        });
    settle(nothing);
  };
  await show();
}

let emptiness = () => [];

function settle(nothing = emptiness) {
  emptiness = nothing;
  const count = at("list").childElementCount;
  at("empty").hidden = count > 0 || !at("more").hidden;
  at("heads").hidden = count === 0;
  if (!at("empty").hidden) at("empty").replaceChildren(...nothing());
  at("shown").textContent = count > 0 ? t("shown", { count: number(count) }) : "";
}

export const nothing =
  (symbol, title, hint = null) =>
  () => [icon(symbol), make("p", { class: "strong" }, t(title)), ...(hint ? [make("p", { class: "hint" }, t(hint))] : [])];

// A list of the drive as pages of rows, one for each call. A page that could not be read comes with the next call.
// Pages without a row are passed over.
export function pagesOf(path, parameters, row, first = []) {
  let [cursor, rows] = [null, first];
  return async () => {
    do {
      const page = await read(query(path, { limit: 50, ...parameters, cursor }));
      cursor = page.next_cursor;
      rows.push(...page.items.map(row).filter(Boolean));
    } while (rows.length === 0 && cursor !== null);
    const [ready, goesOn] = [rows, cursor !== null];
    rows = [];
    return { rows: ready, goesOn };
  };
}

export function add(row, before) {
  at("list").insertBefore(row, before ?? null);
  settle();
}

// Takes a row away; who stood in it stands in the next one.
export function remove(row) {
  if (!row.isConnected) return;
  const near = row.nextElementSibling ?? row.previousElementSibling;
  const hadFocus = row.contains(document.activeElement) || document.activeElement === document.body;
  row.remove();
  settle();
  if (hadFocus) (near?.querySelector("button, a") ?? at("title")).focus();
}

export function replace(row, by) {
  row.replaceWith(by);
  by.querySelector(".menu-button")?.focus();
}

export const tool = (text, symbol, run, look = "") =>
  button(t(text), (event) => attempt(event.currentTarget, run), { look, symbol });

// When an entry last changed. On a phone there is room for the day only.
export const changedAt = ({ updated_at }) =>
  make("time", { class: "changed", datetime: updated_at }, day(updated_at), make("span", { class: "hour" }, ` ${hour(updated_at)}`));

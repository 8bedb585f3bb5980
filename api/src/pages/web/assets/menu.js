// The menu of a row, as the ARIA practices describe menu buttons: arrows move, Escape and Tab leave.

import { icon, make } from "./dom.js";

let close = () => {};

export function menuButton(label, entries) {
  const opener = make(
    "button",
    {
      type: "button",
      class: "plain menu-button",
      "aria-haspopup": "menu",
      "aria-expanded": "false",
      "aria-label": label,
      title: label,
    },
    icon("more"),
  );
  opener.addEventListener("click", () => (opener.getAttribute("aria-expanded") === "true" ? close() : open(opener, entries())));
  opener.addEventListener("keydown", (event) => {
    if (event.key !== "ArrowDown") return;
    event.preventDefault();
    open(opener, entries());
  });
  return opener;
}

function open(opener, entries) {
  close();
  const items = entries.map(({ text, symbol, danger, href, run }) => {
    const look = { role: "menuitem", tabindex: "-1", class: danger ? "dangerous" : null };
    const item = href
      ? make("a", { ...look, href, download: "" }, icon(symbol), text)
      : make("button", { ...look, type: "button" }, icon(symbol), text);
    item.addEventListener("click", () => {
      close(true);
      run?.();
    });
    return item;
  });
  const menu = make("div", { class: "menu", role: "menu", "aria-label": opener.getAttribute("aria-label") }, ...items);
  document.body.append(menu);
  place(menu, opener);
  opener.setAttribute("aria-expanded", "true");
  const outside = (event) => {
    if (!menu.contains(event.target) && !opener.contains(event.target)) close();
  };
  const gone = new AbortController();
  close = (back = false) => {
    menu.remove();
    opener.setAttribute("aria-expanded", "false");
    gone.abort();
    if (back) opener.focus();
    close = () => {};
  };
  document.addEventListener("pointerdown", outside, { signal: gone.signal });
  addEventListener("resize", () => close(), { signal: gone.signal });
  menu.addEventListener("keydown", (event) => move(event, items));
  items[0].focus({ preventScroll: true });
}

function move(event, items) {
  const now = items.indexOf(document.activeElement);
  const to = { ArrowDown: now + 1, ArrowUp: now - 1, Home: 0, End: items.length - 1 }[event.key];
  if (to !== undefined) {
    event.preventDefault();
    items.at(to % items.length).focus();
  } else if (event.key === "Escape" || event.key === "Tab") {
    event.preventDefault();
    close(true);
  }
}

// Below its button, or above it where there is no room; never out of the window. It moves with the page.
function place(menu, opener) {
  const [at, own] = [opener.getBoundingClientRect(), menu.getBoundingClientRect()];
  const fits = at.bottom + own.height < innerHeight;
  menu.style.top = `${scrollY + Math.max(8, fits ? at.bottom : at.top - own.height)}px`;
  menu.style.left = `${scrollX + Math.max(8, Math.min(at.right - own.width, innerWidth - own.width - 8))}px`;
}

// What the page tells beside what was asked for: a word that something is done, perhaps with a way back, or what went wrong.
// Screen readers hear it, and nobody loses the place where they are.

import { explain } from "./api.js";
import { at, button, make } from "./dom.js";
import { t } from "./text.js";

const SHOWN_MILLISECONDS = 10_000;
let hiding = 0;

function show(place, text, undo) {
  clear();
  const close = button("", clear, { look: "plain", symbol: "close", label: t("do.close") });
  const goBack = () => {
    clear();
    attempt(null, undo);
  };
  const back = undo ? [button(t("do.undo"), goBack, { look: "plain" })] : [];
  at(place).append(make("span", {}, text), ...back, close);
  if (place === "said") hiding = setTimeout(hide, SHOWN_MILLISECONDS);
}

function hide() {
  // Whoever is about to press what is in there keeps it.
  if (at("said").matches(":hover, :focus-within")) hiding = setTimeout(hide, SHOWN_MILLISECONDS);
  else clear();
}

function clear() {
  clearTimeout(hiding);
  for (const id of ["said", "wrong"]) at(id).replaceChildren();
}

export const say = (text, undo) => show("said", text, undo);

// A session that has ended begins again on the page for signing in.
export function complain(error) {
  if (error.name === "AbortError") return;
  if (error.code === "unauthorized") location.assign("/user/signin");
  else show("wrong", explain(error));
}

// Runs what a control stands for, once at a time.
export async function attempt(control, work) {
  if (control?.getAttribute("aria-busy") === "true") return undefined;
  control?.setAttribute("aria-busy", "true");
  try {
    return await work();
  } catch (error) {
    complain(error);
    return undefined;
  } finally {
    control?.removeAttribute("aria-busy");
  }
}

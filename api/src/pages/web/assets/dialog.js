// Dialogs: the browser's own, which keep the focus inside, close on Escape and give the focus back.

import { explain, newKey } from "./api.js";
import { button, make } from "./dom.js";
import { t } from "./text.js";

let numbers = 0;

// Asks for something. `work` gets the form and does what is wanted; what goes wrong is said in the dialog, which stays. `work` also
// gets a key for the drive and the time that goes with it: the same until something else is wished, so that nothing is done twice.
// Returns what `work` returned, or undefined when the dialog was left.
export function ask({ title, content, submit, danger = false, work }) {
  const wrong = make("p", { class: "wrong", role: "alert" });
  const send = make("button", { class: danger ? "danger" : "main" }, submit);
  const form = make("form", { method: "dialog" }, ...content, wrong);
  const dialog = frame(title, form);
  const isBusy = () => send.getAttribute("aria-busy") === "true";
  // Who leaves while it is being done would not learn what came of it.
  const leave = () => isBusy() || dialog.close();
  form.append(make("div", { class: "answers" }, button(t("do.cancel"), leave), send));
  for (const way of ["cancel", "keydown"])
    dialog.addEventListener(way, (event) => {
      if (isBusy() && (way === "cancel" || event.key === "Escape")) event.preventDefault();
    });
  const begin = () => ({ key: newKey(), time: Date.now() });
  let once = begin();
  form.addEventListener("input", () => {
    once = begin();
  });
  let result;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (isBusy()) return;
    send.setAttribute("aria-busy", "true");
    wrong.replaceChildren();
    try {
      result = await work(form, once);
      dialog.close();
    } catch (error) {
      wrong.textContent = explain(error);
    } finally {
      send.removeAttribute("aria-busy");
    }
  });
  return open(dialog).then(() => result);
}

// Shows something until it is closed.
export function show({ title, content }) {
  const dialog = frame(title, ...content);
  dialog.append(
    make(
      "div",
      { class: "answers" },
      button(t("do.close"), () => dialog.close()),
    ),
  );
  return open(dialog);
}

function frame(title, ...content) {
  numbers += 1;
  const id = `dialog-${numbers}`;
  return make("dialog", { "aria-labelledby": id }, make("h2", { id }, title), ...content);
}

function open(dialog) {
  document.body.append(dialog);
  dialog.showModal();
  dialog.querySelector("[data-select]")?.select();
  return new Promise((closed) => {
    dialog.addEventListener(
      "close",
      () => {
        dialog.remove();
        closed();
      },
      { once: true },
    );
  });
}

// A label and its field.
export function field(label, attributes, tag = "input", ...children) {
  numbers += 1;
  const id = `field-${numbers}`;
  return make(
    "div",
    { class: "field" },
    make("label", { for: id }, label),
    make(tag, { id, autocomplete: "off", ...attributes }, ...children),
  );
}

export const hint = (text) => make("p", { class: "hint" }, text);

// Dialogs: the browser's own, which keep the focus inside, close on Escape and give the focus back.

import { explain } from "./api.js";
import { button, make } from "./dom.js";
import { t } from "./text.js";

let numbers = 0;

// Asks for something. `work` gets the form and does what is wanted; what goes wrong is said in the dialog, which stays.
// Returns what `work` returned, or undefined when the dialog was left.
export function ask({ title, content, submit, danger = false, work }) {
  const wrong = make("p", { class: "wrong", role: "alert" });
  const send = make("button", { class: danger ? "danger" : "main" }, submit);
  const form = make("form", { method: "dialog" }, ...content, wrong);
  const dialog = frame(title, form);
  form.append(
    make(
      "div",
      { class: "answers" },
      button(t("do.cancel"), () => dialog.close()),
      send,
    ),
  );
  let result;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (send.getAttribute("aria-busy") === "true") return;
    send.setAttribute("aria-busy", "true");
    wrong.replaceChildren();
    try {
      result = await work(form);
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

// What the pages say, in the language that was chosen, or else in the browser's.

import en from "./text/en.js";
import zh from "./text/zh.js";

const DICTIONARIES = { en, zh };
const KEY = "cairn.language";
const listeners = new Set();
let language = chosen();

function chosen() {
  const wanted = localStorage.getItem(KEY) ?? navigator.language.slice(0, 2).toLowerCase();
  return Object.hasOwn(DICTIONARIES, wanted) ? wanted : "en";
}

export const has = (key) => Object.hasOwn(DICTIONARIES[language], key);

// A text with its values in place. What comes from elsewhere is only ever a value, and a value is never a pattern.
export function t(key, values = {}) {
  return (DICTIONARIES[language][key] ?? key).replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
}

// Puts texts where the markup asks for them.
export function translate(root = document) {
  document.documentElement.lang = language === "zh" ? "zh-Hans" : language;
  for (const element of root.querySelectorAll("[data-t]")) element.textContent = t(element.dataset.t);
  for (const element of root.querySelectorAll("[data-t-label]")) element.setAttribute("aria-label", t(element.dataset.tLabel));
  for (const element of root.querySelectorAll("[data-t-placeholder]")) element.placeholder = t(element.dataset.tPlaceholder);
}

// Whoever shows texts that are not in the markup shows them anew when the language changes.
export const onLanguage = (listener) => listeners.add(listener);

export function languageSwitch(button) {
  translate();
  button.addEventListener("click", () => {
    language = language === "en" ? "zh" : "en";
    localStorage.setItem(KEY, language);
    translate();
    for (const listener of listeners) listener();
  });
}

const UNITS = ["B", "KiB", "MiB", "GiB", "TiB"];

export function bytes(count) {
  const step = Math.min(UNITS.length - 1, Math.floor(Math.log2(Math.max(count, 1)) / 10));
  const number = new Intl.NumberFormat(language, { maximumFractionDigits: step ? 1 : 0 });
  return `${number.format(count / 1024 ** step)} ${UNITS[step]}`;
}

export const number = (value) => new Intl.NumberFormat(language).format(value);

const formatted = (style) => (text) => new Intl.DateTimeFormat(language, style).format(new Date(text));
export const time = formatted({ dateStyle: "medium", timeStyle: "short" });
export const day = formatted({ dateStyle: "medium" });
export const hour = formatted({ timeStyle: "short" });

// The uploads of this page and what was left open elsewhere, as a panel with a row for each.

import { all } from "./api.js";
import { at, button, icon, make, named } from "./dom.js";
import { Unreadable } from "./hash.js";
import { attempt, complain, say } from "./messages.js";
import { bytes, onLanguage, t } from "./text.js";
import { Upload } from "./upload.js";

const RUNNING_MAX = 3;
const rows = new Map();
let finished = () => {};
let wanted = null;

// `onFile` hears of every file that came to be.
export async function startUploads(onFile) {
  finished = onFile;
  at("uploads-fold").addEventListener("click", fold);
  at("uploads-clear").addEventListener("click", clear);
  at("again").addEventListener("change", () => again([...at("again").files]));
  onLanguage(() => rows.forEach((row, upload) => draw(upload, row)));
  for (const open of (await all("/file/mpupload/query")).reverse()) {
    const isHere = [...rows.keys()].some((upload) => upload.id === open.upload_id);
    if (!isHere) place(new Upload({ open, changed }));
  }
}

// What was begun earlier and is the same by name, size and place goes on.
export function upload(files, folder) {
  for (const file of files) {
    const left = [...rows.keys()].find(
      ({ state, name, size, folder: where }) =>
        state === "lost" && name === file.name.normalize() && size === file.size && where === folder,
    );
    if (left) goOn(left, file);
    else place(new Upload({ file, folder, changed }));
  }
  next();
}

// The hash tells whether it is the same file, where the drive knows it; a file of another content is an upload of its own.
function goOn(left, file) {
  const { id, name, folder, open } = left;
  const begun = new Upload({ file, name, folder, changed });
  Object.assign(begun, { id, done: left.done, open });
  rows.set(begun, rows.get(left));
  rows.delete(left);
  draw(begun, rows.get(begun));
}

function again([file]) {
  const left = wanted;
  at("again").value = "";
  if (!file || !rows.has(left)) return;
  if (file.size !== left.size) complain(new Error(t("upload.wrong.file", { name: file.name })));
  else goOn(left, file);
  next();
}

// Whoever starts says so at once, and that comes back here: so what is queued is looked for anew each time.
function next() {
  const uploads = [...rows.keys()];
  const isFull = () => uploads.filter(({ isRunning }) => isRunning).length >= RUNNING_MAX;
  const queued = () => uploads.find(({ state }) => state === "queued");
  for (let upload = queued(); upload && !isFull(); upload = queued()) upload.run();
}

function changed(upload) {
  const row = rows.get(upload);
  if (!row) return;
  if (upload.parted) {
    place(new Upload({ open: upload.parted, changed }));
    upload.parted = null;
    complain(new Error(t("upload.wrong.file", { name: upload.name })));
  }
  const before = row.line.dataset.state;
  draw(upload, row);
  if (before === upload.state) return;
  const { name, why } = upload;
  if (upload.state === "failed") say(t("upload.said.failed", { name, why }));
  if (upload.result) {
    say(t(`upload.said.${upload.state}`, { name }));
    finished(upload.result);
  }
  next();
}

function place(upload) {
  const name = named(upload.name, { class: "name", title: upload.name });
  const state = make("p", { class: "state" });
  const bar = make("progress", { max: Math.max(1, upload.size) });
  const controls = make("span", { class: "controls" });
  const line = make("li", {}, icon("file"), make("div", { class: "about" }, name, bar, state), controls);
  rows.set(upload, { line, bar, state, controls });
  at("uploads-list").prepend(line);
  draw(upload, rows.get(upload));
}

function draw(upload, { line, bar, state, controls }) {
  const { name, why } = upload;
  const done = upload.state === "hashing" ? upload.hashed : upload.done;
  const values = { done: bytes(done), size: bytes(upload.size), why };
  if (["starting", "asking", "merging", "cancelling"].includes(upload.state)) bar.removeAttribute("value");
  else bar.value = upload.size === 0 && upload.result ? 1 : done;
  bar.setAttribute("aria-label", t("upload.progress", { name }));
  bar.hidden = upload.hasEnded;
  const text = t(upload.state === "waiting" && why ? "upload.state.busy" : `upload.state.${upload.state}`, values);
  if (state.textContent !== text) state.textContent = text;
  if (line.dataset.state !== upload.state || controls.lang !== document.documentElement.lang) {
    const hadFocus = controls.contains(document.activeElement);
    controls.lang = document.documentElement.lang;
    controls.replaceChildren(...controlsOf(upload, name));
    if (hadFocus) controls.querySelector("button")?.focus();
  }
  line.dataset.state = upload.state;
  tell();
}

function controlsOf(upload, name) {
  const control = (symbol, what, work) => button("", work, { look: "plain", symbol, label: t(`upload.${what}`, { name }) });
  const giveUp = (event) =>
    attempt(event.currentTarget, async () => {
      await upload.cancel();
      remove(upload);
    });
  const cancel = control("close", "cancel", giveUp);
  const resume = () => {
    upload.state = "queued";
    draw(upload, rows.get(upload));
    next();
  };
  if (upload.state === "lost") {
    const choose = button(
      t("upload.choose"),
      () => {
        wanted = upload;
        at("again").click();
      },
      { look: "small", label: t("upload.choose.it", { name }) },
    );
    return [choose, cancel];
  }
  if (upload.state === "paused") return [control("play", "resume", resume), cancel];
  if (upload.state === "elsewhere") return [cancel];
  if (upload.state === "failed") {
    const again = upload.error instanceof Unreadable ? [] : [control("again", "resume", resume)];
    return [...again, control("close", "dismiss", giveUp)];
  }
  if (upload.hasEnded) return [control("close", "dismiss", () => remove(upload))];
  const pause = control("pause", "pause", () => upload.pause());
  return ["merging", "cancelling"].includes(upload.state) ? [] : [pause, cancel];
}

function remove(upload) {
  const { line } = rows.get(upload);
  const near = line.nextElementSibling ?? line.previousElementSibling;
  // The control that was pressed may be gone already.
  const hadFocus = line.contains(document.activeElement) || document.activeElement === document.body;
  rows.delete(upload);
  line.remove();
  tell();
  if (hadFocus) (near?.querySelector("button") ?? at("title")).focus();
  next();
}

function clear() {
  for (const upload of [...rows.keys()].filter(({ result }) => result)) remove(upload);
  at("title").focus();
}

function fold() {
  const isOpen = at("uploads-fold").getAttribute("aria-expanded") === "true";
  at("uploads-fold").setAttribute("aria-expanded", String(!isOpen));
  at("uploads-list").hidden = isOpen;
}

function tell() {
  at("uploads").hidden = rows.size === 0;
  const open = [...rows.keys()].filter((upload) => !upload.hasEnded).length;
  at("uploads-count").textContent = open > 0 ? String(open) : "";
  at("uploads-clear").hidden = ![...rows.keys()].some(({ result }) => result);
}

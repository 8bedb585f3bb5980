// A shared file, for whoever holds the link.

import { explain, headersOfPage, judged, lost, post, query, reach, read } from "./api.js";
import { at } from "./dom.js";
import { bytes, languageSwitch, onLanguage, t, time } from "./text.js";

const token = decodeURIComponent(location.pathname.split("/").at(-1));
const address = query("/share/download", { token });
let info = null;

function draw() {
  const { name, size, owner, expires_at, needs_password } = info;
  document.title = `${name} · Cairn`;
  at("name").textContent = name;
  at("size").textContent = bytes(size);
  at("by").textContent = t("shared.by", { owner });
  at("until").textContent = expires_at ? t("shared.until", { time: time(expires_at) }) : "";
  at("protected").hidden = !needs_password;
  at("found").hidden = false;
}

// A browser downloads by itself what needs no password. A header can only be sent by a script, which then has to take the bytes in.
async function download() {
  if (!info.needs_password) {
    const link = document.createElement("a");
    Object.assign(link, { href: address, download: info.name });
    link.click();
    return;
  }
  const target = await chooseTarget();
  const answer = await reach(address, { headers: { ...headersOfPage(), "Share-Password": asHeader(at("password").value) } });
  if (!answer.ok) {
    await target?.abort();
    judged(answer.status, await answer.json().catch(() => null), (name) => answer.headers.get(name));
  }
  const counted = answer.body.pipeThrough(counter());
  if (target) await counted.pipeTo(target).catch(lost);
  else keep(await new Response(counted).blob().catch(lost));
  at("progress").hidden = true;
  at("said").textContent = t("shared.received", info);
}

// Where the browser lets a script write to a file, it goes there as it comes; elsewhere it is gathered in memory first.
async function chooseTarget() {
  if (!window.showSaveFilePicker || info.size < LARGE_BYTES) return null;
  const file = await window.showSaveFilePicker({ suggestedName: info.name });
  return file.createWritable();
}

const LARGE_BYTES = 256 * 1024 * 1024;

function keep(blob) {
  const link = document.createElement("a");
  Object.assign(link, { href: URL.createObjectURL(blob), download: info.name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

function counter() {
  let done = 0;
  Object.assign(at("progress"), { hidden: false, max: Math.max(1, info.size), value: 0 });
  return new TransformStream({
    transform(chunk, out) {
      done += chunk.byteLength;
      at("progress").value = done;
      at("said").textContent = t("shared.receiving", { done: bytes(done), size: bytes(info.size) });
      out.enqueue(chunk);
    },
  });
}

// Headers hold bytes: those of UTF-8.
const asHeader = (text) => String.fromCharCode(...new TextEncoder().encode(text));

async function save() {
  const file = await post("/share/save", { token, password: at("password").value || null });
  at("said").textContent = t("said.saved", file);
}

function on(control, work) {
  control.addEventListener("click", async () => {
    if (control.getAttribute("aria-busy") === "true" || !at("form").reportValidity()) return;
    control.setAttribute("aria-busy", "true");
    for (const id of ["wrong", "said"]) at(id).textContent = "";
    try {
      await work();
    } catch (error) {
      at("progress").hidden = true;
      if (error.name !== "AbortError") at("wrong").textContent = explain(error);
      if (error.code === "password_required") at("password").focus();
    } finally {
      control.removeAttribute("aria-busy");
    }
  });
}

// Whether somebody is signed in. Who is not can do so and comes back.
async function greet() {
  const person = await read("/user/info").catch(() => null);
  at("save").hidden = person === null;
  at("home").hidden = person === null;
  at("signin").hidden = person !== null;
  at("signin").href = query("/user/signin", { share: token });
}

async function start() {
  languageSwitch(at("language"));
  onLanguage(() => info && draw());
  at("form").addEventListener("submit", (event) => {
    event.preventDefault();
    at("download").click();
  });
  on(at("download"), download);
  on(at("save"), save);
  try {
    info = await read(query("/share/info", { token }));
    draw();
    at("password").required = info.needs_password;
    await greet();
  } catch (error) {
    at("gone").hidden = error.status !== 404 && error.status !== 422;
    if (at("gone").hidden) at("failed").textContent = explain(error);
  }
}

start();

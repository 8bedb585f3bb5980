// What the pages do. The token stays in this tab and travels in the Authorization header only; the name of a file is
// only ever text, never markup.

const TOKEN = "cairn.token";
const PAGE_ITEMS = 50;
const at = (id) => document.getElementById(id);
const show = (text) => { at("error").textContent = text; };

// Where the log stood after the last change; a read waits for it, whichever node answers.
let position = 0;

class Refusal extends Error {
  constructor(status, problem) {
    const fields = (problem.errors ?? []).map(({ field, message }) => `${field}: ${message}`);
    super(fields.join("; ") || (problem.detail ?? `The drive answered with status ${status}.`));
    this.status = status;
  }
}

async function call(method, path, body, contentType) {
  const headers = { Accept: "application/json" };
  const token = sessionStorage.getItem(TOKEN);
  if (token) headers.Authorization = `Bearer ${token}`;
  if (contentType) headers["Content-Type"] = contentType;
  if (method === "GET" && position) headers["Cairn-Min-Position"] = String(position);
  const answer = await fetch(path, { method, headers, body, credentials: "omit", cache: "no-store" })
    .catch(() => { throw new Error("The drive could not be reached. Please try again."); });
  if (!answer.ok) throw new Refusal(answer.status, await answer.json().catch(() => ({})));
  position = Math.max(position, Number(answer.headers.get("Cairn-Position")));
  return answer.status === 204 ? null : answer.json();
}

const read = (path) => call("GET", path);
const post = (path, body) => call("POST", path, JSON.stringify(body), "application/json");

// Runs what a control stands for, once at a time, and says in words what went wrong.
async function attempt(control, work) {
  if (control.getAttribute("aria-busy") === "true") return;
  control.setAttribute("aria-busy", "true");
  show("");
  try {
    await work();
  } catch (error) {
    if (error.status === 401 && document.body.dataset.page === "home") leave();
    else show(error.message);
  } finally {
    control.removeAttribute("aria-busy");
  }
}

const on = (control, event, work) => control.addEventListener(event, (happened) => {
  happened.preventDefault();
  attempt(event === "submit" ? happened.submitter ?? control : control, work);
});

function leave() {
  sessionStorage.removeItem(TOKEN);
  location.replace("/user/signin");
}

function credentials(isNew) {
  on(at("credentials"), "submit", async () => {
    const wish = { username: at("username").value, password: at("password").value };
    sessionStorage.removeItem(TOKEN);
    if (isNew) await post("/user/signup", wish);
    // The account is there: if signing in fails now, signing up again would only say that the name is taken.
    const session = await post("/user/signin", wish).catch((error) => {
      if (!isNew) throw error;
    });
    if (session) sessionStorage.setItem(TOKEN, session.token);
    location.assign(session ? "/home" : "/user/signin");
  });
}

function size(bytes) {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  const step = Math.min(units.length - 1, Math.floor(Math.log2(Math.max(bytes, 1)) / 10));
  return `${(bytes / 1024 ** step).toLocaleString(undefined, { maximumFractionDigits: step ? 1 : 0 })} ${units[step]}`;
}

function element(tag, text, ...classes) {
  const made = document.createElement(tag);
  made.textContent = text;
  made.classList.add(...classes);
  return made;
}

async function account() {
  const info = await read("/user/info");
  at("who").textContent = info.username;
  const quota = info.quota_bytes === null ? "" : ` of ${size(info.quota_bytes)}`;
  at("usage").textContent = `uses ${size(info.used_bytes)}${quota}`;
}

let view = "active";
let cursor = null;
// Which load is the newest: the answer of an older one is dropped.
let turn = 0;

async function load(fresh) {
  const mine = ++turn;
  const from = fresh || cursor === null ? "" : `&cursor=${encodeURIComponent(cursor)}`;
  const page = await read(`/file/query?status=${view}&limit=${PAGE_ITEMS}${from}`);
  if (mine !== turn) return;
  if (fresh) at("files").replaceChildren();
  const rows = page.items.map(row);
  at("files").append(...rows);
  if (!fresh) rows[0]?.querySelector("button").focus();
  cursor = page.next_cursor;
  settle();
}

function settle() {
  at("more").hidden = cursor === null;
  at("empty").hidden = cursor !== null || at("files").childElementCount > 0;
}

function row(file) {
  const line = document.createElement("li");
  const name = element("bdi", file.name, "name");
  name.id = `name-${file.id}`;
  const buttons = element("span", "", "row");
  const action = (text, work) => {
    const button = element("button", text);
    button.type = "button";
    button.setAttribute("aria-describedby", name.id);
    on(button, "click", () => work(file, line));
    buttons.append(button);
  };
  if (file.status === "active") {
    action("Download", download);
    action("Rename", rename);
    action("Delete", (it, its) => remove(its, () => post("/file/delete", { id: it.id })));
  } else {
    action("Restore", (it, its) => remove(its, () => post("/file/restore", { id: it.id })));
    action("Delete for good", purge);
  }
  const about = `${size(file.size)}, ${new Date(file.updated_at).toLocaleString()}`;
  line.append(name, element("small", about), buttons);
  return line;
}

async function download(file) {
  const link = element("a", "");
  link.href = (await post("/file/downloadurl", { id: file.id })).url;
  link.download = "";
  link.click();
}

async function rename(file, line) {
  const [dialog, field] = [at("rename"), at("name")];
  field.value = file.name;
  dialog.returnValue = "";
  dialog.showModal();
  field.select();
  await new Promise((closed) => dialog.addEventListener("close", closed, { once: true }));
  if (dialog.returnValue !== "rename" || field.value === file.name) return;
  const renamed = row(await post("/file/update", { id: file.id, name: field.value }));
  line.replaceWith(renamed);
  renamed.querySelectorAll("button")[1].focus();
}

async function remove(line, work) {
  await work();
  const near = line.nextElementSibling ?? line.previousElementSibling;
  line.remove();
  settle();
  (near?.querySelector("button") ?? at("title")).focus();
}

async function purge(file, line) {
  if (!confirm(`Delete "${file.name}" for good? It cannot be brought back.`)) return;
  await remove(line, () => post("/file/delete", { id: file.id, purge: true }));
  await account();
}

async function upload() {
  const chosen = [...at("chosen").files];
  try {
    for (const [index, file] of chosen.entries()) {
      at("status").textContent = `Uploading ${file.name} (${index + 1} of ${chosen.length})`;
      // The bytes go as they are; the drive tells the media type from the name.
      const path = `/file/upload?name=${encodeURIComponent(file.name)}`;
      const stored = await call("POST", path, file, "application/octet-stream");
      if (view === "active") at("files").prepend(row(stored));
      settle();
    }
    at("status").textContent = chosen.length === 1 ? `${chosen[0].name} is uploaded.` : `${chosen.length} files are uploaded.`;
    at("upload").reset();
  } catch (error) {
    at("status").textContent = "";
    throw error;
  }
  await account();
}

function choose(wanted) {
  view = wanted;
  cursor = null;
  at("files").replaceChildren();
  at("more").hidden = at("empty").hidden = true;
  at("title").textContent = wanted === "active" ? "Files" : "Trash";
  for (const id of ["active", "trashed"]) at(id).setAttribute("aria-pressed", String(id === wanted));
  return load(true);
}

function home() {
  // Also when the page comes back out of the browser's memory after signing out.
  addEventListener("pageshow", () => { if (!sessionStorage.getItem(TOKEN)) leave(); });
  if (!sessionStorage.getItem(TOKEN)) return;
  on(at("signout"), "click", async () => { await call("POST", "/user/signout"); leave(); });
  on(at("upload"), "submit", upload);
  on(at("more"), "click", () => load(false));
  for (const id of ["active", "trashed"]) on(at(id), "click", () => choose(id));
  attempt(at("title"), () => Promise.all([account(), load(true)]));
}

({ signup: () => credentials(true), signin: () => credentials(false), home })[document.body.dataset.page]();

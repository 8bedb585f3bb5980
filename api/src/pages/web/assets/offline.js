// What the drive fetches from the web by itself.

import { isPassing, post, read, query } from "./api.js";
import { ask, field, hint } from "./dialog.js";
import { at, button, icon, make, named } from "./dom.js";
import { nameOf } from "./folders.js";
import { attempt, complain, say } from "./messages.js";
import { claim, fill, nothing, open, pagesOf, tool } from "./screen.js";
import { bytes, has, t } from "./text.js";

const LOOK_MILLISECONDS = 1500;
const goesOn = ({ state }) => state === "queued" || state === "running";

// `onFile` hears of each that has become a file.
export function showOffline({ folder, refresh, onFile }) {
  claim();
  open({
    title: t("offline.title"),
    lead: t("offline.lead"),
    tools: [tool("offline.start", "cloud", () => start(folder, refresh), "main")],
  });
  const pages = pagesOf("/offline/query", {}, (task) => rowOf(task, onFile));
  return fill(pages, nothing("cloud", "offline.none"));
}

async function start(folder, refresh) {
  const begun = await ask({
    title: t("offline.start"),
    content: [
      field(t("offline.url"), { name: "url", type: "url", required: true, pattern: "https?://.+", inputmode: "url" }),
      field(t("offline.name"), { name: "name", maxlength: 255 }),
      hint(t("offline.into", { folder: nameOf(folder) })),
    ],
    submit: t("do.start"),
    work: ({ elements }, once) =>
      post("/offline/create", { url: elements.url.value, name: elements.name.value || null, folder_id: folder }, once),
  });
  if (!begun) return;
  say(t("offline.started"));
  await refresh();
}

function rowOf(task, onFile) {
  const name = task.file?.name ?? task.name ?? task.url;
  const state = make("span", { class: task.state === "completed" ? "chip good" : "chip" }, t(`state.${task.state}`));
  const about = [named(name, { class: "name" }), make("span", { class: "hint" }, why(task) ?? task.url)];
  if (goesOn(task)) {
    const bar = make("progress", {
      max: task.total_bytes || 1,
      value: task.total_bytes ? task.received_bytes : null,
      "aria-label": name,
    });
    const total = task.total_bytes ? bytes(task.total_bytes) : "?";
    about.push(bar, make("span", { class: "hint" }, t("offline.progress", { received: bytes(task.received_bytes ?? 0), total })));
  }
  const cancel = button(
    "",
    (event) =>
      attempt(event.currentTarget, async () => {
        await post("/offline/cancel", { id: task.id });
        await look(task, row, onFile);
      }),
    { look: "plain", symbol: "close", label: t("offline.cancel", { name }) },
  );
  const row = make(
    "li",
    { "data-id": task.id },
    icon("cloud"),
    make("span", { class: "title" }, ...about),
    state,
    make("span", { class: "controls" }, ...(goesOn(task) ? [cancel] : [])),
  );
  if (goesOn(task)) lookLater(task, row, onFile);
  return row;
}

function why({ error, detail }) {
  if (!error) return null;
  return has(`problem.${error}`) ? t(`problem.${error}`) : (detail ?? error);
}

// A drive that does not answer just now is asked again all the same.
function lookLater(task, row, onFile, milliseconds = LOOK_MILLISECONDS) {
  setTimeout(() => {
    look(task, row, onFile).catch((error) => {
      if (!isPassing(error)) return complain(error);
      return lookLater(task, row, onFile, Math.max(LOOK_MILLISECONDS, 1000 * (error.retryAfter ?? 0)));
    });
  }, milliseconds);
}

// Looks again, as long as the row is on the screen.
async function look(task, row, onFile) {
  if (!row.isConnected) return;
  const now = await read(query("/offline/status", { id: task.id }));
  if (!row.isConnected) return;
  const hadFocus = row.contains(document.activeElement);
  const next = rowOf(now, onFile);
  row.replaceWith(next);
  if (hadFocus) (next.querySelector("button") ?? at("title")).focus();
  if (now.file && goesOn(task)) onFile(now.file);
}

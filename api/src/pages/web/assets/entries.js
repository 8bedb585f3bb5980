// What can be done with a file or a folder, wherever it is listed.

import { all, post } from "./api.js";
import { ask, field, show } from "./dialog.js";
import { make, named } from "./dom.js";
import { folderChoice, folderOf, loadFolders, nameOf, placeOf, remember } from "./folders.js";
import { say } from "./messages.js";
import { bytes, has, number, t, time } from "./text.js";

export const isFolder = (entry) => Object.hasOwn(entry, "parent_id");
export const parentOf = (entry) => (isFolder(entry) ? entry.parent_id : entry.folder_id);
const kindOf = (entry) => (isFolder(entry) ? "folder" : "file");
const change = (verb, entry, wish = {}, once = {}) => post(`/${kindOf(entry)}/${verb}`, { id: entry.id, ...wish }, once);

function kept(entry) {
  if (isFolder(entry)) remember(entry);
  return entry;
}

// Each returns the entry as it is afterwards, or undefined when nothing was done.

export function rename(entry) {
  const name = field(t("rename.name"), {
    name: "name",
    required: true,
    maxlength: 255,
    value: entry.name,
    spellcheck: "false",
    "data-select": true,
  });
  return ask({
    title: t("rename.title", entry),
    content: [name],
    submit: t("do.rename"),
    async work(form, once) {
      const renamed = kept(await change("update", entry, { name: form.elements.name.value }, once));
      say(t("said.renamed", renamed));
      return renamed;
    },
  });
}

export async function move(entry) {
  await loadFolders();
  return ask({
    title: t("move.title", entry),
    content: [folderChoice(parentOf(entry), isFolder(entry) ? entry.id : null)],
    submit: t("move.submit"),
    async work(form, once) {
      const place = form.elements.folder.value || null;
      const moved = kept(await change("update", entry, isFolder(entry) ? { parent_id: place } : { folder_id: place }, once));
      say(t("said.moved", { name: entry.name, folder: nameOf(place) }));
      return moved;
    },
  });
}

export async function trash(entry, refresh) {
  const trashed = await change("delete", entry);
  say(t("said.trashed", entry), async () => {
    await restore(entry);
    await refresh();
  });
  return trashed;
}

export async function restore(entry) {
  const restored = kept(await change("restore", entry));
  say(t("said.restored", entry));
  return restored;
}

export function purge(entry) {
  return ask({
    title: t("purge.title"),
    content: [make("p", {}, t(`purge.${kindOf(entry)}`, entry))],
    submit: t("do.purge"),
    danger: true,
    async work(_, once) {
      await change("delete", entry, { purge: true }, once);
      say(t("said.purged", entry));
      return true;
    },
  });
}

export function newFolder(parent) {
  return ask({
    title: t("folder.title"),
    content: [field(t("folder.name"), { name: "name", required: true, maxlength: 255, spellcheck: "false" })],
    submit: t("do.create"),
    async work(form, once) {
      const made = kept(await post("/folder/create", { name: form.elements.name.value, parent_id: parent }, once));
      say(t("said.folder", made));
      return made;
    },
  });
}

// The operator may have called a store as they like.
export const storeName = (store) => (has(`store.${store}`) ? t(`store.${store}`) : store);

export function details(file) {
  const facts = [
    ["details.size", t("details.bytes", { size: bytes(file.size), bytes: number(file.size) })],
    ["details.type", file.content_type],
    ["details.stored", storeName(file.stored_in)],
    ["details.folder", placeOf(file.folder_id) || t("files.title")],
    ["details.created", time(file.created_at)],
    ["details.changed", time(file.updated_at)],
  ].map(([key, value]) => [t(key), value]);
  const all = [...facts, ["SHA-256", file.sha256], ["SHA-1", file.sha1]];
  return show({
    title: file.name,
    content: [
      make("dl", { class: "facts" }, ...all.flatMap(([name, value]) => [make("dt", {}, name), make("dd", {}, named(value))])),
    ],
  });
}

export async function history(file) {
  const events = await all("/file/history", { id: file.id });
  const lines = events.map(({ type, time: when, data }) => {
    const key = `history.${type}`;
    const folder = data.folder ? (folderOf(data.folder)?.name ?? "…") : t("files.title");
    const text = has(key) ? t(key, { name: data.name, folder }) : type;
    const store = data.to ?? data.store;
    const where = typeof store === "string" ? ` (${storeName(store)})` : "";
    return make("li", {}, make("span", {}, text + where), make("time", { datetime: when }, time(when)));
  });
  return show({ title: t("history.title", file), content: [make("ol", { class: "events" }, ...lines)] });
}

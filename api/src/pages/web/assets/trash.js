// What was deleted: to be brought back, or to be gone for good.

import { all } from "./api.js";
import { button, icon, make, named } from "./dom.js";
import { isFolder, purge, restore } from "./entries.js";
import { loadFolders } from "./folders.js";
import { attempt } from "./messages.js";
import { changedAt, claim, fill, nothing, open, pagesOf, remove } from "./screen.js";
import { bytes, t } from "./text.js";

export async function showTrash() {
  const isNewest = claim();
  await loadFolders();
  const folders = await all("/folder/query", { status: "trashed" });
  if (!isNewest()) return undefined;
  const trashed = new Set(folders.map(({ id }) => id));
  // What went along with its folder comes back with it, and is not listed beside it.
  const top = folders.filter(({ parent_id }) => !trashed.has(parent_id));
  const file = (entry) => (trashed.has(entry.folder_id) ? null : rowOf(entry));
  open({ title: t("trash.title"), lead: t("trash.lead"), columns: ["name", "size", "changed"] });
  return fill(pagesOf("/file/query", { status: "trashed" }, file, top.map(rowOf)), nothing("trash", "trash.none"));
}

function rowOf(entry) {
  const leave = (work) => (event) =>
    attempt(event.currentTarget, async () => {
      if (await work(entry)) remove(row);
    });
  const row = make(
    "li",
    { "data-id": entry.id, "data-kind": isFolder(entry) ? "folder" : "file" },
    icon(isFolder(entry) ? "folder" : "file"),
    make("span", { class: "title" }, named(entry.name, { class: "name" })),
    make("span", { class: "size" }, isFolder(entry) ? "" : bytes(entry.size)),
    changedAt(entry),
    make(
      "span",
      { class: "controls" },
      button(t("do.restore"), leave(restore), { look: "small", label: t("do.restore.it", entry) }),
      button("", leave(purge), { look: "plain dangerous", symbol: "trash", label: t("do.purge.it", entry) }),
    ),
  );
  return row;
}

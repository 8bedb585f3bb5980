// The files and folders of one folder, or those with some words in their name.

import { button, icon, make, named } from "./dom.js";
import { details, history, isFolder, move, newFolder, parentOf, rename, storeName, trash } from "./entries.js";
import { folderOf, foldersCalled, foldersIn, loadFolders, pathTo, placeOf } from "./folders.js";
import { menuButton } from "./menu.js";
import { attempt } from "./messages.js";
import { add, changedAt, claim, fill, nothing, open, pagesOf, remove, replace, tool } from "./screen.js";
import { share } from "./share.js";
import { bytes, t } from "./text.js";
import { versions } from "./versions.js";

const COLUMNS = ["name", "size", "changed", "stored"];
let here = { folder: null, words: "", refresh: () => {}, choose: () => {} };

// `choose` opens the dialog of the browser for files to upload; `refresh` shows the screen anew.
export async function showFiles({ folder, words, choose, refresh }) {
  const isNewest = claim();
  await loadFolders();
  if (!isNewest()) return undefined;
  here = { folder, words, choose, refresh };
  const tools = [
    tool("files.folder", "folder-new", makeFolder),
    button(t("files.upload"), choose, { look: "main", symbol: "upload" }),
  ];
  if (words) {
    open({ title: t("search.results", { words }), columns: COLUMNS });
    return fill(
      pagesOf("/file/query", { name: words }, rowOf, foldersCalled(words).map(rowOf)),
      nothing("search", "search.none", "search.none.hint"),
    );
  }
  open({ title: folderOf(folder)?.name ?? t("files.title"), tools, path: pathAbove(folder), columns: COLUMNS });
  return fill(
    pagesOf("/file/query", { folder_id: folder ?? "" }, rowOf, foldersIn(folder).map(rowOf)),
    nothing("folder", "files.none", "files.none.hint"),
  );
}

// A file that has come to be while its folder is shown.
export function added(file) {
  if (here.words || file.folder_id !== here.folder) return;
  const list = document.getElementById("list");
  if ([...list.children].some((row) => row.dataset.id === file.id)) return;
  add(rowOf(file), list.querySelector("[data-kind=file]"));
}

async function makeFolder() {
  const made = await newFolder(here.folder);
  if (!made) return;
  await here.refresh();
  document.querySelector(`#list > [data-id="${made.id}"] a`)?.focus();
}

function pathAbove(id) {
  const path = pathTo(id);
  if (path.length === 0) return null;
  const links = [
    make("a", { href: "#" }, t("files.title")),
    ...path.slice(0, -1).map(({ id, name }) => make("a", { href: `#folder=${id}` }, named(name))),
  ];
  const items = links.map((link) => make("li", {}, link));
  return make("nav", { "aria-label": t("files.path") }, make("ol", {}, ...items));
}

function rowOf(entry) {
  const link = isFolder(entry)
    ? make("a", { href: `#folder=${entry.id}`, class: "name" }, named(entry.name))
    : make("a", { href: `/file/download?id=${entry.id}`, download: "", class: "name" }, named(entry.name));
  const place = here.words
    ? [make("span", { class: "hint" }, t("in.folder", { folder: placeOf(parentOf(entry)) || t("files.title") }))]
    : [];
  const row = make(
    "li",
    { "data-id": entry.id, "data-kind": isFolder(entry) ? "folder" : "file" },
    icon(isFolder(entry) ? "folder" : symbolOf(entry)),
    make("span", { class: "title" }, link, ...place),
    make("span", { class: "size" }, isFolder(entry) ? "" : bytes(entry.size)),
    changedAt(entry),
    make(
      "span",
      { class: "stored" },
      ...(isFolder(entry) ? [] : [make("span", { class: "chip", title: t("column.stored") }, storeName(entry.stored_in))]),
    ),
    menuButton(t("menu", entry), () => actions(entry, row)),
  );
  return row;
}

const SYMBOLS = { image: "image", video: "video", audio: "audio", text: "text" };
const symbolOf = ({ content_type }) => SYMBOLS[content_type.split("/")[0]] ?? "file";

function actions(entry, row) {
  const run = (work) => () => attempt(row, work);
  const changed = async (work) => {
    const now = await work(entry);
    if (!now) return;
    if (!here.words && parentOf(now) !== here.folder) remove(row);
    else replace(row, rowOf(now));
  };
  const own = isFolder(entry)
    ? [
        {
          text: t("do.open"),
          symbol: "folder",
          run: () => {
            location.hash = `folder=${entry.id}`;
          },
        },
      ]
    : [
        { text: t("do.download"), symbol: "download", href: `/file/download?id=${entry.id}` },
        { text: t("do.share"), symbol: "link", run: run(() => share(entry)) },
      ];
  const told = isFolder(entry)
    ? []
    : [
        { text: t("do.details"), symbol: "info", run: run(() => details(entry)) },
        { text: t("do.versions"), symbol: "again", run: run(() => changed(versions)) },
        { text: t("do.history"), symbol: "clock", run: run(() => history(entry)) },
      ];
  return [
    ...own,
    { text: t("do.rename"), symbol: "pen", run: run(() => changed(rename)) },
    { text: t("do.move"), symbol: "move", run: run(() => changed(move)) },
    ...told,
    {
      text: t("do.delete"),
      symbol: "trash",
      danger: true,
      run: run(async () => {
        await trash(entry, here.refresh);
        remove(row);
      }),
    },
  ];
}

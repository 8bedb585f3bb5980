// The folders of the account as a tree: for the path above a list, and for choosing one.

import { all } from "./api.js";
import { icon, make, named } from "./dom.js";
import { t } from "./text.js";

let folders = new Map();

export async function loadFolders() {
  folders = new Map((await all("/folder/query")).map((folder) => [folder.id, folder]));
}

export const folderOf = (id) => folders.get(id) ?? null;
export const nameOf = (id) => folders.get(id)?.name ?? t("files.title");
export const remember = (folder) => folders.set(folder.id, folder);

const byName = (a, b) => a.name.localeCompare(b.name, undefined, { numeric: true });
export const foldersIn = (parent) => [...folders.values()].filter(({ parent_id }) => parent_id === parent).sort(byName);

export function foldersCalled(words) {
  const wanted = words.toLocaleLowerCase();
  return [...folders.values()].filter(({ name }) => name.toLocaleLowerCase().includes(wanted)).sort(byName);
}

// From the top down to this one.
export function pathTo(id) {
  const path = [];
  for (let folder = folders.get(id); folder && !path.includes(folder); folder = folders.get(folder.parent_id)) path.unshift(folder);
  return path;
}

export const placeOf = (id) =>
  pathTo(id)
    .map(({ name }) => name)
    .join(" / ");

// All folders to choose one of, as radio buttons: arrows move among them. `without` and what stands in it can't be chosen.
export function folderChoice(chosen, without) {
  const options = [];
  const add = (folder, depth) => {
    if (folder && folder.id === without) return;
    const id = folder?.id ?? "";
    const radio = make("input", { type: "radio", name: "folder", value: id, checked: id === (chosen ?? "") });
    const option = make("label", { class: "choice" }, radio, icon("folder"), folder ? named(folder.name) : t("files.title"));
    option.style.paddingInlineStart = `${0.5 + Math.min(depth, 12)}rem`;
    options.push(option);
    for (const child of foldersIn(folder?.id ?? null)) add(child, depth + 1);
  };
  add(null, 0);
  return make("fieldset", { class: "choices" }, make("legend", {}, t("move.where")), ...options);
}

// The contents that a file has had: to download, and to give it again.

import { post, query, read } from "./api.js";
import { ask, hint, show } from "./dialog.js";
import { icon, make } from "./dom.js";
import { say } from "./messages.js";
import { bytes, number, t, time } from "./text.js";

// Returns the file as it is afterwards, or undefined when nothing was done.
export async function versions(file) {
  const { items } = await read(query("/file/versions", { id: file.id }));
  const title = t("versions.title", file);
  if (items.length < 2) {
    await show({ title, content: [hint(t("versions.one"))] });
    return undefined;
  }
  return ask({
    title,
    content: [hint(t("versions.lead")), choice(file, items)],
    submit: t("versions.restore"),
    async work({ elements }, once) {
      const version = Number(elements.version.value);
      const restored = await post("/file/versions/restore", { id: file.id, version }, once);
      say(t("versions.restored", { name: restored.name, number: number(version) }));
      return restored;
    },
  });
}

// The one in use can't be chosen; the newest of the others is.
function choice(file, items) {
  const newest = items.find(({ current }) => !current);
  const lines = items.map((one) => line(file, one, one === newest));
  return make("fieldset", { class: "choices" }, make("legend", {}, t("versions.choose")), ...lines);
}

function line(file, { version, size, created_at, current }, checked) {
  const radio = make("input", { type: "radio", name: "version", value: version, checked, disabled: current });
  const told = make(
    "span",
    { class: "title" },
    make("span", {}, t("versions.version", { number: number(version), size: bytes(size) })),
    make("time", { class: "hint", datetime: created_at }, time(created_at)),
  );
  const state = make("span", { class: "chip good" }, ...(current ? [t("versions.current")] : []));
  const label = t("versions.download", { number: number(version) });
  const href = query("/file/download", { id: file.id, version });
  return make(
    "div",
    { class: "version" },
    make("label", { class: "choice" }, radio, told, state),
    make("a", { href, download: "", "aria-label": label, title: label }, icon("download")),
  );
}

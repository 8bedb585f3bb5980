// Making a link to a file, and changing one.

import { post } from "./api.js";
import { ask, field, hint, show } from "./dialog.js";
import { button, make } from "./dom.js";
import { say } from "./messages.js";
import { t, time } from "./text.js";

const HOUR_MILLISECONDS = 3_600_000;
const DURATIONS = { never: null, day: 24, week: 7 * 24, month: 30 * 24 };

export async function share(file) {
  const made = await ask({
    title: t("share.title", file),
    content: [hint(t("share.lead")), ...fields(Object.keys(DURATIONS), t("share.password"))],
    submit: t("share.create"),
    work({ elements }, once) {
      const wish = {
        file_id: file.id,
        password: elements.password.value || null,
        expires_at: endOf(elements.expires.value, once.time),
        max_downloads: Number(elements.downloads.value) || null,
      };
      return post("/share/create", wish, once);
    },
  });
  if (made) await handOver(made);
}

export function changeShare(share) {
  const [password, expires, downloads] = fields(["keep", ...Object.keys(DURATIONS)], t("share.password.keep"), share.max_downloads);
  const drop = make("input", { type: "checkbox", name: "drop" });
  const without = share.has_password ? [make("label", { class: "choice" }, drop, t("share.password.none"))] : [];
  return ask({
    title: t("share.change.title"),
    content: [password, ...without, expires, downloads],
    submit: t("do.save"),
    async work({ elements }, once) {
      const wish = { id: share.id, max_downloads: Number(elements.downloads.value) || null };
      if (elements.drop?.checked) wish.password = null;
      else if (elements.password.value) wish.password = elements.password.value;
      if (elements.expires.value !== "keep") wish.expires_at = endOf(elements.expires.value, once.time);
      const changed = await post("/share/update", wish, once);
      say(t("said.changed", share));
      return changed;
    },
  });
}

function fields(durations, passwordLabel, downloads = null) {
  const options = durations.map((name) => make("option", { value: name }, t(`share.expires.${name}`)));
  return [
    field(passwordLabel, { name: "password", type: "password", autocomplete: "new-password", maxlength: 256 }),
    field(t("share.expires"), { name: "expires" }, "select", ...options),
    field(t("share.downloads"), {
      name: "downloads",
      type: "number",
      min: 1,
      max: 1_000_000,
      inputmode: "numeric",
      value: downloads,
    }),
  ];
}

const endOf = (duration, from) =>
  DURATIONS[duration] ? new Date(from + DURATIONS[duration] * HOUR_MILLISECONDS).toISOString() : null;

function handOver({ url, has_password, expires_at, max_downloads, downloads }) {
  const link = field(t("share.link"), { readonly: true, value: url, spellcheck: "false", "data-select": true });
  const copied = make("p", { class: "hint", role: "status" });
  const copy = button(
    t("do.copy"),
    async () => {
      const isCopied = await toClipboard(url, link.querySelector("input"));
      copied.textContent = t(isCopied ? "said.copied" : "said.not.copied");
    },
    { look: "main", symbol: "copy" },
  );
  link.append(copy);
  link.classList.add("beside");
  return show({
    title: t("share.made"),
    content: [
      hint(t("share.made.lead")),
      link,
      copied,
      qualities({ has_password, expires_at, max_downloads, downloads: downloads ?? 0 }),
    ],
  });
}

export function qualities({ has_password, expires_at, max_downloads, downloads }) {
  const texts = [
    ...(has_password ? [t("share.has.password")] : []),
    expires_at ? t("share.until", { time: time(expires_at) }) : t("share.forever"),
    max_downloads ? t("share.count.of", { count: downloads, max: max_downloads }) : t("share.count", { count: downloads }),
  ];
  return make(
    "ul",
    { class: "chips", "aria-label": t("share.qualities") },
    ...texts.map((text) => make("li", { class: "chip" }, text)),
  );
}

// Over plain HTTP browsers have no clipboard for scripts, and elsewhere they may refuse it; what is selected can be copied.
async function toClipboard(text, input) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    input.select();
    return document.execCommand("copy");
  }
}

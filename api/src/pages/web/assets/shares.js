// The links that were given out.

import { all, post } from "./api.js";
import { show } from "./dialog.js";
import { button, icon, make, named } from "./dom.js";
import { attempt, say } from "./messages.js";
import { claim, fill, nothing, open, pagesOf, remove } from "./screen.js";
import { changeShare, qualities } from "./share.js";
import { has, t, time } from "./text.js";

export function showShares() {
  claim();
  open({ title: t("shares.title"), lead: t("shares.lead") });
  return fill(pagesOf("/share/query", {}, rowOf), nothing("link", "shares.none", "shares.none.hint"));
}

function rowOf(told) {
  const share = { ...told, name: told.name ?? t("share.nameless") };
  const works = share.state === "active";
  const state = make(
    "span",
    { class: works ? "chip good" : "chip" },
    has(`share.state.${share.state}`) ? t(`share.state.${share.state}`) : share.state,
  );
  const change = (event) =>
    attempt(event.currentTarget, async () => {
      const now = await changeShare(share);
      if (now) row.replaceWith(rowOf(now));
    });
  const revoke = (event) =>
    attempt(event.currentTarget, async () => {
      await post("/share/revoke", { id: share.id });
      say(t("said.revoked", share));
      remove(row);
    });
  const downloads = button(t("share.seen"), (event) => attempt(event.currentTarget, () => showDownloads(share)), {
    look: "small",
    label: t("share.seen.it", share),
  });
  const controls = [
    button(t("share.change"), change, { look: "small", label: t("share.change.it", share) }),
    button(t("share.revoke"), revoke, { look: "small dangerous", label: t("share.revoke.it", share) }),
  ];
  const row = make(
    "li",
    { "data-id": share.id },
    icon("link"),
    make("span", { class: "title" }, named(share.name, { class: "name" }), qualities(share)),
    state,
    make("span", { class: "controls" }, downloads, ...(share.state === "revoked" ? [] : controls)),
  );
  return row;
}

const SEEN = { ShareDownloaded: "share.seen.downloaded", ShareSaved: "share.seen.saved" };

// Who used the link, when, and from where; the latest first.
async function showDownloads(share) {
  const events = await all("/share/history", { id: share.id });
  const lines = events
    .filter(({ type }) => Object.hasOwn(SEEN, type))
    .reverse()
    .map(({ type, time: when, username, client }) => {
      const who = named(username ?? t("share.seen.anybody"), { class: "who" });
      const how = make("span", { class: "hint" }, t(SEEN[type], { where: client ?? t("share.seen.nowhere") }));
      return make("li", {}, make("span", {}, who, " ", how), make("time", { datetime: when }, time(when)));
    });
  const content = lines.length > 0 ? make("ol", { class: "events" }, ...lines) : make("p", { class: "hint" }, t("share.seen.none"));
  return show({ title: t("share.seen.title", share), content: [content] });
}

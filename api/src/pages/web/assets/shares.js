// The links that were given out.

import { post } from "./api.js";
import { button, icon, make, named } from "./dom.js";
import { attempt, say } from "./messages.js";
import { claim, fill, nothing, open, pagesOf, remove } from "./screen.js";
import { changeShare, qualities } from "./share.js";
import { has, t } from "./text.js";

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
    make("span", { class: "controls" }, ...(share.state === "revoked" ? [] : controls)),
  );
  return row;
}

// Signing up and signing in. The drive sets a cookie; no script ever holds the token.

import { explain, post, read } from "./api.js";
import { at } from "./dom.js";
import { languageSwitch, t } from "./text.js";

const isNew = document.body.dataset.page === "signup";

async function submit() {
  const wish = { username: at("username").value, password: at("password").value };
  if (isNew) await post("/user/signup", wish);
  try {
    const session = await post("/user/signin", wish);
    if (await isKept()) location.assign(next() ?? session.location);
    else at("wrong").textContent = t("signin.no.cookie");
  } catch (error) {
    if (!isNew) throw error;
    // The account is there: signing up again would only say that the name is taken.
    location.assign(`/user/signin${location.search}`);
  }
}

// A browser that keeps no cookie would only be led back here.
const isKept = () =>
  read("/user/info").then(
    () => true,
    (error) => error.code !== "unauthorized",
  );

// Where the person came from: a page of a share and nothing else, so that no link leads anywhere through here.
function next() {
  const token = new URLSearchParams(location.search).get("share");
  return token && `/s/${encodeURIComponent(token)}`;
}

languageSwitch(at("language"));
at("other").search = location.search;
at("credentials").addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = at("submit");
  if (button.getAttribute("aria-busy") === "true") return;
  button.setAttribute("aria-busy", "true");
  at("wrong").textContent = "";
  try {
    await submit();
  } catch (error) {
    at("wrong").textContent = explain(error);
    at("password").focus();
  } finally {
    button.removeAttribute("aria-busy");
  }
});

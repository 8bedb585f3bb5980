// The page of those who are signed in: which area is shown, and what all areas share.

import { post, read } from "./api.js";
import { at } from "./dom.js";
import { added, showFiles } from "./files.js";
import { attempt, complain } from "./messages.js";
import { showOffline } from "./offline.js";
import { showShares } from "./shares.js";
import { bytes, languageSwitch, onLanguage, t } from "./text.js";
import { showTrash } from "./trash.js";
import { startUploads, upload } from "./uploads.js";

const SEARCH_MILLISECONDS = 250;
let info = null;
// Where uploads and downloads go to: the folder that was shown last.
let folder = null;

async function showAccount() {
  info = await read("/user/info");
  drawAccount();
}

function drawAccount() {
  at("who").textContent = info.username;
  const [used, quota] = [bytes(info.used_bytes), info.quota_bytes];
  at("usage").textContent = quota === null ? t("usage", { used }) : t("usage.of", { used, quota: bytes(quota) });
  at("usage-bar").hidden = quota === null;
  at("usage-bar").max = quota ?? 1;
  at("usage-bar").value = info.used_bytes;
}

function arrived(file) {
  if (area() === "files") added(file);
  showAccount().catch(complain);
}

// The address says what is shown, so that going back and reloading do what one expects.
function area() {
  const name = location.hash.slice(1).split("=")[0];
  return ["trash", "shares", "offline"].includes(name) ? name : "files";
}

async function show() {
  const now = area();
  for (const link of document.querySelectorAll("#areas a")) {
    if (link.dataset.area === now) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  const parameters = new URLSearchParams(location.hash.slice(1));
  if (now === "files") folder = parameters.get("folder");
  const words = at("search").value.trim();
  const screens = {
    files: () => showFiles({ folder, words, choose: () => at("chosen").click(), refresh: show }),
    trash: showTrash,
    shares: showShares,
    offline: () => showOffline({ folder, refresh: show, onFile: arrived }),
  };
  try {
    await screens[now]();
  } finally {
    at("list").removeAttribute("aria-busy");
  }
}

// Searching is done among the files; setting the address shows them.
let isSearching = false;

function search() {
  isSearching = area() !== "files" && at("search").value.trim() !== "";
  if (isSearching) location.hash = "";
  else if (area() === "files") attempt(null, show);
}

function listenForSearch() {
  let typing = 0;
  at("search").addEventListener("input", () => {
    clearTimeout(typing);
    typing = setTimeout(search, SEARCH_MILLISECONDS);
  });
  at("search-form").addEventListener("submit", (event) => {
    event.preventDefault();
    clearTimeout(typing);
    search();
  });
}

function listenForFiles() {
  at("chosen").addEventListener("change", () => {
    upload([...at("chosen").files], folder);
    at("chosen").value = "";
  });
  const hasFiles = (event) => event.dataTransfer?.types.includes("Files");
  let depth = 0;
  const cover = (change) => {
    depth = Math.max(0, depth + change);
    at("drop").hidden = depth === 0;
  };
  addEventListener("dragenter", (event) => {
    if (hasFiles(event)) cover(1);
  });
  addEventListener("dragleave", (event) => {
    if (hasFiles(event)) cover(-1);
  });
  addEventListener("dragover", (event) => {
    if (hasFiles(event)) event.preventDefault();
  });
  addEventListener("drop", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    cover(-depth);
    const items = [...event.dataTransfer.items].filter(({ kind }) => kind === "file");
    const files = items.filter((item) => !item.webkitGetAsEntry?.()?.isDirectory).map((item) => item.getAsFile());
    if (files.length < items.length) complain(new Error(t("upload.no.folders")));
    upload(files, folder);
  });
}

function listenForTheRest() {
  at("signout").addEventListener("click", () =>
    attempt(at("signout"), async () => {
      await post("/user/signout");
      location.assign("/user/signin");
    }),
  );
  // The address says which area is shown, so it can't say this.
  at("skip").addEventListener("click", (event) => {
    event.preventDefault();
    at("title").focus();
  });
  const changed = () =>
    attempt(null, async () => {
      if (!isSearching) at("search").value = "";
      await show();
      if (!isSearching) at("title").focus();
      isSearching = false;
    });
  addEventListener("hashchange", changed);
  // The files are where one is already while searching in them.
  document.querySelector("#areas [data-area=files]").addEventListener("click", () => {
    if (!location.hash && at("search").value) changed();
  });
  // Also when the page comes back out of the browser's memory after signing out.
  addEventListener("pageshow", ({ persisted }) => {
    if (persisted) location.reload();
  });
  onLanguage(() => {
    if (info) drawAccount();
    attempt(null, show);
  });
}

languageSwitch(at("language"));
listenForSearch();
listenForFiles();
listenForTheRest();
attempt(null, () => Promise.all([showAccount(), show(), startUploads(arrived)]));

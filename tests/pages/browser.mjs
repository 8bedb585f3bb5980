// What the tests of the pages stand on: a browser, people, files, and waiting for what is seen.
//
// `CAIRN_URL` is a running drive, `NODE_MODULES` the directory that playwright-core is installed in, `CHROMIUM` the browser.

import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { after } from "node:test";

const modules = process.env.NODE_MODULES;
const require = createRequire(modules ? `${modules}/` : import.meta.url);
const { chromium } = require("playwright-core");

export const URL_OF_DRIVE = process.env.CAIRN_URL?.replace(/\/$/, "");
assert.ok(URL_OF_DRIVE, "CAIRN_URL names no drive");
export const PASSWORD = "correct horse battery staple";
export const MIB = 1024 * 1024;
const WAIT_MILLISECONDS = 30_000;
// For a whole test; everything in it waits for conditions and ends sooner.
export const LONG = { timeout: 600_000 };

// As root Chromium needs to be told that it shall run without its sandbox.
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"],
});
after(() => browser.close());

// A browser of somebody's own, which notes whatever a page should never do.
export async function open(options = {}) {
  const context = await browser.newContext({ baseURL: URL_OF_DRIVE, acceptDownloads: true, locale: "en-GB", ...options });
  context.setDefaultTimeout(WAIT_MILLISECONDS);
  const faults = [];
  await context.addInitScript(() => {
    window.hit = (where) => console.error(`SCRIPT RAN: ${where}`);
    addEventListener("securitypolicyviolation", ({ violatedDirective, blockedURI }) =>
      console.error(`POLICY BROKEN: ${violatedDirective} ${blockedURI}`),
    );
  });
  context.on("page", (page) => {
    page.on("pageerror", (error) => faults.push(`uncaught: ${error.message}`));
    page.on("dialog", (dialog) => {
      faults.push(`a dialog: ${dialog.message()}`);
      dialog.dismiss();
    });
    page.on("console", (message) => {
      if (/SCRIPT RAN|POLICY BROKEN|Content Security Policy/.test(message.text())) faults.push(message.text());
    });
    page.on("request", (request) => {
      const { origin, protocol } = new URL(request.url());
      if (origin !== URL_OF_DRIVE && protocol !== "blob:" && !context.mayLeave)
        faults.push(`fetched from elsewhere: ${request.url()}`);
    });
  });
  const page = await context.newPage();
  return { context, page, faults };
}

let people = 0;
const RUN = randomBytes(3).toString("hex");
export const newName = () => `person-${RUN}-${(people += 1)}`;

// Somebody who has just signed up and in, with the files open.
export async function somebody(options = {}) {
  const opened = await open(options);
  const username = newName();
  for (const path of ["/user/signup", "/user/signin"]) {
    const answer = await opened.context.request.post(path, {
      data: { username, password: PASSWORD },
      headers: { "Cairn-Session": "cookie" },
    });
    assert.ok(answer.ok(), `${path}: ${answer.status()}`);
  }
  await opened.page.goto("/home");
  await seen(opened.page.locator("#empty:visible, #list > li").first());
  return { ...opened, username };
}

// The drive, as a page calls it.
export async function call(context, method, path, data) {
  const headers = { "Cairn-Session": "cookie", Origin: URL_OF_DRIVE };
  const answer = await context.request.fetch(path, { method, headers, data });
  assert.ok(answer.ok(), `${method} ${path}: ${answer.status()} ${await answer.text()}`);
  return answer.status() === 204 ? null : answer.json();
}

export const file = (name, size = 1000, mimeType = "application/octet-stream") => ({ name, mimeType, buffer: randomBytes(size) });
export const sha256 = (bytes) => createHash("sha256").update(bytes).digest("hex");

export const seen = (locator) => locator.waitFor({ state: "visible" });
export const gone = (locator) => locator.waitFor({ state: "hidden" });

export const row = (page, name) => page.locator("#list > li").filter({ has: page.getByText(name, { exact: true }) });
export const uploadOf = (page, name) => page.locator("#uploads-list > li").filter({ has: page.getByText(name, { exact: true }) });
export const inState = (page, name, state) => seen(uploadOf(page, name).and(page.locator(`[data-state=${state}]`)));

export async function choose(page, files) {
  await page.locator("#chosen").setInputFiles(files);
}

// Chooses from the menu of a row.
export async function act(page, name, action) {
  await row(page, name).locator(".menu-button").click();
  await page.getByRole("menuitem", { name: action, exact: true }).click();
}

export const dialog = (page) => page.getByRole("dialog");

// What a click downloads, byte for byte.
export async function downloaded(page, click) {
  const [download] = await Promise.all([page.waitForEvent("download"), click()]);
  assert.equal(await download.failure(), null);
  return { name: download.suggestedFilename(), bytes: await readFile(await download.path()) };
}

// Whether a file that is listed has the bytes that it was to have.
export async function sameBytes(page, { name, buffer }) {
  const got = await downloaded(page, () => row(page, name).getByRole("link").click());
  assert.equal(sha256(got.bytes), sha256(buffer));
}

// Holds what a page asks for, but for the first so many, until it is let go or given up. `isHeld` waits until something is.
export async function hold(page, pattern, count = 0) {
  const held = [];
  let [passed, isOpen] = [0, false];
  let tell;
  const isHeld = new Promise((resolve) => (tell = resolve));
  await page.route(pattern, async (route) => {
    passed += 1;
    if (isOpen || passed <= count) return route.continue();
    held.push(route);
    return tell();
  });
  const end = (what) => () => {
    isOpen = true;
    for (const route of held) route[what]().catch(() => {});
  };
  return { isHeld, letGo: end("continue"), giveUp: end("abort") };
}

export const holdPartsAfter = (page, count) => hold(page, "**/file/mpupload/uppart*", count);

// A hundred names that would run a script wherever a page took them for markup, and none does.

import assert from "node:assert/strict";
import { test } from "node:test";

import { LONG, act, call, choose, dialog, file, gone, seen, somebody } from "./browser.mjs";

// The drive takes no name with a slash, a backslash or a mark of direction; none of these needs one.
const TEMPLATES = [
  (n) => `<img src=x onerror=hit(${n})>`,
  (n) => `<svg onload=hit(${n})>`,
  (n) => `"><img src=x onerror="hit(${n})">`,
  (n) => `'><img src=x onerror='hit(${n})'>`,
  (n) => `<script>hit(${n})<!--`,
  (n) => `<iframe srcdoc="<img src=x onerror=parent.hit(${n})>">`,
  (n) => `javascript:hit(${n})`,
  (n) => `" onmouseover="hit(${n})" autofocus onfocus="hit(${n})`,
  (n) => `<input autofocus onfocus=hit(${n})>`,
  (n) => `<details open ontoggle=hit(${n})>`,
  (n) => `<body onpageshow=hit(${n})>`,
  (n) => `<a href=javascript:hit(${n})>a`,
  (n) => `{{constructor.constructor('hit(${n})')()}}`,
  (n) => `\${hit(${n})} #{hit(${n})} <%= hit(${n}) %>`,
  (n) => `</title><img src=x onerror=hit(${n})>`.replaceAll("/", "\u2215"),
  (n) => `&lt;img src=x onerror=hit(${n})&gt;`,
  (n) => `<style>@import'javascript:hit(${n})';`,
  (n) => `<math><mtext><table><mglyph><style><img src=x onerror=hit(${n})>`,
  (n) => `שלום <img src=x onerror=hit(${n})>`,
  (n) => `{name} {done} $& $1 <img src=x onerror=hit(${n})>`,
];
const NAMES = Array.from({ length: 100 }, (_, n) => TEMPLATES[n % TEMPLATES.length](n));

test("a hundred names that are scripts are shown, and none runs", LONG, async () => {
  const { context, page, faults } = await somebody();
  assert.equal(new Set(NAMES).size, 100);
  await choose(
    page,
    NAMES.map((name) => file(name, 64)),
  );
  await page.locator("#uploads-list:not(:has([data-state]:not([data-state=done])))").waitFor({ timeout: 150_000 });
  assert.equal(await page.locator("#uploads-list > li").count(), 100);
  const shown = await page.locator("#list .name").allTextContents();
  assert.deepEqual(shown.sort(), [...NAMES].sort());
  await page.getByRole("button", { name: "Clear what is done" }).click();

  for (const name of NAMES.slice(0, TEMPLATES.length)) {
    for (const action of ["Details", "History", "Rename", "Move", "Share"]) {
      await act(page, name, action);
      await seen(dialog(page));
      await page.keyboard.press("Escape");
      await gone(dialog(page));
    }
  }
  for (const name of NAMES.slice(0, TEMPLATES.length)) {
    const made = await call(context, "POST", "/folder/create", { name });
    await page.goto(`/home#folder=${made.id}`);
    await page.reload();
    await seen(page.locator("#title").getByText(name, { exact: true }));
    await call(context, "POST", "/folder/delete", { id: made.id });
    await page.getByRole("searchbox").fill(name);
    await act(page, name, "Move to the trash");
    await seen(page.locator("#said").getByText("is in the trash."));
  }
  await page.goto("/home#trash");
  await seen(page.locator("#list > li").first());
  assert.equal(await page.locator("#list > li").count(), 2 * TEMPLATES.length);
  await page.getByRole("searchbox").fill("<img");
  await seen(page.getByText("Results for “<img”"));
  // What hovers or takes the focus does not run either.
  const links = await page.locator("#list a.name").all();
  assert.ok(links.length > TEMPLATES.length, `${links.length}`);
  for (const link of links) {
    await link.hover();
    assert.ok(await link.evaluate((element) => element.matches(":hover")));
    await link.focus();
    assert.ok(await link.evaluate((element) => element === document.activeElement));
  }
  assert.deepEqual(faults, []);
  await context.close();
});

test("names that are scripts are only names to those who get a link", LONG, async () => {
  const { context, page, faults } = await somebody();
  for (const name of NAMES.slice(0, TEMPLATES.length)) {
    const added = await call(context, "POST", `/file/upload?name=${encodeURIComponent(name)}`, Buffer.from(name));
    const { url } = await call(context, "POST", "/share/create", { file_id: added.id });
    await page.goto(new URL(url).pathname);
    await seen(page.locator("#name").getByText(name, { exact: true }));
  }
  await page.goto("/home#shares");
  await seen(page.locator("#list > li").first());
  assert.equal(await page.locator("#list > li").count(), TEMPLATES.length);
  assert.deepEqual(faults, []);
  await context.close();
});

test("downloads are never shown as pages of the drive", LONG, async () => {
  const { context } = await somebody();
  const page = Buffer.from("<script>opener.hit('a downloaded page')</script>");
  for (const name of ["evil.html", "evil.svg", "evil.xhtml", "evil.pdf"]) {
    const added = await call(context, "POST", `/file/upload?name=${name}`, page);
    const answer = await context.request.get(`/file/download?id=${added.id}`);
    const headers = answer.headers();
    assert.equal(answer.status(), 200);
    assert.match(headers["content-disposition"], /^attachment/, name);
    assert.equal(headers["x-content-type-options"], "nosniff", name);
    assert.match(headers["content-security-policy"], /sandbox.*default-src 'none'|default-src 'none'.*sandbox/, name);
  }
  await context.close();
});

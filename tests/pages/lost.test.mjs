// Requests and answers that get lost: nothing is missing afterwards, and nothing was done twice.

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { test } from "node:test";

import { LONG, act, call, choose, dialog, file, gone, hold, inState, row, seen, somebody } from "./browser.mjs";

const UNREACHABLE = "The drive could not be reached. Please try again.";

test("a page of a list that could not be read is read with the next try", LONG, async () => {
  const { context, page, faults } = await somebody();
  for (let index = 0; index < 110; index += 1)
    await call(context, "POST", `/file/upload?name=hay-${index}.txt`, Buffer.from(`${index}`));
  await page.reload();
  await seen(page.getByText("50 shown"));
  const more = page.getByRole("button", { name: "Show more" });
  await page.route(/\/file\/query\?.*cursor=/, (route) => route.abort(), { times: 1 });
  await more.click();
  await seen(page.locator("#wrong").getByText(UNREACHABLE));
  await more.click();
  await seen(page.getByText("100 shown"));
  await more.click();
  await seen(page.getByText("110 shown"));
  assert.equal(new Set(await page.locator("#list .name").allTextContents()).size, 110);
  await gone(more);
  assert.deepEqual(faults, []);
  await context.close();
});

// In the trash, files that went along with their folder have no row. Here they are all of the second page.
test("pages of a list without a row are passed over", LONG, async () => {
  const { context, page, faults } = await somebody();
  const single = await call(context, "POST", "/file/upload?name=single.txt", Buffer.from("single"));
  await call(context, "POST", "/file/delete", { id: single.id });
  const folder = await call(context, "POST", "/folder/create", { name: "Full" });
  for (let index = 0; index < 110; index += 1)
    await call(context, "POST", `/file/upload?name=in-${index}.txt&folder_id=${folder.id}`, Buffer.from(`${index}`));
  await call(context, "POST", "/folder/delete", { id: folder.id });
  await page.goto("/home#trash");
  await seen(row(page, "Full"));
  await page.getByRole("button", { name: "Show more" }).click();
  await seen(row(page, "single.txt"));
  assert.equal(await page.locator("#list > li").count(), 2);
  assert.deepEqual(faults, []);
  await context.close();
});

test("what is tried again after a lost answer is done once", LONG, async () => {
  const { context, page, faults } = await somebody();
  await page.route(
    "**/folder/create",
    async (route) => {
      await route.fetch();
      await route.abort();
    },
    { times: 1 },
  );
  await page.getByRole("button", { name: "New folder" }).click();
  await dialog(page).getByLabel("Name").fill("Once");
  await dialog(page).getByRole("button", { name: "Create" }).click();
  await seen(dialog(page).getByText(UNREACHABLE));
  await dialog(page).getByRole("button", { name: "Create" }).click();
  await gone(dialog(page));
  const names = async () => (await call(context, "GET", "/folder/query")).items.map(({ name }) => name).sort();
  assert.deepEqual(await names(), ["Once"]);

  await page.getByRole("button", { name: "New folder" }).click();
  await dialog(page).getByLabel("Name").fill("Once");
  await dialog(page).getByRole("button", { name: "Create" }).click();
  await gone(dialog(page));
  assert.deepEqual(await names(), ["Once", "Once"]);
  assert.deepEqual(faults, []);
  await context.close();
});

test("a link whose answer was lost is the same link after another try", LONG, async () => {
  const { context, page, faults } = await somebody();
  await choose(page, file("shared.txt"));
  await inState(page, "shared.txt", "done");
  await page.route(
    "**/share/create",
    async (route) => {
      await route.fetch();
      await route.abort();
    },
    { times: 1 },
  );
  await act(page, "shared.txt", "Share");
  await dialog(page).getByLabel("Works").selectOption("week");
  await dialog(page).getByRole("button", { name: "Make a link" }).click();
  await seen(dialog(page).getByText(UNREACHABLE));
  await dialog(page).getByRole("button", { name: "Make a link" }).click();
  await seen(dialog(page).getByRole("heading", { name: "The link is ready" }));
  assert.equal((await call(context, "GET", "/share/query")).items.length, 1);
  assert.deepEqual(faults, []);
  await context.close();
});

test("a dialog stays until what it began is done", LONG, async () => {
  const { context, page, faults } = await somebody();
  const making = await hold(page, "**/folder/create");
  await page.getByRole("button", { name: "New folder" }).click();
  await dialog(page).getByLabel("Name").fill("Slow");
  await page.keyboard.press("Enter");
  await making.isHeld;
  for (let press = 0; press < 3; press += 1) await page.keyboard.press("Escape");
  await dialog(page).getByRole("button", { name: "Cancel" }).click();
  assert.ok(await dialog(page).isVisible());
  making.letGo();
  await gone(dialog(page));
  await seen(row(page, "Slow"));
  assert.deepEqual(faults, []);
  await context.close();
});

test("half an answer is none", LONG, async () => {
  const { context, page, faults } = await somebody();
  await page.route("**/share/query*", (route) => route.fulfill({ contentType: "application/json", body: '{"items": [' }), {
    times: 1,
  });
  await page.getByRole("link", { name: "Links" }).click();
  await seen(page.locator("#wrong").getByText(UNREACHABLE));
  assert.deepEqual(faults, []);
  await context.close();
});

test("a link that the browser does not copy can be copied by hand", LONG, async () => {
  const { context, page, faults } = await somebody();
  await page.addInitScript(() => {
    navigator.clipboard.writeText = () => Promise.reject(new DOMException("denied", "NotAllowedError"));
    document.execCommand = () => false;
  });
  await page.reload();
  await choose(page, file("shared.txt"));
  await inState(page, "shared.txt", "done");
  await act(page, "shared.txt", "Share");
  await dialog(page).getByRole("button", { name: "Make a link" }).click();
  await dialog(page).getByRole("button", { name: "Copy" }).click();
  await seen(dialog(page).getByText("Your browser did not allow copying. The link is selected: copy it yourself."));
  const link = dialog(page).getByLabel("Link");
  const selected = await link.evaluate((input) => input.value.slice(input.selectionStart, input.selectionEnd));
  assert.equal(selected, await link.inputValue());
  assert.deepEqual(faults, []);
  await context.close();
});

test("an offline download is followed although the drive does not answer now and then", LONG, async () => {
  const { context, page, faults } = await somebody();
  let release;
  const released = new Promise((resolve) => (release = resolve));
  const source = createServer((_, response) => released.then(() => response.end("slow")));
  source.listen(0, "127.0.0.1");
  await once(source, "listening");
  const url = `http://127.0.0.1:${source.address().port}/slow.pdf`;
  await call(context, "POST", "/offline/create", { url });
  const failed = page.waitForEvent("requestfailed", (request) => /offline\/status/.test(request.url()));
  await page.route("**/offline/status*", (route) => route.abort(), { times: 1 });
  await page.getByRole("link", { name: "Offline" }).click();
  await failed;
  release();
  await seen(row(page, "slow.pdf").getByText("done", { exact: true }));
  source.close();
  assert.deepEqual(faults, []);
  await context.close();
});

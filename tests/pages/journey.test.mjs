// The whole way of a file: up, renamed, moved, deleted, brought back, shared, and down again in a browser that nobody is signed in to.

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { test } from "node:test";

import {
  LONG,
  MIB,
  PASSWORD,
  act,
  call,
  choose,
  dialog,
  downloaded,
  file,
  gone,
  inState,
  newName,
  open,
  row,
  seen,
  sha256,
  somebody,
} from "./browser.mjs";

async function submit(page, name) {
  await dialog(page).getByRole("button", { name, exact: true }).click();
  await gone(dialog(page));
}

test("a file goes its whole way, and a stranger with its link gets the same bytes", LONG, async () => {
  const { context, page, faults } = await open();
  const username = newName();
  await page.goto("/user/signup");
  await page.getByLabel("User name").fill(username);
  await page.getByLabel("Password").fill(PASSWORD);
  await page.getByRole("button", { name: "Create the account" }).click();
  await page.waitForURL("**/home");
  await seen(page.getByText("Nothing here yet"));
  const report = file("report.bin", 9 * MIB + 17);
  await choose(page, report);
  await inState(page, "report.bin", "done");
  await seen(row(page, "report.bin").getByText("this drive"));

  await act(page, "report.bin", "Rename");
  await dialog(page).getByLabel("New name").fill("年度报告 2026.bin");
  await submit(page, "Rename");
  await seen(row(page, "年度报告 2026.bin"));

  await page.getByRole("button", { name: "New folder" }).click();
  await dialog(page).getByLabel("Name").fill("Papers");
  await submit(page, "Create");
  await act(page, "年度报告 2026.bin", "Move");
  await dialog(page).getByRole("radio", { name: "Papers" }).check();
  await submit(page, "Move here");
  await gone(row(page, "年度报告 2026.bin"));
  await row(page, "Papers").getByRole("link").click();
  await seen(page.getByRole("heading", { name: "Papers" }));
  await seen(row(page, "年度报告 2026.bin"));

  await act(page, "年度报告 2026.bin", "Move to the trash");
  await seen(page.getByText("Nothing here yet"));
  await page.getByRole("link", { name: "Trash" }).click();
  await row(page, "年度报告 2026.bin").getByRole("button", { name: "Restore" }).click();
  await seen(page.getByText("The trash is empty"));
  await page.goBack();
  await seen(row(page, "年度报告 2026.bin"));

  await act(page, "年度报告 2026.bin", "History");
  const told = await dialog(page).getByRole("listitem").locator("span").allTextContents();
  assert.deepEqual(
    told.filter((text) => !/content/.test(text)),
    ["Added as “report.bin”", "Renamed to “年度报告 2026.bin”", "Moved to “Papers”", "Moved to the trash", "Restored"],
  );
  await submit(page, "Close");
  await act(page, "年度报告 2026.bin", "Details");
  await seen(dialog(page).getByText(sha256(report.buffer)));
  await submit(page, "Close");
  const own = await downloaded(page, () => row(page, "年度报告 2026.bin").getByRole("link").click());
  assert.deepEqual([own.name, sha256(own.bytes)], ["年度报告 2026.bin", sha256(report.buffer)]);

  await act(page, "年度报告 2026.bin", "Share");
  await dialog(page).getByRole("button", { name: "Make a link" }).click();
  await seen(dialog(page).getByRole("heading", { name: "The link is ready" }));
  const link = await dialog(page).getByLabel("Link").inputValue();
  await submit(page, "Close");

  const stranger = await open();
  await stranger.page.goto(link);
  await seen(stranger.page.getByRole("heading", { name: "年度报告 2026.bin" }));
  await seen(stranger.page.getByText("9 MiB"));
  assert.equal(await stranger.page.getByRole("button", { name: "Save to my drive" }).isVisible(), false);
  const got = await downloaded(stranger.page, () => stranger.page.getByRole("button", { name: "Download" }).click());
  assert.deepEqual([got.name, sha256(got.bytes)], ["年度报告 2026.bin", sha256(report.buffer)]);

  await page.getByRole("link", { name: "Links" }).click();
  await seen(row(page, "年度报告 2026.bin").getByText("Downloads: 1"));
  await row(page, "年度报告 2026.bin").getByRole("button", { name: "Who used the link" }).click();
  const used = dialog(page).getByRole("listitem");
  await seen(used.getByText("Somebody without an account"));
  await seen(used.getByText(/^downloaded it, from \S+$/));
  await seen(used.locator("time"));
  await submit(page, "Close");
  const revoked = page.waitForResponse((answer) => answer.url().endsWith("/share/revoke") && answer.ok());
  await row(page, "年度报告 2026.bin").getByRole("button", { name: "Revoke" }).click();
  await revoked;
  assert.equal((await stranger.page.reload()).status(), 404);
  await seen(stranger.page.getByRole("heading", { name: "There is nothing here" }));
  assert.deepEqual([...faults, ...stranger.faults], []);
  await Promise.all([context.close(), stranger.context.close()]);
});

test("a link with a password opens with it only, and its file can be kept", LONG, async () => {
  const giver = await somebody();
  const secret = file("secret.bin", 2 * MIB);
  await choose(giver.page, secret);
  await inState(giver.page, "secret.bin", "done");
  await act(giver.page, "secret.bin", "Share");
  await dialog(giver.page).getByLabel("Password, if it shall have one").fill("пароль 密码");
  await dialog(giver.page).getByLabel("Works").selectOption("week");
  await dialog(giver.page).getByLabel("Downloads at most, if limited").fill("5");
  await dialog(giver.page).getByRole("button", { name: "Make a link" }).click();
  await seen(dialog(giver.page).getByRole("heading", { name: "The link is ready" }));
  const link = await dialog(giver.page).getByLabel("Link").inputValue();

  const taker = await somebody();
  await taker.page.goto(link);
  await taker.page.getByLabel("Password").fill("wrong");
  await taker.page.getByRole("button", { name: "Download" }).click();
  await seen(taker.page.getByRole("alert").getByText("The password is wrong or missing."));
  await taker.page.getByLabel("Password").fill("пароль 密码");
  const got = await downloaded(taker.page, () => taker.page.getByRole("button", { name: "Download" }).click());
  assert.equal(sha256(got.bytes), sha256(secret.buffer));
  await taker.page.getByRole("button", { name: "Save to my drive" }).click();
  await seen(taker.page.getByText("“secret.bin” is in your drive now."));
  await taker.page.getByRole("link", { name: "To my drive" }).click();
  await seen(row(taker.page, "secret.bin"));

  await dialog(giver.page).getByRole("button", { name: "Close" }).click();
  await giver.page.getByRole("link", { name: "Links" }).click();
  await row(giver.page, "secret.bin").getByRole("button", { name: "Who used the link" }).click();
  await seen(dialog(giver.page).getByRole("listitem").filter({ hasText: taker.username }).filter({ hasText: "saved it" }));
  await submit(giver.page, "Close");
  await row(giver.page, "secret.bin").getByRole("button", { name: "Change" }).click();
  await dialog(giver.page).getByLabel("Without a password from now on").check();
  await submit(giver.page, "Save");
  const stranger = await open();
  await stranger.page.goto(link);
  await seen(stranger.page.getByRole("button", { name: "Download" }));
  assert.equal(await stranger.page.getByLabel("Password").isVisible(), false);
  assert.deepEqual([...giver.faults, ...taker.faults, ...stranger.faults], []);
  await Promise.all([giver.context.close(), taker.context.close(), stranger.context.close()]);
});

test("what is deleted can be had back at once, or is gone for good", LONG, async () => {
  const { context, page, faults } = await somebody();
  await choose(page, [file("kept.bin"), file("lost.bin")]);
  await inState(page, "kept.bin", "done");
  await inState(page, "lost.bin", "done");
  await act(page, "kept.bin", "Move to the trash");
  await gone(row(page, "kept.bin"));
  await page.getByRole("button", { name: "Undo" }).click();
  await seen(row(page, "kept.bin"));
  await act(page, "lost.bin", "Move to the trash");
  await gone(row(page, "lost.bin"));
  await page.getByRole("link", { name: "Trash" }).click();
  await row(page, "lost.bin").getByRole("button", { name: "Delete “lost.bin” for good" }).click();
  await submit(page, "Delete for good");
  await seen(page.getByText("The trash is empty"));
  assert.deepEqual(
    (await call(context, "GET", "/file/query")).items.map(({ name }) => name),
    ["kept.bin"],
  );
  assert.deepEqual(faults, []);
  await context.close();
});

test("a list of many is shown in pages, and searched whole", LONG, async () => {
  const { context, page, faults } = await somebody();
  const folder = await call(context, "POST", "/folder/create", { name: "Needle case" });
  for (let index = 0; index < 60; index += 1)
    await call(context, "POST", `/file/upload?name=hay-${index}.txt`, Buffer.from(`${index}`));
  await call(context, "POST", `/file/upload?name=needle.txt&folder_id=${folder.id}`, Buffer.from("needle"));
  await page.reload();
  await seen(page.getByText("51 shown"));
  await page.getByRole("button", { name: "Show more" }).click();
  await seen(page.getByText("61 shown"));
  assert.equal(await page.getByRole("button", { name: "Show more" }).isVisible(), false);
  await page.getByRole("searchbox").fill("NEEDLE");
  await seen(row(page, "needle.txt").getByText("in Needle case"));
  await seen(row(page, "Needle case"));
  await page.getByRole("searchbox").fill("no such thing");
  await seen(page.getByText("Nothing is called that"));
  assert.deepEqual(faults, []);
  await context.close();
});

// The drive has to be told that it may fetch from this machine: `CAIRN_OFFLINE__ALLOW=127.0.0.0/8`.
test("the drive fetches a file from the web, and says so where it does not", LONG, async () => {
  const { context, page, faults } = await somebody();
  const paper = file("paper.pdf", 3 * MIB);
  const source = createServer((_, response) => response.setHeader("content-length", paper.buffer.length).end(paper.buffer));
  source.listen(0, "127.0.0.1");
  await once(source, "listening");
  const start = async (url) => {
    await page.getByRole("button", { name: "Fetch a file" }).click();
    await dialog(page).getByLabel("Address").fill(url);
    await dialog(page).getByRole("button", { name: "Start" }).click();
  };
  await page.getByRole("link", { name: "Offline" }).click();
  await seen(page.getByText("Nothing was fetched yet"));
  await start(`http://127.0.0.1:${source.address().port}/paper.pdf`);
  await seen(row(page, "paper.pdf").getByText("done", { exact: true }));
  await start("http://169.254.169.254/latest");
  await seen(page.getByText("The drive does not fetch from this address."));
  await page.keyboard.press("Escape");
  await page.getByRole("link", { name: "Files" }).click();
  const got = await downloaded(page, () => row(page, "paper.pdf").getByRole("link").click());
  assert.equal(sha256(got.bytes), sha256(paper.buffer));
  source.close();
  assert.deepEqual(faults, []);
  await context.close();
});

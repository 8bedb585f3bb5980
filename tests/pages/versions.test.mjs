// The contents that a file has had: seen, downloaded, and given to it again.

import assert from "node:assert/strict";
import { test } from "node:test";

import { LONG, act, call, dialog, downloaded, file, gone, row, seen, somebody } from "./browser.mjs";

test("an earlier version is downloaded and restored", LONG, async () => {
  const { context, page, faults } = await somebody();
  const texts = ["first", "second, longer"].map((text) => Buffer.from(text));
  const { id } = await call(context, "POST", "/file/upload?name=letter.txt", texts[0]);
  await page.reload();
  await act(page, "letter.txt", "Versions");
  await seen(dialog(page).getByText("There is one version: nothing was uploaded over this file."));
  await page.keyboard.press("Escape");

  await call(context, "POST", `/file/upload?name=letter.txt&replace_id=${id}`, texts[1]);
  await page.reload();
  await act(page, "letter.txt", "Versions");
  const [newest, first] = [2, 1].map((number) => dialog(page).getByRole("radio", { name: `Version ${number}` }));
  assert.deepEqual([await newest.isDisabled(), await first.isChecked()], [true, true]);
  await seen(dialog(page).getByText("in use"));
  const got = await downloaded(page, () => dialog(page).getByRole("link", { name: "Download version 1" }).click());
  assert.deepEqual([got.name, got.bytes], ["letter.txt", texts[0]]);

  await dialog(page).getByRole("button", { name: "Restore this version" }).click();
  await seen(page.getByText("“letter.txt” has the content of version 1 again."));
  await gone(dialog(page));
  await seen(row(page, "letter.txt").getByText("5 B"));
  const now = await downloaded(page, () => row(page, "letter.txt").getByRole("link").click());
  assert.deepEqual(now.bytes, texts[0]);
  assert.deepEqual(faults, []);
  await context.close();
});

test("a file in its details shows nothing that nobody can use", LONG, async () => {
  const { context, page } = await somebody();
  await call(context, "POST", "/file/upload?name=plain.txt", file("plain.txt").buffer);
  await page.reload();
  await act(page, "plain.txt", "Details");
  const facts = await dialog(page).locator("dt").allTextContents();
  assert.deepEqual(facts, ["Size", "Type", "Stored in", "Folder", "Made", "Changed", "SHA-256", "SHA-1"]);
  await context.close();
});

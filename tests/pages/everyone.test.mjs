// For everyone: on a phone, by keyboard alone, in Chinese, in the dark.

import assert from "node:assert/strict";
import { test } from "node:test";

import { LONG, PASSWORD, act, call, choose, dialog, file, gone, inState, newName, open, row, seen, somebody } from "./browser.mjs";

async function fits(page, where) {
  const [wide, room] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
  assert.ok(wide <= room, `${where}: ${wide} in ${room} pixels`);
}

test("a phone of 360 pixels needs no scrolling sideways", LONG, async () => {
  const options = { viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true };
  const { context, page, faults } = await somebody(options);
  const long = `${"a-very-long-name-without-any-space-".repeat(6)}.bin`;
  await choose(page, [file(long, 3000), file("short.txt", 10)]);
  await inState(page, long, "done");
  await inState(page, "short.txt", "done");
  await fits(page, "the files with uploads");
  const [{ id }] = (await call(context, "GET", "/file/query?name=a-very")).items;
  await call(context, "POST", "/share/create", { file_id: id, password: PASSWORD, max_downloads: 3 });
  await page.getByRole("button", { name: "Clear what is done" }).tap();
  await row(page, long).locator(".menu-button").tap();
  await seen(page.getByRole("menu"));
  await fits(page, "the menu");
  await page.getByRole("menuitem", { name: "Details" }).tap();
  await seen(dialog(page));
  await fits(page, "the details");
  await dialog(page).getByRole("button", { name: "Close" }).tap();
  await row(page, "short.txt").locator(".menu-button").tap();
  await page.getByRole("menuitem", { name: "Move to the trash" }).tap();
  await gone(row(page, "short.txt"));
  for (const [area, heading] of [
    ["Trash", "Trash"],
    ["Links", "Shared links"],
    ["Offline", "Offline downloads"],
    ["Files", "Files"],
  ]) {
    await page.locator("#areas").getByRole("link", { name: area }).tap();
    await seen(page.getByRole("heading", { name: heading, exact: true }));
    await page.locator("#list:not([aria-busy])").waitFor({ state: "attached" });
    await fits(page, area);
  }
  const targets = await page
    .locator("button:visible, #areas a:visible")
    .evaluateAll((all) => all.map((one) => one.getBoundingClientRect().height));
  assert.ok(Math.min(...targets) >= 36, `${Math.min(...targets)}`);
  assert.deepEqual(faults, []);
  await context.close();
  for (const path of ["/user/signup", "/user/signin", "/s/unknown"]) {
    const stranger = await open(options);
    await stranger.page.goto(path);
    await seen(stranger.page.getByRole("heading").first());
    await fits(stranger.page, path);
    await stranger.context.close();
  }
});

// Presses Tab until something has the focus.
async function tabTo(page, locator) {
  for (let presses = 0; presses < 60; presses += 1) {
    await page.keyboard.press("Tab");
    if (await locator.evaluate((element) => element === document.activeElement).catch(() => false)) return;
  }
  assert.fail(`the keyboard does not lead to ${locator}`);
}

test("the keyboard alone is enough", LONG, async () => {
  const { context, page, faults } = await open();
  const keys = page.keyboard;
  await page.goto("/user/signup");
  await keys.type(newName());
  await keys.press("Tab");
  await keys.type(PASSWORD);
  await keys.press("Enter");
  await page.waitForURL("**/home");
  await seen(page.getByText("Nothing here yet"));

  await tabTo(page, page.getByRole("button", { name: "New folder" }));
  await keys.press("Enter");
  await keys.type("Attic");
  await keys.press("Enter");
  await seen(row(page, "Attic"));
  const chooser = page.waitForEvent("filechooser");
  await tabTo(page, page.getByRole("button", { name: "Upload", exact: true }));
  await keys.press("Enter");
  await (await chooser).setFiles(file("letter.txt"));
  await seen(row(page, "letter.txt"));

  const opener = row(page, "letter.txt").locator(".menu-button");
  await tabTo(page, opener);
  await keys.press("ArrowDown");
  await keys.press("Escape");
  assert.ok(await opener.evaluate((button) => button === document.activeElement), "Escape gives the focus back");
  await keys.press("Enter");
  for (let item = 0; item < 2; item += 1) await keys.press("ArrowDown");
  await keys.press("Enter");
  await seen(dialog(page).getByRole("heading", { name: "Rename “letter.txt”" }));
  await keys.type("a letter.txt");
  await keys.press("Enter");
  await seen(row(page, "a letter.txt"));
  const renamed = row(page, "a letter.txt").locator(".menu-button");
  assert.ok(await renamed.evaluate((button) => button === document.activeElement), "the focus is where it was");

  await keys.press("Enter");
  for (let item = 0; item < 3; item += 1) await keys.press("ArrowDown");
  await keys.press("Enter");
  await seen(dialog(page).getByRole("heading", { name: "Move “a letter.txt”" }));
  await keys.press("ArrowDown");
  await keys.press("Enter");
  await gone(row(page, "a letter.txt"));
  await tabTo(page, row(page, "Attic").getByRole("link"));
  await keys.press("Enter");
  await seen(row(page, "a letter.txt"));
  assert.equal(await page.evaluate(() => document.activeElement.id), "title");

  await tabTo(page, row(page, "a letter.txt").locator(".menu-button"));
  await keys.press("Enter");
  await keys.press("End");
  await keys.press("Enter");
  await seen(page.getByText("Nothing here yet"));
  await tabTo(page, page.locator("#areas").getByRole("link", { name: "Trash" }));
  await keys.press("Enter");
  await tabTo(page, page.getByRole("button", { name: "Restore “a letter.txt”" }));
  await keys.press("Enter");
  await seen(page.getByText("The trash is empty"));
  await tabTo(page, page.getByRole("button", { name: "Sign out" }));
  await keys.press("Enter");
  await page.waitForURL("**/user/signin");
  assert.deepEqual(faults, []);
  await context.close();
});

test("Chinese is spoken to those whose browser does, and the choice is remembered", LONG, async () => {
  const { context, page, faults } = await somebody({ locale: "zh-CN" });
  await seen(page.getByRole("heading", { name: "文件", exact: true }));
  assert.equal(await page.evaluate(() => document.documentElement.lang), "zh-Hans");
  await choose(page, file("信.txt"));
  await seen(page.locator("#uploads-list").getByText("已上传"));
  await act(page, "信.txt", "详细信息");
  await seen(dialog(page).getByText("存储位置"));
  await dialog(page).getByRole("button", { name: "关闭" }).click();
  const english = await page.locator("body").innerText();
  await page.getByRole("button", { name: "切换到英文" }).click();
  await seen(page.getByRole("heading", { name: "Files", exact: true }));
  await seen(page.locator("#uploads-list").getByText("Uploaded"));
  await page.reload();
  await seen(page.getByRole("heading", { name: "Files", exact: true }));
  assert.ok(!/\bFiles\b|\bTrash\b|\bUpload\b/.test(english), english);
  assert.deepEqual(faults, []);
  await context.close();
});

// The contrast of WCAG 2.2 between a text and what it stands on.
const contrasts = (page) =>
  page.evaluate(() => {
    const context = Object.assign(document.createElement("canvas"), { width: 1, height: 1 }).getContext("2d", {
      willReadFrequently: true,
    });
    const channels = (colour, below) => {
      context.fillStyle = `rgb(${below.join(" ")})`;
      context.fillRect(0, 0, 1, 1);
      context.fillStyle = colour;
      context.fillRect(0, 0, 1, 1);
      return [...context.getImageData(0, 0, 1, 1).data].slice(0, 3);
    };
    const luminance = (rgb) =>
      rgb
        .map((value) => value / 255)
        .map((value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4))
        .reduce((sum, value, at) => sum + value * [0.2126, 0.7152, 0.0722][at], 0);
    const ground = (element) => {
      const below = element.parentElement ? ground(element.parentElement) : [255, 255, 255];
      return channels(getComputedStyle(element).backgroundColor, below);
    };
    const texts = [...document.querySelectorAll("body *")].filter(
      (element) => element.checkVisibility() && [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim()),
    );
    return texts.map((element) => {
      const on = ground(element);
      const [lighter, darker] = [luminance(channels(getComputedStyle(element).color, on)), luminance(on)].sort((a, b) => b - a);
      return [(lighter + 0.05) / (darker + 0.05), element.textContent];
    });
  });

async function canBeRead(page, among) {
  const all = await contrasts(page);
  assert.ok(all.some(([, text]) => text === among));
  for (const [contrast, text] of all) assert.ok(contrast >= 4.5, `${text}: ${contrast.toFixed(2)}`);
}

for (const colorScheme of ["light", "dark"]) {
  test(`every text can be read when it is ${colorScheme}`, LONG, async () => {
    const { context, page } = await somebody({ colorScheme });
    const brightness = await page.evaluate(
      () =>
        getComputedStyle(document.body)
          .backgroundColor.match(/\d+/g)
          .slice(0, 3)
          .reduce((sum, value) => sum + Number(value), 0) / 3,
    );
    assert.ok(colorScheme === "dark" ? brightness < 60 : brightness > 200, `${brightness}`);
    await call(context, "POST", "/folder/create", { name: "A folder" });
    await page.reload();
    await choose(page, file("a file.txt"));
    await inState(page, "a file.txt", "done");
    await act(page, "a file.txt", "Details");
    await seen(dialog(page));
    await canBeRead(page, "SHA-256");
    await page.keyboard.press("Escape");
    await act(page, "a file.txt", "Share");
    await canBeRead(page, "Make a link");
    await page.keyboard.press("Escape");
    await row(page, "a file.txt").locator(".menu-button").click();
    await canBeRead(page, "Move to the trash");
    await context.close();
  });
}

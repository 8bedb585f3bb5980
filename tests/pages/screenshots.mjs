// Takes the pictures of docs/pages: `node tests/pages/screenshots.mjs docs/pages`, with what browser.mjs needs.

import { join } from "node:path";
import { test } from "node:test";

import { LONG, MIB, act, call, choose, dialog, file, inState, open, row, seen, somebody } from "./browser.mjs";

const place = process.argv[2] ?? "docs/pages";
const shot = (page, name) => page.screenshot({ path: join(place, `${name}.png`), animations: "disabled" });
const WIDE = { viewport: { width: 1180, height: 760 } };
const PHONE = { viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true };

// Somebody who has used the drive for a while.
async function settled(options) {
  const person = await somebody(options);
  const { context, page } = person;
  for (const name of ["Photos", "Accounts 2026", "音乐"]) await call(context, "POST", "/folder/create", { name });
  const files = {
    "Notes.md": 5_200,
    "Floor plan.pdf": 810_000,
    "Summer.jpg": 2_400_000,
    "年度报告.docx": 96_000,
    "Interview.mp3": 3_100_000,
  };
  for (const [name, size] of Object.entries(files))
    await call(context, "POST", `/file/upload?name=${encodeURIComponent(name)}`, file(name, size).buffer);
  await page.reload();
  await seen(row(page, "Notes.md"));
  return person;
}

// One upload of each kind.
async function uploading(page) {
  const film = file("Film.mov", 42 * MIB);
  let passed = 0;
  await page.route("**/file/mpupload/uppart*", (route) => ((passed += 1) <= 5 ? route.continue() : undefined));
  const notes = file("Recording.wav", MIB);
  await choose(page, notes);
  await inState(page, notes.name, "done");
  await choose(page, { ...notes, name: "Recording (copy).wav" });
  await inState(page, "Recording (copy).wav", "instant");
  await choose(page, film);
  await inState(page, film.name, "sending");
  while (passed <= 5) await page.waitForResponse(/uppart/);
}

test("pictures", LONG, async () => {
  for (const colorScheme of ["light", "dark"]) {
    const { context, page } = await settled({ ...WIDE, colorScheme });
    await uploading(page);
    await shot(page, `home-${colorScheme}`);
    await page.getByRole("button", { name: "Fold the uploads" }).click();
    await row(page, "Floor plan.pdf").locator(".menu-button").click();
    await shot(page, `menu-${colorScheme}`);
    await page.keyboard.press("Escape");
    await act(page, "Floor plan.pdf", "Rename");
    await dialog(page).getByLabel("New name").fill("Floor plan, first floor.pdf");
    await dialog(page).getByRole("button", { name: "Rename" }).click();
    await act(page, "Floor plan, first floor.pdf", "History");
    await seen(dialog(page));
    await shot(page, `history-${colorScheme}`);
    await page.keyboard.press("Escape");
    await context.close();
  }

  const phone = await settled({ ...PHONE, locale: "zh-CN" });
  await shot(phone.page, "phone-chinese");
  await uploading(phone.page);
  await shot(phone.page, "phone-uploads");
  await phone.context.close();

  const stranger = await open(WIDE);
  await stranger.page.goto("/user/signup");
  await seen(stranger.page.getByRole("heading"));
  await shot(stranger.page, "signup");
  await stranger.context.close();

  const giver = await settled(WIDE);
  await act(giver.page, "Summer.jpg", "Share");
  await dialog(giver.page).getByLabel("Works").selectOption("week");
  await shot(giver.page, "share-dialog");
  await dialog(giver.page).getByRole("button", { name: "Make a link" }).click();
  const link = await dialog(giver.page).getByLabel("Link").inputValue();
  await shot(giver.page, "share-link");
  const taker = await open({ ...PHONE, colorScheme: "dark" });
  await taker.page.goto(link);
  await seen(taker.page.locator("#found"));
  await shot(taker.page, "shared-phone");
  await Promise.all([giver.context.close(), taker.context.close()]);
});

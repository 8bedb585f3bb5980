// Uploads: in parts, paused, interrupted by a reload and by the network, by dropping, and at once.

import assert from "node:assert/strict";
import { test } from "node:test";

import {
  LONG,
  MIB,
  call,
  choose,
  file,
  gone,
  holdPartsAfter,
  inState,
  row,
  sameBytes,
  seen,
  somebody,
  uploadOf,
} from "./browser.mjs";

const indexOf = (request) => Number(new URL(request.url()).searchParams.get("index"));

test("an upload is interrupted by a reload and goes on with the parts that are missing", LONG, async () => {
  const { context, page, faults } = await somebody();
  const video = file("video.bin", 21 * MIB);
  const parts = await holdPartsAfter(page, 2);
  const arrived = [];
  page.on("response", (response) => {
    if (/uppart/.test(response.url()) && response.ok()) arrived.push(indexOf(response.request()));
  });
  await choose(page, video);
  while (arrived.length < 2) await page.waitForResponse(/uppart/);
  await page.reload();
  parts.giveUp();
  await seen(uploadOf(page, "video.bin").getByText(/8 MiB of 21 MiB are here\. Choose the file again/));

  const [before, sent] = [[...arrived], []];
  page.on("request", (request) => {
    if (/uppart/.test(request.url())) sent.push(indexOf(request));
  });
  const [chooser] = await Promise.all([
    page.waitForEvent("filechooser"),
    uploadOf(page, "video.bin").getByRole("button", { name: "Choose the file" }).click(),
  ]);
  await chooser.setFiles(video);
  await inState(page, "video.bin", "done");
  assert.deepEqual(
    sent.sort(),
    [1, 2, 3, 4, 5, 6].filter((index) => !before.includes(index)),
  );
  await sameBytes(page, video);
  assert.deepEqual((await call(context, "GET", "/file/mpupload/query")).items, []);
  assert.deepEqual(faults, []);
  await context.close();
});

test("each of many files that are chosen together is sent once", LONG, async () => {
  const { context, page, faults } = await somebody();
  const names = ["1.bin", "2.bin", "3.bin", "4.bin", "5.bin"];
  const offered = [];
  page.on("request", (request) => {
    if (request.url().endsWith("/file/fastupload")) offered.push(request.postDataJSON().name);
  });
  await choose(
    page,
    names.map((name) => file(name)),
  );
  for (const name of names) await inState(page, name, "done");
  assert.deepEqual(offered.sort(), names);
  const { items } = await call(context, "GET", "/file/query");
  assert.deepEqual(items.map(({ name }) => name).sort(), names);
  assert.deepEqual(faults, []);
  await context.close();
});

test("another file of the same size is not taken for the one that was begun", LONG, async () => {
  const { context, page } = await somebody();
  const wanted = file("draft.bin", 9 * MIB);
  const parts = await holdPartsAfter(page, 1);
  await Promise.all([page.waitForResponse(/uppart/), choose(page, wanted)]);
  await page.reload();
  parts.giveUp();
  await inState(page, "draft.bin", "lost");
  const [chooser] = await Promise.all([
    page.waitForEvent("filechooser"),
    uploadOf(page, "draft.bin").getByRole("button", { name: "Choose the file" }).click(),
  ]);
  await chooser.setFiles(file("draft.bin", 9 * MIB));
  await inState(page, "draft.bin", "done");
  await inState(page, "draft.bin", "lost");
  assert.equal((await call(context, "GET", "/file/mpupload/query")).items.length, 1);
  await context.close();
});

test("a lost connection is waited for, and the upload goes on by itself", LONG, async () => {
  const { context, page, faults } = await somebody();
  const archive = file("archive.bin", 21 * MIB);
  const parts = await holdPartsAfter(page, 1);
  await Promise.all([page.waitForResponse(/uppart/), choose(page, archive)]);
  await context.setOffline(true);
  parts.letGo();
  await inState(page, "archive.bin", "waiting");
  await seen(uploadOf(page, "archive.bin").getByText("No connection; going on by itself as soon as there is one"));
  await context.setOffline(false);
  await inState(page, "archive.bin", "done");
  await sameBytes(page, archive);
  assert.deepEqual(faults, []);
  await context.close();
});

test("an upload is paused and resumed, and another is cancelled", LONG, async () => {
  const { context, page, faults } = await somebody();
  const [long, dropped] = [file("long.bin", 21 * MIB), file("dropped.bin", 21 * MIB)];
  const parts = await holdPartsAfter(page, 1);
  await Promise.all([page.waitForResponse(/uppart/), choose(page, long)]);
  await page.getByRole("button", { name: "Pause “long.bin”" }).click();
  await inState(page, "long.bin", "paused");
  parts.letGo();
  await choose(page, dropped);
  await inState(page, "dropped.bin", "done");
  assert.equal(await uploadOf(page, "long.bin").getAttribute("data-state"), "paused");
  await page.getByRole("button", { name: "Resume “long.bin”" }).click();
  await inState(page, "long.bin", "done");
  await sameBytes(page, long);

  const others = await holdPartsAfter(page, 0);
  await choose(page, file("unwanted.bin", 21 * MIB));
  await inState(page, "unwanted.bin", "sending");
  await page.getByRole("button", { name: "Cancel “unwanted.bin”" }).click();
  await gone(uploadOf(page, "unwanted.bin"));
  others.giveUp();
  assert.deepEqual((await call(context, "GET", "/file/mpupload/query")).items, []);
  assert.equal(await row(page, "unwanted.bin").count(), 0);
  assert.deepEqual(faults, []);
  await context.close();
});

test("what the drive has already is there at once, for its owner and for others who have the bytes", LONG, async () => {
  const first = await somebody();
  const film = file("film.bin", 6 * MIB);
  await choose(first.page, film);
  await inState(first.page, "film.bin", "done");
  await choose(first.page, { ...film, name: "the same film.bin" });
  await inState(first.page, "the same film.bin", "instant");
  await seen(uploadOf(first.page, "the same film.bin").getByText("Uploaded instantly: the drive had it already"));

  const second = await somebody();
  let parts = 0;
  second.page.on("request", (request) => {
    if (/uppart/.test(request.url())) parts += 1;
  });
  await choose(second.page, film);
  await inState(second.page, "film.bin", "instant");
  assert.equal(parts, 0);
  await sameBytes(second.page, film);
  assert.deepEqual([...first.faults, ...second.faults], []);
  await Promise.all([first.context.close(), second.context.close()]);
});

test("files are dropped, empty ones too, and go into the folder that is shown", LONG, async () => {
  const { context, page, faults } = await somebody();
  const folder = await call(context, "POST", "/folder/create", { name: "Inbox" });
  await page.goto(`/home#folder=${folder.id}`);
  await seen(page.getByRole("heading", { name: "Inbox" }));
  const data = await page.evaluateHandle(() => {
    const transfer = new DataTransfer();
    transfer.items.add(new File(["dropped"], "dropped.txt"));
    transfer.items.add(new File([], "empty.txt"));
    return transfer;
  });
  await page.locator("main").dispatchEvent("dragenter", { dataTransfer: data });
  await seen(page.getByText("Drop files to upload them"));
  await page.locator("main").dispatchEvent("drop", { dataTransfer: data });
  await gone(page.getByText("Drop files to upload them"));
  await seen(row(page, "dropped.txt"));
  await seen(row(page, "empty.txt"));
  const there = await call(context, "GET", `/file/query?folder_id=${folder.id}`);
  assert.deepEqual(there.items.map(({ name, size }) => [name, size]).sort(), [
    ["dropped.txt", 7],
    ["empty.txt", 0],
  ]);
  assert.deepEqual(faults, []);
  await context.close();
});

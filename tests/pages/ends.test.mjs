// How uploads end: given up, refused by the drive, with a file that has gone, and never with the bytes of another.

import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

import {
  LONG,
  MIB,
  call,
  choose,
  file,
  gone,
  hold,
  holdPartsAfter,
  inState,
  sameBytes,
  seen,
  somebody,
  uploadOf,
} from "./browser.mjs";

const openUploads = async (context) => (await call(context, "GET", "/file/mpupload/query")).items;
const begin = (context, { name, buffer }) =>
  call(context, "POST", "/file/mpupload/init", { name, size: buffer.length, part_size: 4 * MIB });

const sendPart = (context, { upload_id }, index, bytes) =>
  call(context, "PUT", `/file/mpupload/uppart?upload_id=${upload_id}&index=${index}`, bytes);

const partsOf = ({ buffer }) => [0, 1, 2].map((index) => buffer.subarray(index * 4 * MIB, (index + 1) * 4 * MIB));

test("what another program began without a hash is never mixed with a file of the same name and size", LONG, async () => {
  const { context, page, faults } = await somebody();
  const [theirs, own] = [file("draft.bin", 9 * MIB), file("draft.bin", 9 * MIB)];
  const begun = await begin(context, theirs);
  await sendPart(context, begun, 1, partsOf(theirs)[0]);
  await page.reload();
  await seen(uploadOf(page, "draft.bin"));
  await choose(page, own);
  await inState(page, "draft.bin", "done");
  await sameBytes(page, own);
  assert.deepEqual(
    (await openUploads(context)).map(({ upload_id }) => upload_id),
    [begun.upload_id],
  );
  await seen(page.locator("[data-state=elsewhere]").getByText("only it can go on"));
  await page.getByRole("button", { name: "Cancel “draft.bin”" }).click();
  await gone(page.locator("[data-state=elsewhere]"));
  assert.deepEqual(await openUploads(context), []);
  assert.deepEqual(faults, []);
  await context.close();
});

test("an upload that is given up in the instant in which it begins is not left open", LONG, async () => {
  const { context, page, faults } = await somebody();
  const init = await hold(page, "**/file/mpupload/init");
  await choose(page, file("moment.bin", 9 * MIB));
  await init.isHeld;
  await page.getByRole("button", { name: "Cancel “moment.bin”" }).click();
  await inState(page, "moment.bin", "cancelling");
  init.letGo();
  await gone(uploadOf(page, "moment.bin"));
  assert.deepEqual(await openUploads(context), []);
  assert.deepEqual(faults, []);
  await context.close();
});

test("an upload that has ended elsewhere can be given up", LONG, async () => {
  const { context, page, faults } = await somebody();
  const whole = file("whole.bin", 9 * MIB);
  const parts = await holdPartsAfter(page, 0);
  await choose(page, whole);
  await parts.isHeld;
  await page.getByRole("button", { name: "Pause “whole.bin”" }).click();
  await inState(page, "whole.bin", "paused");
  const [begun] = await openUploads(context);
  for (const [at, bytes] of partsOf(whole).entries()) await sendPart(context, begun, at + 1, bytes);
  await call(context, "POST", "/file/mpupload/complete", { upload_id: begun.upload_id });
  await page.getByRole("button", { name: "Cancel “whole.bin”" }).click();
  await gone(uploadOf(page, "whole.bin"));
  assert.equal(await page.locator("#wrong").innerText(), "");
  parts.giveUp();
  assert.deepEqual(faults, []);
  await context.close();
});

test("an upload that could not be given up is still there, to be paused, resumed or given up again", LONG, async () => {
  const { context, page, faults } = await somebody();
  const parts = await holdPartsAfter(page, 1);
  const kept = file("kept.bin", 9 * MIB);
  await choose(page, kept);
  await parts.isHeld;
  await page.route("**/file/mpupload/cancel", (route) => route.abort(), { times: 1 });
  await page.getByRole("button", { name: "Cancel “kept.bin”" }).click();
  await seen(page.locator("#wrong").getByText("The drive could not be reached. Please try again."));
  await inState(page, "kept.bin", "paused");
  parts.letGo();
  await page.getByRole("button", { name: "Resume “kept.bin”" }).click();
  await inState(page, "kept.bin", "done");
  await sameBytes(page, kept);
  assert.deepEqual(faults, []);
  await context.close();
});

test("what the drive is putting together can't be paused, and becomes a file", LONG, async () => {
  const { context, page, faults } = await somebody();
  const joined = file("joined.bin", 9 * MIB);
  const complete = await hold(page, "**/file/mpupload/complete");
  await choose(page, joined);
  await complete.isHeld;
  await inState(page, "joined.bin", "merging");
  assert.equal(await uploadOf(page, "joined.bin").getByRole("button").count(), 0);
  complete.letGo();
  await inState(page, "joined.bin", "done");
  await sameBytes(page, joined);
  assert.deepEqual(faults, []);
  await context.close();
});

test("a file that can't be read any more ends its upload, and dismissing that ends it in the drive", LONG, async () => {
  const { context, page, faults } = await somebody();
  const place = await mkdtemp(join(tmpdir(), "pages-"));
  const path = join(place, "moved.bin");
  await writeFile(path, file("moved.bin", 21 * MIB).buffer);
  const parts = await holdPartsAfter(page, 1);
  await choose(page, path);
  await parts.isHeld;
  await page.getByRole("button", { name: "Pause “moved.bin”" }).click();
  await inState(page, "moved.bin", "paused");
  await rm(place, { recursive: true });
  parts.letGo();
  await page.getByRole("button", { name: "Resume “moved.bin”" }).click();
  await inState(page, "moved.bin", "failed");
  await seen(uploadOf(page, "moved.bin").getByText("Not uploaded: The file can't be read; it may have changed."));
  await page.getByRole("button", { name: "Switch to Chinese" }).click();
  await seen(uploadOf(page, "moved.bin").getByText("上传失败：无法读取文件；它可能已被更改。"));
  assert.equal((await openUploads(context)).length, 1);
  await page.getByRole("button", { name: "从列表中移除“moved.bin”" }).click();
  await gone(uploadOf(page, "moved.bin"));
  assert.deepEqual(await openUploads(context), []);
  assert.deepEqual(faults, []);
  await context.close();
});

// Only an operator can set a quota, and nobody here is one.
test("an upload beyond the quota is refused with what helps", LONG, async () => {
  const { context, page, faults } = await somebody();
  const problem = {
    type: "/problems/quota_exceeded",
    title: "Quota exceeded",
    status: 413,
    code: "quota_exceeded",
    detail: "It is full.",
  };
  const full = (route) => route.fulfill({ status: 413, contentType: "application/problem+json", body: JSON.stringify(problem) });
  await page.route("**/file/fastupload", full);
  await choose(page, file("too much.bin", MIB));
  await inState(page, "too much.bin", "failed");
  await seen(uploadOf(page, "too much.bin").getByText("Your part of the drive is full. Delete files for good to make room"));
  await page.unroute("**/file/fastupload");
  await page.getByRole("button", { name: "Resume “too much.bin”" }).click();
  await inState(page, "too much.bin", "done");
  assert.deepEqual(faults, []);
  await context.close();
});

test("a file that is larger than the drive allows is refused in words", LONG, async () => {
  const { context, page, faults } = await somebody();
  const place = await mkdtemp(join(tmpdir(), "pages-"));
  const path = join(place, "huge.bin");
  await writeFile(path, Buffer.alloc(101_000_000));
  await choose(page, path);
  await seen(uploadOf(page, "huge.bin").getByText(/Reading the file: [\d.]+ MiB of 96\.3 MiB/));
  await inState(page, "huge.bin", "failed");
  await seen(uploadOf(page, "huge.bin").getByText("Not uploaded: The file is larger than the drive allows."));
  await rm(place, { recursive: true });
  assert.deepEqual(faults, []);
  await context.close();
});

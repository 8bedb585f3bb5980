// What needs no browser: the hash that JavaScript makes, and the dictionaries.

import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { readFile, readdir } from "node:fs/promises";
import { test } from "node:test";

// The scripts of the pages are modules; node would want a package.json beside them to know it.
const web = new URL("../../api/src/pages/web/", import.meta.url);
const load = async (name) =>
  import(`data:text/javascript;base64,${(await readFile(new URL(`assets/${name}`, web))).toString("base64")}`);

const { Sha256 } = await load("sha256.js");
const [en, zh] = [(await load("text/en.js")).default, (await load("text/zh.js")).default];

test("SHA-256 has the values of FIPS 180-4", () => {
  const of = (text) => new Sha256().update(new TextEncoder().encode(text)).digest();
  assert.equal(of(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  assert.equal(of("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  assert.equal(
    of("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
    "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
  );
  assert.equal(of("a".repeat(1_000_000)), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
});

test("SHA-256 is the same however the bytes come", () => {
  for (let length = 0; length < 300; length += 1) {
    const bytes = randomBytes(length);
    const hash = new Sha256();
    for (let from = 0; from < length; from += (from % 67) + 1) hash.update(bytes.subarray(from, from + (from % 67) + 1));
    assert.equal(hash.digest(), createHash("sha256").update(bytes).digest("hex"), `${length} bytes`);
  }
});

test("every text is there in every language, with the same values", () => {
  assert.deepEqual(Object.keys(zh).sort(), Object.keys(en).sort());
  const values = (text) => [...text.matchAll(/\{\w+\}/g)].map(String).sort();
  for (const key of Object.keys(en)) assert.deepEqual(values(zh[key]), values(en[key]), key);
});

test("every text that is asked for is there", async () => {
  const names = await readdir(new URL("assets/", web));
  const pages = (await readdir(web)).filter((name) => name.endsWith(".html"));
  const sources = [...names.filter((name) => name.endsWith(".js")).map((name) => `assets/${name}`), ...pages];
  for (const source of sources) {
    const text = await readFile(new URL(source, web), "utf8");
    const asked = [...text.matchAll(/\bt\("([\w.]+)"|data-t(?:-\w+)?="([\w.]+)"/g)].map((match) => match[1] ?? match[2]);
    for (const key of asked) assert.ok(Object.hasOwn(en, key), `${source} asks for ${key}`);
  }
});

// Signing up, in and out; and a session that neither scripts nor other sites get hold of.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { once } from "node:events";
import { test } from "node:test";

import { LONG, PASSWORD, URL_OF_DRIVE, call, gone, newName, open, seen, somebody } from "./browser.mjs";

test("signing up leads into an empty drive, and signing out leads out of it", LONG, async () => {
  const { context, page, faults } = await open();
  const username = newName();
  await page.goto("/home");
  await page.waitForURL("**/user/signin");
  await page.getByRole("link", { name: "Create an account" }).click();
  await page.getByLabel("User name").fill(username);
  await page.getByLabel("Password").fill(PASSWORD);
  await page.getByRole("button", { name: "Create the account" }).click();
  await page.waitForURL("**/home");
  await seen(page.getByText("Nothing here yet"));
  await seen(page.locator("#who", { hasText: username }));
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.waitForURL("**/user/signin");
  assert.deepEqual(await context.cookies(), []);
  await page.goBack();
  await page.waitForURL("**/user/signin");

  await page.getByLabel("User name").fill(username);
  await page.getByLabel("Password").fill("a wrong password");
  await page.getByRole("button", { name: "Sign in" }).click();
  await seen(page.getByRole("alert").getByText("The user name or the password is wrong."));
  await page.getByLabel("Password").fill(PASSWORD);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.waitForURL("**/home");
  assert.deepEqual(faults, []);
  await context.close();
});

test("whoever speaks Chinese is told in Chinese what a name and a password are like", LONG, async () => {
  const { context, page, faults } = await open({ locale: "zh-CN" });
  await page.goto("/user/signup");
  const wrong = page.getByRole("alert");
  const submit = async (username, password) => {
    await page.getByLabel("用户名").fill(username);
    await page.getByLabel("密码").fill(password);
    await page.getByRole("button", { name: "注册" }).click();
  };
  await submit("小 明同学", PASSWORD);
  await seen(wrong.getByText("用户名为 3 到 64 个字符"));
  await submit(newName(), "12345678");
  await seen(wrong.getByText("不能是容易猜到的密码"));
  await submit("小 明同学", "12345678");
  await seen(wrong.getByText(/不能有空格。.*密码为/));
  assert.ok(!/[a-z]{2,}/i.test(await wrong.innerText()), await wrong.innerText());
  await submit(newName(), PASSWORD);
  await page.waitForURL("**/home");
  await seen(page.getByText("这里还没有内容"));
  assert.deepEqual(faults, []);
  await context.close();
});

test("a browser that keeps no cookie is told so", LONG, async () => {
  const { context, page, username } = await somebody();
  await context.clearCookies();
  await page.route("**/user/signin", async (route) => {
    if (route.request().method() !== "POST") return route.continue();
    const answer = await route.fetch();
    await context.clearCookies();
    return route.fulfill({ status: answer.status(), contentType: "application/json", body: await answer.text() });
  });
  await page.goto("/user/signin");
  await page.getByLabel("User name").fill(username);
  await page.getByLabel("Password").fill(PASSWORD);
  await page.getByRole("button", { name: "Sign in" }).click();
  await seen(page.getByRole("alert").getByText("your browser did not keep it"));
  await page.unroute("**/user/signin");
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.waitForURL("**/home");
  await context.close();
});

test("no script can read the session", LONG, async () => {
  const { context, page } = await somebody();
  const [cookie] = await context.cookies();
  assert.deepEqual([cookie.name, cookie.httpOnly, cookie.sameSite, cookie.path], ["cairn_session", true, "Strict", "/"]);
  const known = await page.evaluate(() => JSON.stringify([document.cookie, { ...localStorage }, { ...sessionStorage }]));
  assert.ok(!known.includes(cookie.value), known);
  await context.close();
});

test("no page of another origin acts or reads in somebody's name", LONG, async () => {
  const { context, page } = await somebody();
  context.mayLeave = true;
  // The same host at another port is the same site: the browser sends the cookie along.
  const { hostname } = new URL(URL_OF_DRIVE);
  const server = createServer((_, response) => response.setHeader("content-type", "text/html").end("<title>evil</title>"));
  server.listen(0, hostname);
  await once(server, "listening");
  await page.goto(`http://${hostname}:${server.address().port}/`);
  const outcome = await page.evaluate(async (drive) => {
    const wish = { method: "POST", credentials: "include", body: JSON.stringify({ name: "evil" }) };
    const tries = [
      fetch(`${drive}/folder/create`, { ...wish, mode: "no-cors", headers: { "Content-Type": "text/plain" } }),
      fetch(`${drive}/folder/create`, { ...wish, headers: { "Content-Type": "application/json", "Cairn-Session": "cookie" } }),
      fetch(`${drive}/file/query`, { credentials: "include" }),
    ];
    return (await Promise.allSettled(tries)).map(({ status, value }) => (status === "rejected" ? "refused" : value.type));
  }, URL_OF_DRIVE);
  assert.deepEqual(outcome, ["opaque", "refused", "refused"]);
  await page.evaluate((drive) => {
    const form = Object.assign(document.createElement("form"), { method: "post", action: `${drive}/user/signout` });
    document.body.append(form);
    form.submit();
  }, URL_OF_DRIVE);
  await page.waitForURL(`${URL_OF_DRIVE}/user/signout`);
  assert.deepEqual((await call(context, "GET", "/folder/query")).items, []);
  await page.goto("/home");
  await seen(page.getByText("Nothing here yet"));
  server.close();
  await context.close();
});

test("pages forbid what they do not need, and are asked for anew after an upgrade", LONG, async () => {
  const { context } = await open();
  for (const path of ["/user/signup", "/user/signin", "/home", "/s/a-token", "/assets/home.js"]) {
    const answer = await context.request.get(path);
    const headers = answer.headers();
    assert.match(headers["content-security-policy"], /default-src 'none'; script-src 'self'; style-src 'self'/, path);
    assert.ok(!/unsafe|http:|\*/.test(headers["content-security-policy"]), path);
    assert.deepEqual(
      [headers["cache-control"], headers["x-content-type-options"], headers["referrer-policy"]],
      ["no-cache", "nosniff", "no-referrer"],
      path,
    );
    const again = await context.request.get(path, { headers: { "If-None-Match": headers.etag } });
    // Of a link that leads nowhere, nothing is kept.
    assert.equal(again.status(), path.startsWith("/s/") ? 404 : 304, path);
  }
  await context.close();
});

test("a session that ended elsewhere begins again on the page for signing in", LONG, async () => {
  const { context, page } = await somebody();
  await call(context, "POST", "/user/signout");
  await page.getByRole("link", { name: "Trash" }).click();
  await page.waitForURL("**/user/signin");
  await gone(page.locator("#list"));
  await context.close();
});

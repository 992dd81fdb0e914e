// The pages that links in mails lead to, in a real browser; and the link to the first superuser.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";

import { Browser, available } from "./browser.mjs";
import { MailServer } from "./smtp.mjs";
import { binaries, ended, failure, freePort, guest, server, start, superuser, target } from "./support.mjs";

const why = { stock: "a stock server has pages of its own", hosted: "the mail server is on this machine, which a hosted project may not reach" };
const skip = why[target] ?? (available ? false : "there is no Chromium");
const alone = target === "hosted" ? "only a server that stands alone prints a link" : false;
const post = new MailServer();
const browser = new Browser();
const PASSWORD = "correct horse";
let admin;

before(() => post.start());
after(() => post.stop());
start(async () => {
  if (skip) return;
  await browser.start();
  admin = await superuser();
  await admin.settings.update({ meta: { appURL: server.url }, smtp: post.settings() });
});
after(() => !skip && browser.stop());

const status = "document.getElementById('status')";
const title = () => browser.ask("document.querySelector('h1').textContent");
const good = () => browser.until(`${status}.className === 'good'`);
const bad = () => browser.until(`${status}.className === 'bad'`);
const said = () => browser.ask(`${status}.textContent`);
const link = (mail) => /href="([^"]+)"/.exec(mail.html)[1];
let made = 0;

async function account() {
  const email = `page${++made}@example.com`;
  const record = await admin.collection("users").create({ email, password: PASSWORD, passwordConfirm: PASSWORD });
  return { email, id: record.id };
}

test("a click on the link in the mail verifies the address", { skip }, async () => {
  const { email, id } = await account();
  await guest().collection("users").requestVerification(email);
  await browser.open(link(await post.next(email)));
  await good();
  assert.equal(await title(), "Confirm your mail address");
  assert.equal((await admin.collection("users").getOne(id)).verified, true);
  await browser.open(`${server.url}/_/#/auth/confirm-verification/nonsense`);
  await bad();
});

test("a new password is chosen on the page, with its problems beside the fields", { skip }, async () => {
  const { email } = await account();
  await guest().collection("users").requestPasswordReset(email);
  const url = link(await post.next(email));
  await browser.open(url);
  assert.ok((await browser.ask("document.body.innerText")).includes(email));
  await browser.type("New password", "short");
  await browser.type("The same again", "other");
  await browser.press("Set the new password");
  await bad();
  assert.match(await browser.ask("document.getElementById('password-problem').textContent"), /between 8 and 255/);
  assert.match(await browser.ask("document.getElementById('passwordConfirm-problem').textContent"), /don't match/);
  assert.equal(await browser.ask("document.activeElement.id"), "password");
  await browser.type("New password", "another password");
  await browser.type("The same again", "another password");
  await browser.press("Set the new password");
  await good();
  await guest().collection("users").authWithPassword(email, "another password");
  await browser.open(url);
  await browser.type("New password", "third password");
  await browser.type("The same again", "third password");
  await browser.press("Set the new password");
  await bad();
  assert.match(await said(), /no longer valid/);
});

test("a new address is confirmed with the password", { skip }, async () => {
  const { email } = await account();
  const client = guest();
  await client.collection("users").authWithPassword(email, PASSWORD);
  await client.collection("users").requestEmailChange(`new-${email}`);
  await browser.open(link(await post.next(`new-${email}`)));
  assert.ok((await browser.ask("document.body.innerText")).includes(`new-${email}`));
  await browser.type("Password", "wrong password");
  await browser.press("Confirm the address");
  await bad();
  await browser.type("Password", PASSWORD);
  await browser.press("Confirm the address");
  await good();
  await guest().collection("users").authWithPassword(`new-${email}`, PASSWORD);
});

test("what is not there yet says so, and nothing foreign runs", { skip }, async () => {
  for (const [way, heading] of [
    ["", "The studio is not there yet"], ["#/collections", "The studio is not there yet"], ["settings", "The studio is not there yet"],
    ["#/auth/oauth2-redirect-success", "You are signed in"], ["#/auth/oauth2-redirect-failure", "That did not work"],
  ]) {
    await browser.open(`${server.url}/_/${way}`);
    assert.equal(await title(), heading, way);
    assert.equal(await browser.ask("document.title"), heading);
  }
  const page = await fetch(`${server.url}/_/`);
  assert.equal(page.status, 200);
  assert.match(page.headers.get("content-security-policy"), /default-src 'none'.*frame-ancestors 'none'/);
  assert.equal((await fetch(`${server.url}/_/settings`)).status, 404);
  const moved = await fetch(`${server.url}/_`, { redirect: "manual" });
  assert.deepEqual([moved.status, moved.headers.get("location")], [307, "/_/"]);
  await browser.open(`${server.url}/_/#/auth/confirm-email-change/e30.${Buffer.from(JSON.stringify({ newEmail: "<img src=x onerror=document.title='run'>" })).toString("base64url")}.x`);
  assert.equal(await browser.ask("document.querySelectorAll('img').length"), 0);
});

test("a server without superusers prints a link to the first one", { skip: alone }, async () => {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), "roost-installer-"));
  const data = path.join(dir, "pb_data");
  const port = await freePort();
  const child = spawn(binaries[target], ["serve", "--dir", data, "--http", `127.0.0.1:${port}`], { stdio: ["ignore", "pipe", "ignore"] });
  try {
    let printed = "";
    const url = await new Promise((resolve) => {
      child.stdout.on("data", (chunk) => {
        printed += chunk;
        const found = /(http:\S+\/_\/#\/pbinstall\/\S+)/.exec(printed);
        if (found) resolve(found[1]);
      });
    });
    const client = guest();
    client.baseURL = `http://127.0.0.1:${port}`;
    const token = url.split("/").at(-1);
    const claims = JSON.parse(Buffer.from(token.split(".")[1], "base64url").toString());
    assert.deepEqual([claims.type, claims.refreshable], ["auth", false]);
    assert.ok(Math.abs(claims.exp - Date.now() / 1000 - 1800) < 60);
    const owner = { email: "owner@example.com", password: PASSWORD, passwordConfirm: PASSWORD };
    if (skip) {
      await client.collection("_superusers").create(owner, { headers: { authorization: token } });
    } else {
      await browser.open(url);
      assert.equal(await title(), "Create the first superuser");
      await browser.type("Mail address", owner.email);
      await browser.type("New password", PASSWORD);
      await browser.type("The same again", PASSWORD);
      await browser.press("Create the superuser");
      await good();
    }
    await client.collection("_superusers").authWithPassword(owner.email, PASSWORD);
    const all = await client.collection("_superusers").getFullList();
    assert.deepEqual(all.map((one) => one.email), [owner.email]);
    const late = await failure(client.collection("_superusers").create({ ...owner, email: "late@example.com" }, { headers: { authorization: token } }));
    assert.equal(late.status, 403);
  } finally {
    await ended(child);
    fs.rmSync(dir, { recursive: true, force: true });
  }
});

import assert from "node:assert/strict";
import { test } from "node:test";

import { failure, guest, server, start, superuser, target, until } from "./support.mjs";

start();

const SECONDS_OF_QUIET = 10_000;

/** The newest entry a filter finds, once there is one. */
async function entry(admin, filter) {
  const end = Date.now() + SECONDS_OF_QUIET;
  for (;;) {
    const { items } = await admin.logs.getList(1, 1, { filter, sort: "-@rowid" });
    if (items.length) return items[0];
    if (Date.now() > end) throw new Error(`no entry for ${filter}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

test("a request is logged with who asked, how long it took and how it ended", async () => {
  const admin = await superuser();
  await admin.collection("users").getList(1, 7);
  const log = await entry(admin, "message ~ 'perPage=7'");
  assert.deepEqual(Object.keys(log).sort(), ["created", "data", "id", "level", "message"]);
  assert.match(log.message, /^GET \/api\/collections\/users\/records\?/);
  assert.match(log.created, /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}Z$/);
  assert.equal(log.level, 0);
  const { auth, execTime, method, status, type, url, userIP, remoteIP, referer } = log.data;
  assert.deepEqual({ auth, method, status, type, referer }, { auth: "_superusers", method: "GET", status: 200, type: "request", referer: "" });
  assert.match(url, /^\/api\/collections\/users\/records\?/);
  assert.ok(execTime > 0);
  assert.ok(userIP && remoteIP);
  assert.equal(log.data.authId, undefined, "ids of accounts are logged only on demand");
  assert.deepEqual(await admin.logs.getOne(log.id), log);
});

test("a failed request tells what the client heard and what was behind it", async () => {
  const admin = await superuser();
  await failure(guest().collection("users").create({ email: "not an address" }));
  const refused = await entry(admin, "data.status = 400 && data.method = 'POST'");
  assert.equal(refused.level, 8);
  assert.equal(refused.data.error, "Failed to create record.");
  assert.match(refused.data.details.password, /cannot be blank/i);
  assert.equal(refused.data.auth, "");
  await failure(guest().collection("nowhere").getOne("x"));
  assert.equal((await entry(admin, "data.url ~ 'nowhere'")).data.status, 404);
});

test("addresses are shown as they were typed", async () => {
  const admin = await superuser();
  await fetch(`${server.url}/api/health?what=%C3%A9t%C3%A9`, { headers: { referer: "http://elsewhere/" } });
  const log = await entry(admin, "data.url ~ 'what='");
  assert.equal(log.message, "GET /api/health?what=été");
  assert.equal(log.data.url, "/api/health?what=%C3%A9t%C3%A9");
  assert.equal(log.data.referer, "http://elsewhere/");
});

test("entries are filtered, sorted and paged", async () => {
  const admin = await superuser();
  for (const page of [101, 102, 103]) await guest().collection("users").getList(page, 1).catch(() => {});
  await entry(admin, "message ~ 'page=103'");
  const list = await admin.logs.getList(1, 2, { filter: "message ~ 'page=10'", sort: "created,@rowid" });
  assert.equal(list.totalItems, 3);
  assert.equal(list.totalPages, 2);
  assert.deepEqual(list.items.map((item) => /[?&]page=(\d+)/.exec(item.message)[1]), ["101", "102"]);
  const rest = await admin.logs.getList(2, 2, { filter: "message ~ 'page=10'", sort: "created,@rowid", skipTotal: true });
  assert.equal(rest.totalItems, -1);
  assert.equal(rest.items.length, 1);
  assert.equal((await admin.logs.getList(1, 1, { filter: "level > 100" })).items.length, 0);
  for (const wrong of [{ filter: "nope = 1" }, { filter: "level >" }, { sort: "nope" }, { filter: "@request.auth.id = ''" }]) {
    const error = await failure(admin.logs.getList(1, 1, wrong));
    assert.deepEqual([error.status, error.message], [400, "Something went wrong while processing your request."], JSON.stringify(wrong));
  }
});

test("entries are counted by the hour", async () => {
  const admin = await superuser();
  await entry(admin, "level = 0");
  const stats = await admin.logs.getStats();
  assert.ok(stats.length >= 1);
  assert.match(stats.at(-1).date, /^\d{4}-\d\d-\d\d \d\d:00:00\.000Z$/);
  assert.ok(stats.at(-1).total >= 1);
  assert.deepEqual(await admin.logs.getStats({ filter: "message = 'nothing like it'" }), []);
  assert.equal((await failure(admin.logs.getStats({ filter: "nope" }))).message, "Invalid filter format.");
});

test("reading the log does not fill it", async () => {
  const admin = await superuser();
  await admin.logs.getStats();
  await guest().health.check();
  await entry(admin, "data.url = '/api/health'");
  assert.equal((await admin.logs.getList(1, 1, { filter: "data.url ~ '/api/logs' && level = 0" })).items.length, 0);
});

test("the log is for superusers", async () => {
  for (const ask of [(c) => c.logs.getList(), (c) => c.logs.getStats(), (c) => c.logs.getOne("x")]) {
    assert.equal((await failure(ask(guest()))).status, 401);
  }
  assert.equal((await failure((await superuser()).logs.getOne("nothing"))).status, 404);
});

test("the settings say what is kept", async () => {
  const admin = await superuser();
  await admin.settings.update({ logs: { logIP: false, logAuthId: true } });
  await admin.collection("users").getList(1, 9);
  const log = await entry(admin, "message ~ 'perPage=9'");
  assert.equal(log.data.userIP, undefined);
  assert.equal(log.data.authId, admin.authStore.record.id);
  await admin.settings.update({ logs: { minLevel: 8 } });
  const levels = async () => (await admin.logs.getList(1, 500)).items.map((item) => item.level);
  await until(async () => (await levels()).every((level) => level >= 8), "the lower levels to go");
  await admin.settings.update({ logs: { minLevel: 0, maxDays: 0 } });
  await until(async () => (await levels()).length === 0, "everything to go");
  await admin.settings.update({ logs: { maxDays: 5, logIP: true, logAuthId: false } });
});

test("the log can be emptied", { skip: target === "stock" && "comes with the version after" }, async () => {
  const admin = await superuser();
  await guest().health.check();
  await entry(admin, "data.url = '/api/health'");
  await admin.logs.truncate();
  const { items } = await admin.logs.getList(1, 100, { filter: "data.url = '/api/health'" });
  assert.deepEqual(items, []);
});

test("an answer that must not tell whether an account exists tells the log", async () => {
  const admin = await superuser();
  assert.equal(await guest().collection("users").requestVerification("nobody@example.com"), true);
  const log = await entry(admin, "data.url ~ 'request-verification'");
  assert.equal(log.level, 8);
  assert.equal(log.data.status, 204);
  assert.ok(log.data.error);
});

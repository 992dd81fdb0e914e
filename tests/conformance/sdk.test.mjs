// The official SDK's services for collections, records, files, realtime and batches, method by method: each call is made
// the way an application makes it, and every public method the SDK has must have been called at the end.
import assert from "node:assert/strict";
import { after, test } from "node:test";

import PocketBase from "pocketbase";

import { failure, guest, open, start, superuser, until, user } from "./support.mjs";

let admin, client;

start(async () => {
  admin = watched(await superuser(), "admin");
  client = watched(guest(), "guest");
  await admin.collections.create(open("things", [
    { name: "title", type: "text" }, { name: "n", type: "number" }, { name: "file", type: "file" }, { name: "updated", type: "autodate", onUpdate: true },
  ]));
  await admin.settings.update({ batch: { enabled: true } });
});

const called = new Set();

/** Notes which methods of a service are called from here. */
function noting(service, object) {
  return new Proxy(object, {
    get(target, name) {
      const value = Reflect.get(target, name, target);
      if (typeof value !== "function") return value;
      return (...args) => {
        called.add(`${service}.${String(name)}`);
        const result = value.apply(target, args);
        return service === "batch" && name === "collection" ? noting("steps", result) : result;
      };
    },
  });
}

function watched(client) {
  return {
    raw: client,
    collections: noting("collections", client.collections),
    collection: (name) => noting("records", client.collection(name)),
    files: noting("files", client.files),
    realtime: noting("realtime", client.realtime),
    settings: client.settings,
    createBatch: () => noting("batch", client.createBatch()),
  };
}

test("collections: create, getOne, getList, getFullList, getFirstListItem, update, delete", async () => {
  const { collections } = admin;
  const made = await collections.create(open("passing", [{ name: "a", type: "text" }]));
  assert.equal((await collections.getOne("passing")).id, made.id);
  const { items, page, perPage, totalItems, totalPages } = await collections.getList(1, 2, { sort: "name" });
  assert.deepEqual([items.length, page, perPage, totalPages], [2, 1, 2, Math.ceil(totalItems / 2)]);
  assert.equal((await collections.getFullList({ batch: 2 })).length, totalItems);
  assert.equal((await collections.getFirstListItem("name = 'passing'")).id, made.id);
  assert.equal((await collections.update("passing", { name: "passed" })).name, "passed");
  assert.equal(await collections.delete("passed"), true);
});

test("collections: import, truncate, getScaffolds, getAllOAuth2Providers, dryRunViewQuery", async () => {
  const { collections } = admin;
  assert.equal(await collections.import([open("imported", [{ name: "a", type: "text" }])]), true);
  await admin.collection("imported").create({ a: "x" });
  assert.equal(await collections.truncate("imported"), true);
  assert.equal((await admin.collection("imported").getList()).totalItems, 0);
  assert.deepEqual(Object.keys(await collections.getScaffolds()).sort(), ["auth", "base", "view"]);
  const providers = await collections.getAllOAuth2Providers();
  assert.ok(providers.length > 20);
  for (const { name, displayName, logo } of providers) assert.ok(name && displayName && logo.startsWith("<svg"), name);
  const { fields, sample } = await collections.dryRunViewQuery("select id, a from imported");
  assert.deepEqual([fields.map(({ name }) => name), sample], [["id", "a"], []]);
});

test("records: create, getOne, update, delete", async () => {
  const things = client.collection("things");
  const made = await things.create({ title: "one", n: 1 });
  assert.deepEqual({ ...(await things.getOne(made.id)) }, { ...made });
  const { updated, ...changed } = await things.update(made.id, { n: 2 });
  assert.deepEqual([changed.title, changed.n, updated !== ""], ["one", 2, true]);
  assert.equal(await things.delete(made.id), true);
  assert.equal((await failure(things.getOne(made.id))).status, 404);
});

test("records: getList, getFullList, getFirstListItem", async () => {
  const things = client.collection("things");
  for (let n = 10; n < 15; n++) await things.create({ title: "listed", n });
  const listed = { filter: "title = 'listed'", sort: "n" };
  const { items, totalItems, totalPages } = await things.getList(2, 2, listed);
  assert.deepEqual([items.map(({ n }) => n), totalItems, totalPages], [[12, 13], 5, 3]);
  assert.deepEqual((await things.getFullList({ ...listed, batch: 2 })).map(({ n }) => n), [10, 11, 12, 13, 14]);
  assert.equal((await things.getFirstListItem("n > 12", { sort: "n" })).n, 13);
  assert.equal((await failure(things.getFirstListItem("n = 99"))).status, 404);
});

test("records and realtime: subscribe and unsubscribe in all their ways", async () => {
  const things = client.collection("things");
  const { id } = await things.create({ title: "watched" });
  const heard = { all: [], one: [], custom: [] };
  const stop = await things.subscribe("*", ({ action }) => heard.all.push(action));
  await things.subscribe(id, ({ action }) => heard.one.push(action));
  const listener = ({ record }) => heard.custom.push(record.title);
  const stopCustom = await client.realtime.subscribe("things/*", listener, { query: { fields: "title" } });
  assert.equal(client.realtime.isConnected, true);
  await things.update(id, { title: "changed" });
  await until(() => heard.all.length && heard.one.length && heard.custom.length, "three messages");
  assert.deepEqual(heard, { all: ["update"], one: ["update"], custom: ["changed"] });
  await client.realtime.unsubscribeByTopicAndListener("things/*", () => {});
  await stopCustom();
  await stop();
  await things.update(id, { title: "again" });
  await until(() => heard.one.length === 2, "the second");
  await things.unsubscribe(id);
  await things.subscribe("*", ({ action }) => heard.all.push(action));
  await things.delete(id);
  await until(() => heard.all.includes("delete"), "the delete");
  await client.realtime.unsubscribeByPrefix("things");
  await client.realtime.unsubscribe();
  assert.equal(client.realtime.isConnected, false);
  assert.deepEqual([heard.one.length, heard.custom.length], [2, 1]);
});

test("files: getURL, getUrl, getToken", async () => {
  const record = await client.collection("things").create({ file: new File(["content"], "file.txt") });
  const url = client.files.getURL(record, record.file);
  assert.equal(client.files.getUrl(record, record.file), url);
  assert.equal(await (await fetch(url)).text(), "content");
  const download = await fetch(client.files.getURL(record, record.file, { download: true }));
  assert.match(download.headers.get("content-disposition"), /^attachment/);
  const ann = watched((await user(admin.raw, "ann")).client);
  assert.equal((await ann.files.getToken()).split(".").length, 3);
});

test("batch: create, update, upsert, delete, send", async () => {
  const things = admin.collection("things");
  const doomed = await things.create({ title: "doomed" });
  const batch = client.createBatch();
  batch.collection("things").create({ title: "batched", file: new File(["x"], "x.txt") });
  batch.collection("things").update(doomed.id, { n: 5 });
  batch.collection("things").upsert({ id: doomed.id, title: "upserted" });
  batch.collection("things").delete(doomed.id);
  const results = await batch.send();
  assert.deepEqual(results.map(({ status }) => status), [200, 200, 200, 204]);
  assert.match(results[0].body.file, /\.txt$/);
  assert.deepEqual([results[2].body.title, results[2].body.n], ["upserted", 5]);
});

after(() => {
  const sdk = new PocketBase("http://localhost");
  const services = {
    collections: sdk.collections, records: sdk.collection("x"), files: sdk.files, realtime: sdk.realtime, batch: sdk.createBatch(), steps: sdk.createBatch().collection("x"),
  };
  // The streams' own machinery, and signing in, which has tests of its own.
  const others = /decode|prepareRequest|subscriptions|subscriptionKeys|connect|listeners|auth|otp|password|verification|email|impersonate|^_|^constructor$/i;
  const missed = Object.entries(services).flatMap(([service, object]) => {
    const names = new Set();
    for (let proto = Object.getPrototypeOf(object); proto !== Object.prototype; proto = Object.getPrototypeOf(proto)) {
      for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(proto))) {
        if (typeof value === "function" && (service === "collections" || !others.test(name))) names.add(name);
      }
    }
    return [...names].filter((name) => !called.has(`${service}.${name}`) && !/^(decode|constructor|_getFullList)$/.test(name)).map((name) => `${service}.${name}`);
  });
  assert.deepEqual(missed, []);
});

// Batches: several changes in one transaction, through the SDK and on the wire.
import assert from "node:assert/strict";
import { test } from "node:test";

import { ask, failure, guest, open, start, superuser, until, user } from "./support.mjs";

let admin, ann;
const THINGS = "/api/collections/things/records";

start(async () => {
  admin = await superuser();
  ann = await user(admin, "ann");
  await admin.collections.create(open("things", [
    { name: "t", type: "text" }, { name: "n", type: "number" }, { name: "f", type: "file", maxSelect: 3 }, { name: "owner", type: "text" },
  ]));
  await admin.collections.create(open("ruled", [{ name: "t", type: "text" }], { createRule: "@request.auth.id != '' && @request.context = 'batch' && @request.headers.x_a = '1'", updateRule: null }));
  await admin.settings.update({ batch: { enabled: true } });
});

const send = (requests, options) => ask("POST", "/api/batch", { requests }, options);
const post = (body, url = THINGS) => ({ method: "POST", url, body });

test("disabled unless the settings say otherwise", async () => {
  await admin.settings.update({ batch: { enabled: false } });
  const { status, body } = await send([post({})]);
  assert.deepEqual([status, body.message], [403, "Batch requests are not allowed."]);
  await admin.settings.update({ batch: { enabled: true } });
});

test("the SDK's create, update, upsert and delete", async () => {
  const things = admin.collection("things");
  const [existing, doomed] = [await things.create({ t: "old" }), await things.create({ t: "doomed" })];
  const batch = guest().createBatch();
  batch.collection("things").create({ t: "made" });
  batch.collection("things").upsert({ id: existing.id, t: "upserted" });
  batch.collection("things").upsert({ id: "newrecord123456", t: "inserted" });
  batch.collection("things").update(existing.id, { "n+": 2 });
  batch.collection("things").delete(doomed.id);
  const results = await batch.send();
  assert.deepEqual(results.map(({ status }) => status), [200, 200, 200, 200, 204]);
  assert.deepEqual(results.slice(0, 4).map(({ body }) => body.t), ["made", "upserted", "inserted", "upserted"]);
  assert.deepEqual([results[3].body.n, results[4].body], [2, null]);
  assert.equal((await things.getOne("newrecord123456")).t, "inserted");
  assert.equal((await failure(things.getOne(doomed.id))).status, 404);
});

test("each step sees the ones before, with its own fields, expand and query", async () => {
  const { body } = await send([
    post({ id: "stepbystep00001", t: "1" }), { method: "PATCH", url: `${THINGS}/stepbystep00001?fields=t,n`, body: { "n+": 1 } }, post({}, `${THINGS}?fields=t`),
  ]);
  assert.deepEqual(body.slice(1).map(({ body }) => body), [{ t: "1", n: 1 }, { t: "" }]);
  const outer = await ask("POST", "/api/batch?fields=status", { requests: [post({})] });
  assert.deepEqual(outer.body, [{ status: 200 }]);
});

test("files travel along", async () => {
  const batch = guest().createBatch();
  batch.collection("things").create({ t: "with files", f: [new File(["a"], "one.txt"), new File(["b"], "two.txt")] });
  const [{ body }] = await batch.send();
  assert.equal(body.f.length, 2);
  assert.equal(await (await fetch(guest().files.getURL(body, body.f[0]))).text(), "a");
  for (const key of ["requests.0.f+", "requests[0].f+"]) {
    const form = new FormData();
    form.set("@jsonPayload", JSON.stringify({ requests: [{ method: "PATCH", url: `${THINGS}/${body.id}?fields=f`, body: {} }] }));
    form.set(key, new File(["c"], "a1b2.txt"));
    const answer = await ask("POST", "/api/batch", form);
    assert.equal(answer.status, 200, answer.text);
    assert.match(answer.body[0].body.f.at(-1), /^a1b2_\w{10}_\w{10}\.txt$/);
    await admin.collection("things").update(body.id, { "f-": answer.body[0].body.f.at(-1) });
  }
});

test("one that fails undoes all, files and events included", async () => {
  const heard = [];
  const listener = guest();
  await listener.collection("things").subscribe("*", ({ record }) => heard.push(record.t));
  const form = new FormData();
  const requests = [post({ id: "rolledback00001", t: "undone" }), { method: "PATCH", url: `${THINGS}/missing`, body: {} }, post({ t: "never" })];
  form.set("@jsonPayload", JSON.stringify({ requests }));
  form.set("requests.0.f", new File(["x"], "undone.txt"));
  const { status, body } = await ask("POST", "/api/batch", form);
  const response = { status: 404, message: "The requested resource wasn't found.", data: {} };
  assert.deepEqual([status, body], [400, {
    status: 400, message: "Batch transaction failed.",
    data: { requests: { 1: { code: "batch_request_failed", message: "Batch request failed.", response } } },
  }]);
  assert.equal((await failure(admin.collection("things").getOne("rolledback00001"))).status, 404);
  await send([post({ t: "last" })]);
  await until(() => heard.length > 0, "the event");
  assert.deepEqual(heard, ["last"]);
  await listener.realtime.unsubscribe();
});

test("steps that cannot be", async () => {
  const bad = { status: 400, message: "Something went wrong while processing your request.", data: {} };
  const missing = { status: 404, message: "Missing collection context.", data: {} };
  for (const [inner, response] of [
    [{ method: "GET", url: THINGS }, bad], [{ method: "POST", url: `${THINGS}/` }, bad], [{ method: "POST", url: `http://x.co${THINGS}` }, bad],
    [{ method: "POST", url: "/api/nope" }, bad], [{ method: "DELETE", url: THINGS }, bad],
    [post({}, "/api/collections/nope/records"), missing], [{ method: "PATCH", url: "/api/collections/nope/records/x" }, missing],
    [{ method: "DELETE", url: "/api/collections/nope/records/x" }, missing], [{ method: "PUT", url: "/api/collections/nope/records" }, missing],
  ]) {
    const { body } = await send([inner]);
    assert.deepEqual([body.message, body.data.requests["0"]?.response], ["Batch transaction failed.", response], JSON.stringify(inner));
  }
});

test("bodies that are no batch", async () => {
  const codes = async (requests) => {
    const { message, data } = (await send(requests)).body;
    assert.equal(message, "Invalid batch request data.");
    return data.requests;
  };
  for (const requests of [[], null, undefined]) assert.equal((await codes(requests)).code, "validation_required");
  const wrong = await codes([post({}), { method: "OPTIONS", url: THINGS }, { method: "", url: "" }]);
  assert.deepEqual(Object.keys(wrong), ["1", "2"]);
  assert.deepEqual([wrong["1"].method.code, wrong["2"].method.code, wrong["2"].url.code], ["validation_in_invalid", "validation_required", "validation_required"]);
  const { body } = await ask("POST", "/api/batch", "{", { headers: { "content-type": "application/json" } });
  assert.deepEqual([body.status, body.message], [400, "Failed to read the submitted batch data."]);
});

test("rules are asked for every step, as the caller of the whole", async () => {
  const url = "/api/collections/ruled/records";
  const headers = { "X-A": "1" };
  assert.equal((await send([{ ...post({ t: "x" }, url), headers }], { as: ann.client })).status, 200);
  assert.equal((await send([post({ t: "x" }, url)], { as: ann.client, headers })).status, 200);
  assert.equal((await send([{ ...post({ t: "x" }, url), headers }])).status, 400);
  const smuggled = { ...headers, Authorization: ann.client.authStore.token };
  assert.equal((await send([{ ...post({ t: "x" }, url), headers: smuggled }])).status, 400);
  const { body } = await send([{ method: "PATCH", url: `${url}/x`, body: {} }], { as: ann.client });
  assert.equal(body.data.requests["0"].response.status, 403);
});

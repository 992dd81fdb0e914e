// Every limit that can be reached over HTTP, from both sides where that is cheap. The stream's five and thirty minutes
// are tested beside their code, with a clock that can be turned.
import assert from "node:assert/strict";
import { test } from "node:test";

import { ask, guest, open, start, superuser } from "./support.mjs";

let admin;
const MIB = 1024 * 1024;
const RECORDS = "/api/collections/limits/records";

start(async () => {
  admin = await superuser();
  const self = await admin.collections.create(open("limits", [
    { name: "t", type: "text" }, { name: "e", type: "editor" }, { name: "j", type: "json" }, { name: "f", type: "file" },
    { name: "d", type: "date" }, { name: "p", type: "password" },
  ]));
  await admin.collections.update("limits", { fields: [...self.fields, { name: "r", type: "relation", collectionId: self.id }] });
  await admin.collections.create(open("narrow", [{ name: "t", type: "text", max: 100_000_000 }]));
});

const list = async (parameters) => (await ask("GET", `${RECORDS}?${new URLSearchParams(parameters)}`)).status;
const created = async (body) => {
  const { status, body: answer } = await ask("POST", RECORDS, body);
  return status === 200 ? 200 : (Object.values(answer.data)[0]?.code ?? status);
};

test("perPage: 1000", async () => {
  const page = await guest().collection("limits").getList(1, 1001);
  assert.equal(page.perPage, 1000);
});

test("a filter: 3500 bytes and 200 comparisons", async () => {
  const padded = (length) => `t='${"x".repeat(length - 4)}'`;
  assert.deepEqual([await list({ filter: padded(3500) }), await list({ filter: padded(3501) })], [200, 400]);
  const many = (count) => Array(count).fill("1=1").join("&&");
  assert.deepEqual([await list({ filter: many(200) }), await list({ filter: many(201) })], [200, 400]);
});

test("a sort: 8 entries of 255 bytes", async () => {
  assert.deepEqual([await list({ sort: Array(8).fill("t").join() }), await list({ sort: Array(9).fill("t").join() })], [200, 400]);
  const padded = (length) => `j.${"x".repeat(length - 2)}`;
  assert.deepEqual([await list({ sort: padded(255) }), await list({ sort: padded(256) })], [200, 400]);
});

test("a path: 6 relations; strftime: 10 arguments", async () => {
  const hops = (count) => `${"r.".repeat(count)}t = ''`;
  assert.deepEqual([await list({ filter: hops(6) }), await list({ filter: hops(7) })], [200, 400]);
  const call = (count) => `strftime('%Y',d${",'+1 day'".repeat(count - 2)}) != 'x'`;
  assert.deepEqual([await list({ filter: call(10) }), await list({ filter: call(11) })], [200, 400]);
});

test("expand: 6 levels", async () => {
  let r = "";
  for (let level = 0; level < 9; level++) r = (await admin.collection("limits").create({ r })).id;
  let record = await guest().collection("limits").getOne(r, { expand: Array(8).fill("r").join(".") });
  let levels = 0;
  while ((record = record.expand?.r)) levels++;
  assert.equal(levels, 6);
});

test("expand backwards: 1000 records", async () => {
  const hub = await admin.collection("limits").create({});
  await admin.settings.update({ batch: { enabled: true, maxRequests: 1100, timeout: 60 } });
  const inner = { method: "POST", url: RECORDS, body: { r: hub.id } };
  const { status } = await ask("POST", "/api/batch", { requests: Array(1001).fill(inner) }, { as: admin });
  assert.equal(status, 200);
  const { expand } = await guest().collection("limits").getOne(hub.id, { expand: "limits_via_r", fields: "expand.limits_via_r.id" });
  assert.equal(expand.limits_via_r.length, 1000);
});

test("text: 5000 characters", async () => {
  assert.deepEqual([await created({ t: "é".repeat(5000) }), await created({ t: "é".repeat(5001) })], [200, "validation_max_text_constraint"]);
});

test("editor: 5 MiB; json: 1 MiB; file: 5 MiB", async () => {
  assert.deepEqual([await created({ e: "x".repeat(5 * MIB) }), await created({ e: "x".repeat(5 * MIB + 1) })], [200, "validation_content_size_limit"]);
  assert.deepEqual([await created({ j: "x".repeat(MIB - 2) }), await created({ j: "x".repeat(MIB - 1) })], [200, "validation_json_size_limit"]);
  const upload = (size) => {
    const form = new FormData();
    form.set("f", new File([Buffer.alloc(size, "x")], "f.txt"));
    return created(form);
  };
  assert.deepEqual([await upload(5 * MIB), await upload(5 * MIB + 1)], [200, "validation_file_size_limit"]);
});

test("a body: 32 MiB, and what its fields may hold besides", async () => {
  const body = (length) => `{"t":"${"x".repeat(length - 8)}"}`;
  const send = async (way, length) => (await ask("POST", way, body(length), { headers: { "content-type": "application/json" } }).catch(() => ({ status: 413 }))).status;
  const narrow = "/api/collections/narrow/records";
  assert.deepEqual([await send(narrow, 32 * MIB), await send(narrow, 32 * MIB + 1)], [200, 413]);
  const room = 32 * MIB + 5 * MIB + MIB + 5 * MIB;
  assert.deepEqual([await send(RECORDS, room), await send(RECORDS, room + 1)], [400, 413]);
});

test("a password: 71 characters and 72 bytes", async () => {
  assert.deepEqual([await created({ p: "x".repeat(71) }), await created({ p: "x".repeat(72) })], [200, "validation_max_text_constraint"]);
  assert.equal(await created({ p: "é".repeat(36) }), 200);
  assert.equal((await ask("POST", RECORDS, { p: "é".repeat(37) })).status, 400);
});

test("names: a collection's 255 bytes, a field's name and id 100, its help 300", async () => {
  const collection = async (name) => {
    try {
      await admin.collections.create(open(name, []));
      return 200;
    } catch (error) {
      return error.response.data.name.code;
    }
  };
  assert.deepEqual([await collection("c".repeat(255)), await collection("c".repeat(256))], [200, "validation_length_out_of_range"]);
  let count = 0;
  const field = async (field) => {
    try {
      await admin.collections.create(open(`named_${count++}`, [{ type: "bool", name: "x", ...field }]));
      return 200;
    } catch (error) {
      return Object.entries(error.response.data.fields["1"]).map(([key, { code }]) => `${key} ${code}`).join();
    }
  };
  assert.deepEqual([await field({ name: "n".repeat(100) }), await field({ name: "n".repeat(101) })], [200, "name validation_length_out_of_range"]);
  assert.deepEqual([await field({ id: "i".repeat(100) }), await field({ id: "i".repeat(101) })], [200, "id validation_length_out_of_range"]);
  assert.deepEqual([await field({ help: "h".repeat(300) }), await field({ help: "h".repeat(301) })], [200, "help validation_length_out_of_range"]);
});

test("a view query: 5000 bytes and 10 samples", async () => {
  const query = (length) => "select id, t from narrow".padEnd(length, " ").replace(/ $/, ";");
  const dry = async (query) => ask("POST", "/api/collections/meta/dry-run-view", { query }, { as: admin });
  assert.equal((await dry(query(5000))).status, 200);
  assert.equal((await dry(query(5001))).body.data.query.code, "validation_length_too_long");
  for (let n = 0; n < 11; n++) await admin.collection("narrow").create({});
  assert.equal((await dry("select id from narrow")).body.sample.length, 10);
});

test("realtime: 1000 subscriptions, topics of 2500 bytes, client ids of 255", async () => {
  const client = guest();
  await client.realtime.subscribe("anything", () => {});
  const { clientId } = client.realtime;
  const subscribe = async (subscriptions, id = clientId) => {
    const { status, body } = await ask("POST", "/api/realtime", { clientId: id, subscriptions });
    return status === 400 ? body.data : status;
  };
  const topics = (count) => Array.from({ length: count }, (_, n) => `t${n}`);
  assert.equal(await subscribe(topics(1000)), 204);
  assert.equal((await subscribe(topics(1001))).subscriptions.code, "validation_length_too_long");
  assert.equal(await subscribe(["a", "x".repeat(2500)]), 204);
  assert.equal((await subscribe(["a", "x".repeat(2501)])).subscriptions["1"].code, "validation_length_too_long");
  assert.equal(await subscribe([], "x".repeat(255)), 404);
  assert.equal((await subscribe([], "x".repeat(256))).clientId.code, "validation_length_out_of_range");
  assert.equal((await subscribe([], "")).clientId.code, "validation_required");
  await client.realtime.unsubscribe();
});

test("batch: its requests, its addresses, its time and its size", async () => {
  const requests = (count) => ({ requests: Array(count).fill({ method: "DELETE", url: `${RECORDS}/nope` }) });
  const send = async (body) => (await ask("POST", "/api/batch", body, { as: admin })).body;
  const { batch } = await admin.settings.update({ batch: { enabled: true, maxRequests: 50, timeout: 3, maxBodySize: 0 } });
  assert.deepEqual(batch, { enabled: true, maxRequests: 50, timeout: 3, maxBodySize: 0 });
  assert.equal((await send(requests(50))).message, "Batch transaction failed.");
  const tooMany = await send(requests(51));
  assert.deepEqual([tooMany.message, tooMany.data.requests.code, tooMany.data.requests.params], ["Invalid batch request data.", "validation_length_too_long", { min: 0, max: 50 }]);
  const url = (length) => ({ requests: [{ method: "POST", url: RECORDS + "?".padEnd(length - RECORDS.length, "x"), body: {} }] });
  assert.equal((await send(url(2000)))[0]?.status, 200);
  assert.equal((await send(url(2001))).data.requests["0"].url.code, "validation_length_too_long");
  await admin.settings.update({ batch: { maxBodySize: 1000 } });
  assert.equal((await send({ requests: [{ method: "POST", url: RECORDS, body: { t: "x".repeat(1000) } }] })).status, 413);
  await admin.settings.update({ batch: { maxBodySize: 0, timeout: 1, maxRequests: 100 } });
  const slow = Array(100).fill({ method: "POST", url: RECORDS, body: { p: "a password that takes its time" } });
  const late = await send({ requests: slow });
  assert.deepEqual(late, { status: 400, message: "Batch transaction failed.", data: {} });
});

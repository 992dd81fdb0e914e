// The event stream on the wire: its form, who is let in, the three actions, topics and their options.
import assert from "node:assert/strict";
import { test } from "node:test";

import { ask, open, server, start, superuser, until, user } from "./support.mjs";

let admin, ann;

start(async () => {
  admin = await superuser();
  ann = await user(admin, "ann");
  await admin.collections.create(open("talk", [{ name: "t", type: "text" }, { name: "hid", type: "text", hidden: true }]));
  const talk = await admin.collections.getOne("talk");
  await admin.collections.create(open("replies", [{ name: "to", type: "relation", collectionId: talk.id, cascadeDelete: true }]));
  await admin.collections.create(open("closed", [{ name: "t", type: "text" }], { listRule: null, viewRule: "" }));
  await admin.collections.create(open("signed", [{ name: "t", type: "text" }], { listRule: "@request.auth.id != '' && @request.query.q = 'a'", viewRule: "@request.headers.x_y = 'b'" }));
});

/** A raw event stream: its client id, its messages as they come, and how to close it. */
async function connect() {
  const closing = new AbortController();
  const answer = await fetch(`${server.url}/api/realtime`, { signal: closing.signal });
  const stream = { answer, raw: "", close: () => closing.abort() };
  const read = async () => {
    for await (const chunk of answer.body.pipeThrough(new TextDecoderStream())) stream.raw += chunk;
  };
  read().catch(() => {});
  await until(() => stream.raw.includes("\n\n"), "the first message");
  [, stream.id] = /^id:(.*)$/m.exec(stream.raw);
  stream.heard = () => stream.raw.split("\n\n").slice(1, -1).map((message) => {
    const [, id, topic, data] = /^id:(.*)\nevent:(.*)\ndata:(.*)$/.exec(message);
    assert.equal(id, stream.id);
    return { topic, ...JSON.parse(data) };
  });
  stream.subscribe = (subscriptions, as) => ask("POST", "/api/realtime", { clientId: stream.id, subscriptions }, { as });
  return stream;
}

const optioned = (topic, options) => `${topic}?options=${encodeURIComponent(JSON.stringify(options))}`;
const talk = () => admin.collection("talk");

test("the stream begins with the client's id", async () => {
  const stream = await connect();
  const { headers, status } = stream.answer;
  assert.deepEqual([status, headers.get("content-type"), headers.get("cache-control"), headers.get("x-accel-buffering")], [200, "text/event-stream", "no-store", "no"]);
  assert.match(stream.id, /^[A-Za-z0-9]{40}$/);
  assert.equal(stream.raw, `id:${stream.id}\nevent:PB_CONNECT\ndata:{"clientId":"${stream.id}"}\n\n`);
  stream.close();
});

test("create, update and delete are told under the very topic subscribed to", async () => {
  const stream = await connect();
  const { id: collection } = await admin.collections.getOne("talk");
  const topics = ["talk/*", "talk", `${collection}/*`, optioned("talk/*", { query: { fields: "t" } })];
  assert.equal((await stream.subscribe([...topics, "", "Talk/*", "custom"])).status, 204);
  const { id } = await talk().create({ t: "a" });
  await talk().update(id, { t: "b" });
  await talk().delete(id);
  await until(() => stream.heard().length === 12, "twelve messages");
  const heard = stream.heard();
  for (const topic of topics) {
    const mine = heard.filter((message) => message.topic === topic).map(({ action, record }) => `${action} ${record.t}`);
    assert.deepEqual(mine.sort(), ["create a", "delete b", "update b"], topic);
  }
  assert.deepEqual(heard.find(({ topic }) => topic === topics[3]).record.id, undefined);
  assert.equal(heard[0].record.hid, undefined);
  stream.close();
});

test("a new set of topics takes the place of the old", async () => {
  const stream = await connect();
  const { id } = await talk().create({ t: "a" });
  await stream.subscribe(["talk/*"]);
  await stream.subscribe([`talk/${id}`]);
  await talk().create({ t: "unheard" });
  await talk().update(id, { t: "heard" });
  await until(() => stream.heard().length > 0, "a message");
  assert.deepEqual(stream.heard().map(({ topic }) => topic), [`talk/${id}`]);
  assert.equal((await stream.subscribe([])).status, 204);
  stream.close();
});

test("who may subscribe", async () => {
  const unknown = await ask("POST", "/api/realtime", { clientId: "nobody", subscriptions: [] });
  assert.deepEqual([unknown.status, unknown.body.message], [404, "Missing or invalid client id."]);
  const stream = await connect();
  assert.equal((await stream.subscribe(["talk/*"])).status, 204);
  assert.equal((await stream.subscribe(["talk/*"], ann.client)).status, 204);
  for (const other of [undefined, admin]) {
    const { status, body } = await stream.subscribe(["talk/*"], other);
    assert.deepEqual([status, body.message], [403, "The current and the previous request authorization don't match."]);
  }
  stream.close();
});

test("rules, headers and query decide what is heard", async () => {
  const [someone, root] = [await connect(), await connect()];
  const { id } = await admin.collection("signed").create({ t: "watched" });
  const matching = [optioned("signed/*", { query: { q: "a" } }), optioned(`signed/${id}`, { headers: { "X-Y": "b" } })];
  const others = ["signed/*", `signed/${id}`, "closed/*", optioned("signed/*", { query: { q: "a", filter: "t = 'nope'" } }), optioned("signed/*", { query: { q: "a", filter: "nope = 1" } })];
  await someone.subscribe([...matching, ...others], ann.client);
  await root.subscribe(["closed/*", "talk/*"], admin);
  await admin.collection("closed").create({ t: "secret" });
  await admin.collection("signed").update(id, { t: "changed" });
  await talk().create({ hid: "shown" });
  await until(() => someone.heard().length === 2 && root.heard().length === 2, "the messages");
  assert.deepEqual(someone.heard().map(({ topic }) => topic).sort(), [...matching].sort());
  assert.deepEqual(root.heard().map(({ record }) => record.t ?? record.hid).sort(), ["", "secret"]);
  assert.equal(root.heard().find(({ topic }) => topic === "talk/*").record.hid, "shown");
  someone.close();
  root.close();
});

test("what goes with a record is told too, with its expansion", async () => {
  const stream = await connect();
  const { id } = await talk().create({ t: "parent" });
  await stream.subscribe([optioned("replies/*", { query: { expand: "to" } })]);
  await admin.collection("replies").create({ to: id });
  await until(() => stream.heard().length === 1, "the create");
  assert.equal(stream.heard()[0].record.expand.to.t, "parent");
  await talk().delete(id);
  await until(() => stream.heard().length === 2, "the delete");
  assert.equal(stream.heard()[1].action, "delete");
  stream.close();
});

test("a caller whose token is worth nothing any more is a guest", async () => {
  const bob = await user(admin, "bob");
  const stream = await connect();
  const topic = optioned("signed/*", { query: { q: "a" } });
  await stream.subscribe([topic, "talk/*"], bob.client);
  await admin.collection("signed").create({ t: "one" });
  await until(() => stream.heard().length === 1, "the first");
  await admin.collection("users").update(bob.record.id, { password: "another one", passwordConfirm: "another one" });
  await admin.collection("signed").create({ t: "two" });
  await talk().create({ t: "end" });
  await until(() => stream.heard().some(({ record }) => record.t === "end"), "the end");
  assert.deepEqual(stream.heard().map(({ record }) => record.t), ["one", "end"]);
  stream.close();
});

test("bodies that are no subscription", async () => {
  const { status, body } = await ask("POST", "/api/realtime", "{", { headers: { "content-type": "application/json" } });
  assert.equal(status, 400, body.message);
  for (const body of [{ clientId: 5 }, { clientId: "x", subscriptions: "a" }, { clientId: "x", subscriptions: [5] }]) {
    assert.equal((await ask("POST", "/api/realtime", body)).status, 400, JSON.stringify(body));
  }
  assert.equal((await ask("POST", "/api/realtime", {})).body.data.clientId.code, "validation_required");
});

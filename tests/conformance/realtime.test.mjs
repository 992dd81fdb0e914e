import assert from "node:assert/strict";
import { test } from "node:test";

import { guest, open, start, superuser, until, user } from "./support.mjs";

let admin;

start(async () => {
  admin = await superuser();
  await admin.collections.create(open("talk", [{ name: "text", type: "text" }, { name: "room", type: "text" }]));
  await admin.collections.create(
    open("diary", [{ name: "text", type: "text" }, { name: "owner", type: "text" }], {
      listRule: "owner = @request.auth.id",
      viewRule: "owner = @request.auth.id",
    }),
  );
});

/** What a client heard, as `action text`. */
async function listen(client, collection, topic = "*", options) {
  const heard = [];
  await client.collection(collection).subscribe(topic, ({ action, record }) => heard.push(`${action} ${record.text}`), options);
  return heard;
}

test("everybody who listens hears of every change", async () => {
  const [first, second] = [guest(), guest()];
  const [heard, also] = [await listen(first, "talk"), await listen(second, "talk")];
  const { id } = await admin.collection("talk").create({ text: "a" });
  await admin.collection("talk").update(id, { text: "b" });
  await admin.collection("talk").delete(id);
  const all = ["create a", "delete b", "update b"];
  await until(() => heard.length === 3 && also.length === 3, "three events");
  assert.deepEqual([[...heard].sort(), [...also].sort()], [all, all]);
  await Promise.all([first.realtime.unsubscribe(), second.realtime.unsubscribe()]);
});

test("one record can be listened to", async () => {
  const client = guest();
  const [one, other] = [await client.collection("talk").create({ text: "1" }), await client.collection("talk").create({ text: "2" })];
  const heard = await listen(client, "talk", one.id);
  await client.collection("talk").update(other.id, { text: "2b" });
  await client.collection("talk").update(one.id, { text: "1b" });
  await until(() => heard.length > 0, "an event");
  assert.deepEqual(heard, ["update 1b"]);
  await client.realtime.unsubscribe();
});

test("nobody hears of what they may not see", async () => {
  const [ann, bob] = [await user(admin, "ann"), await user(admin, "bob")];
  const heard = await Promise.all([ann.client, bob.client, guest()].map((client) => listen(client, "diary")));
  const everything = await listen(admin, "diary");
  await admin.collection("diary").create({ text: "for ann", owner: ann.record.id });
  await admin.collection("diary").create({ text: "for bob", owner: bob.record.id });
  await until(() => everything.length === 2 && heard[0].length + heard[1].length === 2, "the events");
  assert.deepEqual(heard, [["create for ann"], ["create for bob"], []]);
  await Promise.all([ann.client, bob.client, admin].map((client) => client.realtime.unsubscribe()));
});

test("options filter, choose fields and expand", async () => {
  const client = guest();
  const records = [];
  const options = { filter: "room = 'tea'", fields: "text" };
  await client.collection("talk").subscribe("*", ({ record }) => records.push(record), options);
  await admin.collection("talk").create({ text: "no", room: "coffee" });
  await admin.collection("talk").create({ text: "yes", room: "tea" });
  await until(() => records.length > 0, "an event");
  assert.deepEqual(records, [{ text: "yes" }]);
  await client.realtime.unsubscribe();
});

test("after unsubscribing there is silence", async () => {
  const client = guest();
  const heard = await listen(client, "talk");
  const others = await listen(client, "talk", "*", { query: { still: 1 } });
  await client.collection("talk").create({ text: "x" });
  await until(() => heard.length === 1 && others.length === 1, "both");
  await client.realtime.unsubscribe("talk/*");
  const still = await listen(client, "diary");
  await client.collection("talk").create({ text: "y" });
  await admin.collection("talk").create({ text: "z" });
  assert.deepEqual([heard.length, still.length], [1, 0]);
  await client.realtime.unsubscribe();
});

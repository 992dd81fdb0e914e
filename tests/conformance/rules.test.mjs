import assert from "node:assert/strict";
import { test } from "node:test";

import { failure, guest, start, superuser, user } from "./support.mjs";

let admin, ann, bob;

start(async () => {
  admin = await superuser();
  const owner = "@request.auth.id != '' && owner = @request.auth.id";
  const users = await admin.collections.getOne("users");
  await admin.collections.create({
    name: "notes",
    type: "base",
    listRule: `${owner} || shared = true`,
    viewRule: `${owner} || shared = true`,
    createRule: "@request.auth.id != '' && @request.body.owner = @request.auth.id",
    updateRule: `${owner} && @request.body.owner:changed = false`,
    deleteRule: null,
    fields: [
      { name: "text", type: "text" },
      { name: "shared", type: "bool" },
      { name: "owner", type: "relation", collectionId: users.id, required: true },
    ],
  });
  [ann, bob] = [await user(admin, "ann"), await user(admin, "bob")];
});

const notes = (who) => who.collection("notes");

test("each sees only what the rules allow", async () => {
  const own = await notes(ann.client).create({ text: "mine", owner: ann.record.id });
  const shared = await notes(ann.client).create({ text: "ours", owner: ann.record.id, shared: true });
  const ids = async (who) => (await notes(who).getFullList({ sort: "text" })).map((note) => note.id);
  assert.deepEqual(await ids(ann.client), [own.id, shared.id]);
  assert.deepEqual(await ids(bob.client), [shared.id]);
  assert.deepEqual(await ids(guest()), [shared.id]);
  assert.deepEqual(await ids(admin), [own.id, shared.id]);
  assert.equal((await failure(notes(bob.client).getOne(own.id))).status, 404);
  assert.equal((await notes(bob.client).getOne(shared.id)).text, "ours");
});

test("nobody creates in another's name", async () => {
  const error = await failure(notes(bob.client).create({ text: "x", owner: ann.record.id }));
  assert.deepEqual(error, { status: 400, data: {}, message: "Failed to create record." });
  assert.equal((await failure(notes(guest()).create({ text: "x", owner: ann.record.id }))).status, 400);
});

test("what may not be changed looks as if it were not there", async () => {
  const own = await notes(ann.client).create({ text: "mine", owner: ann.record.id });
  assert.equal((await failure(notes(bob.client).update(own.id, { text: "y" }))).status, 404);
  assert.equal((await failure(notes(ann.client).update(own.id, { owner: bob.record.id }))).status, 404);
  assert.equal((await notes(ann.client).update(own.id, { text: "changed" })).text, "changed");
});

test("without a rule only superusers may", async () => {
  const own = await notes(ann.client).create({ text: "mine", owner: ann.record.id });
  const error = await failure(notes(ann.client).delete(own.id));
  assert.deepEqual([error.status, error.message], [403, "Only superusers can perform this action."]);
  await notes(admin).delete(own.id);
});

test("an invalid token makes a guest", async () => {
  const stranger = guest();
  stranger.authStore.save("not.a.token", null);
  assert.equal((await failure(stranger.collections.getFullList())).status, 401);
  await notes(stranger).getFullList();
});

test("people see themselves and nobody else", async () => {
  const seen = await ann.client.collection("users").getFullList();
  assert.deepEqual(seen.map((person) => person.id), [ann.record.id]);
  assert.equal((await failure(ann.client.collection("users").getOne(bob.record.id))).status, 404);
});

test("a rule may look into other collections", async () => {
  await admin.collections.create({ name: "staff", type: "base", fields: [{ name: "person", type: "text" }] });
  await admin.collections.create({
    name: "reports",
    type: "base",
    listRule: "@collection.staff.person ?= @request.auth.id",
    fields: [{ name: "text", type: "text" }],
  });
  await admin.collection("reports").create({ text: "quarter" });
  assert.equal((await ann.client.collection("reports").getFullList()).length, 0);
  await admin.collection("staff").create({ person: ann.record.id });
  assert.equal((await ann.client.collection("reports").getFullList()).length, 1);
  assert.equal((await bob.client.collection("reports").getFullList()).length, 0);
});

// Importing collections: what is made, kept, changed and deleted, and that it is all or nothing.
import assert from "node:assert/strict";
import { test } from "node:test";

import { ask, failure, open, start, superuser } from "./support.mjs";

let admin;

start(async () => {
  admin = await superuser();
});

const names = async (collection) => (await admin.collections.getOne(collection)).fields.map(({ name }) => name);
const text = (name, more) => ({ name, type: "text", ...more });

test("new collections are made, relations to each other included", async () => {
  await admin.collections.import([
    { ...open("second", [{ name: "first", type: "relation", collectionId: "first_id" }]), id: "second_id" },
    { ...open("first", [text("a")]), id: "first_id" },
    { name: "seen", type: "view", viewQuery: "select id, a from first" },
  ]);
  assert.deepEqual(await names("second"), ["id", "first"]);
  assert.deepEqual(await names("seen"), ["id", "a"]);
});

test("without deleteMissing fields and collections are kept", async () => {
  const made = await admin.collections.create(open("kept", [text("a"), text("b", { max: 7 })]));
  const { id } = await admin.collection("kept").create({ a: "1", b: "2" });
  await admin.collections.import([{ id: made.id, name: "kept", listRule: null, fields: [made.fields[0], text("c"), text("b", { id: "other", max: 9 })] }]);
  const kept = await admin.collections.getOne("kept");
  assert.deepEqual(kept.fields.map(({ name }) => name).sort(), ["a", "b", "c", "id"]);
  assert.deepEqual([kept.listRule, kept.viewRule, kept.fields.find(({ name }) => name === "b").max], [null, "", 7]);
  const record = await admin.collection("kept").getOne(id);
  assert.deepEqual([record.a, record.b], ["1", "2"]);
  await admin.collections.import([{ name: "KEPT", viewRule: null }]).catch(() => {});
});

test("with deleteMissing they go, except those of the system", async () => {
  const made = await admin.collections.create(open("slim", [text("a"), text("b")]));
  await admin.collections.import([{ id: made.id, fields: made.fields.slice(0, 2) }], true);
  assert.deepEqual(await names("slim"), ["id", "a"]);
  const left = (await admin.collections.getFullList({ filter: "system = false" })).map(({ name }) => name);
  assert.deepEqual(left, ["slim"]);
  assert.equal((await admin.collections.getFullList({ filter: "system = true" })).length, 5);
});

test("all or nothing", async () => {
  const before = (await admin.collections.getFullList()).length;
  const error = await failure(admin.collections.import([open("fine", [text("a")]), open("not fine", [])]));
  assert.deepEqual([error.status, error.message], [400, "Failed to import collections."]);
  assert.equal(error.data.collections.code, "validation_collections_import_failure");
  assert.match(error.data.collections.message, /^Data validations failed for collection "not fine" \(.*\):\n/);
  assert.equal((await admin.collections.getFullList()).length, before);
});

test("bodies that cannot be imported", async () => {
  const send = async (body) => (await ask("PUT", "/api/collections/import", body, { as: admin })).body;
  for (const body of [{}, { collections: [] }, { collections: null }]) {
    const { message, data } = await send(body);
    assert.deepEqual([message, data.collections.code], ["An error occurred while validating the submitted data.", "validation_required"]);
  }
  assert.equal((await send({ collections: "x" })).message, "An error occurred while loading the submitted data.");
  assert.equal((await ask("PUT", "/api/collections/import", { collections: [{}] })).status, 401);
});

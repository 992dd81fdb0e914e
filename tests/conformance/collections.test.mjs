import assert from "node:assert/strict";
import { test } from "node:test";

import { failure, guest, open, start, superuser, user } from "./support.mjs";

start();

test("collections are for superusers", async () => {
  const { client } = await user(await superuser(), "ann");
  assert.equal((await failure(guest().collections.getFullList())).status, 401);
  assert.equal((await failure(client.collections.getFullList())).status, 403);
});

test("a collection is created, shown, changed and deleted", async () => {
  const { collections } = await superuser();
  const created = await collections.create(open("notes", [{ name: "title", type: "text", required: true }]));
  assert.match(created.id, /^pbc_\d+$/);
  assert.deepEqual(created.fields.map((field) => field.name), ["id", "title"]);
  assert.equal((await collections.getOne("NOTES")).id, created.id);
  const fields = [...created.fields, { name: "size", type: "number" }];
  const changed = await collections.update("notes", { name: "memos", fields });
  assert.deepEqual([changed.id, changed.name, changed.fields.length], [created.id, "memos", 3]);
  await collections.delete("memos");
  assert.equal((await failure(collections.getOne("memos"))).status, 404);
});

test("renaming a field keeps its values, removing it drops them", async () => {
  const admin = await superuser();
  const created = await admin.collections.create(open("shelf", [{ name: "a", type: "text" }, { name: "b", type: "text" }]));
  const { id } = await admin.collection("shelf").create({ a: "1", b: "2" });
  const swapped = created.fields.map((field) => ({ ...field, name: { a: "b", b: "a" }[field.name] ?? field.name }));
  await admin.collections.update("shelf", { fields: swapped });
  assert.deepEqual(await pick(admin, "shelf", id, ["a", "b"]), { a: "2", b: "1" });
  await admin.collections.update("shelf", { fields: swapped.filter((field) => field.name !== "a") });
  assert.deepEqual(await pick(admin, "shelf", id, ["a", "b"]), { a: undefined, b: "1" });
});

test("a select becomes a list and single again", async () => {
  const admin = await superuser();
  const select = { name: "s", type: "select", values: ["x", "y", "z"], maxSelect: 1 };
  const created = await admin.collections.create(open("turns", [select]));
  const { id } = await admin.collection("turns").create({ s: "x" });
  const many = (max) => created.fields.map((field) => (field.name === "s" ? { ...field, maxSelect: max } : field));
  await admin.collections.update("turns", { fields: many(3) });
  assert.deepEqual((await admin.collection("turns").getOne(id)).s, ["x"]);
  await admin.collection("turns").update(id, { s: ["y", "z"] });
  await admin.collections.update("turns", { fields: many(1) });
  assert.equal((await admin.collection("turns").getOne(id)).s, "z");
});

test("definitions that make no sense are refused, each with its code", async () => {
  const { collections } = await superuser();
  const name = await failure(collections.create(open("no spaces", [])));
  assert.ok(name.data.name.code);
  const twice = await failure(collections.create(open("twice", [{ name: "a", type: "text" }, { name: "A", type: "bool" }])));
  assert.equal(twice.data.fields["2"].name.code, "validation_duplicated_field_name");
  const rule = await failure(collections.create(open("rules", [], { listRule: "nope = 1" })));
  assert.equal(rule.data.listRule.code, "validation_invalid_rule");
  const type = await failure(collections.create(open("types", [{ name: "v", type: "vector" }])));
  assert.equal(type.status, 400);
});

test("an auth collection signs its own people in", async () => {
  const admin = await superuser();
  await admin.collections.create({ name: "members", type: "auth", createRule: "", listRule: "id = @request.auth.id" });
  const { client, record } = await user(admin, "max", "members");
  assert.equal(client.authStore.record.collectionName, "members");
  assert.deepEqual((await client.collection("members").getFullList()).map((member) => member.id), [record.id]);
});

test("a view shows what its query selects", async () => {
  const admin = await superuser();
  await admin.collections.create(open("sales", [{ name: "shop", type: "text" }, { name: "price", type: "number" }]));
  for (const [shop, price] of [["north", 1], ["north", 2], ["south", 5]]) {
    await admin.collection("sales").create({ shop, price });
  }
  const viewQuery = "SELECT shop AS id, count(id) AS count FROM sales GROUP BY shop";
  await admin.collections.create({ name: "totals", type: "view", viewQuery, listRule: "" });
  const totals = await guest().collection("totals").getFullList({ sort: "id" });
  assert.deepEqual(totals.map(({ id, count }) => [id, count]), [["north", 2], ["south", 1]]);
  assert.equal((await failure(admin.collection("totals").create({}))).message, "Unsupported collection type.");
});

test("what others refer to cannot be deleted", async () => {
  const { collections } = await superuser();
  const parent = await collections.create(open("parents", []));
  await collections.create(open("children", [{ name: "parent", type: "relation", collectionId: parent.id }]));
  const error = await failure(collections.delete("parents"));
  assert.equal(error.message, "Failed to delete collection probably due to existing reference in children.");
});

test("a collection is emptied, and several are imported at once", async () => {
  const admin = await superuser();
  await admin.collections.create(open("heap", [{ name: "n", type: "number" }]));
  for (let n = 0; n < 3; n++) await admin.collection("heap").create({ n });
  await admin.collections.truncate("heap");
  assert.equal((await admin.collection("heap").getList()).totalItems, 0);
  await admin.collections.import([open("one", [{ name: "t", type: "text" }]), open("two", [])]);
  assert.equal((await admin.collections.getOne("two")).type, "base");
});

async function pick(client, collection, id, names) {
  const record = await client.collection(collection).getOne(id);
  return Object.fromEntries(names.map((name) => [name, record[name]]));
}

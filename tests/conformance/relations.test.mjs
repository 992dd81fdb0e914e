// Relations: what expands, to whom, and what becomes of records whose relation's target goes.
import assert from "node:assert/strict";
import { test } from "node:test";

import { failure, guest, open, start, superuser, user } from "./support.mjs";

let admin;
const ids = {};

start(async () => {
  admin = await superuser();
  const text = { name: "name", type: "text" };
  const make = (...args) => admin.collections.create(open(...args));
  const open_ = await make("tags", [text]);
  const closed = await make("closed", [text], { viewRule: null });
  const picky = await make("picky", [text], { viewRule: "name = 'shown'" });
  const contextual = await make("contextual", [text], { viewRule: "@request.context = 'expand'" });
  const one = (name, { id }, more) => ({ name, type: "relation", collectionId: id, ...more });
  const posts = await make("posts", [
    text, one("tag", open_), one("tags", open_, { maxSelect: 9 }), one("closed", closed), one("picky", picky, { maxSelect: 9 }),
    one("ctx", contextual), one("hid", open_, { hidden: true }),
  ]);
  await make("comments", [text, one("post", posts), one("posts", posts, { maxSelect: 5 })]);
  await make("details", [text, one("post", posts)], { indexes: ["create unique index idx_details on details (post)"] });
  const add = async (collection, body) => (await admin.collection(collection).create(body)).id;
  for (const name of ["a", "b", "c"]) ids[name] = await add("tags", { name });
  ids.secret = await add("closed", { name: "secret" });
  ids.shown = await add("picky", { name: "shown" });
  ids.unshown = await add("picky", { name: "unshown" });
  ids.ctx = await add("contextual", { name: "ctx" });
  ids.post = await add("posts", {
    name: "p", tag: ids.a, tags: [ids.c, ids.a], closed: ids.secret, picky: [ids.unshown, ids.shown], ctx: ids.ctx, hid: ids.b,
  });
  ids.bare = await add("posts", { name: "bare" });
  ids.comment = await add("comments", { name: "one", post: ids.post, posts: [ids.post, ids.bare] });
  await add("comments", { name: "two", post: ids.post });
  await add("details", { name: "d", post: ids.post });
});

/** The expansion of a record as names: `{ tag: "a", tags: ["c", "a"] }`. */
async function expanded(expand, { as = guest(), collection = "posts", id = ids.post } = {}) {
  const record = await as.collection(collection).getOne(id, { expand });
  const names = (record) => (record.expand ? { [record.name]: outline(record) } : record.name);
  const outline = (record) =>
    Object.fromEntries(Object.entries(record.expand).map(([key, value]) => [key, Array.isArray(value) ? value.map(names) : names(value)]));
  return record.expand && outline(record);
}

test("forward: one, many in their order, several at once and nested", async () => {
  assert.deepEqual(await expanded("tag"), { tag: "a" });
  assert.deepEqual(await expanded(" tags , tag "), { tags: ["c", "a"], tag: "a" });
  assert.deepEqual(await expanded("post.tag,post.tags,post", { collection: "comments", id: ids.comment }), { post: { p: { tag: "a", tags: ["c", "a"] } } });
});

test("backward: many, one by a unique index, and on from there", async () => {
  assert.deepEqual((await expanded("comments_via_post")).comments_via_post, ["one", "two"]);
  assert.deepEqual(await expanded("comments_via_posts"), { comments_via_posts: ["one"] });
  assert.deepEqual(await expanded("details_via_post"), { details_via_post: "d" });
  assert.deepEqual(await expanded("posts_via_tag.comments_via_posts", { collection: "tags", id: ids.a }), { posts_via_tag: [{ p: { comments_via_posts: ["one"] } }] });
  assert.deepEqual(await expanded("comments(post)"), { "comments(post)": ["one", "two"] });
});

test("what cannot be expanded is passed over", async () => {
  for (const expand of ["nope", "name", "tag.nope", "nope.tag", "comments_via_nope", "nope_via_x", "tags_via_tag", "closed"]) {
    assert.equal(await expanded(expand), undefined, expand);
  }
  assert.deepEqual(await expanded("nope,tag"), { tag: "a" });
  assert.deepEqual(await expanded("tag", { id: ids.bare }), {});
  assert.deepEqual(await expanded("comments_via_post", { id: ids.bare }), {});
});

test("what others may not view is left out", async () => {
  assert.deepEqual(await expanded("picky"), { picky: ["shown"] });
  assert.deepEqual(await expanded("picky,closed", { as: admin }), { picky: ["unshown", "shown"], closed: "secret" });
  assert.deepEqual(await expanded("ctx"), { ctx: "ctx" });
  assert.equal((await failure(guest().collection("contextual").getOne(ids.ctx))).status, 404);
});

test("a hidden relation expands, without being shown", async () => {
  const record = await guest().collection("posts").getOne(ids.post, { expand: "hid" });
  assert.deepEqual([record.hid, record.expand.hid.name], [undefined, "b"]);
});

test("lists, creates and updates expand as well", async () => {
  const posts = guest().collection("posts");
  assert.equal((await posts.getFirstListItem("name = 'p'", { expand: "tag" })).expand.tag.name, "a");
  const created = await posts.create({ tag: ids.b }, { expand: "tag" });
  assert.equal(created.expand.tag.name, "b");
  assert.equal((await posts.update(created.id, { tag: ids.c }, { expand: "tag" })).expand.tag.name, "c");
});

test("expanded people keep their addresses to themselves", async () => {
  const people = await admin.collections.create({ name: "people", type: "auth", listRule: "", viewRule: "" });
  const ann = await user(admin, "ann", "people");
  await admin.collections.create(open("cards", [{ name: "who", type: "relation", collectionId: people.id }]));
  const { id } = await admin.collection("cards").create({ who: ann.record.id });
  const email = async (who) => (await who.collection("cards").getOne(id, { expand: "who" })).expand.who.email;
  assert.deepEqual([await email(guest()), await email(ann.client), await email(admin)], [undefined, ann.email, ann.email]);
  const shown = (await admin.collection("cards").getOne(id, { expand: "who" })).expand.who;
  assert.deepEqual([shown.password, shown.tokenKey], [undefined, undefined]);
});

test("deleting clears, cascades or is refused", async () => {
  const parents = await admin.collections.create(open("parents", [{ name: "name", type: "text" }]));
  const relation = { type: "relation", collectionId: parents.id };
  await admin.collections.create(open("children", [
    { name: "loose", ...relation }, { name: "cascade", ...relation, cascadeDelete: true }, { name: "required", ...relation, required: true, maxSelect: 3 },
    { name: "many", ...relation, cascadeDelete: true, maxSelect: 3 }, { name: "updated", type: "autodate", onCreate: true, onUpdate: true },
  ]));
  const children = admin.collection("children");
  const parent = async () => (await admin.collection("parents").create({})).id;
  const [keeper, a, b, c] = [await parent(), await parent(), await parent(), await parent()];
  const loose = await children.create({ loose: a, required: [keeper], many: [a, b] });
  const cascade = await children.create({ cascade: a, required: [keeper] });
  await admin.collection("parents").delete(a);
  const cleared = await children.getOne(loose.id);
  assert.deepEqual([cleared.loose, cleared.many, cleared.updated > loose.updated], ["", [b], true]);
  assert.equal((await failure(children.getOne(cascade.id))).status, 404);
  await admin.collection("parents").delete(b);
  assert.equal((await failure(children.getOne(loose.id))).status, 404);
  const strict = await children.create({ required: [c] });
  const message = "Failed to delete record. Make sure that the record is not part of a required relation reference.";
  assert.deepEqual(await failure(admin.collection("parents").delete(c)), { status: 400, message, data: {} });
  assert.deepEqual((await children.getOne(strict.id)).required, [c]);
  await children.update(strict.id, { "required+": keeper });
  await admin.collection("parents").delete(c);
  assert.deepEqual((await children.getOne(strict.id)).required, [keeper]);
});

test("a collection is emptied with all that hangs on it, or not at all", async () => {
  const hubs = await admin.collections.create(open("hubs", []));
  await admin.collections.create(open("spokes", [{ name: "hub", type: "relation", collectionId: hubs.id, cascadeDelete: true }]));
  const rims = await admin.collections.create(open("rims", [{ name: "hub", type: "relation", collectionId: hubs.id, required: true }]));
  const hub = (await admin.collection("hubs").create({})).id;
  await admin.collection("spokes").create({ hub });
  await admin.collection("rims").create({ hub });
  assert.match((await failure(admin.collections.truncate("hubs"))).message, /^Failed to truncate collection/);
  assert.equal((await admin.collection("spokes").getList()).totalItems, 1);
  await admin.collections.truncate(rims.id);
  await admin.collections.truncate("hubs");
  assert.equal((await admin.collection("spokes").getList()).totalItems, 0);
});

import assert from "node:assert/strict";
import { test } from "node:test";

import { failure, guest, open, start, superuser } from "./support.mjs";

let admin, posts, authors;

start(async () => {
  admin = await superuser();
  const author = await admin.collections.create(
    open("authors", [{ name: "name", type: "text", required: true }, { name: "secret", type: "text", hidden: true }]),
  );
  await admin.collections.create(
    open("posts", [
      { name: "title", type: "text", max: 20 },
      { name: "size", type: "number" },
      { name: "draft", type: "bool" },
      { name: "day", type: "date" },
      { name: "tags", type: "select", values: ["a", "b", "c"], maxSelect: 3 },
      { name: "data", type: "json" },
      { name: "place", type: "geoPoint" },
      { name: "slug", type: "text" },
      { name: "author", type: "relation", collectionId: author.id, cascadeDelete: true },
      { name: "others", type: "relation", collectionId: author.id, maxSelect: 5 },
      { name: "created", type: "autodate", onCreate: true },
      { name: "updated", type: "autodate", onCreate: true, onUpdate: true },
    ], { indexes: ["CREATE UNIQUE INDEX idx_slug ON posts (slug) WHERE slug != ''"] }),
  );
  posts = guest().collection("posts");
  authors = guest().collection("authors");
});

test("an empty record has the zero of every type", async () => {
  const record = await posts.create({});
  assert.match(record.id, /^[a-z0-9]{15}$/);
  const { title, size, draft, day, tags, data, place, author, others } = record;
  assert.deepEqual(
    { title, size, draft, day, tags, data, place, author, others },
    { title: "", size: 0, draft: false, day: "", tags: [], data: null, place: { lon: 0, lat: 0 }, author: "", others: [] },
  );
  assert.match(record.created, /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}Z$/);
});

test("a record is created, read, changed and deleted", async () => {
  const body = { title: "One", size: 1.5, draft: true, day: "2024-05-01", tags: ["b", "a"], data: { deep: [1, "x"] } };
  const { id } = await posts.create({ ...body, place: { lon: 23.3, lat: 42.7 } });
  const read = await posts.getOne(id);
  assert.deepEqual(read.data, { deep: [1, "x"] });
  assert.deepEqual([read.day, read.tags, read.place.lat], ["2024-05-01 00:00:00.000Z", ["b", "a"], 42.7]);
  const changed = await posts.update(id, { title: "Two" });
  assert.deepEqual([changed.title, changed.size], ["Two", 1.5]);
  assert.equal(await posts.delete(id), true);
  assert.equal((await failure(posts.getOne(id))).message, "The requested resource wasn't found.");
});

test("modifiers add to what is there", async () => {
  const { id } = await posts.create({ size: 10, tags: ["a"] });
  const added = await posts.update(id, { "size+": 5, "size-": 1, "tags+": "b" });
  assert.deepEqual([added.size, added.tags], [14, ["a", "b"]]);
  assert.deepEqual((await posts.update(id, { "+tags": "c", "tags-": "a" })).tags, ["c", "b"]);
});

test("additions of many clients at once all count", async () => {
  const { id } = await posts.create({ size: 0 });
  await Promise.all(Array.from({ length: 20 }, () => posts.update(id, { "size+": 1 })));
  const { size } = await posts.getOne(id);
  // A stock server reads before its transaction and may lose some.
  if (process.env.TARGET !== "stock") assert.equal(size, 20);
});

test("values that do not fit are told all together", async () => {
  const error = await failure(posts.create({ title: "x".repeat(21), tags: ["a", "zzz"], author: "missing" }));
  assert.equal(error.message, "Failed to create record.");
  assert.equal(error.data.title.code, "validation_max_text_constraint");
  assert.equal(error.data.tags.code, "validation_invalid_value");
  assert.equal(error.data.author.code, "validation_missing_rel_records");
});

test("a unique index names its field", async () => {
  await posts.create({ slug: "only" });
  assert.equal((await failure(posts.create({ slug: "only" }))).data.slug.code, "validation_not_unique");
});

test("an id may be chosen, once", async () => {
  await posts.create({ id: "abcdefghij12345" });
  assert.equal((await failure(posts.create({ id: "abcdefghij12345" }))).data.id.code, "validation_not_unique");
  assert.equal((await failure(posts.update("abcdefghij12345", { id: "other0000000000" }))).data.id.code, "validation_pk_change");
});

test("lists are filtered, sorted and paged", async () => {
  for (let size = 101; size <= 105; size++) await posts.create({ title: `page ${size}`, size, tags: size > 103 ? ["c"] : [] });
  const page = await posts.getList(2, 2, { filter: "size > 100", sort: "-size" });
  assert.deepEqual(page.items.map((item) => item.size), [103, 102]);
  assert.deepEqual([page.page, page.perPage, page.totalItems, page.totalPages], [2, 2, 5, 3]);
  const uncounted = await posts.getList(1, 5000, { filter: "size > 100", skipTotal: true });
  assert.deepEqual([uncounted.perPage, uncounted.totalItems, uncounted.totalPages], [1000, -1, -1]);
  const filter = guest().filter("title = {:title} && size >= {:size}", { title: "page 104", size: 104 });
  assert.equal((await posts.getFirstListItem(filter)).size, 104);
  assert.equal((await posts.getFullList({ filter: 'size > 100 && tags ~ "c"', batch: 1 })).length, 2);
  assert.equal((await failure(posts.getFirstListItem("size = -1"))).status, 404);
});

test("only the wanted fields are sent", async () => {
  const { id } = await posts.create({ title: "Long <b>title</b>", size: 3 });
  assert.deepEqual({ ...(await posts.getOne(id, { fields: "id,size" })) }, { id, size: 3 });
  assert.equal((await posts.getOne(id, { fields: "title:excerpt(6,true)" })).title, "Long t...");
});

test("relations expand forward and backward", async () => {
  const [ann, bob] = [await authors.create({ name: "Ann" }), await authors.create({ name: "Bob" })];
  const { id } = await posts.create({ title: "Shared", author: ann.id, others: [bob.id, ann.id] });
  const post = await posts.getOne(id, { expand: "author,others,nope" });
  assert.equal(post.expand.author.name, "Ann");
  assert.deepEqual(post.expand.others.map((other) => other.name), ["Bob", "Ann"]);
  const back = await authors.getOne(ann.id, { expand: "posts_via_author.others" });
  assert.deepEqual(back.expand.posts_via_author[0].expand.others.map((other) => other.name), ["Bob", "Ann"]);
  assert.equal((await posts.getOne(id, { expand: "nope" })).expand, undefined);
  const found = await posts.getFullList({ filter: `others.name ?= "Bob" && author.name = "Ann"` });
  assert.deepEqual(found.map((item) => item.id), [id]);
});

test("deleting a record takes along what must not outlive it and clears what may", async () => {
  const [ann, bob] = [await authors.create({ name: "Ann" }), await authors.create({ name: "Bob" })];
  const owned = await posts.create({ author: ann.id });
  const shared = await posts.create({ author: bob.id, others: [ann.id, bob.id] });
  await authors.delete(ann.id);
  assert.equal((await failure(posts.getOne(owned.id))).status, 404);
  assert.deepEqual((await posts.getOne(shared.id)).others, [bob.id]);
});

test("hidden fields are for superusers", async () => {
  const { id } = await admin.collection("authors").create({ name: "Spy", secret: "007" });
  assert.equal((await admin.collection("authors").getOne(id)).secret, "007");
  assert.equal((await authors.getOne(id)).secret, undefined);
  assert.equal((await authors.update(id, { secret: "000" })).secret, undefined);
  assert.equal((await admin.collection("authors").getOne(id)).secret, "007");
  assert.equal((await failure(authors.getList(1, 1, { filter: 'secret = "007"' }))).status, 400);
});

test("what makes no sense is a clear error", async () => {
  for (const options of [{ filter: "nope = 1" }, { filter: "title = " }, { sort: "nope" }]) {
    assert.equal((await failure(posts.getList(1, 1, options))).status, 400);
  }
  assert.equal((await failure(posts.getList(1, 1, { filter: "@collection.authors.name != ''" }))).status, 403);
  assert.equal((await failure(guest().collection("nothing").getList())).message, "Missing collection context.");
  assert.equal((await failure(guest().send("/api/nothing", {}))).status, 404);
});

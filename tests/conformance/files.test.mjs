import assert from "node:assert/strict";
import { test } from "node:test";

import { failure, guest, open, start, superuser, until, user } from "./support.mjs";

const PNG = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
  "base64",
);

let admin, docs;

start(async () => {
  admin = await superuser();
  await admin.collections.create(
    open("docs", [
      { name: "one", type: "file", maxSelect: 1, maxSize: 1000 },
      { name: "many", type: "file", maxSelect: 3 },
      { name: "image", type: "file", maxSelect: 1, mimeTypes: ["image/png"] },
      { name: "secret", type: "file", maxSelect: 1, protected: true },
      { name: "owner", type: "text" },
    ], { viewRule: "owner = '' || owner = @request.auth.id" }),
  );
  docs = guest().collection("docs");
});

const text = (content, name = "note.txt") => new File([content], name);
const fetched = (record, name, query = {}) => fetch(guest().files.getURL(record, name, query));

test("a file is stored and comes back as it was", async () => {
  const record = await docs.create({ one: text("hello", "My Note.txt") });
  assert.match(record.one, /^my_note_[a-z0-9]{10}\.txt$/);
  const answer = await fetched(record, record.one);
  assert.equal(answer.status, 200);
  assert.equal(await answer.text(), "hello");
  assert.equal(answer.headers.get("content-type"), "text/plain; charset=utf-8");
  assert.match(answer.headers.get("content-disposition"), /^attachment; filename=my_note_/);
  assert.match(answer.headers.get("content-security-policy"), /^default-src 'none'/);
  assert.equal(answer.headers.get("x-frame-options"), null);
});

test("part of a file can be asked for", async () => {
  const record = await docs.create({ one: text("0123456789") });
  const answer = await fetch(guest().files.getURL(record, record.one), { headers: { range: "bytes=2-4" } });
  assert.deepEqual([answer.status, await answer.text(), answer.headers.get("content-range")], [206, "234", "bytes 2-4/10"]);
});

test("images are shown, and only what the field takes is taken", async () => {
  const record = await docs.create({ image: new File([PNG], "dot.png") });
  const answer = await fetched(record, record.image);
  assert.equal(answer.headers.get("content-type"), "image/png");
  assert.match(answer.headers.get("content-disposition"), /^inline/);
  const wrong = await failure(docs.create({ image: text("not an image", "fake.png") }));
  assert.equal(wrong.data.image.code, "validation_invalid_mime_type");
  const large = await failure(docs.create({ one: text("x".repeat(1001)) }));
  assert.equal(large.data.one.code, "validation_file_size_limit");
});

test("files are added, replaced and removed with their record", async () => {
  const record = await docs.create({ many: [text("a"), text("b")] });
  const added = await docs.update(record.id, { "many+": text("c") });
  assert.equal(added.many.length, 3);
  const removed = await docs.update(record.id, { "many-": [added.many[0]] });
  assert.deepEqual(removed.many, added.many.slice(1));
  await until(async () => (await fetched(record, added.many[0])).status === 404, "the removed file to go");
  const replaced = await docs.update(record.id, { many: text("d") });
  assert.equal(replaced.many.length, 1);
  assert.equal((await failure(docs.update(record.id, { many: ["made_up.txt"] }))).data.many.code, "validation_invalid_file");
  await docs.delete(record.id);
  assert.equal((await fetched(record, replaced.many[0])).status, 404);
});

test("a name nobody stored is not found, whatever it looks like", async () => {
  const record = await docs.create({ one: text("x") });
  for (const name of ["nope.txt", `${record.one}.attrs`, "..%2f..%2f..%2fdata.db", "%2e%2e/%2e%2e/data.db"]) {
    const answer = await fetch(`${guest().baseURL}/api/files/docs/${record.id}/${name}`);
    assert.equal(answer.status, 404, name);
  }
});

test("a protected file is for those who may view its record", async () => {
  const { client, record: owner } = await user(admin, "ann");
  const record = await docs.create({ secret: text("classified"), owner: owner.id });
  assert.equal((await fetched(record, record.secret)).status, 404);
  const token = await client.files.getToken();
  const answer = await fetched(record, record.secret, { token });
  assert.equal(await answer.text(), "classified");
  assert.equal((await failure(guest().files.getToken())).status, 401);
});

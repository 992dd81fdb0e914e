import assert from "node:assert/strict";
import { test } from "node:test";

import { MOVING_GIF, TURNED_JPEG, WEBP, look, png } from "./images.mjs";
import { failure, guest, open, start, superuser, until, user } from "./support.mjs";

const THUMBS = ["30x20", "30x20t", "30x20b", "30x20f", "0x10", "50x0", "200x150", "200x150f"];

let admin, docs;

start(async () => {
  admin = await superuser();
  await admin.collections.create(
    open("docs", [
      { name: "one", type: "file", maxSelect: 1, maxSize: 1000 },
      { name: "many", type: "file", maxSelect: 3 },
      { name: "image", type: "file", maxSelect: 1, mimeTypes: ["image/png"] },
      { name: "secret", type: "file", maxSelect: 1, protected: true },
      { name: "picture", type: "file", maxSelect: 1, thumbs: THUMBS },
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
  const record = await docs.create({ image: new File([png(1, 1)], "dot.png") });
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

/** The beginning of an entry of a zip. */
const entry = (name, content = "") => Buffer.concat([Buffer.from("504b0304140000000000000000000000000000000000", "hex"), Buffer.from([content.length, 0, 0, 0, name.length, 0, 0, 0]), Buffer.from(name + content)]);

test("documents are told by their content, under each of their names", async () => {
  const office = (folder) => Buffer.concat([entry("[Content_Types].xml", "<x/>"), entry("_rels/.rels", "<x/>"), entry(`${folder}/document.xml`, "<x/>")]);
  const ooxml = "application/vnd.openxmlformats-officedocument";
  const zip = "application/x-zip-compressed";
  const kinds = [
    [office("word"), `${ooxml}.wordprocessingml.document`], [office("xl"), `${ooxml}.spreadsheetml.sheet`],
    [office("ppt"), `${ooxml}.presentationml.presentation`], [entry("a.txt", "hello"), zip],
    [Buffer.from("name,age\nAnn,42\nBob,7\n"), "text/csv"], [Buffer.from("fff3e0c40000000000", "hex"), "audio/mpeg"],
  ];
  for (const [number, [content, type]] of kinds.entries()) {
    const name = `kind${number}`;
    await admin.collections.create(open(name, [{ name: "f", type: "file", maxSelect: 1, mimeTypes: [type] }]));
    assert.ok((await admin.collection(name).create({ f: new File([content], "f") })).f, type);
    assert.equal((await failure(admin.collection(name).create({ f: new File(["hello"], "f") }))).data.f.code, "validation_invalid_mime_type");
  }
});

test("whoever has a file already is told that it did not change", async () => {
  const record = await docs.create({ one: text("x") });
  const url = `${guest().baseURL}/api/files/docs/${record.id}/${record.one}`;
  const modified = (await fetch(url)).headers.get("last-modified");
  const since = async (moment) => (await fetch(url, { headers: { "if-modified-since": moment }, cache: "no-store" })).status;
  const later = new Date(Date.parse(modified) + 60_000).toUTCString();
  const earlier = new Date(Date.parse(modified) - 60_000).toUTCString();
  assert.deepEqual([await since(modified), await since(later), await since(earlier)], [304, 304, 200]);
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

const picture = (content, name) => docs.create({ picture: new File([content], name) });

async function thumb(record, size, query = {}) {
  const answer = await fetched(record, record.picture, { thumb: size, ...query });
  const headers = ["content-type", "content-disposition"].map((name) => answer.headers.get(name));
  return { status: answer.status, headers, image: look(Buffer.from(await answer.arrayBuffer())) };
}

test("a thumb has the size that was asked for", async () => {
  const record = await picture(png(100, 60), "wide.png");
  const sizes = {
    "100x100": "100x100", // always there
    "30x20": "30x20",
    "30x20t": "30x20",
    "30x20b": "30x20",
    "30x20f": "30x18",
    "0x10": "17x10",
    "50x0": "50x30",
    "200x150": "200x150",
    "200x150f": "100x60", // never larger than it was
  };
  for (const [size, expected] of Object.entries(sizes)) {
    const { status, headers, image } = await thumb(record, size);
    assert.deepEqual([status, image], [200, `png ${expected}`], size);
    assert.deepEqual(headers, ["image/png", `inline; filename=${size}_${record.picture}`], size);
  }
});

test("a size that is not offered, or is none, is the original", async () => {
  const record = await picture(png(100, 60), "wide.png");
  for (const size of ["31x20", "0x0", "big", "100X100", "../30x20"]) {
    const { status, headers, image } = await thumb(record, size);
    assert.deepEqual([status, image], [200, "png 100x60"], size);
    assert.equal(headers[1], `inline; filename=${record.picture}`, size);
  }
});

test("a thumb is shown or saved as its original would be", async () => {
  const record = await picture(png(100, 60), "wide.png");
  const { headers } = await thumb(record, "30x20", { download: true });
  assert.equal(headers[1], `attachment; filename=30x20_${record.picture}`);
  const answer = await fetch(guest().files.getURL(record, record.picture, { thumb: "30x20" }), { headers: { range: "bytes=0-3" } });
  assert.deepEqual([answer.status, Buffer.from(await answer.arrayBuffer()).toString("latin1")], [206, "\x89PNG"]);
});

test("a thumb is of its original's kind, of one picture, and upright", async () => {
  const kinds = [
    [TURNED_JPEG, "turned.jpg", "image/jpeg", "jpeg 6x10"],
    [MOVING_GIF, "moving.gif", "image/gif", "gif 17x10"],
    [WEBP, "modern.webp", "image/png", "png 17x10"],
  ];
  for (const [content, name, type, expected] of kinds) {
    const record = await picture(content, name);
    const { headers, image } = await thumb(record, "0x10");
    assert.equal(headers[0], type, name);
    assert.equal(image, expected, name);
  }
});

test("what is no image has no thumb", async () => {
  const broken = png(100, 60).subarray(0, 60);
  for (const [content, name, type] of [["hello", "note.txt", "text/plain; charset=utf-8"], [broken, "broken.png", "image/png"]]) {
    const record = await picture(content, name);
    const answer = await fetched(record, record.picture, { thumb: "30x20" });
    assert.equal(answer.status, 200);
    assert.equal(answer.headers.get("content-type"), type);
    assert.deepEqual(Buffer.from(await answer.arrayBuffer()), Buffer.from(content), name);
  }
});

test("a thumb goes with its original", async () => {
  const record = await picture(png(100, 60), "wide.png");
  assert.equal((await thumb(record, "30x20")).image, "png 30x20");
  await docs.update(record.id, { picture: null });
  await until(async () => (await thumb(record, "30x20")).status === 404, "the thumb to go");
});

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { after, test } from "node:test";

import PocketBase from "pocketbase";

import { binaries, failure, guest, open, serve, server, start, superuser, target, until, user } from "./support.mjs";

const scratch = fs.mkdtempSync(path.join(os.tmpdir(), "roost-backups-"));
after(() => fs.rmSync(scratch, { recursive: true, force: true }));

start(async () => {
  const admin = await superuser();
  const fields = [{ name: "title", type: "text" }, { name: "file", type: "file", maxSelect: 1 }];
  await admin.collections.create(open("notes", fields));
});

const INVALID = "An error occurred while validating the submitted data.";

async function download(admin, key) {
  const answer = await fetch(admin.backups.getDownloadURL(await admin.files.getToken(), key));
  assert.equal(answer.status, 200);
  return new Uint8Array(await answer.arrayBuffer());
}

const titles = async (client) => (await client.collection("notes").getFullList({ sort: "title" })).map(({ title }) => title);

async function note(client, title) {
  return client.collection("notes").create({ title, file: new File([`of ${title}`], "a.txt") });
}

async function keys(admin) {
  return (await admin.backups.getFullList()).map(({ key }) => key);
}

/** Waits through a restart until `condition` holds. */
async function settled(condition, what) {
  const end = Date.now() + 15_000;
  while (!(await condition().catch(() => false))) {
    if (Date.now() > end) throw new Error(`timed out waiting for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** An archive of nothing but stored entries. */
function zip(entries) {
  const parts = [];
  const directory = [];
  let offset = 0;
  for (const [name, content] of entries) {
    const bytes = Buffer.from(content);
    const head = Buffer.alloc(30);
    head.writeUInt32LE(0x04034b50, 0);
    head.writeUInt16LE(20, 4);
    head.writeUInt32LE(crc(bytes), 14);
    head.writeUInt32LE(bytes.length, 18);
    head.writeUInt32LE(bytes.length, 22);
    head.writeUInt16LE(name.length, 26);
    const central = Buffer.alloc(46);
    central.writeUInt32LE(0x02014b50, 0);
    head.copy(central, 6, 4, 30);
    central.writeUInt32LE(offset, 42);
    directory.push(central, Buffer.from(name));
    parts.push(head, Buffer.from(name), bytes);
    offset += 30 + name.length + bytes.length;
  }
  const list = Buffer.concat(directory);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(entries.length, 8);
  end.writeUInt16LE(entries.length, 10);
  end.writeUInt32LE(list.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...parts, list, end]);
}

function crc(bytes) {
  let value = ~0;
  for (const byte of bytes) {
    value ^= byte;
    for (let bit = 0; bit < 8; bit++) value = (value >>> 1) ^ (value & 1 ? 0xedb88320 : 0);
  }
  return ~value >>> 0;
}

test("a backup is made, listed, downloaded and deleted", async () => {
  const admin = await superuser();
  assert.equal(await admin.backups.create("first.zip"), true);
  const [listed] = (await admin.backups.getFullList()).filter(({ key }) => key === "first.zip");
  assert.deepEqual(Object.keys(listed), ["modified", "key", "size"]);
  assert.match(listed.modified, /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}Z$/);
  const bytes = await download(admin, "first.zip");
  assert.equal(bytes.length, listed.size);
  assert.deepEqual([...bytes.slice(0, 2)], [0x50, 0x4b]);
  assert.equal(await admin.backups.delete("first.zip"), true);
  assert.ok(!(await keys(admin)).includes("first.zip"));
});

test("a backup nobody names is named after the application and the time", async () => {
  const admin = await superuser();
  const before = await keys(admin);
  await admin.send("/api/backups", { method: "POST" });
  const [made] = (await keys(admin)).filter((key) => !before.includes(key));
  assert.match(made, target === "hosted" ? /^pb_backup_orchard_\d{14}\.zip$/ : /^pb_backup_acme_\d{14}\.zip$/);
  await admin.backups.delete(made);
});

test("names are checked", async () => {
  const admin = await superuser();
  await admin.backups.create("taken.zip");
  const codes = {
    "Upper.zip": "validation_match_invalid",
    "no-zip": "validation_match_invalid",
    "../up.zip": "validation_match_invalid",
    [`${"a".repeat(150)}.zip`]: "validation_length_out_of_range",
    "taken.zip": "validation_backup_name_exists",
  };
  for (const [name, code] of Object.entries(codes)) {
    const error = await failure(admin.backups.create(name));
    assert.deepEqual([error.status, error.message, error.data.name.code], [400, INVALID, code], name);
  }
  await admin.backups.delete("taken.zip");
});

test("a download needs the file token of a superuser, and parts of it can be had", async () => {
  const admin = await superuser();
  await admin.backups.create("private.zip");
  const { client } = await user(admin, "nosy");
  for (const token of ["", "nonsense", admin.authStore.token, await client.files.getToken()]) {
    const answer = await fetch(guest().backups.getDownloadURL(token, "private.zip"), { headers: { authorization: admin.authStore.token } });
    assert.equal(answer.status, 403);
    assert.equal((await answer.json()).message, "Insufficient permissions to access the resource.");
  }
  const token = await admin.files.getToken();
  assert.equal((await fetch(admin.backups.getDownloadURL(token, "missing.zip"))).status, 404);
  const part = await fetch(admin.backups.getDownloadURL(token, "private.zip"), { headers: { range: "bytes=0-3" } });
  assert.equal(part.status, 206);
  assert.equal(part.headers.get("content-type"), "application/zip");
  assert.equal(part.headers.get("content-disposition"), "attachment; filename=private.zip");
  assert.deepEqual([...new Uint8Array(await part.arrayBuffer())], [0x50, 0x4b, 3, 4]);
  await admin.backups.delete("private.zip");
});

test("a backup made elsewhere is taken in under its own name", async () => {
  const admin = await superuser();
  await admin.backups.create("original.zip");
  const bytes = await download(admin, "original.zip");
  const upload = (name) => admin.backups.upload({ file: new File([bytes], name) });
  assert.equal(await upload("We Ird@1.zip"), true);
  assert.ok((await keys(admin)).includes("We Ird@1.zip"));
  assert.deepEqual(await download(admin, "We Ird@1.zip"), bytes);
  const again = await failure(upload("We Ird@1.zip"));
  assert.deepEqual(again.data.file, { code: "validation_backup_name_exists", message: "Backup file with the specified name already exists." });
  assert.equal((await failure(admin.backups.upload({}))).data.file.code, "validation_required");
  const text = await failure(admin.backups.upload({ file: new File(["just text"], "t.zip") }));
  assert.equal(text.data.file.code, "validation_invalid_mime_type");
  for (const key of ["We Ird@1.zip", "original.zip"]) await admin.backups.delete(key);
});

test("what could never be restored is refused, and nothing of it stays", { skip: target === "stock" && "it keeps any archive" }, async () => {
  const admin = await superuser();
  const before = await keys(admin);
  const bad = {
    "empty.zip": zip([["readme.txt", "hello"]]),
    "foreign.zip": zip([["data.db", "this is no database, however long it may be, and never was"]]),
    "traversal.zip": zip([["../../data.db", "x"]]),
    "absolute.zip": zip([["/etc/data.db", "x"]]),
    "twice.zip": zip([["data.db", "x"], ["data.db", "y"]]),
    "cut.zip": zip([["data.db", "x"]]).subarray(0, 40),
  };
  for (const [name, bytes] of Object.entries(bad)) {
    const error = await failure(admin.backups.upload({ file: new File([bytes], name) }));
    assert.equal(error.data.file.code, "validation_invalid_backup", `${name}: ${error.message}`);
  }
  assert.deepEqual(await keys(admin), before);
});

test("what is not there can neither be deleted nor restored", async () => {
  const admin = await superuser();
  const missing = await failure(admin.backups.delete("missing.zip"));
  assert.equal(missing.status, 400);
  assert.match(missing.message, /^Invalid or already deleted backup file\. Raw error: \n/);
  const error = await failure(admin.backups.restore("missing.zip"));
  assert.deepEqual(error, { status: 400, data: {}, message: "Missing or invalid backup file." });
  assert.equal((await failure(admin.backups.delete("../data.db"))).status, 400);
});

test("backups are for superusers", async () => {
  const { client } = await user(await superuser(), "gus");
  for (const [asker, status] of [[guest(), 401], [client, 403]]) {
    for (const ask of [() => asker.backups.getFullList(), () => asker.backups.create("x.zip"), () => asker.backups.delete("x.zip"), () => asker.backups.restore("x.zip"), () => asker.backups.upload({})]) {
      assert.equal((await failure(ask())).status, status);
    }
  }
});

test("a restore brings records and files back to what they were", async () => {
  const admin = await superuser();
  const kept = await note(guest(), "kept");
  await admin.backups.create("state.zip");
  await note(guest(), "later");
  await guest().collection("notes").delete(kept.id);
  assert.equal(await admin.backups.restore("state.zip"), true);
  await settled(async () => (await titles(guest())).join() === "kept", "the restore");
  const file = await fetch(guest().files.getURL(kept, kept.file));
  assert.equal(await file.text(), "of kept");
  const again = await superuser();
  assert.ok((await keys(again)).includes("state.zip"), "backups outlive a restore");
  await settled(async () => (await again.health.check()).data.canBackup, "the end of it");
  await note(guest(), "after");
  assert.deepEqual(await titles(guest()), ["after", "kept"]);
  await again.backups.delete("state.zip");
});

test("writes go on while a backup is made, and it holds whole ones", async () => {
  const admin = await superuser();
  let writing = true;
  const writer = (async () => {
    let written = 0;
    while (writing) await note(guest(), `w${written++}`);
    return written;
  })();
  for (const round of [1, 2, 3]) await admin.backups.create(`busy${round}.zip`);
  writing = false;
  assert.ok((await writer) > 0);
  for (const round of [1, 2, 3]) await admin.backups.delete(`busy${round}.zip`);
});

const both = target !== "hosted" && fs.existsSync(binaries.stock) && fs.existsSync(binaries.runtime);

test("a backup is at home in the other server", { skip: !both && "needs both servers" }, async () => {
  const admin = await superuser();
  const made = await note(guest(), "traveller");
  await admin.backups.create("abroad.zip");
  const bytes = await download(admin, "abroad.zip");
  const other = target === "stock" ? "runtime" : "stock";
  const data = path.join(scratch, "abroad");
  execFileSync(binaries[other], ["superuser", "upsert", "x@example.com", "another password", "--dir", data], { stdio: "pipe" });
  const abroad = await serve(binaries[other], data);
  try {
    const visitor = new PocketBase(abroad.url);
    visitor.autoCancellation(false);
    await visitor.collection("_superusers").authWithPassword("x@example.com", "another password");
    await visitor.backups.upload({ file: new File([bytes], "abroad.zip") });
    await visitor.backups.restore("abroad.zip");
    const own = new PocketBase(abroad.url);
    own.autoCancellation(false);
    await settled(() => own.collection("_superusers").authWithPassword(server.email, server.password), "the restore");
    assert.ok((await titles(own)).includes("traveller"));
    assert.equal(await (await fetch(own.files.getURL(made, made.file))).text(), "of traveller");
  } finally {
    await abroad.stop();
  }
  await admin.backups.delete("abroad.zip");
});

test("a server killed at any moment of a restore comes back with the old data or the new", { skip: target !== "runtime" && "ours alone promises that" }, async () => {
  const data = path.join(scratch, "killed");
  execFileSync(binaries.runtime, ["superuser", "upsert", server.email, server.password, "--dir", data], { stdio: "pipe" });
  const signedIn = async (url) => {
    const client = new PocketBase(url);
    client.autoCancellation(false);
    await client.collection("_superusers").authWithPassword(server.email, server.password);
    return client;
  };
  let running = await serve(binaries.runtime, data);
  let admin = await signedIn(running.url);
  await admin.collections.create(open("notes", [{ name: "title", type: "text" }, { name: "file", type: "file", maxSelect: 1 }]));
  for (let n = 0; n < 40; n++) await note(admin, `old${n}`);
  await admin.backups.create("old.zip");
  await note(admin, "new");
  const seen = new Set();
  for (let round = 0; round < 12; round++) {
    await admin.backups.restore("old.zip");
    await new Promise((resolve) => setTimeout(resolve, round * 12));
    running.child.kill("SIGKILL");
    await running.stop();
    running = await serve(binaries.runtime, data);
    admin = await signedIn(running.url);
    const count = (await admin.collection("notes").getList(1, 1)).totalItems;
    assert.ok(count === 40 || count === 41, `${count} notes after ${round * 12} ms`);
    seen.add(count);
    const one = await admin.collection("notes").getFirstListItem("title = 'old7'");
    assert.equal(await (await fetch(admin.files.getURL(one, one.file))).text(), "of old7");
    if (count === 40) await note(admin, "new");
  }
  await running.stop();
  assert.ok(seen.size > 0);
});

test("the command line makes and restores backups", { skip: target !== "runtime" && "a command of ours" }, async () => {
  const data = path.join(scratch, "commands");
  const run = (...words) => execFileSync(binaries.runtime, [...words, "--dir", data], { stdio: "pipe" }).toString();
  run("superuser", "upsert", server.email, server.password);
  assert.match(run("backup", "create", "cli.zip"), /Successfully created backup "cli.zip"!/);
  run("superuser", "upsert", "second@example.com", "another password");
  assert.match(run("backup", "list"), /cli\.zip/);
  const running = await serve(binaries.runtime, data);
  try {
    assert.match(run("backup", "create", "beside.zip"), /Successfully/, "beside a running server");
    assert.throws(() => run("backup", "restore", "cli.zip"), /in use by another process/);
  } finally {
    await running.stop();
  }
  run("backup", "restore", "cli.zip");
  const restored = await serve(binaries.runtime, data);
  const client = new PocketBase(restored.url);
  await client.collection("_superusers").authWithPassword(server.email, server.password);
  assert.equal((await failure(client.collection("_superusers").authWithPassword("second@example.com", "another password"))).status, 400);
  await restored.stop();
  assert.throws(() => run("backup", "restore", "none.zip"), /no backup named/);
});

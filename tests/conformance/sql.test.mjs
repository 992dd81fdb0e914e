// Statements superusers type themselves.
import assert from "node:assert/strict";
import { test } from "node:test";

import { ask, failure, open, start, superuser, target } from "./support.mjs";

let admin;

start(async () => {
  admin = await superuser();
  await admin.collections.create(open("posts", [{ name: "title", type: "text" }]));
});

const run = (query) => admin.send("/api/sql", { method: "POST", body: { query } });
const reason = async (query) => {
  const { status, message } = await failure(run(query));
  assert.equal(status, 400, query);
  return message.replace("Failed to execute query. Raw error:\n", "");
};
const rows = async (query) => (await run(query)).rows;

test("sql: cells are texts or null, columns have their declared types", async () => {
  const { execTime, ...answer } = await run("SELECT id, verified AS v, 1.5, 1e20, 1000000.0, NULL, x'61ff' FROM users UNION ALL SELECT 'a', 1, 1.5, 1e20, 1000000.0, NULL, x'61ff'");
  assert.equal(typeof execTime, "number");
  const column = (name, type = "") => ({ name, type, nullable: true });
  assert.deepEqual(answer, {
    affectedRows: 0,
    columns: [column("id", "TEXT"), column("v", "BOOLEAN"), column("1.5"), column("1e20"), column("1000000.0"), column("NULL"), column("x'61ff'")],
    rows: [["a", "1", "1.5", "1e+20", "1e+06", null, "a\ufffd"]],
  });
});

test("sql: changes tell how many rows they changed, and show none", async () => {
  await run("CREATE TABLE fruits (name TEXT, n INTEGER)");
  const { execTime: _, ...inserted } = await run("  insert into fruits values ('fig', 1), ('kiwi', 2) returning n");
  assert.deepEqual(inserted, { affectedRows: 2, columns: [], rows: [] });
  assert.equal((await run("UPDATE fruits SET n = n + 1; DELETE FROM fruits WHERE n = 3")).affectedRows, 1);
  assert.deepEqual(await rows("SELECT * FROM fruits"), [["fig", "2"]]);
});

test("sql: several statements: all or nothing, and the last one answers", async () => {
  assert.match(await reason("INSERT INTO fruits VALUES ('pear', 9); INSERT INTO nowhere VALUES (1)"), /no such table: nowhere/);
  assert.deepEqual(await rows("SELECT count(*) FROM fruits WHERE name = 'pear'"), [["0"]]);
  assert.deepEqual(await rows("SELECT 1; SELECT 2 AS b"), [["2"]]);
  assert.deepEqual(await rows("SELECT 1;;"), [["1"]]);
});

test("sql: what turns out to be a change takes effect", async () => {
  for (const [query, n] of [
    ["-- a comment\nINSERT INTO fruits VALUES ('plum', 11)", 11],
    ["WITH v AS (SELECT 12 AS n) INSERT INTO fruits SELECT 'plum', n FROM v", 12],
    ["SELECT 1; INSERT INTO fruits VALUES ('plum', 13)", 13],
  ]) {
    const { execTime: _, ...answer } = await run(query);
    assert.deepEqual(answer, { affectedRows: 0, columns: [], rows: [] }, query);
    assert.deepEqual(await rows(`SELECT name FROM fruits WHERE n = ${n}`), [["plum"]], query);
  }
});

test("sql: at most a thousand rows", async () => {
  const numbers = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 1500) SELECT i FROM n";
  const found = await rows(numbers);
  assert.equal(found.length, 1000);
  assert.deepEqual(found.at(-1), ["1000"]);
});

test("sql: errors are told in the database's words", async () => {
  assert.equal(await reason("nonsense"), 'SQL logic error: near "nonsense": syntax error (1).');
  assert.equal(await reason("SELECT * FROM nowhere"), "SQL logic error: no such table: nowhere (1).");
  await run("CREATE TABLE once (n UNIQUE)");
  await run("INSERT INTO once VALUES (1)");
  assert.equal(await reason("INSERT INTO once VALUES (1)"), "constraint failed: UNIQUE constraint failed: once.n (2067).");
  assert.equal(await reason("SELECT ?"), "missing argument with index 1.");
  assert.equal(await reason("   "), "empty query.");
});

test("sql: a body that does not fit", async () => {
  const sent = (body) => ask("POST", "/api/sql", body, { as: admin });
  const empty = (await sent({})).body;
  assert.equal(empty.message, "An error occurred while validating the submitted data.");
  assert.equal(empty.data.query.code, "validation_required");
  const long = (await sent({ query: "x".repeat(5001) })).body.data.query;
  assert.deepEqual(long, { code: "validation_length_too_long", message: "The length must be no more than 5000.", params: { max: 5000, min: 0 } });
  assert.equal((await sent({ query: 1 })).body.message, "An error occurred while loading the submitted data.");
});

test("sql: pragmas that tell are answered", async () => {
  assert.deepEqual(await rows("PRAGMA user_version"), [["0"]]);
  assert.deepEqual((await rows("PRAGMA table_info(fruits)")).map((row) => row[1]), ["name", "n"]);
});

test("sql: records changed below are in force", async () => {
  await run("INSERT INTO posts (id, title) VALUES ('aaaaaaaaaaaaaaa', 'by hand')");
  assert.equal((await admin.collection("posts").getOne("aaaaaaaaaaaaaaa")).title, "by hand");
});

// A stock server goes on with the collections it remembers.
test("sql: collections and settings changed below are in force at once", { skip: target === "stock" }, async () => {
  await run("UPDATE _collections SET listRule = NULL WHERE name = 'posts'");
  assert.equal((await ask("GET", "/api/collections/posts/records")).status, 403);
  await run("UPDATE _params SET value = json_set(value, '$.meta.appName', 'By hand')");
  assert.equal((await admin.settings.getAll()).meta.appName, "By hand");
});

test("sql: VACUUM writes the database anew", async () => {
  await run("CREATE TABLE wide (text)");
  await run("INSERT INTO wide WITH RECURSIVE n (at) AS (SELECT 1 UNION ALL SELECT at + 1 FROM n LIMIT 1000) SELECT hex(zeroblob(1000)) FROM n");
  await run("DROP TABLE wide");
  const free = async () => Number((await run("PRAGMA freelist_count")).rows[0][0]);
  assert.ok((await free()) > 100);
  for (const query of ["VACUUM", "vacuum ;"]) assert.deepEqual((await run(query)).rows, []);
  assert.equal(await free(), 0);
});

// A stock server trusts its superusers with the machine; a tenant's must not reach beyond the tenant.
test("sql: nothing leads out of the database or leaves a trace in the connection", { skip: target === "stock" }, async () => {
  for (const query of [
    "ATTACH '/tmp/elsewhere.db' AS elsewhere",
    "DETACH main",
    "VACUUM INTO '/tmp/elsewhere.db'",
    "-- a comment\nVACUUM INTO '/tmp/elsewhere.db'",
    "SELECT load_extension('/tmp/elsewhere.so')",
    "SELECT readfile('/etc/passwd')",
    "SELECT writefile('/tmp/elsewhere', 'x')",
    "BEGIN",
    "COMMIT",
    "INSERT INTO fruits VALUES ('fig', 1); COMMIT",
    "SAVEPOINT a",
    "CREATE TEMP TABLE users (id)",
    "CREATE TEMP VIEW users AS SELECT 1",
    "CREATE TABLE temp.users (id)",
    "PRAGMA journal_mode = DELETE",
    "PRAGMA writable_schema = ON",
    "PRAGMA foreign_keys = OFF",
    "PRAGMA cache_size = 1000000000",
    "PRAGMA temp_store_directory = '/tmp'",
    "PRAGMA database_list",
    "SELECT * FROM pragma_database_list",
    "UPDATE sqlite_schema SET sql = ''",
    "SELECT zeroblob(900000000)",
    "SELECT hex(randomblob(30000000)) FROM fruits a, fruits b",
  ]) {
    await reason(query).catch((error) => assert.fail(`${query}: ${error.message}`));
  }
  assert.ok((await admin.collection("users").getList()).totalItems >= 0);
});

test("sql: a change after which nothing could be read is undone", { skip: target === "stock" }, async () => {
  for (const query of ["DROP TABLE _collections", "UPDATE _collections SET fields = 'x'", "UPDATE _params SET value = 'x'", "DROP TABLE _params"]) {
    await reason(query);
  }
  assert.equal((await admin.collections.getOne("posts")).name, "posts");
  assert.ok(await admin.settings.getAll());
});

// The fourteen field types: what they are by default, their columns, what an empty record reads back as, and every
// error a value can meet.
import assert from "node:assert/strict";
import { test } from "node:test";

import { ask, failure, open, start, superuser } from "./support.mjs";

let admin, target;

start(async () => {
  admin = await superuser();
  target = await admin.collections.create(open("target", []));
});

const DEFAULTS = {
  text: { help: "", required: false, min: 0, max: 0, pattern: "", autogeneratePattern: "", primaryKey: false },
  editor: { help: "", required: false, maxSize: 0, convertURLs: false },
  number: { help: "", required: false, min: null, max: null, onlyInt: false },
  bool: { help: "", required: false },
  email: { help: "", required: false, onlyDomains: null, exceptDomains: null },
  url: { help: "", required: false, onlyDomains: null, exceptDomains: null },
  date: { help: "", required: false, min: "", max: "" },
  autodate: { onCreate: true, onUpdate: false },
  select: { help: "", required: false, values: ["a"], maxSelect: 0 },
  file: { help: "", required: false, maxSelect: 0, maxSize: 0, mimeTypes: null, thumbs: null, protected: false },
  relation: { help: "", required: false, collectionId: "", cascadeDelete: false, minSelect: 0, maxSelect: 0 },
  json: { help: "", required: false, maxSize: 0 },
  geoPoint: { help: "", required: false },
  password: { help: "", required: false, min: 0, max: 0, cost: 0, pattern: "" },
};

/** What each type cannot do without. */
const NEEDED = () => ({ autodate: { onCreate: true }, select: { values: ["a"] }, relation: { collectionId: target.id } });

test("the defaults of all fourteen definitions", async () => {
  assert.equal(Object.keys(DEFAULTS).length, 14);
  for (const [type, defaults] of Object.entries(DEFAULTS)) {
    const needed = NEEDED()[type] ?? {};
    const { fields } = await admin.collections.create(open(`default_${type}`, [{ name: "x", type, ...needed }]));
    const { id, ...field } = fields[1];
    assert.match(id, new RegExp(`^${type}\\d+$`));
    assert.deepEqual(field, { name: "x", type, system: false, hidden: false, presentable: false, ...defaults, ...needed });
  }
});

test("every type has its column, and reads back as its zero", async () => {
  const many = { select: { values: ["a", "b"], maxSelect: 2 }, file: { maxSelect: 2 }, relation: { collectionId: target.id, maxSelect: 2 } };
  const fields = Object.keys(DEFAULTS).map((type) => ({ name: `f_${type}`, type, ...NEEDED()[type] }));
  for (const type of Object.keys(many)) fields.push({ name: `m_${type}`, type, ...many[type] });
  await admin.collections.create(open("every", fields));
  const query = "select 'a' as id, (sql) as ddl from sqlite_master where name = 'every'";
  const { body } = await ask("POST", "/api/collections/meta/dry-run-view", { query }, { as: admin });
  const ddl = body.sample[0].ddl;
  const text = "TEXT DEFAULT '' NOT NULL";
  const list = "JSON DEFAULT '[]' NOT NULL";
  const expected = {
    id: "TEXT PRIMARY KEY DEFAULT ('r'||lower(hex(randomblob(7)))) NOT NULL",
    f_text: text, f_editor: text, f_email: text, f_url: text, f_date: text, f_autodate: text, f_select: text, f_file: text,
    f_relation: text, f_password: text, f_number: "NUMERIC DEFAULT 0 NOT NULL", f_bool: "BOOLEAN DEFAULT FALSE NOT NULL",
    f_json: "JSON DEFAULT NULL", f_geoPoint: `JSON DEFAULT '{"lon":0,"lat":0}' NOT NULL`,
    m_select: list, m_file: list, m_relation: list,
  };
  const definitions = Object.keys(expected).sort().map((name) => `\`${name}\` ${expected[name]}`);
  assert.equal(ddl, `CREATE TABLE \`every\` (${definitions.join(", ")})`);

  const { f_autodate, ...zero } = await admin.collection("every").create({});
  assert.match(f_autodate, /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}Z$/);
  for (const name of ["text", "editor", "email", "url", "date", "select", "file", "relation", "password"]) assert.equal(zero[`f_${name}`], "", name);
  for (const name of ["select", "file", "relation"]) assert.deepEqual(zero[`m_${name}`], [], name);
  assert.deepEqual([zero.f_number, zero.f_bool, zero.f_json, zero.f_geoPoint], [0, false, null, { lon: 0, lat: 0 }]);
});

/** Checks lines of `[field options, value, code, message, params]`; no code means that the value is taken. */
async function values(type, lines) {
  for (const [at, [options, value, code, message, params]] of lines.entries()) {
    const name = `v_${type}_${at}`;
    await admin.collections.create(open(name, [{ name: "x", type, ...NEEDED()[type], ...options }]));
    const { status, body } = await ask("POST", `/api/collections/${name}/records`, { x: value });
    const what = JSON.stringify([options, value, body]);
    if (code === undefined) {
      assert.equal(status, 200, what);
      continue;
    }
    const error = { code, message: message ?? body.data?.x?.message, ...(params && { params }) };
    assert.deepEqual([status, body.message, body.data], [400, "Failed to create record.", { x: error }], what);
  }
}

const BLANK = ["validation_required", "Cannot be blank."];

test("text: its errors", () => values("text", [
  [{ required: true }, "", ...BLANK],
  [{ min: 3 }, "éé", "validation_min_text_constraint", "Must be at least 3 character(s).", { min: 3 }],
  [{ min: 3 }, "", undefined],
  [{ max: 3 }, "éééé", "validation_max_text_constraint", "Must be no more than 3 character(s).", { max: 3 }],
  [{ max: 3 }, "ééé", undefined],
  [{ pattern: "^[a-z]+$" }, "A1", "validation_invalid_format", "Invalid value format."],
  [{ autogeneratePattern: "[a-z]{5}", required: true }, "", undefined],
]));

test("number: its errors", () => values("number", [
  [{ required: true }, 0, ...BLANK],
  [{ onlyInt: true }, 1.5, "validation_only_int_constraint", "Decimal numbers are not allowed."],
  [{ min: 5 }, 4, "validation_min_number_constraint", "Must be greater or equal than 5.", { min: 5 }],
  [{ min: 5 }, 0, undefined],
  [{ max: -1.5 }, 4, "validation_max_number_constraint", "Must be less or equal than -1.5.", { max: -1.5 }],
  [{}, "NaN", "validation_not_a_number", "The submitted number is not properly formatted."],
]));

test("bool, editor, json and geoPoint: their errors", async () => {
  await values("bool", [[{ required: true }, false, ...BLANK]]);
  await values("editor", [
    [{ required: true }, "", ...BLANK],
    [{ maxSize: 3 }, "éé", "validation_content_size_limit", "The maximum allowed content size is 3 bytes.", { maxSize: 3 }],
  ]);
  await values("json", [
    [{ required: true }, null, ...BLANK], [{ required: true }, "", ...BLANK], [{ required: true }, [], ...BLANK],
    [{ required: true }, {}, ...BLANK], [{ required: true }, 0, undefined], [{ required: true }, false, undefined],
    [{ maxSize: 5 }, "abcdef", "validation_json_size_limit", "The maximum allowed JSON size is 5 bytes.", { maxSize: 5 }],
  ]);
  await values("geoPoint", [
    [{ required: true }, {}, ...BLANK],
    [{}, { lat: -91 }, "validation_invalid_latitude", "Latitude must be between -90 and 90 degrees."],
    [{}, { lon: 181 }, "validation_invalid_longitude", "Longitude must be between -180 and 180 degrees."],
  ]);
});

test("email: its errors", () => values("email", [
  [{ required: true }, "", ...BLANK],
  ...["a", "a@localhost", "a b@x.co", "@x.co"].map((email) => [{}, email, "validation_is_email", "Must be a valid email address."]),
  ...["a@x.co", "A.b+c@X.co", "é@x.co"].map((email) => [{}, email, undefined]),
  [{ onlyDomains: ["x.co"] }, "a@y.co", "validation_email_domain_not_allowed", "Email domain is not allowed."],
  [{ exceptDomains: ["x.co"] }, "a@x.co", "validation_email_domain_not_allowed", "Email domain is not allowed."],
]));

test("url: its errors", () => values("url", [
  [{ required: true }, "", ...BLANK],
  ...["localhost", "//x.com", "/rel", "javascript:alert(1)", "http://a b.co"].map((url) => [{}, url, "validation_invalid_url", "Must be a valid url."]),
  ...["example.com", "http://localhost", "https://u:p@x.co:80/p?q#f", "ftp://1.2.3.4", "mailto:a@b.co"].map((url) => [{}, url, undefined]),
  [{ onlyDomains: ["x.co"] }, "https://y.co", "validation_url_domain_not_allowed", "Url domain is not allowed."],
  [{ exceptDomains: ["x.co"] }, "https://x.co/a", "validation_url_domain_not_allowed", "Url domain is not allowed."],
]));

test("date: its errors", () => values("date", [
  [{ required: true }, "bad", ...BLANK],
  [
    { min: "2024-01-01" }, "2023-12-31", "validation_min_greater_equal_than_required",
    "Must be no less than 2024-01-01 00:00:00 +0000 UTC.", { threshold: "2024-01-01T00:00:00Z" },
  ],
  [
    { max: "2024-01-01" }, "2024-01-02", "validation_max_less_equal_than_required",
    "Must be no greater than 2024-01-01 00:00:00 +0000 UTC.", { threshold: "2024-01-01T00:00:00Z" },
  ],
]));

test("select and relation: their errors", async () => {
  await values("select", [
    [{ required: true }, "", ...BLANK],
    [{ values: ["a"] }, "z", "validation_invalid_value", "Invalid value z.", { value: "z" }],
    [{ values: ["a", "b", "c"], maxSelect: 2 }, ["a", "b", "c"], "validation_too_many_values", "Select no more than 2.", { maxSelect: 2 }],
  ]);
  const { id } = await admin.collection("target").create({});
  await values("relation", [
    [{ required: true }, "", ...BLANK],
    [{ minSelect: 2, maxSelect: 3 }, [id], "validation_not_enough_values", "Select at least 2.", { minSelect: 2 }],
    [{ maxSelect: 2 }, ["1", "2", "3"], "validation_too_many_values", "Select no more than 2.", { maxSelect: 2 }],
    [{}, "nope", "validation_missing_rel_records", "Failed to find all relation records with the provided ids."],
  ]);
});

test("password: its errors, and it is never shown", async () => {
  await values("password", [
    [{ required: true }, "", ...BLANK],
    [{ min: 5 }, "abcd", "validation_min_text_constraint", "Must be at least 5 character(s)."],
    [{ max: 5 }, "abcdef", "validation_max_text_constraint", "Must be less than 5 character(s)."],
    [{}, "x".repeat(72), "validation_max_text_constraint", "Must be less than 71 character(s)."],
    [{}, "x".repeat(71), undefined],
    [{ pattern: "^\\d+$" }, "abc", "validation_invalid_format", "Invalid value format."],
  ]);
  await admin.collections.create(open("pass", [{ name: "x", type: "password" }]));
  assert.equal((await admin.collection("pass").create({ x: "secret" })).x, "");
});

test("autodate: set on create and on every update", async () => {
  await admin.collections.create(open("stamped", [
    { name: "created", type: "autodate", onCreate: true }, { name: "updated", type: "autodate", onUpdate: true },
  ]));
  const record = await admin.collection("stamped").create({ created: "2020-01-01", updated: "2020-01-01" });
  assert.deepEqual([record.created.slice(0, 2), record.updated], ["20", ""]);
  const changed = await admin.collection("stamped").update(record.id, {});
  assert.deepEqual([changed.created, changed.updated > record.created], [record.created, true]);
});

test("ids: chosen, checked and kept", async () => {
  const id = { name: "id", type: "text", pattern: "^.+$", min: 1, max: 20, primaryKey: true, required: true };
  await admin.collections.create(open("ids", [id]));
  const create = async (id) => (await failure(admin.collection("ids").create({ id }))).data.id;
  await admin.collection("ids").create({ id: "Abc" });
  assert.equal((await create("")).code, "validation_required");
  assert.equal((await create("aBC")).code, "validation_pk_invalid");
  for (const bad of [".", "/", "\\", "|", '"', "'", "`", "<", ">", ":", "?", "*", "%", "$", " "]) {
    assert.equal((await create(`a${bad}b`)).code, "validation_forbidden_pk_character", bad);
  }
  for (const bad of ["con", "NUL", "com1", "lpt9"]) assert.equal((await create(bad)).code, "validation_reserved_pk", bad);
  assert.deepEqual((await failure(admin.collection("ids").update("Abc", { id: "new" }))).data.id, {
    code: "validation_pk_change", message: "The record primary key cannot be changed.",
  });
});

// Definitions of collections: their shapes and defaults, ids, indexes, what a save does to the table, and every error
// a definition can meet.
import assert from "node:assert/strict";
import { test } from "node:test";

import { ask, failure, open, start, superuser } from "./support.mjs";

let admin, collections, target;

start(async () => {
  admin = await superuser();
  ({ collections } = admin);
  target = await collections.create(open("target", []));
});

const COMMON = ["created", "createRule", "deleteRule", "fields", "id", "indexes", "listRule", "name", "system", "type", "updated", "updateRule", "viewRule"];
const AUTH = [
  "authAlert", "authRule", "authToken", "confirmEmailChangeTemplate", "emailChangeToken", "fileToken", "manageRule", "mfa", "oauth2",
  "otp", "passwordAuth", "passwordResetToken", "resetPasswordTemplate", "verificationTemplate", "verificationToken",
];
const keys = (object) => Object.keys(object).sort((a, b) => a.toLowerCase().localeCompare(b.toLowerCase()));
const sorted = (names) => [...names].sort((a, b) => a.toLowerCase().localeCompare(b.toLowerCase()));

test("base, auth and view: the keys each has", async () => {
  const base = await collections.create({ name: "shape_base", type: "base" });
  const auth = await collections.create({ name: "shape_auth", type: "auth" });
  const view = await collections.create({ name: "shape_view", type: "view", viewQuery: "select id from shape_base" });
  assert.deepEqual(keys(base), sorted(COMMON));
  assert.deepEqual(keys(view), sorted([...COMMON, "viewQuery"]));
  assert.deepEqual(keys(auth), sorted([...COMMON, ...AUTH]));
  assert.deepEqual(auth.fields.map(({ name }) => name), ["id", "password", "tokenKey", "email", "emailVisibility", "verified"]);
  assert.deepEqual([base.listRule, base.system, base.indexes, view.fields.map(({ name }) => name)], [null, false, [], ["id"]]);
});

test("auth: the defaults of its options, and no secrets", async () => {
  const auth = await collections.create({ name: "options", type: "auth" });
  const { authRule, manageRule, oauth2, passwordAuth, mfa, otp, authToken, passwordResetToken, emailChangeToken, verificationToken, fileToken, authAlert } = auth;
  assert.deepEqual({ authRule, manageRule, oauth2, passwordAuth, mfa }, {
    authRule: "", manageRule: null,
    oauth2: { providers: [], mappedFields: { id: "", name: "", username: "", avatarURL: "" }, enabled: false },
    passwordAuth: { enabled: true, identityFields: ["email"] },
    mfa: { enabled: false, duration: 600, rule: "" },
  });
  assert.deepEqual([otp.enabled, otp.duration, otp.length, Object.keys(otp.emailTemplate).sort(), authAlert.enabled], [false, 180, 8, ["body", "subject"], true]);
  assert.deepEqual(
    [authToken, passwordResetToken, emailChangeToken, verificationToken, fileToken],
    [{ duration: 432000 }, { duration: 1800 }, { duration: 1800 }, { duration: 86400 }, { duration: 180 }],
  );
  assert.equal(auth.indexes.length, 2);
  assert.ok(auth.indexes.includes(`CREATE UNIQUE INDEX \`idx_email_${auth.id}\` ON \`options\` (\`email\`) WHERE \`email\` != ''`), auth.indexes);
});

test("ids come from the type and the name", async () => {
  assert.equal((await collections.create(open("posts", []))).id, "pbc_1125843985");
  assert.equal((await collections.update("posts", { name: "posts_x" })).id, "pbc_1125843985");
  const again = await collections.create(open("posts", [{ name: "title", type: "text" }]));
  assert.equal(again.id, "pbc_11258439852");
  assert.deepEqual(again.fields.map(({ id }) => id), ["text3208210256", "text724990059"]);
  assert.equal((await collections.create({ ...open("chosen", []), id: "my_own" })).id, "my_own");
});

test("scaffolds of the three types", async () => {
  const scaffolds = await collections.getScaffolds();
  assert.deepEqual(Object.keys(scaffolds).sort(), ["auth", "base", "view"]);
  for (const [type, scaffold] of Object.entries(scaffolds)) {
    assert.deepEqual([scaffold.id, scaffold.name, scaffold.type, scaffold.created], ["", "", type, ""]);
  }
});

test("the list of collections is filtered and sorted by its own columns", async () => {
  const found = await collections.getList(1, 2, { filter: "system = true && type = 'auth'", sort: "-name" });
  assert.deepEqual(found.items.map(({ name }) => name), ["_superusers"]);
  for (const options of [{ filter: "fields ~ 'x'" }, { filter: "name:lower = 'x'" }, { sort: "listRule" }]) {
    assert.equal((await failure(collections.getList(1, 1, options))).status, 400);
  }
  await collections.getList(1, 1, { sort: "@random,-@rowid" });
});

test("the seven rules are null, open or a filter", async () => {
  const rules = ["listRule", "viewRule", "createRule", "updateRule", "deleteRule", "authRule", "manageRule"];
  const auth = await collections.create({ name: "ruled", type: "auth" });
  for (const rule of rules) {
    assert.equal((await collections.update("ruled", { [rule]: "id != ''" }))[rule], "id != ''");
    assert.equal((await collections.update("ruled", { [rule]: null }))[rule], null);
    assert.equal((await failure(collections.update("ruled", { [rule]: "nope = 1" }))).data[rule].code, "validation_invalid_rule");
  }
  assert.equal((await failure(collections.update(auth.id, { manageRule: "" }))).data.manageRule.code, "validation_nil_or_not_empty_required");
  const otp = { ...auth.otp, enabled: true };
  assert.equal((await collections.update("ruled", { otp, mfa: { enabled: true, rule: "verified = true" } })).mfa.rule, "verified = true");
  assert.equal((await failure(collections.update("ruled", { mfa: { rule: "nope = 1" } }))).data.mfa.rule.code, "validation_invalid_rule");
});

/** The error of a definition, as the codes of its leaves: `fields.1.name: code`. */
async function refused(promise) {
  const { data } = await failure(promise);
  const leaves = (value, way) => ("code" in value ? [`${way}: ${value.code}`] : Object.entries(value).flatMap(([key, inner]) => leaves(inner, `${way}.${key}`)));
  return Object.entries(data).flatMap(([key, value]) => leaves(value, key)).join(", ");
}

test("names that are refused", async () => {
  for (const [name, code] of [
    ["", "required"], ["a b", "match_invalid"], ["ä", "match_invalid"], ["a_via_b", "found_via"], ["A_VIA_B", "found_via"], ["TARGET", "collection_name_exists"],
    [target.id, "collection_name_id_duplicate"], ["_params", "collection_name_invalid"], ["_migrations", "collection_name_invalid"],
  ]) assert.equal(await refused(collections.create(open(name, []))), `name: validation_${code}`, name);
  assert.match((await failure(collections.create(open("sqlite_x", [])))).message, /^Failed to create collection\. Raw error: \n.*object name reserved for internal use: sqlite_x/);
  for (const [name, code] of [["null", "not_in_invalid"], ["expand", "not_in_invalid"], ["a_via_b", "found_via"], ["a-b", "match_invalid"]]) {
    assert.equal(await refused(collections.create(open("fielded", [{ name, type: "bool" }]))), `fields.1.name: validation_${code}`, name);
  }
  const reserved = { name: "fielded", type: "auth", fields: [{ name: "oldPassword", type: "text" }] };
  assert.equal(await refused(collections.create(reserved)), "fields.1.name: validation_reserved_field_name");
});

test("types that are refused", async () => {
  assert.equal(await refused(collections.create({ name: "typed", type: "nope" })), "type: validation_in_invalid");
  assert.match(await refused(collections.update("target", { type: "auth" })), /type: validation_collection_type_change/);
  for (const type of ["vector", undefined, ""]) {
    const { message } = await failure(collections.create(open("typed", [{ name: "x", type }])));
    assert.equal(message, "Failed to load the submitted data due to invalid formatting.");
  }
  assert.equal((await failure(collections.update("target", { id: "another" }))).status, 404);
  const { fields } = await collections.create(open("retyped", [{ name: "x", type: "text" }]));
  const changed = [fields[0], { ...fields[1], type: "number" }];
  assert.equal(await refused(collections.update("retyped", { fields: changed })), "fields.1: validation_field_type_change");
});

test("options of fields that are refused", async () => {
  for (const [field, expected] of [
    [{ type: "text", min: -1 }, "min: validation_min_greater_equal_than_required"],
    [{ type: "text", min: 5, max: 4 }, "max: validation_min_greater_equal_than_required"],
    [{ type: "text", pattern: "(" }, "pattern: validation_invalid_regex"],
    [{ type: "text", autogeneratePattern: "[a-z]{3}", min: 5 }, "autogeneratePattern: validation_invalid_autogenerate_pattern_value"],
    [{ type: "number", onlyInt: true, min: 1.5 }, "min: validation_only_int_constraint"],
    [{ type: "number", min: 5, max: 4 }, "max: validation_min_number_constraint"],
    [{ type: "email", onlyDomains: ["a.co"], exceptDomains: ["b.co"] }, "exceptDomains: validation_empty, x.onlyDomains: validation_empty"],
    [{ type: "url", onlyDomains: ["a b"] }, "onlyDomains.0: validation_is_domain"],
    [{ type: "autodate" }, "onCreate: validation_required, x.onUpdate: validation_required"],
    [{ type: "select" }, "values: validation_required"],
    [{ type: "select", values: ["a"], maxSelect: 2 }, "maxSelect: validation_max_less_equal_than_required"],
    [{ type: "file", thumbs: ["10x", "0x0"] }, "thumbs.0: validation_match_invalid, x.thumbs.1: validation_not_in_invalid"],
    [{ type: "relation" }, "collectionId: validation_required"],
    [{ type: "relation", collectionId: "nope" }, "collectionId: validation_field_relation_missing_collection"],
    [{ type: "relation", collectionId: target.id, minSelect: 2 }, "maxSelect: validation_required"],
    [{ type: "password", max: 72 }, "max: validation_max_less_equal_than_required"],
    [{ type: "password", cost: 3 }, "cost: validation_min_greater_equal_than_required"],
  ]) {
    const got = await refused(collections.create(open("optioned", [{ name: "x", ...field }])));
    assert.equal(got, `fields.1.${expected.replaceAll("x.", "fields.1.")}`, JSON.stringify(field));
  }
});

test("indexes: kept, made canonical and refused", async () => {
  const fields = [{ name: "a", type: "text" }, { name: "b", type: "text" }];
  const kept = "create  unique index idx_kept on indexed (a collate nocase desc)";
  const made = await collections.create(open("indexed", fields, { indexes: [kept, "CREATE INDEX `idx_other` on `elsewhere` (a, b) where a != ''"] }));
  assert.deepEqual(made.indexes, [kept, "CREATE INDEX `idx_other` ON `indexed` (\n  `a`,\n  `b`\n) WHERE a != ''"]);
  await admin.collection("indexed").create({ a: "x" });
  assert.equal((await failure(admin.collection("indexed").create({ a: "X" }))).data.a.code, "validation_not_unique");
  const broken = (indexes) => refused(collections.create(open("broken", fields, { indexes })));
  assert.equal(await broken(["nonsense"]), "indexes.0: validation_invalid_index_expression");
  assert.equal(await broken(["create index i_new on broken (a)", "create index I_NEW on broken (b)"]), "indexes.1: validation_duplicated_index_name");
  assert.equal(await broken(["create index idx_kept on broken (a)"]), "indexes.0: validation_existing_index_name");
  assert.equal(await broken(["create index i1 on broken (a)", "create index i2 on broken (a)"]), "indexes.1: validation_duplicated_index_definition");
  assert.equal(await broken(["create index i1 on broken (nope)"]), "indexes.0: validation_invalid_index_expression");
  const pair = await collections.create(open("pairs", fields, { indexes: ["create unique index idx_pair on pairs (a, b) where a != ''"] }));
  await admin.collection("pairs").create({ a: "1", b: "2" });
  const { data } = await failure(admin.collection("pairs").create({ a: "1", b: "2" }));
  assert.deepEqual(Object.entries(data).map(([key, { code }]) => `${key} ${code}`).sort(), ["a validation_not_unique", "b validation_not_unique"]);
  const renamed = pair.fields.map((field) => (field.name === "a" ? { ...field, name: "aa" } : field));
  const stale = await failure(collections.update("pairs", { fields: renamed }));
  assert.match(stale.data.indexes["0"].message, /^Failed to create index idx_pair - .*no such column: /);
  assert.deepEqual((await collections.getOne("pairs")).fields.map(({ name }) => name), ["id", "a", "b"]);
});

test("system parts stay as they are", async () => {
  const auth = await collections.create({ name: "sys", type: "auth", fields: [{ name: "extra", type: "text" }] });
  assert.deepEqual(auth.fields.map(({ name }) => name), ["id", "extra", "password", "tokenKey", "email", "emailVisibility", "verified"]);
  assert.equal((await collections.update("sys", { fields: [] })).fields.length, 6);
  assert.equal(await refused(collections.update("_superusers", { listRule: "" })), "listRule: validation_collection_system_rule_change");
  assert.equal(await refused(collections.update("_mfas", { name: "other" })), "name: validation_collection_system_name_change");
  assert.equal((await failure(collections.delete("_mfas"))).message, "Failed to delete collection.");
});

test("the system collections and their number", async () => {
  const all = await collections.getFullList({ filter: "system = true", sort: "@rowid" });
  assert.deepEqual(all.map(({ name }) => name), ["_mfas", "_otps", "_externalAuths", "_authOrigins", "_superusers"]);
  const rows = [
    "1640988000_aux_init.go", "1640988000_init.go", "1717233556_v0.23_migrate.go", "1717233557_v0.23_migrate2.go", "1717233558_v0.23_migrate3.go",
    "1717233559_v0.23_migrate4.go", "1763020353_update_default_auth_alert_templates.go", "1778828400_normalize_indexes.go",
  ];
  const query = `select file as id from _migrations where file in (${rows.map((row) => `'${row}'`)})`;
  const { body } = await ask("POST", "/api/collections/meta/dry-run-view", { query }, { as: admin });
  assert.deepEqual(body.sample.map(({ id }) => id).sort(), rows);
  const tables = await ask("POST", "/api/collections/meta/dry-run-view", { query: "select name as id from sqlite_master where type = 'table' and name in ('_migrations', '_params', '_collections', '_logs')" }, { as: admin });
  assert.deepEqual(tables.body.sample.map(({ id }) => id).sort(), ["_collections", "_migrations", "_params"]);
});

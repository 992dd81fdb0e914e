// Records of auth collections: who may set passwords, addresses and flags, who sees what, and what a change ends.
import assert from "node:assert/strict";
import { test } from "node:test";

import { ask, failure, guest, open, start, superuser, user } from "./support.mjs";

let admin, people, ann;
const PASSWORD = "long enough";

start(async () => {
  admin = await superuser();
  people = await admin.collections.create({
    name: "people", type: "auth", listRule: "", viewRule: "", createRule: "", updateRule: "", deleteRule: "", manageRule: "@request.auth.boss = true",
    fields: [{ name: "boss", type: "bool" }, { name: "name", type: "text" }],
  });
  ann = await user(admin, "ann", "people");
});

const codes = async (promise) => Object.fromEntries(Object.entries((await failure(promise)).data).map(([key, { code }]) => [key, code.replace("validation_", "")]));
let count = 0;
const body = (more) => ({ email: `p${count++}@example.com`, password: PASSWORD, passwordConfirm: PASSWORD, ...more });

test("creating one needs a password, twice", async () => {
  const create = (body) => codes(guest().collection("people").create(body));
  assert.deepEqual(await create({}), { password: "required", passwordConfirm: "required" });
  assert.deepEqual(await create({ password: PASSWORD, passwordConfirm: "other" }), { passwordConfirm: "values_mismatch" });
  assert.deepEqual(await create(body({ email: "" })), { email: "required" });
  assert.deepEqual(await create(body({ email: "x" })), { email: "is_email" });
  assert.deepEqual(await create(body({ password: "short", passwordConfirm: "short" })), { password: "min_text_constraint" });
  assert.deepEqual(await create(body({ verified: true })), { verified: "values_mismatch" });
  assert.deepEqual(await create(body({ email: ann.email })), { email: "not_unique" });
  assert.deepEqual(await codes(admin.collection("people").create(body({ passwordConfirm: undefined }))), { passwordConfirm: "required" });
  assert.equal((await admin.collection("people").create(body({ verified: true }))).verified, true);
});

test("an id is one person's only, across collections", async () => {
  await admin.collections.create({ name: "others", type: "auth" });
  assert.deepEqual(await codes(admin.collection("others").create(body({ id: ann.record.id }))), { id: "invalid_auth_id" });
});

test("addresses are shown to those who may see them", async () => {
  const seen = async (who, id) => (await who.collection("people").getOne(id)).email;
  assert.deepEqual([await seen(guest(), ann.record.id), await seen(ann.client, ann.record.id), await seen(admin, ann.record.id)], [undefined, ann.email, ann.email]);
  const boss = await user(admin, "boss", "people");
  assert.equal(await seen(boss.client, ann.record.id), undefined);
  await admin.collection("people").update(boss.record.id, { boss: true });
  assert.equal(await seen(boss.client, ann.record.id), ann.email);
  const made = await guest().collection("people").create(body());
  assert.deepEqual([made.email, made.emailVisibility, made.password, made.tokenKey], [undefined, false, undefined, undefined]);
  const shown = await guest().collection("people").create(body({ emailVisibility: true }));
  assert.match(shown.email, /@example\.com$/);
  const found = async (email) => (await guest().collection("people").getList(1, 1, { filter: `email = '${email}'` })).totalItems;
  assert.deepEqual([await found(ann.email), await found(shown.email)], [0, 1]);
  for (const field of ["password", "tokenKey"]) assert.equal((await failure(guest().collection("people").getList(1, 1, { filter: `${field} != ''` }))).status, 400);
});

test("changing a password needs the old one, and ends all tokens", async () => {
  const bob = await user(admin, "bob", "people");
  const update = (who, body) => who.collection("people").update(bob.record.id, body);
  const wanted = { password: "another one", passwordConfirm: "another one" };
  assert.deepEqual(await codes(update(bob.client, wanted)), { oldPassword: "required" });
  assert.deepEqual(await codes(update(bob.client, { ...wanted, oldPassword: "wrong" })), { oldPassword: "invalid_old_password" });
  assert.deepEqual(await codes(update(bob.client, { oldPassword: bob.password })), { password: "required", passwordConfirm: "required" });
  const token = bob.client.authStore.token;
  await update(bob.client, { ...wanted, oldPassword: bob.password });
  const refresh = await ask("POST", "/api/collections/people/auth-refresh", undefined, { headers: { authorization: token } });
  assert.equal(refresh.status, 401);
  await guest().collection("people").authWithPassword(bob.email, "another one");
  await update(admin, { password: PASSWORD, passwordConfirm: PASSWORD });
  await guest().collection("people").authWithPassword(bob.email, PASSWORD);
});

test("addresses and flags are changed by those who manage", async () => {
  const [carl, boss] = [await user(admin, "carl", "people"), await user(admin, "head", "people")];
  await admin.collection("people").update(boss.record.id, { boss: true });
  const update = (who, body) => who.collection("people").update(carl.record.id, body);
  assert.deepEqual(await codes(update(carl.client, { email: "new@example.com", verified: true })), { email: "values_mismatch", verified: "values_mismatch" });
  await update(carl.client, { email: carl.email, verified: false, name: "Carl" });
  const changed = await update(boss.client, { email: "carl-new@example.com", verified: true });
  assert.deepEqual([changed.email, changed.verified], ["carl-new@example.com", true]);
  await update(boss.client, { password: "by the boss", passwordConfirm: "by the boss" });
  await guest().collection("people").authWithPassword("carl-new@example.com", "by the boss");
});

test("hidden keys sent by others are dropped, superusers set them", async () => {
  const made = await guest().collection("people").create(body({ tokenKey: "x".repeat(40) }));
  const key = "k".repeat(40);
  await admin.collection("people").update(made.id, { tokenKey: key });
  const { totalItems } = await admin.collection("people").getList(1, 1, { filter: `tokenKey = '${key}'` });
  assert.equal(totalItems, 1);
  assert.deepEqual(await codes(admin.collection("people").update(made.id, { tokenKey: "short" })), { tokenKey: "min_text_constraint" });
});

test("superusers: always verified, and the last one stays", async () => {
  const all = admin.collection("_superusers");
  const second = await all.create({ email: "second@example.com", password: PASSWORD, passwordConfirm: PASSWORD });
  assert.equal(second.verified, true);
  await all.delete(second.id);
  const last = await all.getFirstListItem("");
  const { status, message } = await failure(all.delete(last.id));
  assert.deepEqual([status, message], [400, "You can't delete the only existing superuser."]);
});

test("records of the system's own collections are checked", async () => {
  const refused = (collection, body) => codes(admin.collection(collection).create(body));
  const base = await admin.collections.create(open("plain", []));
  const origin = { recordRef: ann.record.id, fingerprint: "f" };
  const rest = { method: "m", password: "p", fingerprint: "f", provider: "google", providerId: "1" };
  for (const collection of ["_mfas", "_otps", "_authOrigins", "_externalAuths"]) {
    assert.deepEqual(await refused(collection, { ...rest, collectionRef: "nope", recordRef: "nope" }), { collectionRef: "invalid_collection_id" }, collection);
  }
  assert.deepEqual(await refused("_authOrigins", {}), { collectionRef: "required", fingerprint: "required", recordRef: "required" });
  assert.deepEqual(await refused("_authOrigins", { ...origin, collectionRef: "nope" }), { collectionRef: "invalid_collection_id" });
  assert.deepEqual(await refused("_authOrigins", { ...origin, collectionRef: base.id }), { collectionRef: "invalid_collection_type" });
  assert.deepEqual(await refused("_authOrigins", { ...origin, collectionRef: people.id, recordRef: "nope" }), { recordRef: "invalid_record" });
  assert.deepEqual(await refused("_externalAuths", { collectionRef: people.id, recordRef: ann.record.id, provider: "nope", providerId: "1" }), { provider: "in_invalid" });
  const { id } = await admin.collection("_authOrigins").create({ ...origin, collectionRef: people.id });
  assert.deepEqual((await ann.client.collection("_authOrigins").getFullList()).map((origin) => origin.id).includes(id), true);
  assert.equal((await guest().collection("_authOrigins").getFullList()).length, 0);
});

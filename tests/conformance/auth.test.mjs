import assert from "node:assert/strict";
import { test } from "node:test";

import { failure, guest, server, start, superuser, user } from "./support.mjs";

start();

test("a superuser signs in; a wrong password tells nothing", async () => {
  const answer = await guest().collection("_superusers").authWithPassword(server.email, server.password);
  assert.equal(answer.record.email, server.email);
  assert.equal(answer.record.collectionName, "_superusers");
  for (const identity of [server.email, "nobody@example.com"]) {
    const error = await failure(guest().collection("_superusers").authWithPassword(identity, "wrong password"));
    assert.deepEqual(error, { status: 400, data: {}, message: "Failed to authenticate." });
  }
});

test("the ways to sign in are listed", async () => {
  const methods = await guest().collection("users").listAuthMethods();
  assert.equal(methods.password.enabled, true);
  assert.deepEqual(methods.password.identityFields, ["email"]);
  assert.equal(methods.mfa.enabled, false);
});

test("somebody signs up, signs in, and gets a new token for the old one", async () => {
  const admin = await superuser();
  const { client, record } = await user(admin, "ann");
  assert.equal(client.authStore.record.id, record.id);
  const refreshed = await client.collection("users").authRefresh();
  assert.equal(refreshed.record.id, record.id);
  assert.ok(refreshed.token);
  assert.equal((await failure(guest().collection("users").authRefresh())).status, 401);
});

test("a password change asks for the old one and ends all tokens", async () => {
  const { client, record, password } = await user(await superuser(), "bob");
  const change = { password: "another password", passwordConfirm: "another password" };
  const missing = await failure(client.collection("users").update(record.id, change));
  assert.equal(missing.data.oldPassword.code, "validation_required");
  const wrong = await failure(client.collection("users").update(record.id, { ...change, oldPassword: "wrong" }));
  assert.equal(wrong.data.oldPassword.code, "validation_invalid_old_password");
  await client.collection("users").update(record.id, { ...change, oldPassword: password });
  assert.equal((await failure(client.collection("users").authRefresh())).status, 401);
});

test("a new account needs a matching password of a decent length and cannot call itself verified", async () => {
  const admin = await superuser();
  const users = guest().collection("users");
  const mismatch = await failure(users.create({ email: "c@example.com", password: "12345678", passwordConfirm: "87654321" }));
  assert.equal(mismatch.data.passwordConfirm.code, "validation_values_mismatch");
  const short = await failure(users.create({ email: "c@example.com", password: "1234", passwordConfirm: "1234" }));
  assert.equal(short.data.password.code, "validation_min_text_constraint");
  const verified = { email: "c@example.com", password: "12345678", passwordConfirm: "12345678", verified: true };
  assert.equal((await failure(users.create(verified))).data.verified.code, "validation_values_mismatch");
  assert.equal((await admin.collection("users").create({ ...verified, email: "d@example.com" })).verified, true);
});

test("a mail address is seen by its owner and by superusers unless it is made visible", async () => {
  const admin = await superuser();
  await admin.collections.update("users", { listRule: "", viewRule: "" });
  const { client, record, email } = await user(admin, "eve");
  assert.equal((await client.collection("users").getOne(record.id)).email, email);
  assert.equal((await admin.collection("users").getOne(record.id)).email, email);
  assert.equal((await guest().collection("users").getOne(record.id)).email, undefined);
  await client.collection("users").update(record.id, { emailVisibility: true });
  assert.equal((await guest().collection("users").getOne(record.id)).email, email);
});

test("keys of accounts never leave the server", async () => {
  const admin = await superuser();
  const { record } = await user(admin, "kim");
  const seen = await admin.collection("users").getOne(record.id);
  assert.equal(seen.password, undefined);
  assert.equal(seen.tokenKey, undefined);
});

test("the last superuser cannot be deleted", async () => {
  const admin = await superuser();
  const own = admin.authStore.record.id;
  const error = await failure(admin.collection("_superusers").delete(own));
  assert.equal(error.message, "You can't delete the only existing superuser.");
});

// The five kinds of tokens, made here with secrets a superuser has set: each opens what it is for and nothing else.
import assert from "node:assert/strict";
import crypto from "node:crypto";
import { test } from "node:test";

import { ask, open, start, superuser, user } from "./support.mjs";

const TYPES = { auth: "authToken", file: "fileToken", verification: "verificationToken", passwordReset: "passwordResetToken", emailChange: "emailChangeToken" };
const SECRETS = Object.fromEntries(Object.entries(TYPES).map(([type, key]) => [key, { secret: `${type}-`.padEnd(40, "x"), duration: 600 }]));
let admin, people, ann, secret;

start(async () => {
  admin = await superuser();
  people = await admin.collections.create({ name: "people", type: "auth", listRule: "", viewRule: "", ...SECRETS });
  ann = await user(admin, "ann", "people");
  await admin.collections.create(open("secrets", [{ name: "f", type: "file", protected: true }], { viewRule: "@request.auth.id != ''" }));
  const form = new FormData();
  form.set("f", new File(["x"], "f.txt"));
  secret = (await ask("POST", "/api/collections/secrets/records", form, { as: admin })).body;
});

let keys = 0;

/** A token of that type. Every one needs a fresh key: what it does may end the others. */
async function token(type, claims = {}) {
  const tokenKey = `key${keys++}`.padEnd(40, "k");
  const { email } = await admin.collection("people").update(ann.record.id, { tokenKey, verified: false });
  const payload = { id: ann.record.id, collectionId: people.id, type, exp: Math.floor(Date.now() / 1000) + 60, email, refreshable: true, newEmail: `new${keys}@example.com`, ...claims };
  const encoded = [{ alg: "HS256", typ: "JWT" }, payload].map((part) => Buffer.from(JSON.stringify(part)).toString("base64url")).join(".");
  const signature = crypto.createHmac("sha256", tokenKey + SECRETS[TYPES[type]].secret).update(encoded).digest("base64url");
  return `${encoded}.${signature}`;
}

const post = (way, body, headers) => ask("POST", `/api/collections/people/${way}`, body, { headers });
const USES = {
  auth: async (token) => (await post("auth-refresh", undefined, { authorization: token })).status === 200,
  file: async (token) => (await ask("GET", `/api/files/secrets/${secret.id}/${secret.f}?token=${token}`)).status === 200,
  verification: async (token) => (await post("confirm-verification", { token })).status === 204,
  passwordReset: async (token) => (await post("confirm-password-reset", { token, password: ann.password, passwordConfirm: ann.password })).status === 204,
  emailChange: async (token) => (await post("confirm-email-change", { token, password: ann.password })).status === 204,
};

for (const [use, opens] of Object.entries(USES)) {
  test(`only a token of its kind: ${use}`, async () => {
    for (const type of Object.keys(TYPES)) assert.equal(await opens(await token(type)), type === use, type);
    assert.equal(await opens(await token(use, { exp: Math.floor(Date.now() / 1000) - 1 })), false, "expired");
    const sound = await token(use);
    await token(use);
    assert.equal(await opens(sound), false, "signed with a key that is gone");
    assert.equal(await opens(`${(await token(use)).slice(0, -3)}AAA`), false, "another signature");
  });
}

// What ends a session and what does not, and what is special about superusers.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";

import { ask, binaries, failure, guest, server, start, superuser, target } from "./support.mjs";

const PASSWORD = "correct horse";
let admin;
let made = 0;

start(async () => {
  admin = await superuser();
});

/** A new auth collection with somebody in it, signed in. */
async function session(more = {}) {
  const name = `members${++made}`;
  await admin.collections.create({ name, type: "auth", authAlert: { enabled: false }, viewRule: "id = @request.auth.id", ...more });
  const email = `${name}@example.com`;
  const record = await admin.collection(name).create({ email, password: PASSWORD, passwordConfirm: PASSWORD });
  const client = guest();
  await client.collection(name).authWithPassword(email, PASSWORD);
  return { name, email, id: record.id, client };
}

const status = async (promise) => promise.then(() => 200, (error) => error.status);
const refresh = ({ client, name }) => status(client.collection(name).authRefresh());

test("another rule about who may sign in ends all sessions of the collection, but not one that only closes it", async () => {
  const one = await session();
  await admin.collections.update(one.name, { authRule: null });
  assert.equal(await refresh(one), 403);
  await admin.collections.update(one.name, { authRule: "" });
  assert.equal(await refresh(one), 200);
  await admin.collections.update(one.name, { authRule: "verified = false" });
  assert.equal(await refresh(one), 401);
  // Nothing but the tokens changed.
  await one.client.collection(one.name).authWithPassword(one.email, PASSWORD);
  assert.equal(await refresh(one), 200);
});

test("a new secret ends one kind of token", async () => {
  const one = await session();
  const fileToken = await one.client.files.getToken();
  assert.ok(fileToken);
  await admin.collections.update(one.name, { fileToken: { secret: "f".repeat(50) } });
  assert.equal(await refresh(one), 200);
  await admin.collections.update(one.name, { authToken: { secret: "a".repeat(50) } });
  assert.equal(await refresh(one), 401);
});

test("a new key ends every token of one account, a new name none", async () => {
  const one = await session({ fields: [{ name: "name", type: "text" }] });
  await admin.collection(one.name).update(one.id, { name: "Ann" });
  assert.equal(await refresh(one), 200);
  await admin.collection(one.name).update(one.id, { "tokenKey:autogenerate": "" });
  assert.equal(await refresh(one), 401);
  await one.client.collection(one.name).authWithPassword(one.email, PASSWORD);
  await admin.collection(one.name).update(one.id, { email: `new-${one.email}` });
  assert.equal(await refresh(one), 401);
  await one.client.collection(one.name).authWithPassword(`new-${one.email}`, PASSWORD);
  await admin.collection(one.name).delete(one.id);
  assert.equal(await refresh(one), 401);
});

test("a token of one collection refreshes nothing in another, and names its own", async () => {
  const [one, two] = [await session(), await session()];
  const error = await failure(one.client.collection(two.name).authRefresh());
  assert.deepEqual(error, { status: 403, data: {}, message: `The request requires auth record from ${one.name} collection.` });
});

test("broken tokens make guests", async () => {
  const one = await session();
  const token = one.client.authStore.token;
  const [head, payload] = token.split(".");
  const expired = Buffer.from(JSON.stringify({ ...JSON.parse(Buffer.from(payload, "base64url")), exp: 1 })).toString("base64url");
  const unsigned = `${Buffer.from('{"alg":"none","typ":"JWT"}').toString("base64url")}.${payload}.`;
  for (const broken of ["x", "Bearer x", `${head}.${payload}.AAAA`, `${head}.${expired}.${token.split(".")[2]}`, unsigned]) {
    const view = await ask("GET", `/api/collections/${one.name}/records/${one.id}`, undefined, { headers: { authorization: broken } });
    assert.equal(view.status, 404, broken);
    const again = await ask("POST", `/api/collections/${one.name}/auth-refresh`, undefined, { headers: { authorization: broken } });
    assert.equal(again.status, 401, broken);
    assert.equal(again.body.message, "The request requires valid record authorization token.");
  }
  const own = await ask("GET", `/api/collections/${one.name}/records/${one.id}`, undefined, { headers: { authorization: `bEARER ${token}` } });
  assert.equal(own.status, 200);
});

test("superusers sign in with passwords, never through other services, and with a second factor if by mail", async () => {
  const provider = { name: "google", clientId: "c", clientSecret: "s" };
  const changed = await admin.collections.update("_superusers", {
    otp: { enabled: true }, oauth2: { enabled: true, providers: [provider] }, passwordAuth: { enabled: false }, name: "bosses",
  }).catch((error) => error.response);
  assert.ok(changed.data?.name ?? changed.name === "_superusers");
  const settled = await admin.collections.update("_superusers", {
    otp: { enabled: true }, oauth2: { enabled: true, providers: [provider] }, passwordAuth: { enabled: false },
  });
  assert.deepEqual(
    [settled.otp.enabled, settled.mfa.enabled, settled.oauth2.enabled, settled.oauth2.providers, settled.passwordAuth.enabled],
    [true, true, false, [], true],
  );
  await admin.collections.update("_superusers", { otp: { enabled: false }, mfa: { enabled: false } });
  const second = await admin.collection("_superusers").create({ email: "second@example.com", password: PASSWORD, passwordConfirm: PASSWORD, verified: false });
  assert.equal(second.verified, true);
  assert.equal((await admin.collection("_superusers").update(second.id, { verified: false })).verified, true);
  await admin.collection("_superusers").delete(second.id);
});

test("the command line makes one-time passwords for superusers", { skip: target === "hosted" && "a hosted project has no command line" }, async () => {
  const otp = (...args) => execFileSync(binaries[target], ["superuser", "otp", ...args, "--dir", server.data], { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
  // Stock servers tell of failures and end well all the same.
  const refused = (...args) => {
    try {
      return otp(...args);
    } catch (error) {
      return error.stderr;
    }
  };
  if (target === "runtime") assert.match(refused(server.email), /OTP auth is not enabled for the _superusers collection/);
  await admin.collections.update("_superusers", { otp: { enabled: true }, mfa: { enabled: true } });
  try {
    if (target === "runtime") {
      assert.match(refused("nobody@example.com"), /superuser with email "nobody@example.com" doesn't exist/);
      assert.match(refused("nobody"), /invalid or missing email address/);
    }
    const printed = otp(server.email);
    assert.match(printed, new RegExp(`^Successfully created OTP for superuser "${server.email}":`));
    const [, otpId, password, seconds] = /Id: +(\S+)\n.*Pass: +(\d{8})\n.*Valid: (\d+)s/.exec(printed);
    assert.equal(seconds, "180");
    const first = await failure(guest().collection("_superusers").authWithPassword(server.email, server.password));
    assert.equal(first.status, 401);
    const client = guest();
    const answer = await client.collection("_superusers").authWithOTP(otpId, password, { mfaId: first.mfaId });
    assert.equal(answer.record.email, server.email);
  } finally {
    await admin.collections.update("_superusers", { otp: { enabled: false }, mfa: { enabled: false } });
  }
});

test("superusers sign in from the addresses the settings list", async () => {
  await admin.settings.update({ superuserIPs: ["127.0.0.1", "::1", "192.0.2.0/24"] });
  assert.equal(await status(guest().collection("_superusers").authWithPassword(server.email, server.password)), 200);
  await admin.settings.update({ superuserIPs: [] });
});

test("ways to sign in that cannot be are refused", async () => {
  const refused = (options) => failure(admin.collections.create({ name: "nobodies", type: "auth", ...options }));
  const service = (name) => ({ name, clientId: "client", clientSecret: "secret" });
  const through = (...names) => refused({ oauth2: { enabled: true, providers: names.map(service) } });
  assert.equal((await through("github", "github")).data.oauth2.providers[1].name.code, "validation_duplicated_provider");
  assert.equal((await through("nope")).data.oauth2.providers[0].name.code, "validation_missing_provider");
  const alone = await refused({ mfa: { enabled: true, duration: 600 }, otp: { enabled: false } });
  assert.equal(alone.data.mfa.enabled.code, "validation_mfa_not_enough_auths");
  const known = async (field) => {
    const fields = [{ name: "name", type: "text" }];
    const { data } = await refused({ fields, passwordAuth: { enabled: true, identityFields: [field] } });
    return data.passwordAuth.identityFields.code;
  };
  assert.equal(await known("nope"), "validation_missing_field");
  assert.equal(await known("name"), "validation_missing_unique_constraint");
});

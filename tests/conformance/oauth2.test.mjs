// Signing in through other services, against a provider of our own.
import assert from "node:assert/strict";
import fs from "node:fs";
import http from "node:http";
import { after, before, test } from "node:test";

import { Browser, available } from "./browser.mjs";
import { IdentityProvider } from "./idp.mjs";
import { failure, guest, server, start, superuser, until } from "./support.mjs";

const idp = new IdentityProvider();
let admin;
let members = 0;

before(() => idp.start());
after(() => idp.stop());
start(async () => {
  admin = await superuser();
});

/** The refusal of a call, whose status has to be that. */
async function rejects(call, status) {
  const error = await failure(call);
  assert.equal(error.status, status, JSON.stringify(error));
  return error;
}

/** An auth collection that offers the provider. */
async function collection(providers, more = {}) {
  const name = `members${++members}`;
  const oauth2 = { enabled: true, providers, mappedFields: { name: "name", avatarURL: "picture", ...more.mappedFields } };
  const fields = [{ name: "name", type: "text" }, { name: "picture", type: "url" }];
  await admin.collections.create({ name, type: "auth", createRule: "", listRule: "", viewRule: "", fields, ...more, oauth2 });
  return name;
}

const signIn = (client, name, createData = {}, provider = "oidc") =>
  client.collection(name).authWithOAuth2Code(provider, idp.code(), "", "http://localhost/back", createData);

test("the methods say where people are sent", async () => {
  const name = await collection([idp.config("oidc"), { ...idp.config("github"), pkce: false, displayName: "" }]);
  const { oauth2 } = await guest().collection(name).listAuthMethods();
  assert.deepEqual(oauth2.providers.map((provider) => [provider.name, provider.displayName]), [["oidc", "The provider"], ["github", "GitHub"]]);
  const [oidc, github] = oauth2.providers;
  const url = new URL(oidc.authURL);
  assert.equal(url.searchParams.get("client_id"), "client");
  assert.equal(url.searchParams.get("scope"), "openid email profile");
  assert.equal(url.searchParams.get("state"), oidc.state);
  assert.equal(url.searchParams.get("code_challenge"), oidc.codeChallenge);
  assert.ok(oidc.authURL.endsWith("&redirect_uri="));
  assert.deepEqual([oidc.state.length, oidc.codeVerifier.length, github.codeVerifier], [30, 43, ""]);
  const off = await admin.collections.update(name, { oauth2: { enabled: false } });
  assert.equal(off.oauth2.enabled, false);
  assert.deepEqual((await guest().collection(name).listAuthMethods()).oauth2, { enabled: false, providers: [] });
});

test("a first sign-in makes a record, a second finds it", async () => {
  const name = await collection([idp.config("oidc")]);
  idp.user = { sub: "first", name: "Ann Smith", email: "first@example.com", email_verified: true, picture: "https://example.com/p.png" };
  const client = guest();
  const made = await signIn(client, name);
  assert.equal(made.meta.isNew, true);
  assert.deepEqual([made.meta.id, made.meta.email, made.meta.rawUser.sub, made.meta.refreshToken], ["first", "first@example.com", "first", "again"]);
  assert.match(made.meta.expiry, /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}Z$/);
  assert.deepEqual([made.record.email, made.record.verified, made.record.name, made.record.picture], ["first@example.com", true, "Ann Smith", "https://example.com/p.png"]);
  const again = await signIn(guest(), name);
  assert.deepEqual([again.meta.isNew, again.record.id], [false, made.record.id]);
  const links = await client.collection("_externalAuths").getFullList();
  assert.deepEqual(links.map((link) => [link.provider, link.providerId, link.recordRef]), [["oidc", "first", made.record.id]]);
  await client.collection("_externalAuths").delete(links[0].id);
  assert.equal((await admin.collection("_externalAuths").getFullList({ filter: `recordRef="${made.record.id}"` })).length, 0);
});

test("what the client sends wins over what the service knows, under the create rule", async () => {
  const name = await collection([idp.config("oidc")], { createRule: "@request.context = 'oauth2' && @request.body.name != 'Eve'" });
  idp.user = { sub: "named", name: "Service name", email: "named@example.com", email_verified: true };
  await rejects(signIn(guest(), name, { name: "Eve" }), 400);
  const made = await signIn(guest(), name, { name: "Own name" });
  assert.equal(made.record.name, "Own name");
  const closed = await collection([idp.config("oidc")], { createRule: null });
  await rejects(signIn(guest(), closed), 403);
});

test("an address that is not proven makes no account by itself", async () => {
  const name = await collection([idp.config("oidc")]);
  idp.user = { sub: "unproven", email: "unproven@example.com", email_verified: false };
  const error = await rejects(signIn(guest(), name), 400);
  assert.equal(error.data.email.code, "validation_required");
  const made = await signIn(guest(), name, { email: "typed@example.com" });
  assert.deepEqual([made.record.email, made.record.verified, made.meta.email], ["typed@example.com", false, ""]);
});

test("who registered somebody else's address is out when its owner comes", async () => {
  const name = await collection([idp.config("oidc")]);
  const squatter = { email: "owner@example.com", password: "1234567890", passwordConfirm: "1234567890" };
  const { id } = await guest().collection(name).create(squatter);
  const early = guest();
  await early.collection(name).authWithPassword(squatter.email, squatter.password);
  idp.user = { sub: "owner", email: "owner@example.com", email_verified: true };
  const owner = await signIn(guest(), name);
  assert.deepEqual([owner.record.id, owner.record.verified, owner.meta.isNew], [id, true, false]);
  await rejects(guest().collection(name).authWithPassword(squatter.email, squatter.password), 400);
  await rejects(early.collection(name).authRefresh(), 401);
});

test("a password that nobody chose fits whatever a password must look like", async () => {
  const digits = { name: "password", type: "password", required: true, system: true, hidden: true, min: 4, max: 12, pattern: "^[0-9]+$" };
  const name = await collection([idp.config("oidc")], { fields: [digits] });
  idp.user = { sub: "fresh", email: "fresh@example.com", email_verified: true };
  assert.equal((await signIn(guest(), name)).meta.isNew, true);
  await guest().collection(name).create({ email: "digits@example.com", password: "123456", passwordConfirm: "123456" });
  idp.user = { sub: "digits", email: "digits@example.com", email_verified: true };
  assert.equal((await signIn(guest(), name)).meta.isNew, false);
  await rejects(guest().collection(name).authWithPassword("digits@example.com", "123456"), 400);
});

test("somebody signed in links a service to the account", async () => {
  const name = await collection([idp.config("oidc"), idp.config("oidc2")]);
  idp.user = { sub: "linked", email: "linked@example.com", email_verified: true };
  const client = guest();
  const { record } = await signIn(client, name);
  idp.user = { sub: "other", email: "elsewhere@example.com", email_verified: true };
  const linked = await signIn(client, name, {}, "oidc2");
  assert.equal(linked.record.id, record.id);
  idp.user = { sub: "yet another", email: "third@example.com", email_verified: true };
  const error = await rejects(signIn(client, name, {}, "oidc2"), 400);
  assert.equal(error.data.provider.code, "validation_not_unique");
});

test("codes are proven and credentials sent the way the service takes them", async () => {
  const name = await collection([idp.config("oidc")]);
  idp.user = { sub: "pkce", email: "pkce@example.com", email_verified: true };
  const { oauth2 } = await guest().collection(name).listAuthMethods();
  const { codeChallenge, codeVerifier } = oauth2.providers[0];
  const wrong = guest().collection(name).authWithOAuth2Code("oidc", idp.code(codeChallenge), "wrong", "http://localhost/back");
  const failed = await rejects(wrong, 400);
  assert.equal(failed.message, "Failed to fetch OAuth2 token.");
  await guest().collection(name).authWithOAuth2Code("oidc", idp.code(codeChallenge), codeVerifier, "http://localhost/back");
  assert.equal(idp.tokenRequests.at(-1).redirect_uri, "http://localhost/back");
});

test("identity tokens are verified with the published keys", async () => {
  const name = await collection([idp.config("oidc", "id_token")]);
  idp.user = { sub: "token", name: "Ann", email: "token@example.com", email_verified: "true" };
  const made = await signIn(guest(), name);
  assert.deepEqual([made.record.email, made.meta.id], ["token@example.com", "token"]);
  const refused = async (claims) => {
    idp.idTokenClaims = claims;
    const error = await rejects(signIn(guest(), name), 400);
    assert.equal(error.message, "Failed to fetch OAuth2 user.", JSON.stringify(claims));
  };
  await refused({ aud: "somebody else" });
  await refused({ iss: "https://elsewhere.example.com" });
  await refused({ exp: 1_000_000_000 });
  await refused({ iat: Math.floor(Date.now() / 1000) + 86_400 });
  idp.idTokenClaims = {};
  idp.rotateKeys();
  assert.equal((await signIn(guest(), name)).record.id, made.record.id);
  const published = idp.key;
  idp.rotateKeys();
  idp.key = { ...idp.key, id: published.id, jwk: published.jwk };
  await refused({});
});

test("the all-in-one flow hands the code over on the event stream", async () => {
  const name = await collection([idp.config("oidc")]);
  idp.user = { sub: "popup", email: "popup@example.com", email_verified: true };
  let landed;
  const urlCallback = async (url) => {
    const redirect = await fetch(url, { redirect: "manual" });
    landed = await fetch(redirect.headers.get("location"), { redirect: "manual" });
  };
  const made = await guest().collection(name).authWithOAuth2({ provider: "oidc", urlCallback });
  assert.equal(made.record.email, "popup@example.com");
  assert.deepEqual([landed.status, landed.headers.get("location")], [307, "../_/#/auth/oauth2-redirect-success"]);
  const lost = await fetch(`${server.url}/api/oauth2-redirect?state=nobody&code=x`, { redirect: "manual" });
  assert.deepEqual([lost.status, lost.headers.get("location")], [307, "../_/#/auth/oauth2-redirect-failure"]);
});

test("a provider that posts its answer is taken at its word, too", async () => {
  const client = guest();
  const heard = [];
  await client.realtime.subscribe("@oauth2", (message) => heard.push(message));
  const form = new URLSearchParams({ state: client.realtime.clientId, code: "a code", user: JSON.stringify({ name: { firstName: "Ann", lastName: "Smith" } }) });
  const landed = await fetch(`${server.url}/api/oauth2-redirect`, { method: "POST", body: form, redirect: "manual" });
  assert.deepEqual([landed.status, landed.headers.get("location")], [303, "../_/#/auth/oauth2-redirect-success"]);
  await until(() => heard.length > 0, "the code to arrive");
  assert.deepEqual([heard[0].state, heard[0].code], [client.realtime.clientId, "a code"]);
  await client.realtime.subscribe("@oauth2", (message) => heard.push(message));
  const refused = new URLSearchParams({ state: client.realtime.clientId, error: "access_denied" });
  const failed = await fetch(`${server.url}/api/oauth2-redirect`, { method: "POST", body: refused, redirect: "manual" });
  assert.deepEqual([failed.status, failed.headers.get("location")], [303, "../_/#/auth/oauth2-redirect-failure"]);
  await client.realtime.unsubscribe();
});

test("the all-in-one flow in a browser: a window opens, and closes once somebody is signed in", { skip: available ? false : "there is no Chromium" }, async () => {
  const name = await collection([idp.config("oidc")]);
  idp.user = { sub: "window", email: "window@example.com", email_verified: true };
  const page = `<!doctype html><button>Sign in</button><p id="status"></p><script type="module">
    import PocketBase from "/pocketbase.es.mjs";
    const status = document.getElementById("status");
    document.querySelector("button").onclick = () =>
      new PocketBase("${server.url}").collection("${name}").authWithOAuth2({ provider: "oidc" })
        .then(({ record }) => (status.textContent = record.email), (error) => (status.textContent = String(error)));
    status.textContent = "ready";
  </script>`;
  const site = http.createServer((request, response) => {
    const sdk = request.url === "/pocketbase.es.mjs";
    response.setHeader("content-type", sdk ? "text/javascript" : "text/html");
    response.end(sdk ? fs.readFileSync(new URL("node_modules/pocketbase/dist/pocketbase.es.mjs", import.meta.url)) : page);
  });
  await new Promise((done) => site.listen(0, "127.0.0.1", done));
  const browser = await new Browser().start();
  try {
    await browser.open(`http://127.0.0.1:${site.address().port}/`);
    await browser.until("document.getElementById('status').textContent === 'ready'");
    await browser.press("Sign in");
    await browser.until("document.getElementById('status').textContent === 'window@example.com'");
    await until(async () => (await browser.windows()) === 1, "the window to close");
  } finally {
    await browser.stop();
    site.closeAllConnections();
    site.close();
  }
});

test("a body that makes no sense is told so", async () => {
  const name = await collection([idp.config("oidc")]);
  const error = await rejects(guest().send(`/api/collections/${name}/auth-with-oauth2`, { method: "POST", body: { provider: "github" } }), 400);
  assert.deepEqual(
    Object.entries(error.data).map(([key, { code }]) => [key, code]).sort(),
    [["code", "validation_required"], ["provider", "validation_invalid_provider"]],
  );
  await rejects(guest().collection("users").authWithOAuth2Code("oidc", "x", "", ""), 403);
});

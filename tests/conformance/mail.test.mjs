// Mail itself: how servers are talked to, what templates become, trial mails. With a mail server that is really talked to.
import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";

import { MailServer, certificate } from "./smtp.mjs";
import { failure, guest, server, start, superuser, target, until } from "./support.mjs";

const post = new MailServer();
const dir = fs.mkdtempSync(path.join(os.tmpdir(), "roost-mail-"));
const known = certificate(dir);
let admin;

// Whom the server under test trusts.
process.env.SSL_CERT_FILE = known.authority;
before(() => post.start());
after(async () => {
  await post.stop();
  fs.rmSync(dir, { recursive: true });
});
start(async () => {
  admin = await superuser();
  await admin.settings.update({
    meta: { appName: "Orchard & Co", appURL: "https://orchard.example.com", senderName: "Grüße", senderAddress: "support@orchard.example.com" },
    smtp: post.settings(),
  });
});

/** Sends a trial mail with other settings. */
const trial = async (smtp = {}) => {
  await admin.settings.update({ smtp: post.settings({ localName: "", ...smtp }) });
  return admin.settings.testEmail("users", "trial@example.com", "otp");
};

test("a mail has both forms and the headers of a well-made one", async () => {
  await trial();
  const mail = post.mails.at(-1);
  assert.equal(mail.from.replaceAll('"', ""), "Grüße <support@orchard.example.com>");
  assert.deepEqual(mail.types, ["multipart/mixed", "multipart/alternative", "text/plain", "text/html"]);
  assert.match(mail.headers["message-id"], /^<\w{15}@orchard\.example\.com>$/);
  assert.equal(mail.headers.to.replace(/[<>]/g, ""), "trial@example.com");
  assert.ok(mail.headers.date && mail.headers["mime-version"]);
});

test("mail travels encrypted as soon as the server can, or from the start", async () => {
  post.secret = known;
  try {
    for (const [implicit, host] of [[false, "127.0.0.1"], [false, "localhost"], [true, "127.0.0.1"]]) {
      post.implicit = implicit;
      await trial({ tls: implicit, host });
      assert.equal(post.mails.at(-1).envelope.encrypted, true);
    }
    post.implicit = false;
    post.credentials = { user: "ann", password: "s3cret" };
    await trial({ username: "ann", password: "s3cret" });
    assert.equal(post.mails.at(-1).envelope.encrypted, true);
    post.credentials = null;
    // Somebody nobody vouches for.
    const before = post.mails.length;
    const strange = fs.mkdtempSync(path.join(dir, "strange-"));
    post.secret = certificate(strange);
    for (const implicit of [false, true]) {
      post.implicit = implicit;
      assert.match((await failure(trial({ tls: implicit }))).message, /^Failed to send the test email\. Raw error:/);
    }
    assert.equal(post.mails.length, before);
  } finally {
    Object.assign(post, { secret: null, implicit: false, credentials: null });
    await admin.settings.update({ smtp: post.settings({ username: "", password: "" }) });
  }
});

test("without a server mail is refused where somebody waits for it", { skip: { stock: "a stock server hands mail to the system", hosted: "a platform sends for its projects" }[target] }, async () => {
  await admin.settings.update({ smtp: { enabled: false } });
  try {
    const trial = await failure(admin.settings.testEmail("users", "trial@example.com", "otp"));
    assert.equal(trial.message, "Failed to send the test email. Raw error: \nno mail server is configured.");
    const email = "unheard@example.com";
    await admin.collection("users").create({ email, password: "correct horse", passwordConfirm: "correct horse" });
    const client = guest();
    await client.collection("users").authWithPassword(email, "correct horse");
    const change = await failure(client.collection("users").requestEmailChange("other@example.com"));
    assert.deepEqual([change.status, change.message], [400, "Failed to request email change."]);
    assert.equal(await client.collection("users").requestVerification(email), true);
  } finally {
    await admin.settings.update({ smtp: post.settings() });
  }
});

test("a server that is not there, or knows nobody of that name", async () => {
  const closed = new MailServer();
  await closed.start();
  await closed.stop();
  for (const smtp of [{ port: closed.port }, { host: "nowhere.invalid" }]) {
    assert.equal((await failure(trial(smtp))).status, 400);
  }
  post.refused.add("trial@example.com");
  assert.match((await failure(trial())).message, /nobody of that name/);
  post.refused.clear();
});

test("a server that asks for a name and a password gets them", async () => {
  post.credentials = { user: "ann", password: "s3cret" };
  try {
    for (const authMethod of ["PLAIN", "LOGIN"]) {
      await trial({ username: "ann", password: "s3cret", authMethod, localName: "orchard.example.com" });
      assert.equal(post.authMethod, authMethod);
      assert.equal(post.mails.at(-1).envelope.hello, "orchard.example.com");
      assert.equal(post.mails.at(-1).envelope.from, "support@orchard.example.com");
    }
    const error = await failure(trial({ username: "ann", password: "wrong", localName: "" }));
    assert.equal(error.status, 400);
    assert.match(error.message, /^Failed to send the test email\. Raw error: \n.*535/s);
  } finally {
    post.credentials = null;
    await admin.settings.update({ smtp: post.settings({ localName: "" }) });
  }
});

test("superusers read in the log that a mail nobody waited for was not sent", async () => {
  const email = "unlucky@example.com";
  await admin.collection("users").create({ email, password: "correct horse", passwordConfirm: "correct horse" });
  post.refused.add(email);
  try {
    assert.equal(await guest().collection("users").requestVerification(email), true);
    const entries = () => admin.logs.getList(1, 10, { filter: 'level = 8 && message ~ "verification" && data.error ~ "nobody of that name"' });
    await until(async () => (await entries()).totalItems === 1, "the entry");
  } finally {
    post.refused.clear();
  }
});

test("trial mails of every kind", async () => {
  const to = "kinds@example.com";
  const subjects = {
    verification: "Verify your Orchard & Co email", "password-reset": "Reset your Orchard & Co password",
    "email-change": "Confirm your Orchard & Co new email address", otp: "OTP for Orchard & Co", "login-alert": "Login from a new location",
  };
  for (const [kind, subject] of Object.entries(subjects)) {
    assert.equal(await admin.settings.testEmail("users", to, kind), true);
    assert.equal((await post.to(to)).at(-1).subject, subject);
  }
  assert.ok((await post.to(to)).some((mail) => mail.text.includes("123456")));
  const refused = async (body, token = admin.authStore.token) => {
    const answer = await fetch(`${server.url}/api/settings/test/email`, {
      method: "POST", headers: { "content-type": "application/json", authorization: token }, body: JSON.stringify(body),
    });
    return { status: answer.status, ...(await answer.json()) };
  };
  const empty = await refused({});
  assert.equal(empty.message, "Failed to send the test email.");
  assert.deepEqual(Object.keys(empty.data).sort(), ["email", "template"]);
  const wrong = await refused({ email: "nope", template: "nope", collection: "nope" });
  assert.deepEqual(Object.fromEntries(Object.entries(wrong.data).map(([key, error]) => [key, error.code])), {
    collection: "validation_invalid_auth_collection", email: "validation_is_email", template: "validation_in_invalid",
  });
  assert.equal((await refused({}, "")).status, 401);
});

test("placeholders show what may be shown, as text", async () => {
  const body = "<p>{RECORD:name} {RECORD:tokenKey} {RECORD:nothing} {RECORD:verified} {APP_NAME}</p><p>{TOKEN}</p>";
  const verificationTemplate = { subject: "Dear {RECORD:name}", body };
  const [name, email] = ["people", "people@example.com"];
  await admin.collections.create({ name, type: "auth", fields: [{ name: "name", type: "text" }], verificationTemplate });
  await admin.collection(name).create({ email, password: "correct horse", passwordConfirm: "correct horse", name: "<i>Ann</i> {TOKEN}" });
  await guest().collection(name).requestVerification(email);
  const mail = await post.next(email);
  assert.ok(mail.subject.startsWith("Dear &lt;i&gt;Ann&lt;/i&gt;"), mail.subject);
  assert.ok(mail.html.includes("&lt;i&gt;Ann&lt;/i&gt;") && mail.html.includes("{RECORD:tokenKey} {RECORD:nothing} false Orchard & Co"), mail.html);
});

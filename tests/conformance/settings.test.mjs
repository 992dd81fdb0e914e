// Settings as superusers see and change them, and the tests of what they describe.
import assert from "node:assert/strict";
import { generateKeyPairSync, verify } from "node:crypto";
import { test } from "node:test";

import { ask, failure, guest, start, superuser, user } from "./support.mjs";

let admin;
let defaults;

start(async () => {
  admin = await superuser();
  defaults = await admin.settings.getAll();
});

const S3 = { endpoint: "https://s3.example.com", bucket: "b", region: "r", accessKey: "a" };
const rule = (label, more = {}) => ({ label, audience: "", duration: 1, maxRequests: 1, ...more });

/** The errors of a change that is refused. */
async function problems(change) {
  const error = await failure(admin.settings.update(change));
  assert.equal(error.status, 400);
  assert.equal(error.message, "An error occurred while saving the new settings.");
  return error.data;
}

/** The codes of errors, as nested as they are. */
function codes(data) {
  const entries = Object.entries(data).map(([key, value]) => [key, typeof value.code === "string" ? value.code : codes(value)]);
  return Object.fromEntries(entries);
}

test("settings: the defaults, without secrets", () => {
  const bucket = { enabled: false, bucket: "", region: "", endpoint: "", accessKey: "", forcePathStyle: false };
  assert.deepEqual(defaults, {
    superuserIPs: [],
    smtp: { enabled: false, port: 587, host: "smtp.example.com", username: "", authMethod: "", tls: false, localName: "" },
    backups: { cron: "", cronMaxKeep: 3, s3: bucket },
    s3: bucket,
    meta: { ...defaults.meta, accentColor: "#1055c9", senderName: "Support", senderAddress: "support@example.com", hideControls: false },
    rateLimits: {
      rules: [
        rule("*:auth", { maxRequests: 2, duration: 3 }),
        rule("*:create", { maxRequests: 20, duration: 5 }),
        rule("/api/batch", { maxRequests: 3 }),
        rule("/api/", { maxRequests: 300, duration: 10 }),
      ],
      excludedIPs: [],
      enabled: false,
    },
    trustedProxy: { headers: [], useLeftmostIP: false },
    batch: { enabled: false, maxRequests: 50, timeout: 3, maxBodySize: 0 },
    logs: { maxDays: 5, minLevel: 0, logIP: true, logAuthId: false },
  });
});

test("settings: for superusers only", async () => {
  const { client } = await user(admin, "ann");
  for (const [as, status] of [[guest(), 401], [client, 403]]) {
    assert.equal((await failure(as.settings.getAll())).status, status);
    assert.equal((await failure(as.settings.update({}))).status, status);
    assert.equal((await failure(as.settings.testS3("storage"))).status, status);
    assert.equal((await failure(as.settings.generateAppleClientSecret("c", "t", "k", "p", 1))).status, status);
    assert.equal((await failure(as.send("/api/sql", { method: "POST", body: { query: "SELECT 1" } }))).status, status);
  }
});

test("settings: what is sent is laid over what is there", async () => {
  const changed = await admin.settings.update({ meta: { appName: "Orchard" }, logs: { maxDays: 7 }, unknown: 1 });
  assert.deepEqual(changed.meta, { ...defaults.meta, appName: "Orchard" });
  assert.deepEqual(changed.logs, { ...defaults.logs, maxDays: 7 });
  assert.deepEqual(await admin.settings.getAll(), changed);
  const same = await admin.settings.update({ meta: null, logs: { maxDays: null } });
  assert.deepEqual(same, changed, "null changes nothing");
  await admin.settings.update({ meta: defaults.meta, logs: defaults.logs });
});

test("settings: lists take the length that is sent, and their objects merge by position", async () => {
  const given = [rule("/a", { audience: "@guest", duration: 3 }), rule("/b")];
  await admin.settings.update({ rateLimits: { rules: given } });
  const merged = await admin.settings.update({ rateLimits: { rules: [{ label: "/c" }] } });
  assert.deepEqual(merged.rateLimits.rules, [rule("/c", { audience: "@guest", duration: 3 })]);
  const emptied = await admin.settings.update({ rateLimits: { rules: null } });
  assert.deepEqual(emptied.rateLimits.rules, []);
  await admin.settings.update({ rateLimits: defaults.rateLimits });
});

test("settings: a body that cannot be read", async () => {
  for (const body of ["{", "[1]", '{"meta":1}', '{"meta":{"appName":1}}', '{"smtp":{"port":"587"}}', '{"smtp":{"port":1.5}}']) {
    const answer = await ask("PATCH", "/api/settings", body, { as: admin, headers: { "content-type": "application/json" } });
    assert.equal(answer.status, 400, body);
    assert.equal(answer.body.message, "An error occurred while loading the submitted data.", body);
  }
});

for (const [what, change, expected] of [
  ["addresses", { superuserIPs: ["x", "10.0.0.0/8", "", "10.0.0.0/33"], rateLimits: { excludedIPs: ["::1", "y"] } }, {
    superuserIPs: { 0: "validation_invlaid_ip_or_subnet", 2: "validation_required", 3: "validation_invlaid_ip_or_subnet" },
    rateLimits: { excludedIPs: { 1: "validation_invlaid_ip_or_subnet" } },
  }],
  ["meta: empty", { meta: { appName: "", appURL: "", senderName: "", senderAddress: "" } }, {
    meta: { appName: "validation_required", appURL: "validation_required", senderName: "validation_required", senderAddress: "validation_required" },
  }],
  ["meta: unfit", { meta: { appName: "x".repeat(256), appURL: "a b", senderAddress: "x", accentColor: "#12345z" } }, {
    meta: {
      appName: "validation_length_out_of_range", appURL: "validation_is_url", senderAddress: "validation_is_email", accentColor: "validation_is_hex_color",
    },
  }],
  ["meta: a short color", { meta: { accentColor: "#abc" } }, { meta: { accentColor: "validation_length_invalid" } }],
  ["logs", { logs: { maxDays: -1 } }, { logs: { maxDays: "validation_min_greater_equal_than_required" } }],
  ["smtp: enabled", { smtp: { enabled: true, host: "", port: 0 } }, { smtp: { host: "validation_required", port: "validation_required" } }],
  ["smtp: unfit", { smtp: { host: "a b", port: -1, authMethod: "X", localName: "-" } }, {
    smtp: {
      host: "validation_is_host", port: "validation_min_greater_equal_than_required", authMethod: "validation_in_invalid", localName: "validation_is_host",
    },
  }],
  ["s3: enabled", { s3: { enabled: true } }, {
    s3: {
      endpoint: "validation_required", bucket: "validation_required", region: "validation_required", accessKey: "validation_required", secret: "validation_required",
    },
  }],
  ["s3: unfit", { backups: { s3: { endpoint: "a b" } } }, { backups: { s3: { endpoint: "validation_is_url" } } }],
  ["backups: an unfit schedule", { backups: { cron: "* * * * 7" } }, { backups: { cron: "validation_invalid_cron" } }],
  ["backups: how many are kept", { backups: { cron: "@daily", cronMaxKeep: 0 } }, { backups: { cronMaxKeep: "validation_required" } }],
  ["batch: enabled", { batch: { enabled: true, maxRequests: 0, timeout: 0 } }, { batch: { maxRequests: "validation_required", timeout: "validation_required" } }],
  ["batch: unfit", { batch: { maxRequests: -1, timeout: -1, maxBodySize: -1 } }, {
    batch: {
      maxRequests: "validation_min_greater_equal_than_required",
      timeout: "validation_min_greater_equal_than_required",
      maxBodySize: "validation_min_greater_equal_than_required",
    },
  }],
  ["rate limits: none", { rateLimits: { enabled: true, rules: [] } }, { rateLimits: { rules: "validation_required" } }],
  ["rate limits: unfit", { rateLimits: { rules: [rule("/a"), rule("", { audience: "x", duration: 0, maxRequests: -1 })] } }, {
    rateLimits: {
      rules: {
        1: {
          label: "validation_required", audience: "validation_in_invalid", duration: "validation_required", maxRequests: "validation_min_greater_equal_than_required",
        },
      },
    },
  }],
  ["rate limits: conflicts", { rateLimits: { rules: [rule("/a"), rule("/a/b"), rule("/a", { audience: "@guest" })] } }, {
    rateLimits: { rules: { 2: { label: "validation_conflicting_rate_limit_rule" } } },
  }],
]) {
  test(`settings: refused: ${what}`, async () => {
    assert.deepEqual(codes(await problems(change)), expected);
    assert.deepEqual(await admin.settings.getAll(), defaults, "nothing is kept of it");
  });
}

test("settings: labels of rate limits", async () => {
  for (const label of ["GET /x", "get /x", "/", "/a-b_c/", "a:b", "*:b", "word"]) {
    await admin.settings.update({ rateLimits: { rules: [rule(label)] } });
  }
  for (const label of ["/a.b", "/a/*", "/{x}", "*", "a b", "GET  /x", "x:y:z", "a-b", "/é", "a:*"]) {
    const data = await problems({ rateLimits: { rules: [rule(label)] } });
    assert.equal(data.rateLimits.rules[0].label.code, "validation_match_invalid", label);
  }
  await admin.settings.update({ rateLimits: defaults.rateLimits });
});

test("settings: a renamed collection takes its rate limits along", async () => {
  const { id } = await admin.collections.create({ name: "before", type: "base", fields: [] });
  await admin.settings.update({ rateLimits: { rules: [rule("before:list"), rule("other:list")] } });
  await admin.collections.update(id, { name: "after" });
  const { rateLimits } = await admin.settings.getAll();
  assert.deepEqual(rateLimits.rules.map(({ label }) => label), ["after:list", "other:list"]);
  await admin.settings.update({ rateLimits: defaults.rateLimits });
});

test("settings: a bucket is tried out", async () => {
  const codeOf = async (filesystem) => (await failure(admin.settings.testS3(filesystem))).data.filesystem.code;
  assert.equal(await codeOf(""), "validation_required");
  assert.equal(await codeOf("elsewhere"), "validation_in_invalid");
  for (const filesystem of ["storage", "backups"]) {
    const { status, message } = await failure(admin.settings.testS3(filesystem));
    assert.equal(status, 400);
    assert.equal(message, "Failed to test the S3 filesystem. Raw error: \nS3 storage filesystem is not enabled.");
  }
});

test("settings: a client secret for Apple", async () => {
  const pair = (namedCurve) => {
    const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve });
    return { pem: privateKey.export({ type: "pkcs8", format: "pem" }), publicKey };
  };
  const { pem, publicKey } = pair("P-256");
  const { secret } = await admin.settings.generateAppleClientSecret("com.example", "TEAM567890", "KEY4567890", pem, 100);
  const [header, payload, signature] = secret.split(".");
  const decoded = (part) => JSON.parse(Buffer.from(part, "base64url"));
  assert.deepEqual(decoded(header), { alg: "ES256", kid: "KEY4567890", typ: "JWT" });
  const { iat, exp, ...claims } = decoded(payload);
  assert.deepEqual(claims, { iss: "TEAM567890", sub: "com.example", aud: ["https://appleid.apple.com"] });
  assert.equal(exp - iat, 100);
  const key = { key: publicKey, dsaEncoding: "ieee-p1363" };
  assert.ok(verify("sha256", `${header}.${payload}`, key, Buffer.from(signature, "base64url")));

  const empty = await failure(admin.settings.generateAppleClientSecret("", "", "", "", 0));
  assert.equal(empty.message, "Invalid client secret data.");
  const required = "validation_required";
  assert.deepEqual(codes(empty.data), { clientId: required, teamId: required, keyId: required, privateKey: required, duration: required });
  const unfit = await failure(admin.settings.generateAppleClientSecret("c", "short", "toolong4567", "zzz", 15777001));
  assert.deepEqual(codes(unfit.data), {
    teamId: "validation_length_invalid",
    keyId: "validation_length_invalid",
    privateKey: "validation_match_invalid",
    duration: "validation_max_less_equal_than_required",
  });
  const other = await failure(admin.settings.generateAppleClientSecret("c", "TEAM567890", "KEY4567890", pair("P-384").pem, 1));
  assert.match(other.message, /^Failed to generate client secret\. Raw error: \n/);
});

// The last, because a stock server goes on with a cleared secret until it is started again.
test("settings: a secret stays until it is cleared, and is never shown", async () => {
  const on = await admin.settings.update({ s3: { ...S3, enabled: true, secret: "hush" }, smtp: { password: "hush" } });
  assert.ok(!JSON.stringify(on).includes("hush"));
  assert.equal((await admin.settings.update({ s3: { bucket: "other" } })).s3.bucket, "other");
  assert.equal((await problems({ s3: { secret: "" } })).s3.secret.code, "validation_required");
  await admin.settings.update({ s3: { ...defaults.s3, secret: "" }, smtp: { password: "" } });
});

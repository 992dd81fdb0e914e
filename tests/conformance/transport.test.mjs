// What happens around every request: limits, addresses, origins, headers, sizes.
import assert from "node:assert/strict";
import { test } from "node:test";

import { ask, failure, guest, open, server, start, superuser, target, user } from "./support.mjs";

let admin;

start(async () => {
  admin = await superuser();
  await admin.collections.create(open("posts", [{ name: "title", type: "text" }]));
  await admin.settings.update({ batch: { enabled: true } });
});

/** Has these rules for the time of `work`: long windows, so that none ends while it runs. */
async function limited(rules, work, more = {}) {
  const complete = rules.map(({ label, audience = "", max = 1 }) => ({ label, audience, maxRequests: max, duration: 3600 }));
  await admin.settings.update({ rateLimits: { enabled: true, rules: complete, excludedIPs: [], ...more } });
  try {
    await work();
  } finally {
    await admin.settings.update({ rateLimits: { enabled: false } });
  }
}

const status = async (method, way, options) => (await ask(method, way, options?.body, options)).status;
const statuses = async (count, method, way, options) => {
  const found = [];
  for (let n = 0; n < count; n++) found.push(await status(method, way, options));
  return found;
};

test("rate limits: a window has so many requests, and 429 has the envelope", () =>
  limited([{ label: "/api/health", max: 2 }], async () => {
    assert.deepEqual(await statuses(2, "GET", "/api/health"), [200, 200]);
    const refused = await ask("GET", "/api/health");
    assert.equal(refused.status, 429);
    assert.deepEqual(refused.body, { data: {}, message: "Too Many Requests.", status: 429 });
    assert.equal(refused.headers.get("retry-after"), null);
    assert.equal(await status("HEAD", "/api/health"), 429, "HEAD counts, too");
    assert.equal(await status("OPTIONS", "/api/health"), 204, "OPTIONS does not");
  }));

test("rate limits: superusers and excluded addresses are never counted", async () => {
  await limited([{ label: "/api/" }], async () => {
    assert.deepEqual(await statuses(3, "GET", "/api/health", { as: admin }), [200, 200, 200]);
  });
  const excludedIPs = ["0.0.0.0/0", "::/0"];
  await limited([{ label: "/api/" }], async () => {
    assert.deepEqual(await statuses(3, "GET", "/api/health"), [200, 200, 200]);
  }, { excludedIPs });
});

test("rate limits: paths under one rule share a window, actions of collections do not", () =>
  limited([{ label: "/api/", max: 2 }], async () => {
    const list = "/api/collections/posts/records";
    assert.equal(await status("GET", "/api/health"), 200);
    assert.equal(await status("GET", "/api/nothing"), 404);
    assert.equal(await status("GET", "/api/settings"), 429);
    assert.deepEqual(await statuses(3, "GET", list), [200, 200, 429]);
    assert.deepEqual(await statuses(3, "GET", `${list}/missing`), [404, 404, 429]);
    assert.equal(await status("GET", "/api/collections/users/records"), 200, "nor do collections");
  }));

test("rate limits: the most telling label counts, whoever names the collection how", () =>
  limited([{ label: "/api/", max: 100 }, { label: "*:list", max: 100 }, { label: "posts:list" }], async () => {
    const { id } = await admin.collections.getOne("posts");
    assert.equal(await status("GET", `/api/collections/${id}/records`), 200);
    assert.equal(await status("GET", "/api/collections/POSTS/records"), 429);
    assert.deepEqual(await statuses(2, "GET", "/api/collections/users/records"), [200, 200]);
    assert.equal(await status("GET", "/api/collections/nobody/records"), 404, "what does not exist is not counted");
  }));

test("rate limits: rules are for guests, for those signed in, or for all", async () => {
  const { client } = await user(admin, "ann");
  const rules = [{ label: "/api/health", audience: "@guest" }, { label: "/api/", audience: "@auth", max: 2 }];
  await limited(rules, async () => {
    assert.deepEqual(await statuses(2, "GET", "/api/health"), [200, 429]);
    assert.deepEqual(await statuses(3, "GET", "/api/health", { as: client }), [200, 200, 429]);
    assert.notEqual(await status("GET", "/api/settings"), 429);
    const invalid = { headers: { authorization: "invalid" } };
    assert.equal(await status("GET", "/api/health", invalid), 429, "who is not known is a guest");
  });
});

test("rate limits: tags of the endpoints of accounts", () =>
  limited([{ label: "*:auth" }, { label: "users:listAuthMethods" }], async () => {
    const body = { identity: "a@example.com", password: "12345678" };
    const signIn = "/api/collections/users/auth-with-password";
    assert.deepEqual(await statuses(2, "POST", signIn, { body }), [400, 429]);
    assert.notEqual(await status("POST", "/api/collections/users/auth-with-otp", { body: {} }), 429, "each by itself");
    assert.deepEqual(await statuses(2, "GET", "/api/collections/users/auth-methods"), [200, 429]);
  }));

test("rate limits: steps of a batch count by themselves and fail it", () =>
  limited([{ label: "*:create", max: 2 }, { label: "/api/batch", max: 2 }], async () => {
    const body = { requests: [{ method: "POST", url: "/api/collections/posts/records", body: { title: "a" } }] };
    assert.equal(await status("POST", "/api/collections/posts/records", { body: {} }), 200);
    const two = { requests: [...body.requests, ...body.requests] };
    assert.equal(await status("POST", "/api/batch", { body: two }), 200);
    const refused = await ask("POST", "/api/batch", body);
    assert.equal(refused.status, 400);
    assert.equal(refused.body.data.requests[0].response.status, 429);
    assert.equal(await status("POST", "/api/batch", { body }), 429, "the batch itself");
    assert.equal(await status("POST", "/api/collections/posts/records", { body: {} }), 200, "elsewhere it is another window");
  }));

test("rate limits: saving settings begins all windows anew", () =>
  limited([{ label: "/api/health" }], async () => {
    assert.deepEqual(await statuses(2, "GET", "/api/health"), [200, 429]);
    await admin.settings.update({ meta: { appName: "Again" } });
    assert.equal(await status("GET", "/api/health"), 200);
  }));

test("health: superusers learn the address they come from and the header a proxy may tell it in", async () => {
  const health = async (headers) => (await ask("GET", "/api/health", undefined, { as: admin, headers })).body.data;
  assert.deepEqual((await ask("GET", "/api/health")).body, { message: "API is healthy.", code: 200, data: {} });
  assert.deepEqual(await guest().health.check(), { message: "API is healthy.", code: 200, data: {} });
  const own = (await health()).realIP;
  assert.deepEqual(await health(), { canBackup: true, realIP: own, possibleProxyHeader: "" });
  assert.equal((await health({ "cf-connecting-ip": "192.0.2.1" })).possibleProxyHeader, "CF-Connecting-IP");
  await admin.settings.update({ trustedProxy: { headers: ["X-Client", "X-Other"] } });
  for (const [headers, realIP, possibleProxyHeader] of [
    [{ "x-client": "192.0.2.1, 192.0.2.2" }, "192.0.2.2", "X-Client"],
    [{ "x-client": "192.0.2.1, bad" }, "192.0.2.1", "X-Client"],
    [{ "x-client": "bad", "x-other": "192.0.2.3" }, "192.0.2.3", "X-Client"],
    [{ "x-client": "2001:db8::1" }, "2001:0db8:0000:0000:0000:0000:0000:0001", "X-Client"],
    [{ "x-client": "[2001:db8::1]" }, own, "X-Client"],
    [{}, own, ""],
  ]) {
    assert.deepEqual(await health(headers), { canBackup: true, realIP, possibleProxyHeader }, JSON.stringify(headers));
  }
  await admin.settings.update({ trustedProxy: { useLeftmostIP: true } });
  assert.equal((await health({ "x-client": "bad, 192.0.2.1, 192.0.2.2" })).realIP, "192.0.2.1");
  await admin.settings.update({ trustedProxy: { headers: [], useLeftmostIP: false } });
});

test("superusers come from their addresses only", async () => {
  const { client } = await user(admin, "bob");
  const inside = { "x-client": "192.0.2.7" };
  const token = await admin.files.getToken();
  const backup = `/api/backups/missing.zip?token=${token}`;
  await admin.collections.create({ name: "guarded", type: "base", fields: [{ name: "f", type: "file", maxSelect: 1, protected: true }] });
  const { id, f } = await admin.collection("guarded").create({ f: new File(["x"], "x.txt") });
  const file = `/api/files/guarded/${id}/${f}?token=${token}`;
  assert.equal(await status("GET", file), 200);
  await admin.settings.update({ trustedProxy: { headers: ["X-Client"] }, superuserIPs: ["192.0.2.0/24"] });
  try {
    const refused = { data: {}, message: "You are not allowed to perform this request.", status: 403 };
    for (const [method, way] of [["GET", "/api/health"], ["GET", "/api/settings"], ["POST", "/api/files/token"]]) {
      assert.deepEqual((await ask(method, way, undefined, { as: admin })).body, refused, way);
    }
    const signIn = "/api/collections/_superusers/auth-with-password";
    const login = { identity: server.email, password: server.password };
    assert.deepEqual((await ask("POST", signIn, login)).body, refused);
    assert.equal(await status("POST", signIn, { body: { ...login, password: "wrong horse" } }), 400);
    assert.equal(await status("POST", signIn, { body: login, headers: inside }), 200);
    assert.equal((await ask("GET", backup)).body.message, "Insufficient permissions to access the resource.");
    assert.equal(await status("GET", backup, { headers: inside }), 404);
    assert.deepEqual([await status("GET", file), await status("GET", file, { headers: inside })], [404, 200]);
    assert.equal(await status("GET", "/api/health", { as: client }), 200, "others are not concerned");
    assert.equal(await status("GET", "/api/settings", { as: admin, headers: inside }), 200);
  } finally {
    const change = { trustedProxy: { headers: [] }, superuserIPs: [] };
    await ask("PATCH", "/api/settings", change, { as: admin, headers: inside });
  }
  assert.equal(await status("GET", "/api/settings", { as: admin }), 200);
});

test("origins: every page may read, and is told so only if it asks", async () => {
  const plain = await ask("GET", "/api/health");
  assert.equal(plain.headers.get("access-control-allow-origin"), null);
  assert.equal(plain.headers.get("vary"), "Origin");
  const asked = await ask("GET", "/api/nothing", undefined, { headers: { origin: "https://a.example" } });
  assert.equal(asked.headers.get("access-control-allow-origin"), "*");
  assert.equal(asked.headers.get("access-control-allow-credentials"), null);
});

test("origins: OPTIONS is always answered", async () => {
  const preflight = { origin: "https://a.example", "access-control-request-method": "PATCH", "access-control-request-headers": "x-a, y" };
  for (const way of ["/api/health", "/api/nothing", "/nothing"]) {
    const answer = await ask("OPTIONS", way, undefined, { headers: preflight });
    assert.equal(answer.status, 204);
    assert.equal(answer.headers.get("access-control-allow-methods"), "GET,HEAD,PUT,PATCH,POST,DELETE");
    assert.equal(answer.headers.get("access-control-allow-headers"), "x-a, y");
    assert.equal(answer.headers.get("vary"), "Origin, Access-Control-Request-Method, Access-Control-Request-Headers");
    assert.equal(answer.headers.get("x-frame-options"), null);
    const alone = await ask("OPTIONS", way);
    assert.equal(alone.status, 204);
    assert.equal(alone.headers.get("access-control-allow-methods"), null);
  }
});

test("headers of every answer", async () => {
  for (const way of ["/api/health", "/api/settings", "/api/nothing"]) {
    const { headers } = await ask("GET", way);
    assert.equal(headers.get("content-type"), "application/json");
    assert.equal(headers.get("x-content-type-options"), "nosniff");
    assert.equal(headers.get("x-frame-options"), "SAMEORIGIN");
    assert.equal(headers.get("x-xss-protection"), "1; mode=block");
  }
});

test("an unknown method is an unknown path", async () => {
  for (const [method, way] of [["PUT", "/api/health"], ["POST", "/nothing"], ["DELETE", "/api/settings"]]) {
    const answer = await ask(method, way);
    assert.deepEqual(answer.body, { data: {}, message: "The requested resource wasn't found.", status: 404 });
  }
});

test("sizes: a body announced as too large is refused before anything else", { skip: target === "hosted" }, async () => {
  const body = "x".repeat((32 << 20) + 1);
  for (const way of ["/api/settings", "/api/files/token", "/api/collections/users/auth-with-password"]) {
    const answer = await ask("POST", way, body, { headers: { "content-type": "application/json" } }).catch((error) => error);
    // The server may close the connection before all of it is sent.
    if (answer instanceof Error) continue;
    assert.equal(answer.status, 413, way);
    assert.deepEqual(answer.body, { data: {}, message: "Request entity too large.", status: 413 });
  }
});

test("the site has no pages: their paths are unknown", { skip: target === "hosted" }, async () => {
  for (const way of ["/", "/page.html", "/api/nothing"]) {
    const answer = await ask("GET", way);
    assert.deepEqual(answer.body, { data: {}, message: "File not found.", status: 404 }, way);
  }
  assert.equal((await failure(guest().send("/api/nothing", {}))).status, 404);
});

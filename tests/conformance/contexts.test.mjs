// `@request.context`: the same rule gives different answers to different kinds of requests.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { IdentityProvider } from "./idp.mjs";
import { ask, failure, guest, open, start, superuser, until, user } from "./support.mjs";

const idp = new IdentityProvider();
let admin;

before(() => idp.start());
after(() => idp.stop());
start(async () => {
  admin = await superuser();
});

test("the context: default, expand, protectedFile, batch and realtime", async () => {
  const contexts = await admin.collections.create(open("contexts", [{ name: "f", type: "file", protected: true }]));
  await admin.collections.create(open("outer", [{ name: "c", type: "relation", collectionId: contexts.id }]));
  const form = new FormData();
  form.set("f", new File(["x"], "f.txt"));
  const record = (await ask("POST", "/api/collections/contexts/records", form)).body;
  const outer = await admin.collection("outer").create({ c: record.id });
  const seen = {
    default: async () => (await ask("GET", `/api/collections/contexts/records/${record.id}`)).status === 200,
    expand: async () => "c" in ((await ask("GET", `/api/collections/outer/records/${outer.id}?expand=c`)).body.expand ?? {}),
    protectedFile: async () => (await ask("GET", `/api/files/contexts/${record.id}/${record.f}`)).status === 200,
  };
  for (const context of Object.keys(seen)) {
    await admin.collections.update("contexts", { viewRule: `@request.context = "${context}"` });
    for (const [asked, look] of Object.entries(seen)) assert.equal(await look(), asked === context, `${asked} under ${context}`);
  }
  await admin.collections.update("contexts", { createRule: '@request.context = "batch"', listRule: '@request.context = "realtime" && @request.method = "GET"' });
  await admin.settings.update({ batch: { enabled: true } });
  const inner = { method: "POST", url: "/api/collections/contexts/records", body: {} };
  assert.equal((await ask("POST", inner.url, {})).status, 400);
  const heard = [];
  const listener = guest();
  await listener.collection("contexts").subscribe("*", ({ action }) => heard.push(action));
  assert.equal((await ask("POST", "/api/batch", { requests: [inner] })).status, 200);
  await until(() => heard.length > 0, "the event");
  assert.equal((await ask("GET", "/api/collections/contexts/records")).body.totalItems, 0);
  await listener.realtime.unsubscribe();
});

test("the context: password, otp and oauth2", async () => {
  const oauth2 = { enabled: true, providers: [idp.config("oidc")] };
  const people = await admin.collections.create({ name: "people", type: "auth", createRule: "", oauth2, otp: { enabled: true, length: 8, duration: 180 } });
  const ann = await user(admin, "ann", "people");
  const signIn = {
    password: () => guest().collection("people").authWithPassword(ann.email, ann.password),
    otp: async () => {
      const otp = { collectionRef: people.id, recordRef: ann.record.id, password: "12345678" };
      const { id } = await admin.collection("_otps").create(otp);
      return guest().collection("people").authWithOTP(id, otp.password);
    },
    oauth2: () => guest().collection("people").authWithOAuth2Code("oidc", idp.code(), "", "http://localhost/back"),
  };
  for (const context of Object.keys(signIn)) {
    await admin.collections.update("people", { authRule: `@request.context = "${context}"` });
    for (const [way, enter] of Object.entries(signIn)) {
      if (way === context) assert.ok((await enter()).token, way);
      else assert.equal((await failure(enter())).status, 403, `${way} under ${context}`);
    }
  }
});

// The conventions every endpoint keeps: headers, the envelope of errors, bodies, list parameters and `fields`.
import assert from "node:assert/strict";
import { test } from "node:test";

import { ask, open, server, start, superuser, user } from "./support.mjs";

let admin, ann, id;
const RECORDS = "/api/collections/notes/records";

start(async () => {
  admin = await superuser();
  ann = await user(admin, "ann");
  await admin.collections.create(
    open("notes", [
      { name: "t", type: "text" }, { name: "n", type: "number" }, { name: "b", type: "bool" }, { name: "j", type: "json" },
      { name: "e", type: "editor" }, { name: "s", type: "select", values: ["a", "b", "12"], maxSelect: 3 },
    ]),
  );
  await admin.collections.create(open("readers", [{ name: "note", type: "relation", collectionId: (await admin.collections.getOne("notes")).id }]));
  id = (await admin.collection("notes").create({ t: "hello", n: 1, j: { a: [{ x: 1, y: 2 }, { x: 3, y: 4 }], b: 1 }, e: "<p>One <b>two</b> three</p>" })).id;
});

const envelope = (status, message, data = {}) => ({ status, message, data });

test("headers of every answer, and CORS only for those with an origin", async () => {
  for (const way of [RECORDS, "/api/nothing", "/api/collections"]) {
    const { headers } = await ask("GET", way);
    assert.equal(headers.get("x-content-type-options"), "nosniff");
    assert.equal(headers.get("x-frame-options"), "SAMEORIGIN");
    assert.equal(headers.get("x-xss-protection"), "1; mode=block");
    assert.equal(headers.get("vary"), "Origin");
    assert.equal(headers.get("content-type"), "application/json");
    assert.equal(headers.get("access-control-allow-origin"), null);
  }
  const { headers, text } = await ask("GET", RECORDS, undefined, { headers: { origin: "http://x.co" } });
  assert.deepEqual([headers.get("access-control-allow-origin"), headers.get("access-control-allow-credentials")], ["*", null]);
  assert.ok(text.endsWith("}\n"));
});

test("a preflight", async () => {
  const asks = { origin: "http://x.co", "access-control-request-method": "PATCH", "access-control-request-headers": "authorization,x-a" };
  const { status, headers, text } = await ask("OPTIONS", RECORDS, undefined, { headers: asks });
  assert.deepEqual([status, text], [204, ""]);
  assert.equal(headers.get("access-control-allow-origin"), "*");
  assert.equal(headers.get("access-control-allow-methods"), "GET,HEAD,PUT,PATCH,POST,DELETE");
  assert.equal(headers.get("access-control-allow-headers"), "authorization,x-a");
  assert.equal(headers.get("x-frame-options"), null);
  assert.match(headers.get("vary"), /Access-Control-Request-Method/);
});

test("what is not there, and methods nobody serves", async () => {
  for (const [method, way] of [["POST", "/api/nope"], ["PUT", RECORDS], ["POST", `${RECORDS}/${id}`], ["PATCH", "/api/realtime"]]) {
    const { status, body } = await ask(method, way);
    assert.deepEqual([status, body], [404, envelope(404, "The requested resource wasn't found.")], `${method} ${way}`);
  }
  for (const way of ["/api/nope", `${RECORDS}/`, `${RECORDS}/%ff`, "/api/collections/%ff/records", "/api/files/%ff/a/b"]) assert.equal((await ask("GET", way)).body.status, 404, way);
  const head = await ask("HEAD", RECORDS);
  assert.deepEqual([head.status, head.text], [200, ""]);
});

test("collections are found by id and by name in any case", async () => {
  const { id: collection } = await admin.collections.getOne("notes");
  for (const name of [collection, "NOTES", "Notes"]) {
    assert.equal((await ask("GET", `/api/collections/${name}/records/${id}`)).status, 200, name);
  }
});

test("messages of the situations", async () => {
  const expected = [
    ["GET", "/api/collections", undefined, undefined, 401, "The request requires valid record authorization token."],
    ["GET", "/api/collections", undefined, ann.client, 403, "The authorized record is not allowed to perform this action."],
    ["GET", "/api/collections/no/records", undefined, undefined, 404, "Missing collection context."],
    ["GET", "/api/collections/no/records/x", undefined, undefined, 404, "Missing collection context."],
    ["DELETE", "/api/collections/no/records/x", undefined, undefined, 404, "Missing collection context."],
    ["POST", "/api/collections/no/records", {}, undefined, 404, "Missing or invalid collection context."],
    ["PATCH", "/api/collections/no/records/x", {}, undefined, 404, "Missing or invalid collection context."],
    ["GET", "/api/files/no/x/y", undefined, undefined, 404, "Missing or invalid collection context."],
    ["GET", "/api/collections/no", undefined, admin, 404, "The requested resource wasn't found."],
    ["GET", "/api/collections/_superusers/records", undefined, undefined, 403, "Only superusers can perform this action."],
    ["GET", `${RECORDS}?filter=%40request.auth.id=1`, undefined, undefined, 403, "Only superusers can filter by @request."],
    ["GET", `${RECORDS}?sort=%40collection.notes.t`, undefined, undefined, 403, "Only superusers can filter by @collection."],
    ["POST", RECORDS, "[1]", undefined, 400, "Something went wrong while processing your request."],
    ["POST", RECORDS, "{", undefined, 400, "Something went wrong while processing your request."],
  ];
  for (const [method, way, sent, as, status, message] of expected) {
    const headers = sent && { "content-type": "application/json" };
    const { body } = await ask(method, way, sent, { as, headers });
    assert.deepEqual(body, envelope(status, message), `${method} ${way}`);
  }
});

test("bodies of every kind", async () => {
  const kinds = [
    ["application/json", '{"t":"x"} trailing', 200], ["application/json; charset=utf-8", '{"t":"x"}', 200],
    ["application/json", "null", 200], ["application/json", "{}", 200], ["application/json", "", 200],
    ["text/plain", '{"t":"x"}', "Unsupported Content-Type."], ["application/x-www-form-urlencoded", "t=x", 200],
    ["application/xml", "<a/>", "Something went wrong while processing your request."],
    ["Application/JSON", '{"t":"x"}', "Unsupported Content-Type."],
  ];
  for (const [type, sent, expected] of kinds) {
    const { status, body } = await ask("POST", RECORDS, sent, { headers: { "content-type": type } });
    assert.equal(status === 200 ? status : body.message, expected, `${type} ${sent}`);
  }
});

test("values of forms are guessed, and JSON in them is not", async () => {
  const form = new FormData();
  for (const [key, value] of [["t", "1.50"], ["n", "-1.5"], ["b", "true"], ["s", "a"], ["s", "12"]]) form.append(key, value);
  form.append("@jsonPayload", '{"t":"over","j":{"a":"1"}}');
  form.append("@jsonPayload", '{"t":"last"}');
  const { body } = await ask("POST", RECORDS, form);
  assert.deepEqual([body.t, body.n, body.b, body.s, body.j], ["last", -1.5, true, ["a", "12"], { a: "1" }]);
  const guessed = { 12: 12, "-1.5": -1.5, "1.50": "1.50", "0001": "0001", "1e3": "1e3", "0.0": "0.0", true: true, "": "", Infinity: "Infinity" };
  for (const [sent, value] of Object.entries(guessed)) {
    const { body } = await ask("POST", RECORDS, new URLSearchParams({ j: sent, t: "x" }));
    // The json field reads texts once more, so what counts is the kind of the value.
    assert.deepEqual(body.j, { "1.50": 1.5, "1e3": 1000, "0.0": 0 }[sent] ?? value, sent);
  }
  assert.equal((await ask("POST", `${RECORDS}?t=fromquery`, new URLSearchParams({ n: "1" }))).body.t, "fromquery");
});

test("list parameters and their limits", async () => {
  const list = async (query) => {
    const { status, body } = await ask("GET", `${RECORDS}?${query}`);
    return status === 200 ? [body.page, body.perPage, body.totalItems < 0] : status;
  };
  for (const [query, expected] of [
    ["", [1, 30, false]], ["page=-1&perPage=0", [1, 30, false]], ["page=&perPage=&skipTotal=", [1, 30, false]],
    ["perPage=5000&page=0&skipTotal=1", [1, 1000, true]], ["page=9&perPage=2", [9, 2, false]], ["page=2&page=x", [2, 30, false]],
    ["page=x", 400], ["perPage=1.5", 400], ["skipTotal=yes", 400], ["filter=%20", 400], ["sort=%20", 400], ["filter=", [1, 30, false]],
    ...["1", "t", "T", "TRUE", "true", "True"].map((yes) => [`skipTotal=${yes}`, [1, 30, true]]),
    ...["0", "f", "F", "FALSE", "false", "False"].map((no) => [`skipTotal=${no}`, [1, 30, false]]),
  ]) assert.deepEqual(await list(query), expected, query);
});

test("fields choose what is sent", async () => {
  const one = async (fields) => (await ask("GET", `${RECORDS}/${id}?fields=${encodeURIComponent(fields)}`)).body;
  assert.deepEqual(await one("t,n,nope"), { t: "hello", n: 1 });
  assert.deepEqual(await one(" t , ,n"), { t: "hello", n: 1 });
  assert.deepEqual(await one("t.x"), { t: "hello" });
  assert.deepEqual(await one("j.a.x"), { j: { a: [{ x: 1 }, { x: 3 }] } });
  assert.deepEqual(await one("j.nope"), { j: {} });
  assert.deepEqual(await one("j.*,t"), { j: { a: [{ x: 1, y: 2 }, { x: 3, y: 4 }], b: 1 }, t: "hello" });
  assert.deepEqual(await one("e:excerpt(5)"), { e: "One t" });
  assert.deepEqual(await one("e:excerpt(5,true),n:excerpt(1)"), { e: "One t...", n: 1 });
  const every = await one("*,e:excerpt(3)");
  assert.deepEqual([every.e, every.t], ["One", "hello"]);
  const list = (await ask("GET", `${RECORDS}?fields=id&perPage=1`)).body;
  assert.deepEqual([Object.keys(list).sort(), Object.keys(list.items[0])], [["items", "page", "perPage", "totalItems", "totalPages"], ["id"]]);
  const created = (await ask("POST", `${RECORDS}?fields=t`, { t: "x" })).body;
  assert.deepEqual(created, { t: "x" });
  assert.deepEqual((await ask("GET", "/api/health?fields=code")).body, { code: 200 });
  for (const fields of ["t:nope", "t:excerpt", "t:excerpt(0)", "t:excerpt(x)"]) {
    const { status, text } = await ask("GET", `${RECORDS}/${id}?fields=${fields}`);
    assert.deepEqual([status, text], [200, ""], fields);
  }
});

test("fields reach into what is expanded", async () => {
  const reader = await admin.collection("readers").create({ note: id });
  const one = async (fields) => (await ask("GET", `/api/collections/readers/records/${reader.id}?expand=note&fields=${fields}`)).body;
  assert.deepEqual(await one("expand.note.t"), { expand: { note: { t: "hello" } } });
  assert.deepEqual(await one("expand.*.id"), { expand: {} });
  assert.deepEqual(await one("id,expand.u.name"), { id: reader.id, expand: {} });
});

test("an excerpt leaves out what is not text", async () => {
  const e = "<style>a{}</style><h1>Title</h1><p>a<b>b</b>c &amp; d</p><script>1</script><svg>x</svg>  <img>end";
  const { id } = await admin.collection("notes").create({ e });
  assert.equal((await ask("GET", `${RECORDS}/${id}?fields=e:excerpt(100)`)).body.e, "Title abc & d end");
});

test("tokens: Bearer or bare; an unsound one makes a guest", async () => {
  const { token } = admin.authStore;
  for (const authorization of [token, `Bearer ${token}`, `bearer ${token}`]) {
    assert.equal((await ask("GET", "/api/collections", undefined, { headers: { authorization } })).status, 200);
  }
  for (const authorization of ["x", `Bearer ${token}x`, "Bearer"]) {
    assert.equal((await ask("GET", "/api/collections", undefined, { headers: { authorization } })).status, 401);
    assert.equal((await ask("GET", RECORDS, undefined, { headers: { authorization } })).status, 200);
  }
});

test("health is for everybody, and tells superusers more", async () => {
  assert.deepEqual((await ask("GET", "/api/health")).body, { message: "API is healthy.", code: 200, data: {} });
  const { data } = (await ask("GET", "/api/health", undefined, { as: admin })).body;
  assert.deepEqual(Object.keys(data).sort(), ["canBackup", "possibleProxyHeader", "realIP"]);
});

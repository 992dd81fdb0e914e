// What rules may ask about a request: the table of the specification's section 10.3 and the `@` roots.
import assert from "node:assert/strict";
import { test } from "node:test";

import { ask, failure, open, start, superuser, user } from "./support.mjs";

let admin, ann, people;

start(async () => {
  admin = await superuser();
  people = await admin.collections.create({
    name: "people", type: "auth", listRule: "", viewRule: "", createRule: "", fields: [{ name: "name", type: "text" }],
  });
  ann = await user(admin, "A", "people");
  await user(admin, "B", "people");
  await admin.collections.create(
    open("rt", [
      { name: "t", type: "text" },
      { name: "n", type: "number" },
      { name: "d", type: "date" },
      { name: "j", type: "json" },
      { name: "sm", type: "select", values: ["a", "b", "c"], maxSelect: 3 },
      { name: "u", type: "relation", collectionId: people.id },
      { name: "us", type: "relation", collectionId: people.id, maxSelect: 3 },
      { name: "one", type: "file", maxSelect: 1 },
    ]),
  );
});

const ALL = { listRule: "", viewRule: "", createRule: "", updateRule: "", deleteRule: "" };
const RECORDS = "/api/collections/rt/records";
const rule = (rules) => admin.collections.update("rt", { ...ALL, ...rules });

/** Creates with each body under a rule and compares the statuses. */
async function creates(createRule, pairs, options) {
  await rule({ createRule });
  for (const [body, status] of pairs) {
    const answer = await ask("POST", RECORDS, body, options);
    assert.equal(answer.status, status, `${createRule} with ${JSON.stringify(body)}: ${answer.text}`);
  }
}

/** Updates a fresh record with each body under a rule and compares the statuses. */
async function updates(updateRule, pairs) {
  await rule({ updateRule });
  for (const [body, status] of pairs) {
    const { id } = await admin.collection("rt").create({ t: "old", n: 1, sm: ["a"] });
    const answer = await ask("PATCH", `${RECORDS}/${id}`, body);
    assert.equal(answer.status, status, `${updateRule} with ${JSON.stringify(body)}`);
  }
}

test("a rule that does not hold", async () => {
  await rule({ createRule: '@request.auth.id != ""', viewRule: "t = 'no'", updateRule: "t = 'no'", deleteRule: "t = 'no'" });
  const { body } = await ask("POST", RECORDS, {});
  assert.deepEqual(body, { status: 400, message: "Failed to create record.", data: {} });
  const { id } = await admin.collection("rt").create({});
  for (const method of ["GET", "PATCH", "DELETE"]) assert.equal((await ask(method, `${RECORDS}/${id}`)).status, 404, method);
});

test("@request.body: set, empty, unknown and nested", async () => {
  await creates("@request.body.t:isset = true", [[{}, 400], [{ t: null }, 200], [{ t: "" }, 200]]);
  await creates('@request.body.t = ""', [[{}, 200], [{ t: "x" }, 400]]);
  await creates("@request.body.unknown.a = 1", [[{ unknown: { a: 1 } }, 200], [{}, 400]]);
  await creates('@request.body.t:lower = "abc"', [[{ t: "ABC" }, 200], [{ t: "x" }, 400]]);
});

test("@request.body: what changes", async () => {
  await updates("@request.body.t:changed = true", [[{ t: "old" }, 404], [{ t: "new" }, 200], [{ n: 5 }, 404]]);
  await updates("@request.body.t:changed = false", [[{ t: "old" }, 200], [{ t: "new" }, 404], [{ n: 5 }, 200]]);
});

test("@request.body: lists, numbers, dates and json", async () => {
  await updates("@request.body.sm:length = 2", [[{ "sm+": "b" }, 200], [{ sm: "b" }, 404]]);
  await creates('@request.body.sm:each != "c"', [[{ sm: ["a", "c"] }, 400], [{ sm: ["a"] }, 200]]);
  await creates("@request.body.n > 5", [[{ n: "10" }, 200], [{ n: 5 }, 400]]);
  await creates("n > 5", [[{ n: "10" }, 200], [{ n: 5 }, 400]]);
  await creates("@request.body.j = null", [[{ j: null }, 400]]);
  await creates("@request.body.j = 'null'", [[{ j: null }, 200]]);
  await creates("j = null", [[{ j: null }, 200]]);
  await creates("@request.body.sm = ''", [[{ sm: [] }, 400]]);
  await creates("@request.body.sm = '[]'", [[{ sm: [] }, 200]]);
  await creates('@request.body.d = "2024-01-02 00:00:00.000Z"', [[{ d: "2024-01-02" }, 200]]);
});

test("@request.body: records that are referred to", async () => {
  const us = (await admin.collection("people").getFullList()).map(({ id }) => id);
  await creates('@request.body.us.name = "A"', [[{ us }, 400]]);
  await creates('@request.body.us.name ?= "A"', [[{ us }, 200]]);
  await creates('@request.body.u.name = "A"', [[{ u: ann.record.id }, 200], [{}, 400]]);
});

test("@request.body: an upload", async () => {
  await rule({ createRule: "@request.body.one.size < 10" });
  for (const [size, status] of [[1, 200], [20, 400]]) {
    const form = new FormData();
    form.set("one", new File(["x".repeat(size)], "f.txt"));
    assert.equal((await ask("POST", RECORDS, form)).status, status);
  }
});

test("@request.headers, .query and .method", async () => {
  await creates('@request.headers.x_token = "abc"', [[{}, 200]], { headers: { "X-Token": "abc" } });
  await creates("@request.headers.x_token:isset = false", [[{}, 200]]);
  await creates('@request.method = "POST"', [[{}, 200]]);
  await rule({ listRule: '@request.query.q = "1" && @request.query.r:isset = false' });
  assert.notEqual((await ask("GET", `${RECORDS}?q=1&q=2`)).body.totalItems, 0);
  assert.equal((await ask("GET", `${RECORDS}?q=2`)).body.totalItems, 0);
  assert.equal((await ask("GET", `${RECORDS}?q=1&r`)).body.totalItems, 0);
});

test("@request.auth and @collection", async () => {
  await creates("@request.auth.nope = null", [[{}, 200]], { as: ann.client });
  await creates("@request.auth.id = null", [[{}, 200]]);
  await creates(`@request.auth.name = "A" && @request.auth.collectionName = "people"`, [[{}, 200]], { as: ann.client });
  await creates('@collection.people.name ?= "A"', [[{}, 200]]);
  await creates('@collection.people.name = "A"', [[{}, 400]]);
  await creates(`@collection.people:x.name ?= "A" && @collection.people:y.name ?= "B"`, [[{}, 200]]);
});

test("rules that mean nothing are not saved", async () => {
  for (const listRule of [
    "@request.foo = 1", "@request.auth = 1", "@nope = 1", "nope = 1", "@collection.nope.x = 1", "@request.body.t:foo = 1",
    "@request.query.q:changed = true", "@request.body.sm+:isset = true", "t =", "t = 'x' &&",
  ]) {
    const error = await failure(rule({ listRule }));
    assert.equal(error.data.listRule?.code, "validation_invalid_rule", listRule);
    assert.match(error.data.listRule.message, /^Invalid rule\. Raw error: .+\.$/);
  }
  const error = await failure(rule({ listRule: "nope = 1" }));
  assert.equal(error.data.listRule.message, 'Invalid rule. Raw error: invalid left operand "nope" - unknown field "nope".');
});

// What becomes of a value that is written: the table of the specification's section 10.1, and the body's modifiers.
import assert from "node:assert/strict";
import { test } from "node:test";

import { ask, open, start, superuser } from "./support.mjs";

let admin, id;

start(async () => {
  admin = await superuser();
  const things = await admin.collections.create(open("things", [{ name: "name", type: "text" }]));
  const relation = { type: "relation", collectionId: things.id };
  await admin.collections.create(
    open("casts", [
      { name: "number", type: "number" },
      { name: "bool", type: "bool" },
      { name: "text", type: "text" },
      { name: "slug", type: "text", autogeneratePattern: "[a-z]{8}" },
      { name: "editor", type: "editor" },
      { name: "date", type: "date" },
      { name: "stamp", type: "autodate", onCreate: true },
      { name: "json", type: "json" },
      { name: "place", type: "geoPoint" },
      { name: "pick", type: "select", values: ["a", "b", "c"] },
      { name: "picks", type: "select", values: ["a", "b", "c"], maxSelect: 2 },
      { name: "all", type: "select", values: ["a", "b", "c"], maxSelect: 3 },
      { name: "one", ...relation },
      { name: "many", ...relation, maxSelect: 5 },
    ]),
  );
  id = (await admin.collection("casts").create({})).id;
});

const change = (body, options) => ask("PATCH", `/api/collections/casts/records/${id}`, body, options);

/** Writes each input into a field and checks what comes back. */
async function casts(field, pairs) {
  const wrong = [];
  for (const [input, expected] of pairs) {
    const { status, body } = await change({ [field]: input });
    const got = status === 200 ? body[field] : status;
    if (JSON.stringify(got) !== JSON.stringify(expected)) wrong.push(JSON.stringify({ input, got, expected }));
  }
  assert.deepEqual(wrong, []);
}

test("numbers", () => casts("number", [
  ["1", 1], ["1e3", 1000], ["12.50", 12.5], ["+1", 1], ["1_000", 1000], [".5", 0.5], [1.5, 1.5], [true, 1], ["abc", 0], ["", 0],
  [null, 0], [" 5 ", 0], ["0x10", 0], [-0.0, 0], [[1], 0], [{ a: 1 }, 0], ["NaN", 400], ["Infinity", 400], ["1e309", 0], [1e21, 1e21],
]));

test("whole numbers beyond what a float holds are rounded", async () => {
  const { text } = await change('{"number":12345678901234567890}', { headers: { "content-type": "application/json" } });
  assert.match(text, /"number":12345678901234567000[,}]/);
});

test("bools", () => casts("bool", [
  ["1", true], ["t", true], ["T", true], ["TRUE", true], ["True", true], [2, true], [true, true],
  ["yes", false], ["abc", false], [0, false], [null, false], [[], false],
]));

test("text and editor", async () => {
  const pairs = [[123, "123"], [1.5, "1.5"], [true, "true"], [["a"], ""], [{ a: 1 }, ""], [null, ""], [" x ", " x "], [1e21, "1000000000000000000000"], [1e-7, "0.0000001"]];
  await casts("text", pairs);
  await casts("editor", [...pairs, ["<script>1</script>", "<script>1</script>"]]);
});

test("dates", () => casts("date", [
  ["2024-01-02", "2024-01-02 00:00:00.000Z"],
  ["2024-01-02 03:04:05", "2024-01-02 03:04:05.000Z"],
  ["2024-01-02T03:04:05.123456+02:00", "2024-01-02 01:04:05.123Z"],
  ["2024-01-02T03:04:05.9999Z", "2024-01-02 03:04:05.999Z"],
  ["2024-01-02 03:04:05 +0200", "2024-01-02 01:04:05.000Z"],
  ["Mon, 02 Jan 2006 15:04:05 MST", "2006-01-02 15:04:05.000Z"],
  ["Mon, 02 Jan 2006 15:04:05 -0700", "2006-01-02 22:04:05.000Z"],
  ["Mon Jan  2 15:04:05 2006", "2006-01-02 15:04:05.000Z"],
  ["Mon Jan  2 15:04:05 EST 2006", "2006-01-02 15:04:05.000Z"],
  ["Monday, 02-Jan-06 15:04:05 EST", "2006-01-02 15:04:05.000Z"],
  ["02 Jan 06 15:04 CET", "2006-01-02 15:04:00.000Z"],
  ["02 Jan 2006", "2006-01-02 00:00:00.000Z"],
  ["3:04PM", "0000-01-01 15:04:00.000Z"],
  ["Jan  2 15:04:05", "0000-01-02 15:04:05.000Z"],
  ["bad", ""], [1700000000, ""], ["1700000000", ""], ["20240102", ""], ["2024-01", ""], ["2024/01/02", ""], ["2024-01-02T03:04", ""],
  ["2024-1-2", ""], [" 2024-01-02", ""], ["2024-01-02t03:04:05z", ""], [null, ""], ["", ""], [true, ""],
]));

test("an autodate is never written by a client", async () => {
  const before = (await admin.collection("casts").getOne(id)).stamp;
  await casts("stamp", [["2020-01-01", before], [null, before]]);
});

test("json", () => casts("json", [
  ["plain", "plain"], ['"quoted"', "quoted"], ["null", null], [null, null], ["", ""], ["5", 5], ["[1,", "[1,"], ["true", true],
  [" 5", " 5"], ['{"a":1}', { a: 1 }], [{ b: 1, a: 2 }, { a: 2, b: 1 }], [[1, "x", null], [1, "x", null]], [5.0, 5], [false, false],
]));

test("json sent as text keeps its order and its numbers", async () => {
  const { text } = await change({ json: '{"b":1, "a": 2.0}' });
  assert.match(text, /"json":\{"b":1,"a":2\.0\}/);
});

test("points", () => casts("place", [
  ['{"lat":1.5,"lon":2}', { lon: 2, lat: 1.5 }], [{ lat: 1 }, { lon: 0, lat: 1 }], ["bad", { lon: 0, lat: 0 }], [null, { lon: 0, lat: 0 }],
  [[1, 2], { lon: 0, lat: 0 }], [{}, { lon: 0, lat: 0 }], [{ lat: 91, lon: 0 }, 400], [{ lat: 0, lon: -181 }, 400],
]));

test("selects", async () => {
  await casts("pick", [["a", "a"], [["a", "b"], "b"], ['["a","c"]', "c"], [null, ""], ["", ""], ["unknown", 400]]);
  await casts("picks", [["a", ["a"]], [["a", "", null, "a", "b"], ["a", "b"]], ['["a","b"]', ["a", "b"]], [null, []], [{ a: 1 }, []], [["a", "b", "c"], 400]]);
  const { body } = await change({ picks: ["a", "b", "c"] });
  assert.deepEqual(body.data.picks, { code: "validation_too_many_values", message: "Select no more than 2.", params: { maxSelect: 2 } });
});

test("a number is added to and taken from", async () => {
  await change({ number: 12.5 });
  await result({ "number+": 5, "number-": 1 }, "number", 16.5);
  await result({ number: 5, "number+": 2, "number-": 1 }, "number", 6);
  await result({ "number+": "abc" }, "number", 6);
});

test("values are appended, prepended and removed", async () => {
  await change({ all: ["a"] });
  await result({ "all+": "b" }, "all", ["a", "b"]);
  await result({ "+all": ["c"] }, "all", ["c", "a", "b"]);
  await result({ "all+": "c" }, "all", ["c", "a", "b"]);
  await result({ "+all": "b" }, "all", ["b", "c", "a"]);
  await result({ "all-": ["b", "a"] }, "all", ["c"]);
  await result({ all: ["a"], "all+": "b", "all-": "a" }, "all", ["b"]);
  const { body } = await ask("POST", "/api/collections/casts/records", { "all+": "b", "number-": 2 });
  assert.deepEqual([body.all, body.number], [["b"], -2]);
});

test("relations are appended, prepended and removed", async () => {
  const [a, b] = [await admin.collection("things").create({}), await admin.collection("things").create({})];
  await change({ one: a.id, many: [a.id] });
  await result({ "one+": b.id }, "one", b.id);
  await result({ "+one": a.id }, "one", b.id);
  await result({ "one-": b.id }, "one", "");
  await result({ "+many": b.id }, "many", [b.id, a.id]);
  await result({ "many-": b.id, "many+": a.id }, "many", [a.id]);
  await result({ many: `["${b.id}"]` }, "many", [b.id]);
});

test("text is generated on create and on demand", async () => {
  assert.match((await admin.collection("casts").create({})).slug, /^[a-z]{8}$/);
  assert.equal((await admin.collection("casts").create({ slug: "mine" })).slug, "mine");
  const { body } = await change({ "slug:autogenerate": "pre-" });
  assert.match(body.slug, /^pre-[a-z]{8}$/);
  await result({ text: "x" }, "slug", body.slug);
});

test("keys nobody knows and keys of the envelope are ignored", async () => {
  const { status, body } = await change({ nope: 1, collectionId: "x", collectionName: "y", expand: { a: 1 } });
  assert.deepEqual([status, body.collectionName, body.nope, body.expand], [200, "casts", undefined, undefined]);
});

async function result(body, field, expected) {
  const answer = await change(body);
  assert.deepEqual(answer.body[field], expected, JSON.stringify(body));
}

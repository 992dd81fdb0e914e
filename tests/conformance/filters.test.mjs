// What a client's filter and sort find: the table of the specification's section 10.2, asked through the list endpoint.
import assert from "node:assert/strict";
import { test } from "node:test";

import { ask, guest, open, start, superuser } from "./support.mjs";

let admin;

start(async () => {
  admin = await superuser();
  const text = (name, more) => ({ name, type: "text", ...more });
  const one = (name, collection) => ({ name, type: "relation", collectionId: collection.id });
  const many = (name, collection, maxSelect) => ({ ...one(name, collection), maxSelect });
  const make = (...args) => admin.collections.create(open(...args));
  const tags = await make("tags", [text("name"), text("secret", { hidden: true })]);
  const priv = await make("priv", [text("name")], { listRule: null });
  const owned = await make("owned", [text("name")], { listRule: "name = 'ok'" });
  const posts = await make("posts", [
    text("title"), { name: "n", type: "number" }, { name: "d", type: "date" }, { name: "b", type: "bool" },
    { name: "j", type: "json" }, { name: "g", type: "geoPoint" },
    { name: "sel", type: "select", values: ["a", "b", "c"], maxSelect: 3 },
    one("tag", tags), many("tags", tags, 9), one("pv", priv), one("ow", owned),
  ]);
  await make("comments", [text("msg"), one("post", posts), many("posts", posts, 5)]);
  await make("slashes", [text("t")]);

  const add = (collection, body) => admin.collection(collection).create(body);
  const named = {};
  for (const name of ["red", "blue", "Green"]) named[name] = (await add("tags", { name, secret: `s${name}` })).id;
  const [secret, ok, no] = [await add("priv", { name: "p" }), await add("owned", { name: "ok" }), await add("owned", { name: "no" })];
  const p1 = {
    title: "p1", n: 1, d: "2024-05-01 10:00:00.000Z", b: true, j: { a: 1, b: ["x", "y"], c: { d: "z" } },
    g: { lon: 23.32, lat: 42.69 }, sel: ["a", "b"], tag: named.red, tags: [named.red, named.blue], ow: ok.id, pv: secret.id,
  };
  const p2 = {
    title: "p2", n: 2, d: "2024-06-01 10:00:00.000Z", j: [1, 2], g: { lon: 24.75, lat: 42.13 }, sel: ["a"], tags: [named.red], ow: no.id,
  };
  await add("posts", { title: "p0" });
  const first = await add("posts", p1);
  const second = await add("posts", p2);
  await add("posts", { title: "p3", n: -3.5, j: "str", sel: ["c"], tag: named.Green, tags: [named.blue, named.Green] });
  await add("posts", { title: String.raw`50%_off\x`, n: 10, j: 5 });
  await add("comments", { msg: "hi", post: first.id, posts: [first.id, second.id] });
  await add("comments", { msg: "yo", post: first.id });
  await add("comments", { msg: "hi", post: second.id });
  await add("slashes", { t: String.raw`a\b` });
});

/** The titles a filter finds, or the status of its refusal. */
async function found(filter, { as, sort = "", collection = "posts" } = {}) {
  const query = new URLSearchParams({ filter, sort });
  const { status, body } = await ask("GET", `/api/collections/${collection}/records?${query}`, undefined, { as });
  if (status !== 200) return status;
  return body.items.map(({ title }) => (title?.startsWith("50") ? "X" : title)).join(" ");
}

/** Checks lines of `filter -> what it finds`; names in the order they were created. */
async function check(lines, options) {
  const wrong = [];
  for (const line of lines.split("\n").map((line) => line.trim()).filter(Boolean)) {
    const [filters, expected] = line.split(" -> ");
    const wanted = { all: "p0 p1 p2 p3 X", none: "", 400: 400, 403: 403 }[expected] ?? expected;
    for (const filter of filters.split(" ;; ")) {
      const got = await found(filter.replaceAll("⏎", "\n"), options);
      const sorted = typeof got === "string" ? ["p0", "p1", "p2", "p3", "X"].filter((title) => got.split(" ").includes(title)).join(" ") : got;
      if (sorted !== wanted) wrong.push(`${filter} -> ${got}, not ${wanted}`);
    }
  }
  assert.deepEqual(wrong, []);
}

test("text is compared exactly and searched without case", () => check(String.raw`
  title = 'P1' -> none
  title ~ 'P1' -> p1
  title ~ 'p%' -> p0 p1 p2 p3
  title ~ '50%' ;; title ~ '_' ;; title ~ '%_off%' -> X
  title !~ 'p' -> X
  title ~ '' -> all
  title !~ '' -> none
  title != 'p1' -> p0 p2 p3 X
  title ?= 'p1' ;; title ?~ 'P1' -> p1
  title ?!~ 'p' -> X
`));

test("backslashes in searched text", async () => {
  const matches = {};
  const filters = [`t ~ 'a\\b'`, `t ~ 'a\\\\b'`, `t ~ '%a\\\\b%'`, `t = 'a\\\\b'`, `t ~ '%a\\b%'`, `t = 'a\\b'`];
  for (const filter of filters) matches[filter] = (await guest().collection("slashes").getList(1, 1, { filter })).totalItems;
  assert.deepEqual(Object.values(matches), [1, 1, 0, 1, 0, 1], JSON.stringify(matches));
});

test("numbers, dates and bools against literals of every kind", () => check(`
  n = '' ;; n = null -> none
  n != null -> all
  n = '1' ;; n = 1 -> p1
  n = -3.5 -> p3
  n >= 2 ;; n ?>= 2 -> p2 X
  n > 2 ;; n ?> 2 -> X
  n <= 0 ;; n ?<= 0 -> p0 p3
  n < 0 ;; n ?< 0 -> p3
  n ?!= 1 ;; n != 1 -> p0 p2 p3 X
  d = '' ;; d = null -> p0 p3 X
  d != null -> p1 p2
  d > '2024-05-01 10:00:00' -> p1 p2
  d ~ '2024-05' -> p1
  b = 1 ;; b = true -> p1
  b = false ;; b != true -> p0 p2 p3 X
  b = null ;; b = 'true' -> none
  title = 1 -> none
`));

test("json and points are searched inside", () => check(`
  j = null -> p0
  j.a = 1 ;; j.b.0 = 'x' ;; j.c.d = 'z' ;; j ~ 'x' -> p1
  j.0 = 1 -> p2
  j = 5 -> X
  j = '5' -> none
  j = 'str' -> p3
  j.missing = null ;; j.missing != '' -> all
  j.missing = '' ;; j.b:length = 2 -> none
  g.lat > 42.5 -> p1
  g = '' -> none
`));

test("values of a select, each and counted", () => check(`
  sel = 'a' ;; sel ?= 'a' -> none
  sel ~ 'a' -> p1 p2
  sel:each = 'a' -> p2
  sel:each ?= 'a' -> p1 p2
  sel:each != 'a' -> p0 p3 X
  sel:each ?!= 'a' -> p0 p1 p3 X
  sel:each = '' -> p0 X
  sel:length = 2 -> p1
  tags:length = 2 -> p1 p3
`));

test("relations: every value must fit, unless any will do", () => check(`
  tag = null ;; tag = '' -> p0 p2 X
  tag.name != 'red' -> p0 p2 p3 X
  tag.name:lower = 'green' -> p3
  tags.name = 'red' ;; 'red' = tags.name -> p2
  tags.name ?= 'red' ;; 'red' ?= tags.name -> p1 p2
  tags.name != 'red' -> p0 p3 X
  tags.name ?!= 'red' -> p0 p1 p3 X
  tags.name ~ 'r' -> p2
  tags.name ?~ 'r' -> p1 p2 p3
  tags.name !~ 'e' -> none
  tags.name ?!~ 'b' -> p1 p2 p3
  tags.name > 'a' -> p1 p2
  tags.name ?> 'a' -> p1 p2 p3
  tags.name >= 'red' -> p2
  tags.name ?>= 'red' -> p1 p2
  tags.name < 'c' -> p3
  tags.name ?< 'c' ;; tags.name ?<= 'blue' -> p1 p3
  tags.name <= 'blue' -> p3
  tags.name = tag.name -> p0 X
  tags.name ?= tag.name -> p0 p1 p3 X
  tags.name = null -> p0 X
`));

test("back relations", () => check(`
  comments_via_post.msg = 'hi' -> p2
  comments_via_post.msg ?= 'hi' -> p1 p2
  comments_via_posts.msg ?= 'hi' -> p1 p2
  comments_via_post.posts.title ?= 'p2' -> p1
  comments_via_post.posts.title = 'p2' -> none
`));

test("what a guest may not list stays out of filters", async () => {
  await check(`
    pv != '' ;; pv.id != '' -> p1
    pv.name = 'p' ;; tags.secret ?= 'sred' -> 400
    ow.name = 'no' -> none
    ow.name != 'zz' -> p0 p1 p3 X
    ow.name != '' || title = 'p3' -> p1 p3
    @collection.tags.name ?= 'red' ;; title = '@request.x' -> 403
  `);
  await check(`
    tags.secret ?= 'sred' -> p1 p2
    @collection.tags.name ?= 'red' ;; @collection.tags:x.name ?= 'red' && @collection.tags:y.name ?= 'blue' -> all
    @collection.tags.name = 'red' ;; @collection.tags:x.name ?= 'red' && @collection.tags:x.name ?= 'blue' -> none
    pv.name = 'p' -> p1
  `, { as: admin });
});

test("and binds tighter than or, groups and comments", () => check(`
  title='p1' || title='p2' && n=2 -> p1 p2
  (title='p1' || title='p2') && n=2 -> p2
  title='p1' // c⏎ || title='p2' -> p1 p2
  title (n=1) ;; title = (n=1) ;; n=1 (n=1) -> p1
  1=1 ;; 'a'='a' ;; "a"='a' ;; true=1 ;; TRUE=1 ;; false=0 ;; null='' ;; ''='' -> all
  title:isset = true ;; title:length = 2 -> none
`));

test("functions measure and format", () => check(`
  geoDistance(g.lon,g.lat,23.32,42.69) < 150 -> p1 p2
  strftime('%Y-%m', d) = '2024-05' -> p1
  strftime('%Y', d, '+1 year') = '2025' -> p1 p2
  strftime('%Y', d, '+1 year','+1 year','+1 year','+1 year','+1 year','+1 year','+1 year','+1 year') = '2032' -> p1 p2
`));

test("filters that make no sense are refused", () => check(`
  title ;; () ;; // x ;; title = ;; && title=1 ;; title='p1' && ;; title == 'p1' ;; title <> 'p1' -> 400
  title='p1' AND n=1 ;; nope=1 ;; title.x=1 ;; j.b[0]='x' ;; n=1e5 ;; n=.5 ;; n=5. ;; n=1 n=2 ;; (n=1) n=2 -> 400
  title:upper='P1' ;; sel:each:lower='a' ;; collectionName='posts' ;; expand=1 ;; nofn(1)=1 ;; geoDistance(1,2,3)>1 -> 400
  strftime(d)=1 ;; strftime('%Y', strftime('%s'))='1' ;; title='p1'/*c*/ ;; comments_via_post:length > 1 -> 400
  strftime('%Y', d, '+1 year','+1 year','+1 year','+1 year','+1 year','+1 year','+1 year','+1 year','+1 year') = '2033' -> 400
`));

test("every macro is the time it names", async () => {
  const text = (time) => new Date(time).toISOString().replace("T", " ");
  for (;;) {
    const now = new Date();
    const [year, month, day] = [now.getUTCFullYear(), now.getUTCMonth(), now.getUTCDate()];
    const at = (...parts) => `'${text(Date.UTC(...parts))}'`;
    const near = (macro, shift) => `${macro} > '${text(now - 60000 + shift)}' && ${macro} < '${text(now - -60000 + shift)}'`;
    const filters = [
      near("@now", 0), near("@yesterday", -864e5), near("@tomorrow", 864e5), "@second >= 0 && @second <= 59",
      `@minute = ${now.getUTCMinutes()}`, `@hour = ${now.getUTCHours()}`, `@day = ${day}`, `@month = ${month + 1}`,
      `@weekday = ${now.getUTCDay()}`, `@year = ${year}`, `@todayStart = ${at(year, month, day)}`,
      `@todayEnd = ${at(year, month, day, 23, 59, 59, 999)}`, `@monthStart = ${at(year, month, 1)}`,
      `@monthEnd = ${at(year, month + 1, 0, 23, 59, 59, 999)}`, `@yearStart = ${at(year, 0, 1)}`,
      `@yearEnd = ${at(year, 11, 31, 23, 59, 59, 999)}`,
    ];
    const results = [];
    for (const filter of filters) results.push([filter, await found(filter)]);
    if (new Date().getUTCMinutes() !== now.getUTCMinutes()) continue; // The minute turned meanwhile.
    assert.equal(filters.length, 16);
    assert.deepEqual(results.filter(([, titles]) => titles !== "p0 p1 p2 p3 X"), []);
    return;
  }
});

test("sorts take fields, paths and the two special keys", async () => {
  const sorted = { "-n": "X p2 p1 p0 p3", "b,-title": "p3 p2 p0 X p1", "@rowid": "p0 p1 p2 p3 X", "-@rowid": "X p3 p2 p1 p0" };
  for (const [sort, titles] of Object.entries(sorted)) assert.equal(await found("", { sort }), titles, sort);
  assert.equal((await found("", { sort: "@random" })).split(" ").length, 5);
  const seen = new Set();
  for (let turn = 0; turn < 50 && seen.size < 2; turn++) seen.add(await found("", { sort: "@random" }));
  assert.equal(seen.size, 2, "fifty shuffles of five were the same");
  for (const sort of ["-@random", "@rowid,-title", "tag.name", "tags.name,-n", "sel:length", "j.a", "+title"]) {
    assert.notEqual(await found("", { sort }), 400, sort);
  }
  for (const sort of ["title,", "nope", "null", '"title"', "@now", "geoDistance(1,2,3,4)", "pv.name", "tags.secret", "ow.nope"]) {
    assert.equal(await found("", { sort }), 400, sort);
  }
  assert.equal(await found("", { sort: "@request.auth.id" }), 403);
  assert.equal(await found("", { sort: "@request.auth.id", as: admin }), 400);
  assert.notEqual(await found("", { sort: "@request.auth.created", as: admin }), 400);
});

// Views: the fields their columns become, what a query must be, files and rules through them, and the dry run.
import assert from "node:assert/strict";
import { test } from "node:test";

import { ask, failure, guest, open, start, superuser, user } from "./support.mjs";

let admin, sales, shops;

start(async () => {
  admin = await superuser();
  shops = await admin.collections.create(open("shops", [{ name: "name", type: "text", max: 50, presentable: true }]));
  sales = await admin.collections.create(open("sales", [
    { name: "price", type: "number", min: 0 }, { name: "day", type: "date" }, { name: "hid", type: "text", hidden: true },
    { name: "kinds", type: "select", values: ["a", "b"], maxSelect: 2 }, { name: "shop", type: "relation", collectionId: shops.id },
    { name: "paper", type: "file" }, { name: "info", type: "json" },
  ]));
  const north = (await admin.collection("shops").create({ name: "north" })).id;
  const form = new FormData();
  for (const [key, value] of Object.entries({ price: "5", day: "2024-05-01", hid: "h", shop: north })) form.set(key, value);
  form.append("kinds", "a");
  form.set("paper", new File(["receipt"], "receipt.txt"));
  assert.equal((await ask("POST", "/api/collections/sales/records", form, { as: admin })).status, 200);
});

let count = 0;
const view = (viewQuery, rules) => admin.collections.create({ name: `view_${count++}`, type: "view", viewQuery, ...rules });
const dry = (query) => ask("POST", "/api/collections/meta/dry-run-view", { query }, { as: admin });

test("columns become fields", async () => {
  const { fields } = await view(
    `select s.id, count(s.id) as c, total(price) as t, avg(price) as a, cast(price as real) r, cast(price as int) as i, cast(price as text) as x,
      cast(price as bool) as b, cast(5 as bool) as five, cast(price as decimal(10,5)) d, s.id as sale, price, s.day as when_, s.hid, kinds, shop, paper, p.name as shop_name, 'lit' as l, (price * 2) as double
     from sales s -- all of them
     left join shops as p on p.id = s.shop group by s.id`,
  );
  const outline = Object.fromEntries(fields.map(({ name, type, onlyInt }) => [name, onlyInt ? `${type} int` : type]));
  assert.deepEqual(outline, {
    id: "text", c: "number int", t: "number", a: "json", r: "number", i: "number int", x: "text", b: "bool", five: "bool", d: "json", sale: "relation", price: "number",
    when_: "date", hid: "text", kinds: "select", shop: "relation", paper: "file", shop_name: "text", l: "json", double: "json",
  });
  const field = (name) => fields.find((field) => field.name === name);
  assert.deepEqual([field("id").primaryKey, field("id").system, field("id").pattern, field("id").min], [true, true, "^[a-z0-9]+$", 0]);
  assert.deepEqual([field("sale").collectionId, field("sale").maxSelect, field("shop").collectionId], [sales.id, 1, shops.id]);
  assert.deepEqual([field("shop_name").max, field("shop_name").presentable, field("hid").hidden, field("price").min], [50, true, true, 0]);
  assert.match(field("shop_name").id, /^_clone_\w{4}$/);
  assert.match(field("c").id, /^number\d+$/);
});

test("records of a view are read, filtered, expanded, and never written", async () => {
  const { name } = await view("select s.id, price, cast(5 as bool) as five, hid, kinds, shop, paper, info, s.id as sale from sales s", { listRule: "", viewRule: "" });
  const [record] = (await guest().collection(name).getList(1, 1, { filter: "shop.name = 'north' && price > 1 && kinds:each = 'a'", expand: "shop,sale", sort: "-price" })).items;
  assert.deepEqual([record.price, record.five, record.hid, record.kinds, record.collectionName], [5, false, undefined, ["a"], name]);
  assert.deepEqual([record.expand.shop.name, record.expand.sale.price], ["north", 5]);
  assert.equal((await guest().collection(name).getOne(record.id)).id, record.id);
  const file = await fetch(guest().files.getURL(record, record.paper));
  assert.deepEqual([file.status, await file.text()], [200, "receipt"]);
  for (const [method, way] of [["POST", ""], ["PATCH", `/${record.id}`], ["DELETE", `/${record.id}`]]) {
    const { status, body } = await ask(method, `/api/collections/${name}/records${way}`, method === "DELETE" ? undefined : {}, { as: admin });
    assert.deepEqual([status, body.message], [400, "Unsupported collection type."], method);
  }
  assert.match((await failure(admin.collections.truncate(name))).message, /^View collections cannot be truncated/);
});

test("ids that are no text become text", async () => {
  const { name } = await view("select (ROW_NUMBER() OVER()) as id, price from sales", { listRule: "" });
  assert.deepEqual((await guest().collection(name).getFullList()).map(({ id }) => id), ["1"]);
});

test("queries that make no view", async () => {
  for (const query of [
    "", "select * from sales", "select price from sales", "select id, price * 2 from sales", "select id, a || b x from sales", "delete from sales",
    "select id from nope", "select id from sales; select 1", "select id, nope from sales", "insert into sales (id) values ('x')",
  ]) {
    const { data } = await failure(view(query));
    assert.ok(data.viewQuery?.code ?? data.fields?.code, query);
    assert.equal((await dry(query)).status, 400, query);
  }
  const { data } = await failure(view("select * from sales"));
  assert.equal(data.viewQuery.code, "validation_invalid_view_query");
  assert.match(data.viewQuery.message, /^Invalid query - /);
  for (const rule of ["createRule", "updateRule", "deleteRule"]) {
    assert.equal((await failure(view("select id from sales", { [rule]: "" }))).data[rule].code, "validation_nil");
  }
  assert.equal((await failure(view("select id from sales", { indexes: ["create index x on y (id)"] }))).data.indexes.code, "validation_indexes_not_supported");
});

test("a dry run shows fields and samples, and says what is wrong", async () => {
  const { status, body } = await dry("select id, price from sales;");
  assert.equal(status, 200);
  assert.deepEqual([body.fields.map(({ name }) => name), body.sample.length, body.sample[0].price], [["id", "price"], 1, 5]);
  assert.match(body.sample[0].collectionName, /^temp_view_/);
  assert.equal((await dry("")).body.data.query.code, "validation_required");
  assert.match((await dry("select '' as id from sales")).body.message, /empty or invalid ids/);
  assert.match((await dry("select 'x' as id from sqlite_master")).body.message, /non-unique ids/);
  assert.match((await dry("select id from nope")).body.message, /^Invalid view query\. Raw error: \n/);
});

test("what a view needs cannot go, and what changes is followed", async () => {
  await admin.collections.create(open("base", [{ name: "a", type: "text" }, { name: "b", type: "text" }]));
  await admin.collections.create({ name: "over", type: "view", viewQuery: "select id, a from base", listRule: "" });
  const base = await admin.collections.getOne("base");
  const dropped = await failure(admin.collections.update("base", { fields: base.fields.filter(({ name }) => name !== "a") }));
  assert.match(dropped.message, /^Failed to update collection\. Raw error: \n/);
  assert.equal((await failure(admin.collections.delete("base"))).message, "Failed to delete collection.");
  await admin.collections.update("base", { fields: base.fields.map((field) => (field.name === "a" ? { ...field, presentable: true } : field)) });
  assert.equal((await admin.collections.getOne("over")).fields[1].presentable, true);
  await admin.collections.delete("over");
  await admin.collections.delete("base");
});

test("a view of people shows what it selects and keeps secrets", async () => {
  const ann = await user(admin, "ann");
  const { name } = await view("select id, email, password, tokenKey from users", { listRule: "" });
  const [record] = (await guest().collection(name).getFullList({ filter: `email = '${ann.email}'` }));
  assert.deepEqual([record.email, record.password, record.tokenKey], [ann.email, undefined, undefined]);
});

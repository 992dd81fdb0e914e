// What a customer's script does with the stock SDK, for the checks of the platform. `node scripted.mjs begin URL` makes a
// collection and a record and lists it; `node scripted.mjs read URL EMAIL PASSWORD…` prints all that can be read there and
// who of these people may sign in, so that two backends with the same data print the same.
import crypto from "node:crypto";
import dns from "node:dns";

import PocketBase from "pocketbase";

// Whatever the name, it is this machine.
const lookup = dns.lookup;
dns.lookup = (_, options, callback) => lookup("127.0.0.1", options, callback);

const [verb, url, ...people] = process.argv.slice(2);
const client = () => {
  const made = new PocketBase(url);
  made.autoCancellation(false);
  return made;
};
const admin = client();
await admin.collection("_superusers").authWithPassword(process.env.SUPERUSER_EMAIL, process.env.SUPERUSER_PASSWORD);
console.log(JSON.stringify(await { begin, read }[verb]()));

async function begin() {
  await admin.collections.create({ name: "posts", type: "base", fields: [{ name: "text", type: "text" }] });
  const { id } = await admin.collection("posts").create({ text: "Hello" });
  const { items } = await admin.collection("posts").getList();
  return items.length === 1 && items[0].id === id && items[0].text === "Hello";
}

async function read() {
  const collections = (await admin.collections.getFullList({ sort: "name" })).filter((collection) => !collection.system);
  const seen = { health: (await client().health.check()).code, collections, records: {}, pages: {}, files: {}, people: {} };
  for (const { name, fields } of collections) {
    const of = admin.collection(name);
    const records = await of.getFullList({ sort: "id" });
    seen.records[name] = records;
    seen.pages[name] = [
      await of.getList(2, 7, { sort: "-id", fields: "id" }),
      await of.getList(1, 50, { filter: admin.filter("id > {:id}", { id: records[0]?.id ?? "" }), skipTotal: true, fields: "id" }),
      records.length ? await of.getOne(records[0].id) : null,
    ];
    for (const field of fields.filter((field) => field.type === "file")) {
      for (const record of records.filter((record) => record[field.name])) {
        const answer = await fetch(admin.files.getURL(record, record[field.name]));
        const content = Buffer.from(await answer.arrayBuffer());
        seen.files[record[field.name]] = [answer.status, content.length, crypto.createHash("sha256").update(content).digest("hex")];
      }
    }
  }
  for (let at = 0; at < people.length; at += 2) {
    const [email, password] = people.slice(at, at + 2);
    const signIn = (given) => client().collection("people").authWithPassword(email, given).then(({ record }) => record.id, ({ status }) => status);
    seen.people[email] = [await signIn(password), await signIn(`${password}?`)];
  }
  return seen;
}

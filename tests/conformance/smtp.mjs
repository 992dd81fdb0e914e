// A mail server that keeps what it is given and reads it back: SMTP over a real socket, MIME taken apart again.
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import net from "node:net";
import path from "node:path";
import tls from "node:tls";

export class MailServer {
  /** Everything received, in order. */
  mails = [];
  /** Conversations begun, with or without a mail. */
  connections = 0;
  /** Who may send; anybody without. */
  credentials = null;
  /** How the last client signed in. */
  authMethod = "";
  /** Addresses no mail is taken for. */
  refused = new Set();
  /** Answers nothing any more. */
  silent = false;
  /** Key and certificate: who wants to is talked to in secret, or everybody from the start. */
  secret = null;
  implicit = false;
  #server;
  #waiting = new Set();
  #sockets = new Set();

  async start() {
    this.#server = net.createServer((socket) => {
      this.#keep(socket);
      this.#converse(this.implicit ? this.#encrypt(socket) : socket);
    });
    await new Promise((done) => this.#server.listen(0, "127.0.0.1", done));
    this.port = this.#server.address().port;
    return this;
  }

  stop() {
    for (const socket of this.#sockets) socket.destroy();
    return new Promise((done) => this.#server.close(done));
  }

  /** Settings that lead here. */
  settings(more = {}) {
    return { enabled: true, host: "127.0.0.1", port: this.port, username: "", password: "", authMethod: "", tls: false, ...more };
  }

  /** Mails to an address. */
  async to(address) {
    return this.#to(address);
  }

  /** The mail to an address that comes after so many others to it. */
  async next(address, after = 0) {
    const end = Date.now() + 10_000;
    while (this.#to(address).length <= after) {
      const left = end - Date.now();
      if (left <= 0) throw new Error(`no mail to ${address}: ${JSON.stringify(this.mails.map((mail) => [mail.to, mail.subject]))}`);
      await new Promise((done) => {
        const timer = setTimeout(done, left);
        this.#waiting.add(() => (clearTimeout(timer), done()));
      });
    }
    return this.#to(address)[after];
  }

  #to(address) {
    return this.mails.filter((mail) => mail.to === address);
  }

  #received(envelope, data) {
    const mail = { envelope, to: envelope.to.join(", "), raw: data, ...parse(data) };
    this.mails.push(mail);
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  }

  #keep(socket) {
    this.connections += 1;
    this.#sockets.add(socket);
    socket.on("close", () => this.#sockets.delete(socket));
    socket.on("error", () => {});
  }

  #encrypt(socket) {
    const encrypted = new tls.TLSSocket(socket, { isServer: true, secureContext: tls.createSecureContext(this.secret) });
    encrypted.on("error", () => socket.destroy());
    return encrypted;
  }

  #converse(socket, greets = true) {
    socket.setEncoding("latin1");
    const say = (line) => !this.silent && socket.write(`${line}\r\n`);
    let buffer = "";
    let data = null;
    let login = null;
    let isIn = !this.credentials;
    let envelope = { from: "", to: [], hello: "", encrypted: Boolean(socket.encrypted) };
    const signIn = (method, user, password) => {
      this.authMethod = method;
      isIn = user === this.credentials?.user && password === this.credentials?.password;
      say(isIn ? "235 welcome" : "535 who are you");
    };
    const plain = (text) => {
      const [, user, password] = Buffer.from(text, "base64").toString().split("\0");
      signIn("PLAIN", user, password);
    };
    const line = (text) => {
      if (data !== null) {
        if (text !== ".") return void data.push(text.startsWith(".") ? text.slice(1) : text);
        this.#received(envelope, data.join("\r\n"));
        data = null;
        envelope = { ...envelope, from: "", to: [] };
        return say("250 taken");
      }
      if (login) {
        login.push(Buffer.from(text, "base64").toString());
        if (login.length === 1) return say("334 UGFzc3dvcmQ6");
        const [user, password] = login;
        login = null;
        return signIn("LOGIN", user, password);
      }
      const [verb, rest = ""] = text.split(/ (.*)/s);
      switch (verb.toUpperCase()) {
        case "EHLO":
          envelope.hello = rest;
          return say(`250-sink\r\n250-8BITMIME\r\n${this.secret && !socket.encrypted ? "250-STARTTLS\r\n" : ""}250-AUTH PLAIN LOGIN\r\n250 SMTPUTF8`);
        case "STARTTLS":
          say("220 go on");
          socket.removeAllListeners("data");
          return this.#converse(this.#encrypt(socket), false);
        case "AUTH": {
          const [method, first] = rest.split(" ");
          if (method === "PLAIN") return plain(first);
          login = first ? [Buffer.from(first, "base64").toString()] : [];
          return say(first ? "334 UGFzc3dvcmQ6" : "334 VXNlcm5hbWU6");
        }
        case "MAIL":
          if (!isIn) return say("530 sign in first");
          envelope.from = address(rest);
          return say("250 go on");
        case "RCPT":
          if (this.refused.has(address(rest))) return say("550 nobody of that name");
          envelope.to.push(address(rest));
          return say("250 go on");
        case "DATA":
          data = [];
          return say("354 say it");
        case "QUIT":
          say("221 bye");
          return socket.end();
        default:
          return say("250 fine");
      }
    };
    socket.on("data", (chunk) => {
      buffer += chunk;
      for (let end; (end = buffer.indexOf("\r\n")) >= 0; ) {
        const text = buffer.slice(0, end);
        buffer = buffer.slice(end + 2);
        line(text);
      }
    });
    if (greets) say("220 sink");
  }
}

const address = (text) => /<([^>]*)>/.exec(text)?.[1] ?? "";

/** Subject, sender, text and HTML of a message. */
function parse(message) {
  const { headers, body } = entity(message);
  const parts = { text: "", html: "", types: [] };
  gather(headers, body, parts);
  return { headers, subject: words(headers.subject ?? ""), from: words(headers.from ?? ""), ...parts };
}

function gather(headers, body, parts) {
  const type = headers["content-type"] ?? "text/plain";
  parts.types.push(type.split(";")[0].trim());
  const boundary = /boundary="?([^";]+)"?/.exec(type)?.[1];
  if (boundary) {
    for (const piece of body.split(`--${boundary}`).slice(1, -1)) {
      const inner = entity(piece.replace(/^\r\n/, ""));
      gather(inner.headers, inner.body, parts);
    }
    return;
  }
  const text = decode(body, headers["content-transfer-encoding"]).toString();
  if (type.startsWith("text/html")) parts.html = text;
  else parts.text = text.replaceAll("\r\n", "\n").trim();
}

function entity(text) {
  const [head, ...rest] = text.split("\r\n\r\n");
  const lines = head.replace(/\r\n[ \t]+/g, " ").split("\r\n");
  const headers = Object.fromEntries(lines.map((line) => [line.split(":")[0].toLowerCase(), line.slice(line.indexOf(":") + 1).trim()]));
  return { headers, body: rest.join("\r\n\r\n") };
}

function decode(body, encoding = "") {
  if (/base64/i.test(encoding)) return Buffer.from(body, "base64");
  if (!/quoted-printable/i.test(encoding)) return Buffer.from(body, "latin1");
  const plain = body.replace(/=\r\n/g, "").replace(/=([0-9A-F]{2})/gi, (_, hex) => String.fromCharCode(parseInt(hex, 16)));
  return Buffer.from(plain, "latin1");
}

/** Encoded words of a header. */
function words(text) {
  return text
    .replace(/\?=\s+=\?/g, "?==?")
    .replace(/=\?utf-8\?([bq])\?([^?]*)\?=/gi, (_, kind, value) =>
      kind.toLowerCase() === "b" ? Buffer.from(value, "base64").toString() : decode(value.replaceAll("_", " "), "quoted-printable").toString(),
    );
}

/** A key and a certificate for this machine, and the file of the authority that vouches for it. */
export function certificate(dir) {
  const at = (name) => path.join(dir, name);
  const openssl = (...args) => execFileSync("openssl", args, { stdio: "pipe" });
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-x509"];
  openssl("req", ...key, "-subj", "/CN=authority", "-keyout", at("ca.key"), "-out", at("ca.pem"));
  const names = ["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-addext", "basicConstraints=critical,CA:FALSE"];
  openssl("req", ...key, "-subj", "/CN=sink", ...names, "-CA", at("ca.pem"), "-CAkey", at("ca.key"), "-keyout", at("key.pem"), "-out", at("cert.pem"));
  return { key: fs.readFileSync(at("key.pem")), cert: fs.readFileSync(at("cert.pem")), authority: at("ca.pem") };
}

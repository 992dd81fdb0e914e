// An identity provider: OAuth2 with PKCE and OpenID Connect with signed tokens and keys that can be replaced.
import crypto from "node:crypto";
import http from "node:http";

const json = (response, value, status = 200) => {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify(value));
};

export class IdentityProvider {
  /** Claims of whoever signs in next. */
  user = { sub: "u1", name: "Ann Smith", preferred_username: "ann", email: "ann@example.com", email_verified: true, picture: "" };
  /** Laid over the claims of identity tokens. */
  idTokenClaims = {};
  /** The addresses of whoever signs in next, for services that tell them apart from the profile. */
  emails = [];
  /** Laid over the answer of the token endpoint. */
  tokenExtras = {};
  /** Which way of sending credentials the token endpoint takes. */
  accepts = "header";
  tokenRequests = [];
  #codes = new Map();
  #tokens = new Map();
  #server;

  async start() {
    this.rotateKeys();
    this.#server = http.createServer((request, response) => this.#answer(request, response));
    await new Promise((done) => this.#server.listen(0, "127.0.0.1", done));
    this.url = `http://127.0.0.1:${this.#server.address().port}`;
    return this;
  }

  stop() {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  /** From now on tokens are signed with another key, and only that one is published. */
  rotateKeys() {
    const pair = crypto.generateKeyPairSync("rsa", { modulusLength: 2048 });
    this.key = { id: crypto.randomUUID(), private: pair.privateKey, jwk: pair.publicKey.export({ format: "jwk" }) };
  }

  /** What the collection's settings need; `mode` says where the profile is read from. */
  config(name, mode = "userinfo") {
    return {
      name,
      clientId: "client",
      clientSecret: "secret",
      authURL: `${this.url}/authorize`,
      tokenURL: `${this.url}/token`,
      userInfoURL: mode === "userinfo" ? `${this.url}/userinfo` : "",
      displayName: "The provider",
      extra: mode === "id_token" ? { jwksURL: `${this.url}/jwks`, issuers: [this.url] } : null,
    };
  }

  /** A code as somebody who agreed gets it. */
  code(challenge = "") {
    const code = crypto.randomUUID();
    this.#codes.set(code, challenge);
    return code;
  }

  async #answer(request, response) {
    const url = new URL(request.url, this.url);
    let body = "";
    for await (const chunk of request) body += chunk;
    if (url.pathname === "/authorize") {
      const back = new URL(url.searchParams.get("redirect_uri"));
      back.searchParams.set("state", url.searchParams.get("state"));
      back.searchParams.set("code", this.code(url.searchParams.get("code_challenge") ?? ""));
      response.writeHead(302, { location: back.href });
      return response.end();
    }
    if (url.pathname === "/token") return this.#token(request, new URLSearchParams(body), response);
    if (url.pathname === "/jwks") {
      return json(response, { keys: [{ ...this.key.jwk, kid: this.key.id, alg: "RS256", use: "sig" }] });
    }
    if (url.pathname === "/userinfo") {
      const user = this.#tokens.get((request.headers.authorization ?? "").replace("Bearer ", ""));
      return user ? json(response, user) : json(response, { error: "invalid_token" }, 401);
    }
    if (url.pathname === "/userinfo/emails") return json(response, this.emails);
    if (url.pathname === "/picture.png") {
      response.writeHead(200, { "content-type": "image/png" });
      return response.end(Buffer.from("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==", "base64"));
    }
    return json(response, {}, 404);
  }

  #token(request, form, response) {
    const basic = Buffer.from((request.headers.authorization ?? "").replace("Basic ", ""), "base64").toString();
    const known = this.accepts === "header" ? basic === "client:secret" : form.get("client_id") === "client" && form.get("client_secret") === "secret";
    this.tokenRequests.push({ basic, ...Object.fromEntries(form) });
    const challenge = this.#codes.get(form.get("code"));
    const proof = crypto.createHash("sha256").update(form.get("code_verifier") ?? "").digest("base64url");
    if (!known) return json(response, { error: "invalid_client" }, 401);
    if (challenge === undefined || (challenge && challenge !== proof)) return json(response, { error: "invalid_grant" }, 400);
    this.#codes.delete(form.get("code"));
    const token = crypto.randomUUID();
    this.#tokens.set(token, { ...this.user });
    return json(response, { access_token: token, refresh_token: "again", token_type: "Bearer", expires_in: 3600, id_token: this.#idToken(), ...this.tokenExtras });
  }

  #idToken() {
    const now = Math.floor(Date.now() / 1000);
    const claims = { iss: this.url, aud: "client", iat: now, exp: now + 600, ...this.user, ...this.idTokenClaims };
    const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
    const text = `${part({ alg: "RS256", typ: "JWT", kid: this.key.id })}.${part(claims)}`;
    return `${text}.${crypto.sign("RSA-SHA256", Buffer.from(text), this.key.private).toString("base64url")}`;
  }
}

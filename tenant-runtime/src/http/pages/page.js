
"use strict";

const part = (id) => document.getElementById(id);

/** What links of mails and of the first start lead to, by the part after `#`. */
const pages = [
  [/^#\/auth\/confirm-verification\/(.+)$/, verification],
  [/^#\/auth\/confirm-password-reset\/(.+)$/, passwordReset],
  [/^#\/auth\/confirm-email-change\/(.+)$/, emailChange],
  [/^#\/auth\/oauth2-redirect-success/, signedIn],
  [/^#\/auth\/oauth2-redirect-failure/, notSignedIn],
  [/^#\/pbinstall\/(.+)$/, install],
];

async function verification(token) {
  show("Confirm your mail address", "");
  say("One moment…");
  const error = await call(`collections/${collectionOf(token)}/confirm-verification`, { token });
  if (error) return say(reason(error, "The link is no longer valid. Ask for a new one in the application."), "bad");
  say("Your address is confirmed. You can close this page.", "good");
}

function passwordReset(token) {
  show("Choose a new password", `For ${claim(token, "email") || "your account"}. It ends every session you have elsewhere.`);
  form("Set the new password", [newPassword, repeated], async ({ password, passwordConfirm }) => {
    const error = await call(`collections/${collectionOf(token)}/confirm-password-reset`, { token, password, passwordConfirm });
    return error ?? "Your password is changed. Sign in with it in the application.";
  });
}

function emailChange(token) {
  const address = claim(token, "newEmail") || "the new address";
  show("Confirm your new mail address", `Your address will be ${address}. Your password shows that it is you.`);
  form("Confirm the address", [{ key: "password", label: "Password", type: "password", autocomplete: "current-password" }], async ({ password }) => {
    const error = await call(`collections/${collectionOf(token)}/confirm-email-change`, { token, password });
    return error ?? `Your address is now ${address}. Sign in with it in the application.`;
  });
}

function install(token) {
  show("Create the first superuser", "Superusers may do everything with this backend. The link that led you here works for half an hour.");
  const address = { key: "email", label: "Mail address", type: "email", autocomplete: "username" };
  form("Create the superuser", [address, newPassword, repeated], async (values) => {
    const error = await call("collections/_superusers/records", values, token);
    return error ?? `Done: ${values.email} can sign in now.`;
  });
}

function signedIn() {
  show("You are signed in", "You can close this window and go back to the application.");
  window.close();
}

function notSignedIn() {
  show("That did not work", "You are not signed in. Close this window, go back to the application and try again.");
}

function nothingHere() {
  show("The studio is not there yet", "This backend runs and answers under /api/. Pages to manage it here are still to come.");
}

const newPassword = { key: "password", label: "New password", type: "password", autocomplete: "new-password" };
const repeated = { key: "passwordConfirm", label: "The same again", type: "password", autocomplete: "new-password" };

function show(title, lead) {
  document.title = title;
  part("title").textContent = title;
  part("lead").textContent = lead;
  part("content").replaceChildren();
  say("");
}

function say(text, kind = "") {
  part("status").className = kind;
  part("status").textContent = text;
}

/** A form whose `send` answers what to say once all is well, or the server's error. */
function form(action, fields, send) {
  const form = document.createElement("form");
  form.method = "post";
  form.noValidate = true;
  const inputs = fields.map((field) => {
    const label = document.createElement("label");
    label.htmlFor = field.key;
    label.textContent = field.label;
    const input = document.createElement("input");
    Object.assign(input, { id: field.key, name: field.key, type: field.type, autocomplete: field.autocomplete, required: true });
    const problem = document.createElement("p");
    problem.className = "problem";
    problem.id = `${field.key}-problem`;
    input.setAttribute("aria-describedby", problem.id);
    form.append(label, input, problem);
    return { input, problem };
  });
  const button = document.createElement("button");
  button.textContent = action;
  form.append(button);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    button.disabled = true;
    say("One moment…");
    const outcome = await send(Object.fromEntries(inputs.map(({ input }) => [input.name, input.value])));
    button.disabled = false;
    if (typeof outcome === "string") {
      form.remove();
      part("lead").textContent = "";
      say(outcome, "good");
      return part("title").focus();
    }
    for (const { input, problem } of inputs) {
      problem.textContent = outcome.data?.[input.name]?.message ?? "";
      input.setAttribute("aria-invalid", String(Boolean(problem.textContent)));
    }
    say(outcome.data?.token ? "The link is no longer valid. Ask for a new one in the application." : reason(outcome, "That did not work."), "bad");
    (inputs.find(({ problem }) => problem.textContent)?.input ?? part("title")).focus();
  });
  part("content").append(form);
  inputs[0].input.focus();
}

/** Asks the server; answers its error, or nothing when all is well. */
async function call(path, body, token) {
  const base = location.pathname.split("/_/")[0];
  try {
    const answer = await fetch(`${base}/api/${path}`, {
      method: "POST",
      headers: { "content-type": "application/json", ...(token && { authorization: token }) },
      body: JSON.stringify(body),
    });
    if (answer.ok) return null;
    return await answer.json();
  } catch {
    return { message: "The server did not answer. Please try again." };
  }
}

function reason(error, otherwise) {
  return error.data?.token ? otherwise : (error.message ?? otherwise);
}

/** What a token says; the server is the one to judge it. */
function claim(token, key) {
  try {
    const payload = token.split(".")[1].replace(/-/g, "+").replace(/_/g, "/");
    const bytes = Uint8Array.from(atob(payload), (letter) => letter.charCodeAt(0));
    return String(JSON.parse(new TextDecoder().decode(bytes))[key] ?? "");
  } catch {
    return "";
  }
}

/** The collection a token is about, as a part of a path; what is no token leads to none. */
function collectionOf(token) {
  return encodeURIComponent(claim(token, "collectionId")) || "-";
}

function start() {
  for (const [pattern, page] of pages) {
    const found = pattern.exec(location.hash);
    if (found) return page(found[1]);
  }
  nothingHere();
}

addEventListener("hashchange", start);
start();

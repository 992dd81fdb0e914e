// Each service accounts can be signed in through: where people are sent, and what is made of what it tells of them.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { IdentityProvider } from "./idp.mjs";
import { failure, guest, start, superuser } from "./support.mjs";

const idp = new IdentityProvider();
const OWN = "https://own.example.com/authorize";
let admin;

before(() => idp.start());
after(() => idp.stop());
start(async () => {
  admin = await superuser();
});

/** Their names, where people are sent unless the settings say otherwise, and what is asked for. */
const SERVICES = {
  apple: ["Apple", "https://appleid.apple.com/auth/authorize", "name email"],
  google: ["Google", "https://accounts.google.com/o/oauth2/v2/auth", "https://www.googleapis.com/auth/userinfo.profile https://www.googleapis.com/auth/userinfo.email"],
  microsoft: ["Microsoft", "https://login.microsoftonline.com/common/oauth2/v2.0/authorize", "User.Read"],
  yandex: ["Yandex", "https://oauth.yandex.com/authorize", "login:email login:avatar login:info"],
  facebook: ["Facebook", "https://www.facebook.com/v3.2/dialog/oauth", "email"],
  instagram2: ["Instagram", "https://www.instagram.com/oauth/authorize", "instagram_business_basic"],
  github: ["GitHub", "https://github.com/login/oauth/authorize", "read:user user:email"],
  gitlab: ["GitLab", "https://gitlab.com/oauth/authorize", "read_user"],
  bitbucket: ["Bitbucket", "https://bitbucket.org/site/oauth2/authorize", "account"],
  gitee: ["Gitee", "https://gitee.com/oauth/authorize", "user_info emails"],
  gitea: ["Gitea/Forgejo", "https://gitea.com/login/oauth/authorize", "read:user user:email"],
  discord: ["Discord", "https://discord.com/api/oauth2/authorize", "identify email"],
  twitter: ["X/Twitter", "https://x.com/i/oauth2/authorize", "users.read users.email tweet.read"],
  kakao: ["Kakao", "https://kauth.kakao.com/oauth/authorize", "account_email profile_nickname profile_image"],
  vk: ["ВКонтакте", "https://oauth.vk.com/authorize", "email"],
  linear: ["Linear", "https://linear.app/oauth/authorize", "read"],
  notion: ["Notion", "https://api.notion.com/v1/oauth/authorize", ""],
  monday: ["monday.com", "https://auth.monday.com/oauth2/authorize", "me:read"],
  lark: ["Lark", "https://accounts.feishu.cn/open-apis/authen/v1/authorize", ""],
  box: ["Box", "https://account.box.com/api/oauth2/authorize", "root_readonly"],
  spotify: ["Spotify", "https://accounts.spotify.com/authorize", "user-read-private"],
  trakt: ["Trakt", "https://trakt.tv/oauth/authorize", ""],
  twitch: ["Twitch", "https://id.twitch.tv/oauth2/authorize", "user:read:email"],
  patreon: ["Patreon", "https://www.patreon.com/oauth2/authorize", "identity identity[email]"],
  strava: ["Strava", "https://www.strava.com/oauth/authorize", "profile:read_all"],
  wakatime: ["WakaTime", "https://wakatime.com/oauth/authorize", "email"],
  livechat: ["LiveChat", "https://accounts.livechat.com/", ""],
  mailcow: ["mailcow", "", "profile"],
  planningcenter: ["Planning Center", "https://api.planningcenteronline.com/oauth/authorize", "people"],
  oidc: ["OIDC", "", "openid email profile"],
  oidc2: ["OIDC", "", "openid email profile"],
  oidc3: ["OIDC", "", "openid email profile"],
};
const WITHOUT_PKCE = ["bitbucket", "vk", "linear"];

test("every service: its name, and where people are sent for what", async () => {
  const providers = Object.keys(SERVICES).map((name) => {
    const own = SERVICES[name][1] === "" && { authURL: OWN, tokenURL: `${OWN}/token`, userInfoURL: `${OWN}/info` };
    return { name, clientId: "client", clientSecret: "secret", ...own };
  });
  await admin.collections.create({ name: "everybody", type: "auth", oauth2: { enabled: true, providers } });
  const { oauth2 } = await guest().collection("everybody").listAuthMethods();
  assert.deepEqual(oauth2.providers.map(({ name }) => name), Object.keys(SERVICES));
  for (const { name, displayName, codeChallengeMethod, authURL } of oauth2.providers) {
    const [display, address, scope] = SERVICES[name];
    const url = new URL(authURL);
    assert.equal(displayName, display);
    assert.equal(url.origin + url.pathname, address || OWN, name);
    assert.equal(url.searchParams.get("scope") ?? "", scope, name);
    assert.equal(codeChallengeMethod, WITHOUT_PKCE.includes(name) ? "" : "S256", name);
    assert.equal(url.searchParams.has("code_challenge"), !WITHOUT_PKCE.includes(name), name);
    assert.equal(url.searchParams.get("response_mode"), name === "apple" ? "form_post" : null);
    assert.ok(authURL.endsWith("redirect_uri="), name);
  }
});

const ANN = { id: "7", name: "Ann Smith", username: "ann", email: "ann@example.com", avatarURL: "" };

/** Services by what they answer: the profile, what is made of it, and whatever else they say. */
const PROFILES = [
  ["google", { sub: "7", name: "Ann Smith", email: "ann@example.com", email_verified: true, picture: "" }, { username: "" }],
  ["google", { sub: "8", name: "Ann Smith", email: "ann@example.com", email_verified: false }, { id: "8", username: "", email: "" }],
  ["microsoft", { id: "7", displayName: "Ann Smith", mail: "ann@example.com" }, { username: "" }],
  ["yandex", { id: "7", real_name: "Ann Smith", login: "ann", default_email: "ann@example.com", is_avatar_empty: true }, {}],
  ["yandex", { id: "8", real_name: "Ann Smith", login: "ann", default_email: "ann@example.com", default_avatar_id: "9" }, { id: "8", avatarURL: "https://avatars.yandex.net/get-yapic/9/islands-200" }],
  ["facebook", { id: "7", name: "Ann Smith", email: "ann@example.com", picture: { data: { url: "" } } }, { username: "" }],
  ["instagram2", { user_id: "7", id: "70", name: "Ann Smith", username: "ann", email: "ann@example.com" }, { email: "" }],
  ["github", { id: 7, name: "Ann Smith", login: "ann", email: "other@example.com" }, {}, { emails: [{ email: "x@example.com", primary: false, verified: true }, { email: "ann@example.com", primary: true, verified: true }] }],
  ["github", { id: 8, name: "Ann Smith", login: "ann", email: "ann@example.com" }, { id: "8", email: "" }, { emails: [{ email: "ann@example.com", primary: true, verified: false }] }],
  ["gitlab", { id: 7, name: "Ann Smith", username: "ann", email: "ann@example.com", confirmed_at: "2020-01-02T03:04:05.000Z" }, {}],
  ["gitlab", { id: 8, name: "Ann Smith", username: "ann", email: "ann@example.com" }, { id: "8", email: "" }],
  ["bitbucket", { uuid: "7", display_name: "Ann Smith", username: "ann", account_status: "active", links: { avatar: { href: "" } } }, {}, { emails: { values: [{ email: "ann@example.com", is_primary: true, is_confirmed: true }] } }],
  ["gitee", { id: 7, name: "Ann Smith", login: "ann", email: "ann@example.com" }, {}],
  ["gitea", { id: 7, full_name: "Ann Smith", login: "ann", active: true }, {}, { emails: [{ email: "ann@example.com", primary: true, verified: true }] }],
  ["discord", { id: "7", global_name: "Ann Smith", username: "ann", discriminator: "0", email: "ann@example.com", verified: true, avatar: "p" }, { avatarURL: "https://cdn.discordapp.com/avatars/7/p.png" }],
  ["discord", { id: "8", username: "ann", discriminator: "1234", email: "ann@example.com", verified: false, avatar: "p" }, { id: "8", name: "ann#1234", email: "", avatarURL: "https://cdn.discordapp.com/avatars/8/p.png" }],
  ["twitter", { data: { id: "7", name: "Ann Smith", username: "ann", confirmed_email: "ann@example.com" } }, {}],
  ["kakao", { id: 7, properties: { nickname: "ann" }, kakao_account: { email: "ann@example.com", is_email_valid: true, is_email_verified: true } }, { name: "" }],
  ["kakao", { id: 8, properties: { nickname: "ann" }, kakao_account: { email: "ann@example.com", is_email_valid: true, is_email_verified: false } }, { id: "8", name: "", email: "" }],
  ["vk", { response: [{ id: 7, first_name: "Ann", last_name: "Smith", screen_name: "ann" }] }, {}, { tokenExtras: { email: "ann@example.com" } }],
  ["linear", { data: { viewer: { id: "7", displayName: "ann", name: "Ann Smith", email: "ann@example.com", active: true } } }, {}],
  ["notion", { bot: { owner: { user: { id: "7", name: "Ann Smith", person: { email: "ann@example.com" } } } } }, { username: "" }],
  ["monday", { data: { me: { id: "7", enabled: true, name: "Ann Smith", email: "ann@example.com", is_verified: true } } }, { username: "" }],
  ["lark", { data: { union_id: "7", name: "Ann Smith", email: "ann@example.com" } }, { username: "", email: "" }],
  ["box", { id: "7", name: "Ann Smith", login: "ann@example.com", status: "active" }, { username: "" }],
  ["spotify", { id: "7", display_name: "Ann Smith", email: "ann@example.com", images: [{ url: "" }] }, { username: "", email: "" }],
  ["trakt", { user: { ids: { uuid: "7" }, name: "Ann Smith", username: "ann" } }, { email: "" }],
  ["twitch", { data: [{ id: "7", display_name: "Ann Smith", login: "ann", email: "ann@example.com" }] }, {}],
  ["patreon", { data: { id: "7", attributes: { full_name: "Ann Smith", vanity: "ann", email: "ann@example.com", is_email_verified: true } } }, {}],
  ["strava", { id: 7, firstname: "Ann", lastname: "Smith", username: "ann" }, { email: "" }],
  ["wakatime", { data: { id: "7", display_name: "Ann Smith", username: "ann", email: "ann@example.com", is_email_confirmed: true, photo: "https://example.com/p.png", photo_public: false } }, {}],
  ["livechat", { account_id: "7", name: "Ann Smith", email: "ann@example.com", email_verified: true }, { username: "" }],
  ["mailcow", { id: "7", full_name: "Ann Smith", username: "ann@example.com", email: "ann@example.com", active: 1 }, {}],
  ["planningcenter", { data: { id: "7", attributes: { name: "Ann Smith", status: "active" } } }, { username: "", email: "" }],
  ["oidc", { sub: "7", name: "Ann Smith", preferred_username: "ann", email: "ann@example.com", email_verified: "true" }, {}],
  ["oidc2", { sub: "7", name: "Ann Smith", preferred_username: "ann", email: "ann@example.com", email_verified: "true" }, {}],
  ["oidc3", { sub: "7", name: "Ann Smith", preferred_username: "ann", email: "ann@example.com", email_verified: "true" }, {}],
];

/** A collection whose only service is this one, played by ours. */
async function signIn(name, profile, { emails = [], tokenExtras = {} } = {}) {
  Object.assign(idp, { user: profile, emails, tokenExtras });
  const collection = `people${++made}`;
  await admin.collections.create({ name: collection, type: "auth", createRule: "", oauth2: { enabled: true, providers: [idp.config(name)] } });
  return guest().collection(collection).authWithOAuth2Code(name, idp.code(), "", "http://localhost/back", { email: "self@example.com" });
}
let made = 0;

for (const [index, [name, profile, differs, more]] of PROFILES.entries()) {
  test(`what ${name} tells: ${index}`, async () => {
    const { meta } = await signIn(name, profile, more);
    const known = Object.fromEntries(Object.keys(ANN).map((key) => [key, meta[key]]));
    assert.deepEqual(known, { ...ANN, ...differs });
    assert.deepEqual(Object.keys(profile).filter((key) => !(key in meta.rawUser)), []);
  });
}

/** Services that say an account must not be used. */
const CLOSED = [
  ["bitbucket", { uuid: "7", display_name: "Ann Smith", account_status: "inactive" }, { emails: { values: [] } }],
  ["gitea", { id: 7, full_name: "Ann Smith", login: "ann", active: false }],
  ["linear", { data: { viewer: { id: "7", name: "Ann Smith", active: false } } }],
  ["monday", { data: { me: { id: "7", enabled: false, name: "Ann Smith" } } }],
  ["box", { id: "7", name: "Ann Smith", status: "inactive" }],
  ["mailcow", { id: "7", full_name: "Ann Smith", active: 0 }],
  ["planningcenter", { data: { id: "7", attributes: { name: "Ann Smith", status: "inactive" } } }],
  ["strava", { id: 0, firstname: "Ann" }],
];

for (const [name, profile, more] of CLOSED) {
  test(`an account closed at ${name} signs in nobody`, async () => {
    assert.equal((await failure(signIn(name, profile, more))).status, 400);
  });
}

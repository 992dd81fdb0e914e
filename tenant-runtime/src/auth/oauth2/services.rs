//! The services people sign in through, as a table: where each is asked, and where its answers say what.
//!
//! What a profile holds is written as a template: `{/picture}` stands for the text at that JSON pointer. A template with
//! a gap that cannot be filled is empty.

use chrono::{DateTime, Datelike as _};
use serde_json::Value as Json;

use super::{Profile, Token};
use crate::records::value::cast_text;

/// One service, before a collection's own settings change any of it.
#[derive(Clone, Copy)]
pub struct Service {
    /// The name in an auth collection's options.
    pub name: &'static str,
    /// Whether it takes part in proof of possession (RFC 7636).
    pub pkce: bool,
    /// What is asked for.
    pub scopes: &'static [&'static str],
    /// Where people are sent.
    pub auth_url: &'static str,
    /// Where a code becomes a token.
    pub token_url: &'static str,
    /// Where the token's owner is described; empty where the token itself says it.
    pub user_info_url: &'static str,
    /// A GraphQL question instead of a plain GET.
    pub query: Option<&'static str>,
    /// Headers its API wants; `{client}` stands for the client id.
    pub headers: &'static [(&'static str, &'static str)],
    /// What has to hold for the account to count.
    pub active: &'static [Condition],
    /// Templates of the profile.
    pub id: &'static str,
    /// The first that is not empty.
    pub full_name: &'static [&'static str],
    /// Template of the short name.
    pub username: &'static str,
    /// Template of the address.
    pub email: &'static str,
    /// What has to hold for the address to be proven.
    pub verified: &'static [Condition],
    /// Template of the picture's URL.
    pub avatar: &'static str,
    /// A list of addresses to ask for.
    pub emails: Option<Emails>,
    /// What fits no template.
    pub adjust: Option<fn(&mut Profile, &Json, &Token)>,
}

/// The text at a pointer has to be that; of a list, one of its texts.
pub type Condition = (&'static str, &'static str);

/// A second question, for all addresses of an account.
#[derive(Clone, Copy)]
pub struct Emails {
    /// Absolute, or appended to the URL of the profile.
    pub url: &'static str,
    /// Pointer to the list.
    pub list: &'static str,
    /// What makes one the address, its field being `email`.
    pub conditions: &'static [Condition],
}

/// Stands for any date but the zero one.
const A_DATE: &str = "\u{1}date";

const PLAIN: Service = Service {
    name: "",
    pkce: true,
    scopes: &[],
    auth_url: "",
    token_url: "",
    user_info_url: "",
    query: None,
    headers: &[],
    active: &[],
    id: "{/id}",
    full_name: &["{/name}"],
    username: "",
    email: "",
    verified: &[],
    avatar: "{/avatar_url}",
    emails: None,
    adjust: None,
};

const OIDC: Service = Service {
    scopes: &["openid", "email", "profile"],
    id: "{/sub}",
    username: "{/preferred_username}",
    email: "{/email}",
    verified: &[("/email_verified", "true")],
    avatar: "{/picture}",
    ..PLAIN
};

/// The service of that name.
pub fn find(name: &str) -> Option<&'static Service> {
    SERVICES.iter().find(|service| service.name == name)
}

static SERVICES: [Service; 32] = [
    Service {
        name: "apple",
        scopes: &["name", "email"],
        auth_url: "https://appleid.apple.com/auth/authorize",
        token_url: "https://appleid.apple.com/auth/token",
        full_name: &[],
        username: "",
        avatar: "",
        ..OIDC
    },
    Service {
        name: "google",
        scopes: &["https://www.googleapis.com/auth/userinfo.profile", "https://www.googleapis.com/auth/userinfo.email"],
        auth_url: "https://accounts.google.com/o/oauth2/v2/auth",
        token_url: "https://oauth2.googleapis.com/token",
        user_info_url: "https://www.googleapis.com/oauth2/v3/userinfo",
        username: "",
        ..OIDC
    },
    Service {
        name: "microsoft",
        scopes: &["User.Read"],
        auth_url: "https://login.microsoftonline.com/common/oauth2/v2.0/authorize",
        token_url: "https://login.microsoftonline.com/common/oauth2/v2.0/token",
        user_info_url: "https://graph.microsoft.com/v1.0/me",
        full_name: &["{/displayName}"],
        email: "{/mail}",
        avatar: "",
        ..PLAIN
    },
    Service {
        name: "yandex",
        scopes: &["login:email", "login:avatar", "login:info"],
        auth_url: "https://oauth.yandex.com/authorize",
        token_url: "https://oauth.yandex.com/token",
        user_info_url: "https://login.yandex.ru/info",
        full_name: &["{/real_name}"],
        username: "{/login}",
        email: "{/default_email}",
        avatar: "https://avatars.yandex.net/get-yapic/{/default_avatar_id}/islands-200",
        adjust: Some(|profile, user, _| {
            if text_at(user, "/is_avatar_empty") == "true" {
                profile.avatar_url.clear();
            }
        }),
        ..PLAIN
    },
    Service {
        name: "facebook",
        scopes: &["email"],
        auth_url: "https://www.facebook.com/v3.2/dialog/oauth",
        token_url: "https://graph.facebook.com/v3.2/oauth/access_token",
        user_info_url: "https://graph.facebook.com/me?fields=name,email,picture.type(large)",
        email: "{/email}",
        avatar: "{/picture/data/url}",
        ..PLAIN
    },
    Service {
        name: "instagram2",
        scopes: &["instagram_business_basic"],
        auth_url: "https://www.instagram.com/oauth/authorize",
        token_url: "https://api.instagram.com/oauth/access_token",
        user_info_url: "https://graph.instagram.com/me?fields=id,username,account_type,user_id,name,\
                        profile_picture_url,followers_count,follows_count,media_count",
        id: "{/user_id}",
        username: "{/username}",
        avatar: "{/profile_picture_url}",
        adjust: Some(|profile, _, token| {
            if let (Some(user), Some(permissions)) = (profile.raw.as_object_mut(), token.raw.get("permissions")) {
                user.insert("permissions".to_owned(), permissions.clone());
            }
        }),
        ..PLAIN
    },
    Service {
        name: "github",
        scopes: &["read:user", "user:email"],
        auth_url: "https://github.com/login/oauth/authorize",
        token_url: "https://github.com/login/oauth/access_token",
        user_info_url: "https://api.github.com/user",
        username: "{/login}",
        emails: Some(Emails { url: "/emails", list: "", conditions: &[("/primary", "true"), ("/verified", "true")] }),
        ..PLAIN
    },
    Service {
        name: "gitlab",
        scopes: &["read_user"],
        auth_url: "https://gitlab.com/oauth/authorize",
        token_url: "https://gitlab.com/oauth/token",
        user_info_url: "https://gitlab.com/api/v4/user",
        username: "{/username}",
        email: "{/email}",
        verified: &[("/confirmed_at", A_DATE)],
        ..PLAIN
    },
    Service {
        name: "bitbucket",
        pkce: false,
        scopes: &["account"],
        auth_url: "https://bitbucket.org/site/oauth2/authorize",
        token_url: "https://bitbucket.org/site/oauth2/access_token",
        user_info_url: "https://api.bitbucket.org/2.0/user",
        active: &[("/account_status", "active")],
        id: "{/uuid}",
        full_name: &["{/display_name}"],
        username: "{/username}",
        avatar: "{/links/avatar/href}",
        emails: Some(Emails {
            url: "/emails",
            list: "/values",
            conditions: &[("/is_primary", "true"), ("/is_confirmed", "true")],
        }),
        ..PLAIN
    },
    Service {
        name: "gitee",
        scopes: &["user_info", "emails"],
        auth_url: "https://gitee.com/oauth/authorize",
        token_url: "https://gitee.com/oauth/token",
        user_info_url: "https://gitee.com/api/v5/user",
        username: "{/login}",
        email: "{/email}",
        emails: Some(Emails {
            url: "https://gitee.com/api/v5/emails",
            list: "",
            conditions: &[("/state", "confirmed"), ("/scope", "primary")],
        }),
        ..PLAIN
    },
    Service {
        name: "gitea",
        scopes: &["read:user", "user:email"],
        auth_url: "https://gitea.com/login/oauth/authorize",
        token_url: "https://gitea.com/login/oauth/access_token",
        user_info_url: "https://gitea.com/api/v1/user",
        active: &[("/active", "true")],
        full_name: &["{/full_name}"],
        username: "{/login}",
        emails: Some(Emails { url: "/emails", list: "", conditions: &[("/verified", "true"), ("/primary", "true")] }),
        ..PLAIN
    },
    Service {
        name: "discord",
        scopes: &["identify", "email"],
        auth_url: "https://discord.com/api/oauth2/authorize",
        token_url: "https://discord.com/api/oauth2/token",
        user_info_url: "https://discord.com/api/users/@me",
        full_name: &["{/global_name}", "{/username}#{/discriminator}", "{/username}"],
        username: "{/username}",
        email: "{/email}",
        verified: &[("/verified", "true")],
        avatar: "https://cdn.discordapp.com/avatars/{/id}/{/avatar}.png",
        adjust: Some(|profile, _, _| {
            if let Some(plain) = profile.name.strip_suffix("#0") {
                profile.name = plain.to_owned();
            }
        }),
        ..PLAIN
    },
    Service {
        name: "twitter",
        scopes: &["users.read", "users.email", "tweet.read"],
        auth_url: "https://x.com/i/oauth2/authorize",
        token_url: "https://api.x.com/2/oauth2/token",
        user_info_url: "https://api.x.com/2/users/me?user.fields=id,name,username,profile_image_url,confirmed_email",
        id: "{/data/id}",
        full_name: &["{/data/name}"],
        username: "{/data/username}",
        email: "{/data/confirmed_email}",
        avatar: "{/data/profile_image_url}",
        ..PLAIN
    },
    Service {
        name: "kakao",
        scopes: &["account_email", "profile_nickname", "profile_image"],
        auth_url: "https://kauth.kakao.com/oauth/authorize",
        token_url: "https://kauth.kakao.com/oauth/token",
        user_info_url: "https://kapi.kakao.com/v2/user/me",
        full_name: &[],
        username: "{/properties/nickname}",
        email: "{/kakao_account/email}",
        verified: &[("/kakao_account/is_email_valid", "true"), ("/kakao_account/is_email_verified", "true")],
        avatar: "{/properties/profile_image}",
        ..PLAIN
    },
    Service {
        name: "vk",
        pkce: false,
        scopes: &["email"],
        auth_url: "https://oauth.vk.com/authorize",
        token_url: "https://oauth.vk.com/access_token",
        user_info_url: "https://api.vk.com/method/users.get?fields=photo_max,screen_name&v=5.131",
        id: "{/response/0/id}",
        full_name: &["{/response/0/first_name} {/response/0/last_name}"],
        username: "{/response/0/screen_name}",
        avatar: "{/response/0/photo_max}",
        adjust: Some(|profile, _, token| profile.email = text_at(&token.raw, "/email")),
        ..PLAIN
    },
    Service {
        name: "linear",
        pkce: false,
        scopes: &["read"],
        auth_url: "https://linear.app/oauth/authorize",
        token_url: "https://api.linear.app/oauth/token",
        user_info_url: "https://api.linear.app/graphql",
        query: Some("query { viewer { id displayName name email avatarUrl active } }"),
        active: &[("/data/viewer/active", "true")],
        id: "{/data/viewer/id}",
        full_name: &["{/data/viewer/name}"],
        username: "{/data/viewer/displayName}",
        email: "{/data/viewer/email}",
        avatar: "{/data/viewer/avatarUrl}",
        ..PLAIN
    },
    Service {
        name: "notion",
        auth_url: "https://api.notion.com/v1/oauth/authorize",
        token_url: "https://api.notion.com/v1/oauth/token",
        user_info_url: "https://api.notion.com/v1/users/me",
        headers: &[("notion-version", "2022-06-28")],
        id: "{/bot/owner/user/id}",
        full_name: &["{/bot/owner/user/name}"],
        email: "{/bot/owner/user/person/email}",
        avatar: "{/bot/owner/user/avatar_url}",
        ..PLAIN
    },
    Service {
        name: "monday",
        scopes: &["me:read"],
        auth_url: "https://auth.monday.com/oauth2/authorize",
        token_url: "https://auth.monday.com/oauth2/token",
        user_info_url: "https://api.monday.com/v2",
        query: Some("query { me { id enabled name email is_verified photo_small } }"),
        active: &[("/data/me/enabled", "true")],
        id: "{/data/me/id}",
        full_name: &["{/data/me/name}"],
        email: "{/data/me/email}",
        verified: &[("/data/me/is_verified", "true")],
        avatar: "{/data/me/photo_small}",
        ..PLAIN
    },
    Service {
        name: "lark",
        auth_url: "https://accounts.feishu.cn/open-apis/authen/v1/authorize",
        token_url: "https://open.feishu.cn/open-apis/authen/v2/oauth/token",
        user_info_url: "https://open.feishu.cn/open-apis/authen/v1/user_info",
        id: "{/data/union_id}",
        full_name: &["{/data/name}"],
        avatar: "{/data/avatar_url}",
        ..PLAIN
    },
    Service {
        name: "box",
        scopes: &["root_readonly"],
        auth_url: "https://account.box.com/api/oauth2/authorize",
        token_url: "https://api.box.com/oauth2/token",
        user_info_url: "https://api.box.com/2.0/users/me",
        active: &[("/status", "active")],
        email: "{/login}",
        ..PLAIN
    },
    Service {
        name: "spotify",
        scopes: &["user-read-private"],
        auth_url: "https://accounts.spotify.com/authorize",
        token_url: "https://accounts.spotify.com/api/token",
        user_info_url: "https://api.spotify.com/v1/me",
        full_name: &["{/display_name}"],
        avatar: "{/images/0/url}",
        ..PLAIN
    },
    Service {
        name: "trakt",
        auth_url: "https://trakt.tv/oauth/authorize",
        token_url: "https://api.trakt.tv/oauth/token",
        user_info_url: "https://api.trakt.tv/users/settings",
        headers: &[("trakt-api-key", "{client}"), ("trakt-api-version", "2")],
        id: "{/user/ids/uuid}",
        full_name: &["{/user/name}"],
        username: "{/user/username}",
        avatar: "{/user/images/avatar/full}",
        ..PLAIN
    },
    Service {
        name: "twitch",
        scopes: &["user:read:email"],
        auth_url: "https://id.twitch.tv/oauth2/authorize",
        token_url: "https://id.twitch.tv/oauth2/token",
        user_info_url: "https://api.twitch.tv/helix/users",
        headers: &[("client-id", "{client}")],
        id: "{/data/0/id}",
        full_name: &["{/data/0/display_name}"],
        username: "{/data/0/login}",
        email: "{/data/0/email}",
        avatar: "{/data/0/profile_image_url}",
        ..PLAIN
    },
    Service {
        name: "patreon",
        scopes: &["identity", "identity[email]"],
        auth_url: "https://www.patreon.com/oauth2/authorize",
        token_url: "https://www.patreon.com/api/oauth2/token",
        user_info_url: "https://www.patreon.com/api/oauth2/v2/identity?fields%5Buser%5D=full_name,email,vanity,\
                        image_url,is_email_verified",
        id: "{/data/id}",
        full_name: &["{/data/attributes/full_name}"],
        username: "{/data/attributes/vanity}",
        email: "{/data/attributes/email}",
        verified: &[("/data/attributes/is_email_verified", "true")],
        avatar: "{/data/attributes/image_url}",
        ..PLAIN
    },
    Service {
        name: "strava",
        scopes: &["profile:read_all"],
        auth_url: "https://www.strava.com/oauth/authorize",
        token_url: "https://www.strava.com/api/v3/oauth/token",
        user_info_url: "https://www.strava.com/api/v3/athlete",
        full_name: &["{/firstname} {/lastname}"],
        username: "{/username}",
        avatar: "{/profile}",
        adjust: Some(|profile, _, _| {
            if profile.id == "0" {
                profile.id.clear();
            }
        }),
        ..PLAIN
    },
    Service {
        name: "wakatime",
        scopes: &["email"],
        auth_url: "https://wakatime.com/oauth/authorize",
        token_url: "https://wakatime.com/oauth/token",
        user_info_url: "https://wakatime.com/api/v1/users/current",
        id: "{/data/id}",
        full_name: &["{/data/display_name}"],
        username: "{/data/username}",
        email: "{/data/email}",
        verified: &[("/data/is_email_confirmed", "true")],
        avatar: "{/data/photo}",
        adjust: Some(|profile, user, _| {
            if text_at(user, "/data/photo_public") != "true" {
                profile.avatar_url.clear();
            }
        }),
        ..PLAIN
    },
    Service {
        name: "livechat",
        auth_url: "https://accounts.livechat.com/",
        token_url: "https://accounts.livechat.com/token",
        user_info_url: "https://accounts.livechat.com/v2/accounts/me",
        id: "{/account_id}",
        email: "{/email}",
        verified: &[("/email_verified", "true")],
        ..PLAIN
    },
    Service {
        name: "mailcow",
        scopes: &["profile"],
        active: &[("/active", "1")],
        full_name: &["{/full_name}"],
        username: "{/username}",
        email: "{/email}",
        avatar: "",
        adjust: Some(|profile, _, _| {
            let end = profile.username.find('@').unwrap_or(profile.username.len());
            profile.username.truncate(end);
        }),
        ..PLAIN
    },
    Service {
        name: "planningcenter",
        scopes: &["people"],
        auth_url: "https://api.planningcenteronline.com/oauth/authorize",
        token_url: "https://api.planningcenteronline.com/oauth/token",
        user_info_url: "https://api.planningcenteronline.com/people/v2/me",
        active: &[("/data/attributes/status", "active")],
        id: "{/data/id}",
        full_name: &["{/data/attributes/name}"],
        avatar: "{/data/attributes/avatar}",
        ..PLAIN
    },
    Service { name: "oidc", ..OIDC },
    Service { name: "oidc2", ..OIDC },
    Service { name: "oidc3", ..OIDC },
];

impl Service {
    /// Reads a description of the token's owner. The id is empty where none is given.
    pub fn profile(&self, user: &Json, token: &Token) -> Profile {
        let proven = self.verified.iter().all(|condition| holds(user, *condition));
        let mut profile = Profile {
            id: fill(self.id, user),
            name: self.full_name.iter().map(|name| fill(name, user)).find(|name| !name.is_empty()).unwrap_or_default(),
            username: fill(self.username, user),
            email: if proven { fill(self.email, user) } else { String::new() },
            avatar_url: fill(self.avatar, user),
            raw: user.clone(),
        };
        if let Some(adjust) = self.adjust {
            adjust(&mut profile, user, token);
        }
        profile
    }

    /// Whether the account may be used at all.
    pub fn is_active(&self, user: &Json) -> bool {
        self.active.iter().all(|condition| holds(user, *condition))
    }
}

impl Emails {
    /// The one address that counts, empty if there is none.
    pub fn pick(&self, answer: &Json) -> String {
        let list = answer.pointer(self.list).and_then(Json::as_array).map(Vec::as_slice).unwrap_or_default();
        let found = list.iter().find(|entry| self.conditions.iter().all(|condition| holds(entry, *condition)));
        found.map(|entry| text_at(entry, "/email")).unwrap_or_default()
    }
}

fn holds(value: &Json, (pointer, wanted): Condition) -> bool {
    let is = |value: &Json| match wanted {
        A_DATE => DateTime::parse_from_rfc3339(&cast_text(value)).is_ok_and(|date| date.year() > 1),
        wanted => cast_text(value) == wanted,
    };
    match value.pointer(pointer) {
        Some(Json::Array(items)) => items.iter().any(is),
        Some(value) => is(value),
        None => false,
    }
}

fn text_at(value: &Json, pointer: &str) -> String {
    value.pointer(pointer).map(cast_text).unwrap_or_default()
}

fn fill(template: &str, value: &Json) -> String {
    let mut filled = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        let Some((pointer, after)) = after.split_once('}') else { return String::new() };
        let text = text_at(value, pointer);
        // A missing last name is no reason to lose the first.
        if text.is_empty() && !template.contains("} {") {
            return String::new();
        }
        filled.push_str(before);
        filled.push_str(&text);
        rest = after;
    }
    filled.push_str(rest);
    filled.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::schema::oauth2_providers::PROVIDERS;

    #[test]
    fn every_provider_has_its_row() {
        for provider in PROVIDERS {
            let service = find(provider.name).expect(provider.name);
            assert!(!service.id.is_empty(), "{}", service.name);
        }
        assert_eq!(SERVICES.len(), PROVIDERS.len());
    }

    fn profile(service: &str, user: Json) -> Profile {
        find(service).expect("known").profile(&user, &Token::default())
    }

    #[test]
    fn profiles_are_read_as_each_service_writes_them() {
        let google = profile(
            "google",
            json!({"sub": "1", "name": "Ann", "email": "a@x.org", "email_verified": true, "picture": "https://p"}),
        );
        assert_eq!(
            (google.id.as_str(), google.name.as_str(), google.email.as_str(), google.avatar_url.as_str()),
            ("1", "Ann", "a@x.org", "https://p")
        );
        let unproven = profile("google", json!({"sub": "1", "email": "a@x.org", "email_verified": false}));
        assert_eq!(unproven.email, "");
        let github = profile("github", json!({"id": 583_231, "login": "octo", "name": null}));
        assert_eq!((github.id.as_str(), github.name.as_str(), github.username.as_str()), ("583231", "", "octo"));
        for (confirmed, email) in
            [(json!("2020-01-01T00:00:00Z"), "a@x.org"), (json!(null), ""), (json!("0001-01-01T00:00:00Z"), "")]
        {
            assert_eq!(profile("gitlab", json!({"id": 1, "email": "a@x.org", "confirmed_at": confirmed})).email, email);
        }
        let discord = |user: Json| profile("discord", user);
        assert_eq!(discord(json!({"id": "1", "username": "ann", "discriminator": "0"})).name, "ann");
        assert_eq!(discord(json!({"id": "1", "username": "ann", "discriminator": "1234"})).name, "ann#1234");
        assert_eq!(discord(json!({"id": "1", "username": "ann", "avatar": null})).avatar_url, "");
        assert_eq!(profile("strava", json!({"id": 0, "firstname": "Ann", "lastname": ""})).name, "Ann");
        assert_eq!(profile("strava", json!({"id": 0})).id, "");
        assert_eq!(profile("mailcow", json!({"id": "1", "username": "ann@x.org"})).username, "ann");
        assert_eq!(profile("twitch", json!({"data": [{"id": "7", "login": "ann"}]})).id, "7");
    }

    #[test]
    fn the_address_that_counts_is_picked_from_lists() {
        let pick = |service: &str, answer: Json| find(service).expect("known").emails.expect("asks").pick(&answer);
        let github = json!([{"email": "b@x.org", "primary": false, "verified": true}, {"email": "a@x.org", "primary": true, "verified": true}]);
        assert_eq!(pick("github", github), "a@x.org");
        let gitee = json!([{"email": "a@x.org", "state": "confirmed", "scope": ["primary", "committed"]}]);
        assert_eq!(pick("gitee", gitee), "a@x.org");
        let bitbucket = json!({"values": [{"email": "a@x.org", "is_primary": true, "is_confirmed": false}]});
        assert_eq!(pick("bitbucket", bitbucket), "");
    }

    #[test]
    fn suspended_accounts_are_told_apart() {
        let gitea = find("gitea").expect("known");
        assert!(gitea.is_active(&json!({"active": true})) && !gitea.is_active(&json!({"active": false})));
        assert!(!find("box").expect("known").is_active(&json!({})));
    }
}

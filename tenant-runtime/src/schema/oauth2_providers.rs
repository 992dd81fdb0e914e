//! The services through which a tenant's users may sign in: their names on the wire and for people, in the order in
//! which admin pages offer them.

/// One service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Provider {
    /// The name in an auth collection's options.
    pub name: &'static str,
    /// The name for people.
    pub display_name: &'static str,
}

/// All of them.
pub const PROVIDERS: [Provider; 32] = [
    provider("apple", "Apple"),
    provider("google", "Google"),
    provider("microsoft", "Microsoft"),
    provider("yandex", "Yandex"),
    provider("facebook", "Facebook"),
    provider("instagram2", "Instagram"),
    provider("github", "GitHub"),
    provider("gitlab", "GitLab"),
    provider("bitbucket", "Bitbucket"),
    provider("gitee", "Gitee"),
    provider("gitea", "Gitea/Forgejo"),
    provider("discord", "Discord"),
    provider("twitter", "X/Twitter"),
    provider("kakao", "Kakao"),
    provider("vk", "ВКонтакте"),
    provider("linear", "Linear"),
    provider("notion", "Notion"),
    provider("monday", "monday.com"),
    provider("lark", "Lark"),
    provider("box", "Box"),
    provider("spotify", "Spotify"),
    provider("trakt", "Trakt"),
    provider("twitch", "Twitch"),
    provider("patreon", "Patreon"),
    provider("strava", "Strava"),
    provider("wakatime", "WakaTime"),
    provider("livechat", "LiveChat"),
    provider("mailcow", "mailcow"),
    provider("planningcenter", "Planning Center"),
    provider("oidc", "OIDC"),
    provider("oidc2", "OIDC"),
    provider("oidc3", "OIDC"),
];

/// The service of that name.
pub fn find(name: &str) -> Option<&'static Provider> {
    PROVIDERS.iter().find(|provider| provider.name == name)
}

impl Provider {
    /// A plain picture: the first letter in a circle. The services' own logos are theirs.
    pub fn logo(&self) -> String {
        let letter: String = self.display_name.chars().take(1).flat_map(char::to_uppercase).collect();
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 24 24\" width=\"24\" height=\"24\">\
             <circle cx=\"12\" cy=\"12\" r=\"11\" fill=\"none\" stroke=\"currentColor\"/>\
             <text x=\"12\" y=\"16.5\" font-family=\"sans-serif\" font-size=\"13\" text-anchor=\"middle\" \
             fill=\"currentColor\">{letter}</text></svg>"
        )
    }
}

const fn provider(name: &'static str, display_name: &'static str) -> Provider {
    Provider { name, display_name }
}

//! `?fields=`: only the wanted keys of any JSON answer.

use std::collections::BTreeMap;

use axum::body::Body;
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use http::header;
use serde_json::{Map, Value as Json};

use super::request::parse_query;
use super::{body, respond};
use crate::json;

/// An answer larger than this is not taken apart.
const MOST_BYTES: u64 = 256 << 20;

/// Projects the answer of a request that asks for it. Errors are left whole.
pub async fn project(request: Request, next: Next) -> Response {
    let fields = request.uri().query().filter(|query| query.contains("fields=")).map(parse_query);
    let fields = fields.and_then(|query| query.into_iter().find(|(key, _)| key == "fields")).map(|(_, value)| value);
    let response = next.run(request).await;
    let Some(fields) = fields.filter(|fields| !fields.is_empty()) else { return response };
    let is_json = response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind == "application/json");
    if !response.status().is_success() || !is_json {
        return response;
    }
    let (parts, content) = response.into_parts();
    let picked = match (body::collect(content, MOST_BYTES).await, Wanted::parse(&fields)) {
        (Ok(bytes), Some(wanted)) => serde_json::from_slice(&bytes).ok().map(|mut value| {
            wanted.apply_to_answer(&mut value);
            value
        }),
        _ => None,
    };
    // As stock servers do it: the status line is out already when a modifier turns out to be unknown.
    let body = picked.map(|value| respond::json(json::text(&value).into_bytes()).into_body());
    let mut response = Response::from_parts(parts, body.unwrap_or_else(Body::empty));
    response.headers_mut().remove(header::CONTENT_LENGTH);
    response
}

/// The keys of one level and what is wanted below each.
#[derive(Debug, Default)]
pub struct Wanted {
    keys: BTreeMap<String, Wanted>,
    excerpt: Option<Excerpt>,
}

/// `:excerpt(max, withEllipsis)`
#[derive(Clone, Copy, Debug)]
struct Excerpt {
    max: usize,
    with_ellipsis: bool,
}

impl Wanted {
    /// Reads a list of paths; `None` for a modifier that is unknown or malformed.
    pub fn parse(text: &str) -> Option<Wanted> {
        let mut wanted = Wanted::default();
        for path in split_top_level(text) {
            let path = path.trim();
            let (path, modifier) = path.split_once(':').map_or((path, None), |(path, modifier)| (path, Some(modifier)));
            if path.is_empty() {
                continue;
            }
            let mut level = &mut wanted;
            for key in path.split('.') {
                level = level.keys.entry(key.to_owned()).or_default();
            }
            if let Some(modifier) = modifier {
                level.excerpt = Some(Excerpt::parse(modifier)?);
            }
        }
        Some(wanted)
    }

    /// Of a list answer only the items are projected.
    fn apply_to_answer(&self, answer: &mut Json) {
        let is_list = ["items", "page", "perPage"].iter().all(|key| answer.get(key).is_some());
        match answer.get_mut("items") {
            Some(items) if is_list => self.apply(items),
            _ => self.apply(answer),
        }
    }

    /// Keeps what is wanted of a value.
    pub fn apply(&self, value: &mut Json) {
        if let (Some(excerpt), Json::String(text)) = (self.excerpt, &mut *value) {
            *text = excerpt.of(text);
        }
        if self.keys.is_empty() {
            return;
        }
        match value {
            Json::Array(items) => {
                items.iter_mut().filter(|item| item.is_object() || item.is_array()).for_each(|item| {
                    self.apply(item);
                })
            }
            Json::Object(keys) => self.apply_to_object(keys),
            _ => {}
        }
    }

    fn apply_to_object(&self, keys: &mut Map<String, Json>) {
        let others = self.keys.get("*").filter(|others| others.keys.is_empty());
        keys.retain(|key, _| self.keys.contains_key(key) || others.is_some());
        for (key, value) in keys.iter_mut() {
            match (self.keys.get(key), others) {
                (Some(wanted), _) => wanted.apply(value),
                (None, Some(others)) => others.apply(value),
                (None, None) => {}
            }
        }
    }
}

impl Excerpt {
    fn parse(modifier: &str) -> Option<Excerpt> {
        let arguments = modifier.trim().strip_prefix("excerpt(")?.strip_suffix(')')?;
        let mut arguments = arguments.split(',').map(str::trim);
        let max: usize = arguments.next()?.parse().ok().filter(|max| *max > 0)?;
        let with_ellipsis = match arguments.next() {
            None => false,
            Some(text) => super::request::parse_bool(text).unwrap_or(false),
        };
        arguments.next().is_none().then_some(Excerpt { max, with_ellipsis })
    }

    fn of(self, html: &str) -> String {
        let plain = plain_text(html);
        if plain.chars().count() <= self.max {
            return plain;
        }
        let cut: String = plain.chars().take(self.max).collect();
        format!("{}{}", cut.trim(), if self.with_ellipsis { "..." } else { "" })
    }
}

/// The visible words of HTML, separated by single spaces.
fn plain_text(html: &str) -> String {
    const SKIPPED: &[&str] = &[
        "head", "style", "script", "iframe", "embed", "applet", "object", "svg", "img", "picture", "dialog",
        "template", "button", "form", "textarea", "input", "select", "option",
    ];
    const VOID: &[&str] = &["embed", "img", "input"];
    const INLINE: &[&str] = &[
        "a", "abbr", "acronym", "b", "bdo", "big", "br", "button", "cite", "code", "em", "i", "label", "q", "small",
        "span", "strong", "strike", "sub", "sup", "time",
    ];
    let mut text = String::new();
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        text.push_str(&decode_entities(&rest[..at]));
        rest = &rest[at..];
        if rest.starts_with("<!--") {
            rest = rest.find("-->").map_or("", |end| &rest[end + 3..]);
            continue;
        }
        let name_at = if rest.starts_with("</") { 2 } else { 1 };
        let name: String = rest[name_at..].chars().take_while(char::is_ascii_alphanumeric).collect();
        if name.is_empty() && !rest.starts_with("<!") {
            text.push('<');
            rest = &rest[1..];
            continue;
        }
        let name = name.to_ascii_lowercase();
        rest = rest.find('>').map_or("", |end| &rest[end + 1..]);
        if name_at == 1 && SKIPPED.contains(&name.as_str()) && !VOID.contains(&name.as_str()) {
            let end = rest.to_ascii_lowercase().find(&format!("</{name}"));
            rest = end.map_or("", |end| rest[end..].find('>').map_or("", |close| &rest[end + close + 1..]));
        }
        if !INLINE.contains(&name.as_str()) {
            text.push(' ');
        }
    }
    text.push_str(&decode_entities(rest));
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn decode_entities(text: &str) -> String {
    if !text.contains('&') {
        return text.to_owned();
    }
    let pairs = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&nbsp;", " "), ("&amp;", "&")];
    pairs.iter().fold(text.to_owned(), |text, (entity, plain)| text.replace(entity, plain))
}

fn split_top_level(text: &str) -> Vec<&str> {
    let (mut parts, mut depth, mut quote, mut start) = (Vec::new(), 0_i32, None, 0);
    for (at, c) in text.char_indices() {
        match (quote, c) {
            (Some(open), _) if c == open => quote = None,
            (Some(_), _) => {}
            (None, '(') => depth += 1,
            (None, ')') => depth -= 1,
            (None, '"' | '\'') => quote = Some(c),
            (None, ',') if depth == 0 => {
                parts.push(&text[start..at]);
                start = at + 1;
            }
            (None, _) => {}
        }
    }
    parts.push(&text[start..]);
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn pick(fields: &str, mut answer: Json) -> Json {
        Wanted::parse(fields).expect("known modifiers").apply_to_answer(&mut answer);
        answer
    }

    #[test]
    fn only_items_of_a_list_are_projected() {
        let answer =
            json!({"items": [{"id": "a", "t": 1, "expand": {"u": {"name": "n", "x": 1}}}], "page": 1, "perPage": 30});
        let expected = json!({"items": [{"id": "a", "expand": {"u": {"name": "n"}}}], "page": 1, "perPage": 30});
        assert_eq!(pick("id, expand.u.name", answer), expected);
    }

    #[test]
    fn a_star_is_all_others_and_a_path_below_a_scalar_keeps_the_scalar() {
        assert_eq!(pick("*,o.a", json!({"x": 1, "o": {"a": 1, "b": 2}})), json!({"x": 1, "o": {"a": 1}}));
        assert_eq!(pick("x.y", json!({"x": 1, "z": 2})), json!({"x": 1}));
        assert_eq!(pick("nope", json!({"x": 1})), json!({}));
    }

    #[test]
    fn an_excerpt_is_plain_text() {
        let html = "<h1>Hello&nbsp;there</h1><script>no()</script><p>big <b>wor</b>ld</p>";
        assert_eq!(pick("t:excerpt(100)", json!({"t": html})), json!({"t": "Hello there big world"}));
        assert_eq!(pick("t:excerpt(7,true)", json!({"t": html})), json!({"t": "Hello t..."}));
        assert!(Wanted::parse("t:nope").is_none());
    }
}

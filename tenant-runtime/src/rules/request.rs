//! What rules see of a request: everything behind `@request`.

use std::io;

use serde::Serialize;
use serde_json::ser::{CompactFormatter, Formatter};
use serde_json::{Map, Value as Json};

use super::sql::Param;

/// A request as rules see it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RequestInfo {
    /// Why the rule is evaluated.
    pub context: Context,
    /// The HTTP method in capitals.
    pub method: String,
    /// Names in snake case (`x_api_key`); of a repeated one the first counts.
    pub headers: Vec<(String, String)>,
    /// Decoded; of a repeated one the first counts.
    pub query: Vec<(String, String)>,
    /// Who asks; `None` is a guest.
    pub auth: Option<AuthIdentity>,
    /// The submitted body with modifiers applied and the values of known fields cast. An upload is an object
    /// `{name, originalName, size}` at its place in the value of its field.
    pub body: Map<String, Json>,
}

/// Why a rule is evaluated: `@request.context`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Context {
    #[default]
    Default,
    Expand,
    Realtime,
    ProtectedFile,
    Batch,
    OAuth2,
    Otp,
    Password,
}

/// What `@request.auth` knows without asking the database.
#[derive(Clone, Debug, Default, PartialEq)]
#[expect(missing_docs, reason = "the names say it")]
pub struct AuthIdentity {
    pub id: String,
    pub collection_id: String,
    pub collection_name: String,
    pub email: String,
    pub email_visibility: bool,
    pub verified: bool,
}

impl RequestInfo {
    /// A guest's `GET` with nothing in it.
    pub fn guest() -> RequestInfo {
        RequestInfo { method: "GET".to_owned(), ..RequestInfo::default() }
    }

    /// The same request on behalf of somebody.
    pub fn with_auth(mut self, auth: AuthIdentity) -> RequestInfo {
        self.auth = Some(auth);
        self
    }

    /// The same request for another purpose.
    pub fn with_context(mut self, context: Context) -> RequestInfo {
        self.context = context;
        self
    }

    /// The first header of that name.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        first(&self.headers, name)
    }

    /// The first query parameter of that name.
    pub(super) fn query_value(&self, name: &str) -> Option<&str> {
        first(&self.query, name)
    }
}

impl Context {
    /// The name rules compare with.
    pub fn name(self) -> &'static str {
        match self {
            Context::Default => "default",
            Context::Expand => "expand",
            Context::Realtime => "realtime",
            Context::ProtectedFile => "protectedFile",
            Context::Batch => "batch",
            Context::OAuth2 => "oauth2",
            Context::Otp => "otp",
            Context::Password => "password",
        }
    }
}

impl AuthIdentity {
    /// The value of a property that needs no look-up.
    pub(super) fn known(&self, property: &str) -> Option<Param> {
        Some(match property {
            "id" => Param::Text(self.id.clone()),
            "collectionId" => Param::Text(self.collection_id.clone()),
            "collectionName" => Param::Text(self.collection_name.clone()),
            "email" => Param::Text(self.email.clone()),
            "emailVisibility" => Param::Bool(self.email_visibility),
            "verified" => Param::Bool(self.verified),
            _ => return None,
        })
    }
}

/// A JSON value as SQL compares it: scalars as they are, lists and objects as their text.
pub(super) fn json_param(value: &Json) -> Param {
    match value {
        Json::Null => Param::Null,
        Json::Bool(value) => Param::Bool(*value),
        Json::Number(number) => number.as_f64().map_or(Param::Null, Param::Number),
        Json::String(text) => Param::Text(text.clone()),
        Json::Array(_) | Json::Object(_) => Param::Text(json_text(value)),
    }
}

/// JSON as records store it: compact, whole numbers without a fraction, and `<`, `>`, `&` escaped.
pub(super) fn json_text(value: &Json) -> String {
    let mut bytes = Vec::new();
    let mut serializer = serde_json::Serializer::with_formatter(&mut bytes, StoredJson);
    match value.serialize(&mut serializer) {
        Ok(()) => String::from_utf8(bytes).unwrap_or_default(),
        Err(_) => value.to_string(),
    }
}

struct StoredJson;

impl Formatter for StoredJson {
    fn write_f64<W: ?Sized + io::Write>(&mut self, writer: &mut W, value: f64) -> io::Result<()> {
        if value.fract() == 0.0 && value.abs() < 1e21 {
            write!(writer, "{value}")
        } else {
            CompactFormatter.write_f64(writer, value)
        }
    }

    fn write_string_fragment<W: ?Sized + io::Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        let mut rest = fragment;
        while let Some(at) = rest.find(['<', '>', '&', '\u{2028}', '\u{2029}']) {
            let (plain, special) = rest.split_at(at);
            let c = special.chars().next().unwrap_or_default();
            write!(writer, "{plain}\\u{:04x}", u32::from(c))?;
            rest = &special[c.len_utf8()..];
        }
        writer.write_all(rest.as_bytes())
    }
}

fn first<'a>(pairs: &'a [(String, String)], name: &str) -> Option<&'a str> {
    pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn lists_and_objects_become_the_text_records_store() {
        let param = json_param(&json!(["a<b>&", 1.0, 1.5, {"z": null, "a": "\u{2028}\""}]));
        let expected = r#"["a\u003cb\u003e\u0026",1,1.5,{"a":"\u2028\"","z":null}]"#;
        assert_eq!(param, Param::Text(expected.to_owned()));
    }
}

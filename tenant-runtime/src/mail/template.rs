//! Subjects and bodies as tenants write them: text with `{PLACEHOLDERS}`, each replaced once.

use super::layout;
use super::{Mail, plain};
use crate::records::Record;
use crate::records::value::Value;
use crate::schema::FieldKind;
use crate::schema::auth_options::EmailTemplate;
use crate::settings::Settings;

/// What a template is filled with besides the application's name and address.
pub struct Filling<'a> {
    /// Whom the mail is about.
    pub record: &'a Record,
    /// Names without braces, such as `TOKEN`; inserted as they are.
    pub own: &'a [(&'a str, String)],
}

/// Makes a mail from a template.
pub fn mail(settings: &Settings, template: &EmailTemplate, to: &str, filling: &Filling<'_>) -> Mail {
    let known = |name: &str| filling.value(settings, name);
    let html = layout::page(&fill(&template.body, &known));
    Mail {
        from_name: settings.meta.sender_name.clone(),
        from_address: settings.meta.sender_address.clone(),
        to: to.to_owned(),
        subject: fill(&template.subject, &known),
        text: plain::text(&html),
        html,
    }
}

/// A mail to a superuser about something that failed.
pub fn alert(settings: &Settings, to: &str, what: &str, text: &str) -> Mail {
    Mail {
        from_name: settings.meta.sender_name.clone(),
        from_address: settings.meta.sender_address.clone(),
        to: to.to_owned(),
        subject: format!("[{} system alert] {what}", settings.meta.app_name),
        html: layout::page(&format!("<p>{}</p>", escape(text))),
        text: text.to_owned(),
    }
}

/// Text that means itself inside HTML.
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&#34;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}

impl Filling<'_> {
    /// Unknown names and hidden fields have no value: their placeholders stay.
    fn value(&self, settings: &Settings, name: &str) -> Option<String> {
        match name {
            "APP_NAME" => return Some(settings.meta.app_name.clone()),
            "APP_URL" => return Some(settings.meta.app_url.clone()),
            _ => {}
        }
        if let Some(field) = name.strip_prefix("RECORD:") {
            return field_text(self.record, field);
        }
        self.own.iter().find(|(own, _)| *own == name).map(|(_, value)| value.clone())
    }
}

fn field_text(record: &Record, name: &str) -> Option<String> {
    let field = record.collection().field(name).filter(|field| !field.hidden)?;
    let value = record.get(name)?;
    Some(match (&field.kind, value) {
        (FieldKind::Password(_), _) => return None,
        (_, Value::Text(text)) => escape(text),
        (_, other) => escape(&crate::json::text(&other.to_json())),
    })
}

/// Replaces what is known, in one go: a value that looks like a placeholder stays what it is.
fn fill(text: &str, known: &dyn Fn(&str) -> Option<String>) -> String {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(open) = rest.find('{') {
        let (before, from_brace) = rest.split_at(open);
        filled.push_str(before);
        let inner = &from_brace[1..];
        let end = inner.find(['{', '}']).filter(|end| inner[*end..].starts_with('}'));
        match end.and_then(|end| Some((end, known(&inner[..end])?))) {
            Some((end, value)) => {
                filled.push_str(&value);
                rest = &inner[end + 1..];
            }
            None => {
                filled.push('{');
                rest = inner;
            }
        }
    }
    filled.push_str(rest);
    filled
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_replaced_once_and_unknown_ones_stay() {
        let known = |name: &str| match name {
            "A" => Some("{B}".to_owned()),
            "B" => Some("b".to_owned()),
            _ => None,
        };
        for (text, expected) in
            [("{A} {B}", "{B} b"), ("{C}{B", "{C}{B"), ("{{B}}", "{b}"), ("{ B}", "{ B}"), ("a{", "a{"), ("", "")]
        {
            assert_eq!(fill(text, &known), expected, "{text}");
        }
    }

    #[test]
    fn markup_in_values_is_text() {
        assert_eq!(escape("<a href='x'>&\""), "&lt;a href=&#39;x&#39;&gt;&amp;&#34;");
    }
}

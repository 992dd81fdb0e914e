//! What a client listens to: `posts/*`, `posts/RECORD_ID`, each possibly with options.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value as Json;

use crate::http::request::parse_query;
use crate::records::value::cast_text;

/// A topic as the client wrote it, and what it means.
#[derive(Clone, Debug, PartialEq)]
pub struct Topic {
    /// Exactly as subscribed: it is the name of the events sent back.
    pub text: Arc<str>,
    /// A collection's name or id, if it is about records at all.
    pub collection: String,
    /// One record, or all when none is named.
    pub record: Option<String>,
    /// What rules see as the request's query; `filter`, `fields` and `expand` among it are followed.
    pub query: Vec<(String, String)>,
    /// What rules see as the request's headers, names in snake case.
    pub headers: Vec<(String, String)>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Options {
    query: BTreeMap<String, Json>,
    headers: BTreeMap<String, Json>,
}

impl Topic {
    /// Takes a subscription apart. Every text is a topic; some never fire.
    pub fn parse(text: &str) -> Topic {
        let (path, query) = text.split_once('?').unwrap_or((text, ""));
        let options = parse_query(query).into_iter().find(|(key, _)| key == "options");
        let options: Options = options.and_then(|(_, options)| serde_json::from_str(&options).ok()).unwrap_or_default();
        let (collection, record) = match path.split_once('/') {
            None => (path, None),
            Some((collection, "*")) => (collection, None),
            Some((collection, record)) => (collection, Some(record.to_owned())),
        };
        let texts = |values: BTreeMap<String, Json>, name: fn(&str) -> String| {
            values.iter().map(|(key, value)| (name(key), cast_text(value))).collect()
        };
        Topic {
            text: text.into(),
            collection: collection.to_owned(),
            record,
            query: texts(options.query, str::to_owned),
            headers: texts(options.headers, snake_case),
        }
    }

    /// The value of one of the options' query parameters, empty if it is absent.
    pub fn option(&self, name: &str) -> &str {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str()).unwrap_or_default()
    }
}

fn snake_case(name: &str) -> String {
    name.to_ascii_lowercase().replace('-', "_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topics_name_a_collection_and_perhaps_a_record() {
        let parse = |text| {
            let topic = Topic::parse(text);
            (topic.collection, topic.record)
        };
        assert_eq!(parse("posts/*"), ("posts".into(), None));
        assert_eq!(parse("posts"), ("posts".into(), None));
        assert_eq!(parse("posts/abc"), ("posts".into(), Some("abc".into())));
    }

    #[test]
    fn options_are_read_and_unreadable_ones_are_none() {
        let options = "%7B%22query%22%3A%7B%22filter%22%3A%22n%3E1%22%2C%22n%22%3A5%7D%2C%22headers%22%3A%7B%22X-Token%22%3A%22t%22%7D%7D";
        let topic = Topic::parse(&format!("posts/*?options={options}"));
        assert_eq!((topic.option("filter"), topic.option("n")), ("n>1", "5"));
        assert_eq!(topic.headers, [("x_token".to_owned(), "t".to_owned())]);
        assert!(Topic::parse("posts/*?options=%7Bnope").query.is_empty());
    }
}

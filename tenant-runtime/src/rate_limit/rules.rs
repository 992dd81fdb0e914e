//! Which rule applies to a request.

use crate::settings::RateLimitRule;

/// The rule for these labels, tried in order: first one of that very label, then the first in the list whose label ends
/// in a slash and contains it. Rules for other people are passed over.
pub(super) fn find<'r>(rules: &'r [RateLimitRule], labels: &[String], audience: &str) -> Option<&'r RateLimitRule> {
    let is_for = |rule: &&RateLimitRule| rule.audience.is_empty() || rule.audience == audience;
    labels.iter().find_map(|label| {
        let exact = rules.iter().filter(is_for).find(|rule| rule.label == *label);
        exact.or_else(|| rules.iter().filter(is_for).find(|rule| contains(&rule.label, label)))
    })
}

/// A prefix contains itself without the slash, too.
fn contains(prefix: &str, label: &str) -> bool {
    prefix.strip_suffix('/').is_some_and(|folder| label == folder || label.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(rules: &[(&str, &str)], labels: &[&str], audience: &str) -> Option<String> {
        let rules: Vec<RateLimitRule> = rules
            .iter()
            .map(|(label, audience)| RateLimitRule {
                label: (*label).to_owned(),
                audience: (*audience).to_owned(),
                duration: 1,
                max_requests: 1,
            })
            .collect();
        let labels: Vec<String> = labels.iter().map(|label| (*label).to_owned()).collect();
        find(&rules, &labels, audience).map(|rule| rule.label.clone())
    }

    #[test]
    fn the_examples_of_the_specification_hold() {
        let rules = [("/test/a", "@guest"), ("POST /test/a", ""), ("/test/a/", "@auth"), ("POST /test/a/", "")];
        for (labels, audience, expected) in [
            (["GET /test/a", "/test/a"], "@guest", Some("/test/a")),
            (["GET /test/a", "/test/a"], "@auth", Some("/test/a/")),
            (["POST /test/a", "/test/a"], "@auth", Some("POST /test/a")),
            (["POST /test/a/b/c", "/test/a/b/c"], "@guest", Some("POST /test/a/")),
            (["GET /test/a/b", "/test/a/b"], "@guest", None),
        ] {
            assert_eq!(found(&rules, &labels, audience).as_deref(), expected, "{labels:?} {audience}");
        }
    }

    #[test]
    fn a_more_telling_label_wins_over_an_earlier_rule_and_an_earlier_prefix_over_a_longer_one() {
        let labels = ["posts:list", "*:list", "GET /api/x/records", "/api/x/records"];
        assert_eq!(found(&[("/api/", ""), ("*:list", "")], &labels, "@guest").as_deref(), Some("*:list"));
        assert_eq!(found(&[("/api/", ""), ("/api/x/", "")], &labels, "@guest").as_deref(), Some("/api/"));
        assert_eq!(found(&[("get /api/", "")], &labels, "@guest"), None, "labels know capitals");
        assert_eq!(found(&[("/ap", "")], &labels, "@guest"), None, "a prefix ends in a slash");
        assert_eq!(found(&[("/", "")], &labels, "@guest").as_deref(), Some("/"));
    }
}

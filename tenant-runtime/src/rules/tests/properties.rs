//! What holds for any text.

use proptest::prelude::*;

use super::*;

/// Texts made of what filters are made of, so that many of them are sound.
fn filter_like() -> impl Strategy<Value = String> {
    let operand = prop::sample::select(vec![
        "title",
        "n",
        "j.a",
        "j.0.b",
        "g.lat",
        "sel:each",
        "sel:length",
        "tag.name",
        "tags.name",
        "tags.id",
        "ow.name",
        "tag.id",
        "comments_via_post.posts.title",
        "comments_via_posts.msg:lower",
        "'x'",
        "''",
        "\"%_\\\"",
        "-1.5",
        "null",
        "TRUE",
        "@now",
        "@todayEnd",
        "@request.auth.id",
        "@request.auth.tags.name",
        "@request.body.sel:each",
        "@request.body.tags.name",
        "@request.body.title:changed",
        "@request.body.j.a",
        "@request.query.q:isset",
        "@collection.tags.name",
        "@collection.comments:x.posts.title",
        "strftime('%Y', d)",
        "strftime('%Y', tags.name, '+1 day')",
        "geoDistance(g.lon, g.lat, 1, n)",
        "nope",
        "title:changed",
    ]);
    let operator = prop::sample::select(vec![
        "=", "!=", "~", "!~", ">", ">=", "<", "<=", "?=", "?!=", "?~", "?!~", "?>", "?>=", "?<", "?<=", "==",
    ]);
    let comparison =
        (operand.clone(), operator, operand).prop_map(|(left, operator, right)| format!("{left} {operator} {right}"));
    comparison.prop_recursive(4, 24, 4, |inner| {
        let join = prop::sample::select(vec![" && ", "||", " // or\n || ", " "]);
        (prop::collection::vec(inner, 1..4), join).prop_map(|(items, join)| format!("({})", items.join(join)))
    })
}

proptest! {
    #[test]
    fn no_text_makes_the_parser_fall(text in any::<String>()) {
        let _ = parse(&text);
    }

    #[test]
    fn no_soup_of_tokens_makes_the_parser_fall(
        text in "([a-z@#_.:0-9'\"()&|=!<>~?/,\\\\ \\n-]|&&|\\|\\||//|@request\\.|\\('|é){0,40}"
    ) {
        let _ = parse(&text);
    }

    #[test]
    fn sql_is_sound_whenever_the_filter_is(rule in filter_like(), filter in filter_like(), superuser: bool) {
        let fixture = posts();
        let request = RequestInfo {
            body: json!({"title": "x", "sel": ["a"], "tags": ["red"]}).as_object().cloned().unwrap_or_default(),
            ..RequestInfo::guest()
        };
        let access = if superuser { Access::Superuser } else { Access::Everyone };
        let mut query = fixture.query("posts", &request);
        let sound = query.rule(&rule).is_ok() && query.client_filter(&filter, access).is_ok();
        if sound {
            let select = query.finish();
            prop_assert_eq!(select.joins.matches('?').count(), select.join_params.len());
            let found = fixture.run(&select, "id");
            prop_assert!(found.is_ok(), "{:?}: {}", found, select.to_sql("id"));
        }
    }

    #[test]
    fn a_text_never_becomes_sql(text in "[^\\\\'\"]{0,20}") {
        let guest = RequestInfo::guest();
        let fixture = Fixture::new(vec![collection("odd` name", Some(""), "t:text")]);
        let mut query = fixture.query("odd` name", &guest);
        if query.client_filter(&format!("t = '{text}' || t ~ '{text}'"), Access::Superuser).is_ok() {
            let select = query.finish();
            let known = select.condition.replace("`odd`` name`.`t`", "");
            prop_assert!(text.is_empty() || select.params.contains(&Param::Text(text.clone())));
            prop_assert!(known.len() < 60, "{}", known);
            prop_assert!(fixture.run(&select, "id").is_ok());
        }
    }
}

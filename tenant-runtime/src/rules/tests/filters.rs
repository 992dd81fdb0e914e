//! Client filters and sorts, row by row as a stock server answered them.

use super::*;

/// The ids a guest's filter finds, or the status it is refused with.
fn found(fixture: &Fixture, filter: &str, access: Access) -> String {
    let guest = RequestInfo::guest();
    let mut query = fixture.query("posts", &guest);
    match query.client_filter(filter, access) {
        Ok(()) => fixture.run(&query.finish(), "id").unwrap_or_else(|error| panic!("{filter}: {error}")),
        Err(ClientError::Restricted) => "403".to_owned(),
        Err(ClientError::Invalid(_)) => "400".to_owned(),
    }
}

fn assert_found(access: Access, rows: &[(&str, &str)]) {
    let fixture = posts();
    for (filter, expected) in rows {
        assert_eq!(found(&fixture, filter, access), *expected, "{filter}");
    }
}

const ALL: &str = "p0,p1,p2,p3,X";

#[test]
fn texts() {
    assert_found(
        Access::Everyone,
        &[
            ("title = 'P1'", ""),
            ("title ~ 'P1'", "p1"),
            ("title ~ 'p%'", "p0,p1,p2,p3"),
            ("title ~ '50%'", "X"),
            ("title ~ '_'", "X"),
            ("title ~ '%_off%'", "X"),
            ("title !~ 'p'", "X"),
            ("title ~ ''", ALL),
            ("title !~ ''", ""),
            ("title = 1", ""),
            ("title > 'p1' && title < 'p3'", "p2"),
        ],
    );
}

#[test]
fn backslashes() {
    let fixture = posts();
    fixture.insert("posts", json!({"id": "B", "title": r"a\b"}));
    for (filter, expected) in [
        (r"title ~ 'a\b'", "B"),
        (r"title ~ 'a\\b'", "B"),
        (r"title ~ '%a\\\\b%'", "B"),
        (r"title ~ '%a\\b%'", ""),
        (r"title = 'a\\b'", "B"),
        (r"title ~ '%a\b%'", ""),
        (r"title = 'a\b'", "B"),
    ] {
        assert_eq!(found(&fixture, filter, Access::Everyone), expected, "{filter}");
    }
}

#[test]
fn numbers_dates_and_bools() {
    assert_found(
        Access::Everyone,
        &[
            ("n = ''", ""),
            ("n = null", ""),
            ("n != null", ALL),
            ("n = '1'", "p1"),
            ("n < 0", "p3"),
            ("n > 1 && n <= 10", "p2,X"),
            ("d = ''", "p0,p3,X"),
            ("d = null", "p0,p3,X"),
            ("d != null", "p1,p2"),
            ("d > '2024-05-01 10:00:00'", "p1,p2"),
            ("d ~ '2024-05'", "p1"),
            ("d > @now", "p2"),
            ("b = 1", "p1"),
            ("b = true", "p1"),
            ("b = false", "p0,p2,p3,X"),
            ("b != true", "p0,p2,p3,X"),
            ("b = null", ""),
            ("b = 'true'", ""),
        ],
    );
}

#[test]
fn json_and_geo_points() {
    assert_found(
        Access::Everyone,
        &[
            ("j = null", "p0"),
            ("j.a = 1", "p1"),
            ("j.b.0 = 'x'", "p1"),
            ("j.0 = 1", "p2"),
            ("j.c.d = 'z'", "p1"),
            ("j = 5", "X"),
            ("j = '5'", ""),
            ("j = 'str'", "p3"),
            ("j ~ 'x'", "p1"),
            ("j.missing = null", ALL),
            ("j.missing = ''", ""),
            ("j.missing != ''", ALL),
            ("j.b:length = 2", ""),
            ("g.lat > 42.5", "p1"),
            ("geoDistance(g.lon,g.lat,23.32,42.69) < 150", "p1,p2"),
            ("g = ''", ""),
        ],
    );
}

#[test]
fn lists() {
    assert_found(
        Access::Everyone,
        &[
            ("sel = 'a'", ""),
            ("sel ?= 'a'", ""),
            ("sel ~ 'a'", "p1,p2"),
            ("sel:each = 'a'", "p2"),
            ("sel:each ?= 'a'", "p1,p2"),
            ("sel:each != 'a'", "p0,p3,X"),
            ("sel:each ?!= 'a'", "p0,p1,p3,X"),
            ("sel:each = ''", "p0,X"),
            ("sel:length = 2", "p1"),
            ("tags:length = 2", "p1,p3"),
            ("one:length = 0 && one:each = ''", ALL),
            ("file:length = 0", ALL),
        ],
    );
}

#[test]
fn relations() {
    assert_found(
        Access::Everyone,
        &[
            ("tag = null", "p0,p2,X"),
            ("tag = ''", "p0,p2,X"),
            ("tag.name != 'red'", "p0,p2,p3,X"),
            ("tag.name:lower = 'green'", "p3"),
            ("tags.name = 'red'", "p2"),
            ("tags.name ?= 'red'", "p1,p2"),
            ("tags.name != 'red'", "p0,p3,X"),
            ("tags.name ?!= 'red'", "p0,p1,p3,X"),
            ("'red' = tags.name", "p2"),
            ("'red' ?= tags.name", "p1,p2"),
            ("tags.name ~ 'r'", "p2"),
            ("tags.name ?~ 'r'", "p1,p2,p3"),
            ("tags.name > 'a'", "p1,p2"),
            ("tags.name ?> 'a'", "p1,p2,p3"),
            ("tags.name = tag.name", "p0,X"),
            ("tags.name ?= tag.name", "p0,p1,p3,X"),
            ("tags.name = null", "p0,X"),
            ("tags.name !~ 'e'", ""),
            ("tags.name ?= 'red' && tags.id ?= 'blue'", ""),
        ],
    );
}

#[test]
fn back_relations() {
    assert_found(
        Access::Everyone,
        &[
            ("comments_via_post.msg = 'hi'", "p2"),
            ("comments_via_post.msg ?= 'hi'", "p1,p2"),
            ("comments_via_posts.msg ?= 'hi'", "p1,p2"),
            ("comments_via_post.posts.title ?= 'p2'", "p1"),
            ("comments_via_post.posts.title = 'p2'", ""),
            ("id_comments_via_post.msg ?= 'yo'", "p1"),
            ("comments_via_msg.id = ''", "400"),
            ("tags_via_name.id = ''", "400"),
        ],
    );
}

#[test]
fn logic() {
    assert_found(
        Access::Everyone,
        &[
            ("title='p1' || title='p2' && n=2", "p1,p2"),
            ("(title='p1' || title='p2') && n=2", "p2"),
            ("n=2 && (title='p1' || title='p2')", "p2"),
            ("title='p1' // c\n || title='p2'", "p1,p2"),
            ("title = 'p1' || 1 = 1 && n = 2", "p1,p2"),
            ("1=1", ALL),
            ("'a'='a'", ALL),
            ("true=1", ALL),
            ("TRUE=1", ALL),
            ("null=''", ALL),
            ("''=''", ALL),
            ("1 != 1", ""),
            ("'b' > 'a' && 2 > 1 && 'a' > 1", ALL),
            ("'abc' ~ 'b'", ALL),
            ("null !~ 'b'", ""),
        ],
    );
}

#[test]
fn functions() {
    assert_found(
        Access::Everyone,
        &[
            ("strftime('%Y-%m', d) = '2024-05'", "p1"),
            ("strftime('%Y', d, '+1 year') = '2025'", "p1,p2"),
            ("strftime('%Y', d) = ''", "p0,p3,X"),
            ("'2024' = strftime('%Y', @now) && title = 'p1'", "p1"),
            ("strftime('%Y', comments_via_post.msg) = ''", ALL),
        ],
    );
}

#[test]
fn quirks() {
    assert_found(
        Access::Everyone,
        &[
            ("title:isset = true", ""),
            ("title:length = 2", ""),
            ("title (n=1)", "p1"),
            ("title = (n=1)", "p1"),
            ("n=1 (n=1)", "p1"),
        ],
    );
}

#[test]
fn what_makes_no_sense_is_refused() {
    let nonsense = [
        "title",
        "()",
        "// x",
        "title =",
        "&& title=1",
        "title='p1' &&",
        "title == 'p1'",
        "title <> 'p1'",
        "title='p1' AND n=1",
        "nope=1",
        "title.x=1",
        "j.b[0]='x'",
        "n=1e5",
        "n=.5",
        "n=5.",
        "n=1 n=2",
        "(n=1) n=2",
        "title:upper='P1'",
        "sel:each:lower='a'",
        "collectionName='posts'",
        "expand=1",
        "nofn(1)=1",
        "geoDistance(1,2,3)>1",
        "geoDistance('1',2,3,4)>1",
        "strftime(d)=1",
        "strftime('%Y', strftime('%s'))='1'",
        "title='p1'/*c*/",
        "comments_via_post:length > 1",
        "@nope = 1",
        "#title = 1",
        " ",
    ];
    let rows: Vec<(&str, &str)> = nonsense.iter().map(|filter| (*filter, "400")).collect();
    assert_found(Access::Everyone, &rows);
    assert_found(Access::Superuser, &rows);
}

#[test]
fn size_is_limited() {
    let comparisons = |count: usize| vec!["n=1"; count].join("||");
    assert_found(
        Access::Everyone,
        &[
            (&comparisons(200), "p1"),
            (&comparisons(201), "400"),
            (&format!("title = '{}'", "x".repeat(3490)), ""),
            (&format!("title = '{}'", "x".repeat(3491)), "400"),
            (&format!("{}n=1{}", "(".repeat(1700), ")".repeat(1700)), "p1"),
        ],
    );
}

#[test]
fn at_most_six_relations_deep() {
    let fixture = Fixture::new(vec![collection("nodes", Some(""), "up:>nodes name:text")]);
    let guest = RequestInfo::guest();
    for (hops, allowed) in [(6, true), (7, false)] {
        let filter = format!("{}name = 'x'", "up.".repeat(hops));
        let mut query = fixture.query("nodes", &guest);
        assert_eq!(query.client_filter(&filter, Access::Everyone).is_ok(), allowed);
    }
}

#[test]
fn superusers_see_through() {
    assert_found(
        Access::Superuser,
        &[
            ("tags.secret ?= 'sred'", "p1,p2"),
            ("@collection.tags.name ?= 'red'", ALL),
            ("@collection.tags.name = 'red'", ""),
            ("@collection.tags:x.name ?= 'red' && @collection.tags:y.name ?= 'blue'", ALL),
            ("@collection.tags.name ?= 'red' && @collection.tags.name ?= 'blue'", ""),
            ("@collection.id_tags.name ?= title", ""),
            ("pv.name = 'p'", "p1"),
            ("ow.name = 'no'", "p2"),
        ],
    );
}

#[test]
fn sorts() {
    let fixture = posts();
    let guest = RequestInfo::guest();
    let sorted = |sort: &str, access: Access| {
        let mut query = fixture.query("posts", &guest);
        match query.client_sort(sort, access) {
            Ok(()) => fixture.run(&query.finish(), "id").unwrap_or_else(|error| error.to_string()),
            Err(ClientError::Restricted) => "403".to_owned(),
            Err(ClientError::Invalid(_)) => "400".to_owned(),
        }
    };
    for (sort, expected) in [
        ("-n", "X,p2,p1,p0,p3"),
        ("@rowid,-title", ALL),
        ("-@rowid", "X,p3,p2,p1,p0"),
        ("-sel:length, +title", "p1,p2,p3,X,p0"),
        ("-j.a, -@rowid", "p1,X,p3,p2,p0"),
        ("tag.name,-n", "X,p2,p0,p3,p1"),
        ("title:lower", "X,p0,p1,p2,p3"),
        ("ow.name,@rowid", "p0,p3,X,p1"),
        ("t,", "400"),
        ("title,", "400"),
        ("nope", "400"),
        ("null", "400"),
        ("\"t\"", "400"),
        ("@now", "400"),
        ("geoDistance(1,2,3,4)", "400"),
        (" ", "400"),
        ("title // x", "400"),
        ("n,n,n,n,n,n,n,n,n", "400"),
        ("pv.name", "400"),
        ("tags.secret", "400"),
        ("@request.auth.id", "403"),
    ] {
        assert_eq!(sorted(sort, Access::Everyone), expected, "{sort}");
    }
    assert_eq!(sorted("-@random", Access::Everyone).len(), ALL.len());
    assert_eq!(sorted("tags.name", Access::Everyone).split(',').count(), 5);
    assert_eq!(sorted("@request.auth.id", Access::Superuser), "400");
    assert_eq!(sorted("pv.name,@rowid", Access::Superuser), "p0,p2,p3,X,p1");
}

#[test]
fn a_superuser_may_sort_by_what_a_join_finds() {
    let fixture =
        Fixture::new(vec![collection("posts", None, "t:text"), auth_collection("admins", None, "created:text")]);
    let request = RequestInfo::guest().with_auth(AuthIdentity {
        id: "a".into(),
        collection_id: "id_admins".into(),
        ..AuthIdentity::default()
    });
    let mut query = fixture.query("posts", &request);
    query.client_sort("@request.auth.created", Access::Superuser).expect("a join");
    fixture.run(&query.finish(), "id").expect("sound SQL");
    let mut query = fixture.query("posts", &request);
    assert!(query.client_sort("@request.auth.id", Access::Superuser).is_err());
}

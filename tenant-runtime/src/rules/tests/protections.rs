//! What clients may not find out by filtering.

use super::*;

fn found(fixture: &Fixture, base: &str, filter: &str, access: Access) -> String {
    let guest = RequestInfo::guest();
    let mut query = fixture.query(base, &guest);
    match query.client_filter(filter, access) {
        Ok(()) => fixture.run(&query.finish(), "id").expect("sound SQL"),
        Err(ClientError::Restricted) => "403".to_owned(),
        Err(ClientError::Invalid(_)) => "400".to_owned(),
    }
}

#[test]
fn unlistable_collections_and_hidden_fields_are_out_of_bounds() {
    let fixture = posts();
    for (filter, expected) in [
        ("pv != ''", "p1"),
        ("pv.id != ''", "p1"),
        ("pv.name = 'p'", "400"),
        ("pv.id:lower = 'p'", "400"),
        ("tags.secret ?= 'sred'", "400"),
        ("@collection.tags.name ?= 'red'", "403"),
        ("title = '@request.x'", "403"),
        ("@request.", "403"),
    ] {
        assert_eq!(found(&fixture, "posts", filter, Access::Everyone), expected, "{filter}");
    }
}

#[test]
fn a_record_with_an_unlistable_relation_is_left_out() {
    let fixture = posts();
    for (filter, expected) in [
        ("ow.name = 'no'", ""),
        ("ow.name != 'zz'", "p0,p1,p3,X"),
        ("ow.name != '' || title = 'p3'", "p1,p3"),
        ("ow.name != '' || 1 = 1", "p0,p1,p3,X"),
    ] {
        assert_eq!(found(&fixture, "posts", filter, Access::Everyone), expected, "{filter}");
    }
}

#[test]
fn a_join_made_by_a_rule_is_guarded_once_a_client_uses_it() {
    let fixture = posts();
    let guest = RequestInfo::guest();
    let mut query = fixture.query("posts", &guest);
    query.rule("ow.name != 'zz'").expect("a sound rule");
    query.client_filter("ow.name != 'yy'", Access::Everyone).expect("a sound filter");
    assert_eq!(fixture.run(&query.finish(), "id").expect("sound SQL"), "p0,p1,p3,X");
}

#[test]
fn the_list_rule_of_a_joined_collection_may_join_itself() {
    let fixture = Fixture::new(vec![
        collection("notes", Some(""), "book:>books"),
        collection("books", Some("tags.name ?= 'open' && @collection.books.id ?= id"), "tags:*>labels"),
        collection("labels", None, "name:text"),
    ]);
    fixture.insert("labels", json!({"id": "l1", "name": "open"}));
    fixture.insert("labels", json!({"id": "l2", "name": "closed"}));
    fixture.insert("books", json!({"id": "b1", "tags": ["l2", "l1"]}));
    fixture.insert("books", json!({"id": "b2", "tags": ["l2"]}));
    for (id, book) in [("n0", ""), ("n1", "b1"), ("n2", "b2")] {
        fixture.insert("notes", json!({"id": id, "book": book}));
    }
    assert_eq!(found(&fixture, "notes", "book.tags:length >= 0", Access::Everyone), "n0,n1");
    assert_eq!(found(&fixture, "notes", "book.tags:length >= 0", Access::Superuser), "n0,n1,n2");
    assert_eq!(found(&fixture, "notes", "book.tags.name ?= 'open'", Access::Everyone), "400");
}

#[test]
fn hidden_addresses_cannot_be_guessed() {
    let fixture = Fixture::new(vec![auth_collection("people", Some(""), "friends:*>people boss:>people")]);
    let people = [
        ("ann", true, json!([]), ""),
        ("bob", false, json!(["ann"]), "ann"),
        ("cyd", true, json!(["ann", "bob"]), "bob"),
    ];
    for (id, visible, friends, boss) in people {
        let email = format!("{id}@example.com");
        let row = json!({"id": id, "email": email, "emailVisibility": visible, "friends": friends, "boss": boss});
        fixture.insert("people", row);
    }
    for (filter, guest, superuser) in [
        ("email ~ 'example'", "ann,cyd", "ann,bob,cyd"),
        ("email != 'x'", "ann,cyd", "ann,bob,cyd"),
        ("email:lower ~ 'bob'", "", "bob"),
        ("email ~ 'bob' || id = 'bob'", "bob", "bob"),
        ("boss.email ~ 'example'", "bob", "bob,cyd"),
        ("friends.email ?~ 'bob'", "", "cyd"),
        ("friends.email ~ 'example'", "bob,cyd", "bob,cyd"),
        ("friends.email ~ 'ann'", "bob,cyd", "bob"),
        ("tokenKey = ''", "400", "ann,bob,cyd"),
    ] {
        assert_eq!(found(&fixture, "people", filter, Access::Everyone), guest, "{filter}");
        assert_eq!(found(&fixture, "people", filter, Access::Superuser), superuser, "{filter}");
    }
}

#[test]
fn a_hidden_relation_leads_nowhere() {
    let fixture = Fixture::new(vec![collection("a", Some(""), "up:>a! name:text")]);
    for filter in ["up = ''", "up.name = ''", "up.id = ''", "a_via_up.name = ''", "up:length = 0"] {
        assert_eq!(found(&fixture, "a", filter, Access::Everyone), "400", "{filter}");
        assert_eq!(found(&fixture, "a", filter, Access::Superuser), "", "{filter}");
    }
}

//! Rules over requests, row by row as a stock server decided them.

use serde_json::{Map, Value as Json};

use super::*;

fn fixture() -> Fixture {
    let fixture = Fixture::new(vec![
        collection("rt", None, "t:text n:number d:date j:json sm:select* u:>users us:*>users one:file"),
        auth_collection("users", None, "name:text teams:*>teams"),
        collection("teams", None, "name:text"),
    ]);
    fixture.insert("teams", json!({"id": "t1", "name": "core"}));
    fixture.insert("teams", json!({"id": "t2", "name": "docs"}));
    fixture.insert("users", json!({"id": "ua", "name": "A", "teams": ["t1", "t2"]}));
    fixture.insert("users", json!({"id": "ub", "name": "B", "teams": ["t1"]}));
    fixture.insert("rt", json!({"id": "r", "t": "old", "n": 1, "sm": ["a"], "u": "ua"}));
    fixture
}

fn with_body(body: Json) -> RequestInfo {
    RequestInfo { method: "POST".into(), body: body.as_object().expect("an object").clone(), ..RequestInfo::guest() }
}

fn user(id: &str) -> RequestInfo {
    RequestInfo::guest().with_auth(AuthIdentity {
        id: id.into(),
        collection_id: "id_users".into(),
        collection_name: "users".into(),
        email: format!("{id}@example.com"),
        email_visibility: false,
        verified: true,
    })
}

/// Whether the rule lets the request at the stored row.
fn on_stored(fixture: &Fixture, rule: &str, request: &RequestInfo) -> bool {
    let mut query = fixture.query("rt", request);
    query.only("r");
    query.rule(rule).unwrap_or_else(|error| panic!("{rule}: {error}"));
    !fixture.run(&query.finish(), "id").expect("sound SQL").is_empty()
}

/// Whether the rule lets a row with these columns be created.
fn on_new(fixture: &Fixture, rule: &str, request: &RequestInfo) -> bool {
    let mut row = Map::from_iter([("id".to_owned(), json!("new"))]);
    row.extend(request.body.clone());
    let columns: Vec<String> = fixture
        .collection("rt")
        .fields
        .iter()
        .map(|field| {
            let blank = if field.is_multiple() { json!([]) } else { json!("") };
            let value = request::json_param(row.get(&field.name).unwrap_or(&blank));
            let text = match value {
                Param::Null => "NULL".to_owned(),
                Param::Bool(value) => i64::from(value).to_string(),
                Param::Integer(number) => number.to_string(),
                Param::Number(number) => number.to_string(),
                Param::Text(text) => format!("'{text}'"),
            };
            format!("{text} AS {}", quote(&field.name))
        })
        .collect();
    let mut query = Query::new(&fixture.schema, fixture.collection("rt"), request, now()).over("new#row");
    query.rule(rule).unwrap_or_else(|error| panic!("{rule}: {error}"));
    let select = query.finish();
    let sql = format!("WITH `new#row` AS (SELECT {}) {}", columns.join(", "), select.to_sql("1"));
    let mut statement = fixture.db.prepare(&sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
    statement.exists(params_from_iter(select.all_params().map(to_value))).expect("an answer")
}

#[test]
fn who_asks() {
    let fixture = fixture();
    let guest = RequestInfo::guest();
    for (rule, for_guest, for_user) in [
        (r#"@request.auth.id != """#, false, true),
        ("@request.auth.id = ''", true, false),
        ("u = @request.auth.id", false, true),
        ("@request.auth.id = u", false, true),
        ("@request.auth.nope = null", true, true),
        ("@request.auth.name = 'A'", false, true),
        ("@request.auth.name:lower = 'a'", false, true),
        ("@request.auth.collectionName = 'users'", false, true),
        ("@request.auth.verified = true", false, true),
        ("@request.auth.emailVisibility = false", false, true),
        ("@request.auth.email:lower ~ 'UA@'", false, true),
        ("@request.auth.teams.name ?= 'docs'", false, true),
        ("@request.auth.teams.name = 'docs'", false, false),
        ("@request.auth.teams.name != 'x'", true, true),
        ("@request.auth.teams:length = 2", false, true),
        ("@request.auth.rt_via_u.t ?= 'old'", false, true),
        ("@request.auth.tokenKey = ''", true, true),
        ("@request.auth.teams.nope.x = null", true, true),
    ] {
        assert_eq!(on_stored(&fixture, rule, &guest), for_guest, "{rule} as guest");
        assert_eq!(on_stored(&fixture, rule, &user("ua")), for_user, "{rule} as user");
    }
}

#[test]
fn what_was_sent_on_create() {
    let fixture = fixture();
    for (rule, body, allowed) in [
        ("@request.body.t:isset = true", json!({}), false),
        ("@request.body.t:isset = true", json!({"t": null}), true),
        ("@request.body.t:isset = true", json!({"t": ""}), true),
        (r#"@request.body.t = """#, json!({}), true),
        ("@request.body.unknown.a = 1", json!({"unknown": {"a": 1}}), true),
        ("@request.body.unknown.b.1 = 'y'", json!({"unknown": {"b": ["x", "y"]}}), true),
        ("@request.body.unknown.b:isset = true", json!({"unknown": {"b": null}}), true),
        ("@request.body.unknown.c:isset = true", json!({"unknown": {"b": null}}), false),
        (r#"@request.body.sm:each != "c""#, json!({"sm": ["a", "c"]}), false),
        (r#"@request.body.sm:each != "c""#, json!({"sm": ["a", "b"]}), true),
        (r#"@request.body.sm:each ?= "c""#, json!({"sm": ["a", "c"]}), true),
        ("@request.body.sm:each = ''", json!({"sm": []}), false),
        ("@request.body.sm:each = ''", json!({}), false),
        ("@request.body.n > 5", json!({"n": 10}), true),
        ("@request.body.n > 5", json!({"n": "10"}), true),
        ("n > 5", json!({"n": 10}), true),
        (r#"@request.body.us.name = "A""#, json!({"us": ["ua", "ub"]}), false),
        (r#"@request.body.us.name ?= "A""#, json!({"us": ["ua", "ub"]}), true),
        ("@request.body.u.name = 'A' && u.name = 'A'", json!({"u": "ua"}), true),
        ("@request.body.u.name = 'A'", json!({}), false),
        ("@request.body.u.nope = ''", json!({"u": "ua"}), true),
        ("@request.body.us.teams.name ?= 'docs'", json!({"us": ["ub"]}), false),
        ("@request.body.one.size < 10", json!({"one": {"name": "x", "originalName": "x", "size": 1}}), true),
        ("@request.body.one.size < 10", json!({"one": {"name": "x", "originalName": "x", "size": 20}}), false),
        ("@request.body.j = null", json!({"j": null}), false),
        ("@request.body.j = 'null'", json!({"j": null}), true),
        ("j = null", json!({"j": null}), true),
        (r#"@request.body.j = '"abc"'"#, json!({"j": "abc"}), true),
        ("@request.body.j = '5'", json!({"j": 5}), true),
        ("@request.body.j.a = 5", json!({"j": {"a": 5}}), true),
        ("@request.body.j.a = 5", json!({"j": "{\"a\":5}"}), true),
        ("@request.body.sm = ''", json!({"sm": []}), false),
        ("@request.body.sm = '[]'", json!({"sm": []}), true),
        (r#"@request.body.d = "2024-01-02 00:00:00.000Z""#, json!({"d": "2024-01-02 00:00:00.000Z"}), true),
        ("@request.body.t:lower = ''", json!({}), true),
        ("@request.body.t:lower = 'abc'", json!({"t": "ABC"}), true),
        ("@request.body.sm:length = 0", json!({}), true),
        ("@request.body.u:length = 1", json!({"u": "ua"}), true),
        ("@request.body.u:length = 1", json!({"u": ""}), true),
        ("@request.body.u:each = ''", json!({"u": ""}), true),
        ("@request.body.sm:lower = ''", json!({"sm": ["a"]}), true),
        (r#"@collection.users.name ?= "A""#, json!({}), true),
        (r#"@collection.users.name = "A""#, json!({}), false),
        ("@collection.rt.t ?= 'old' && @collection.rt.id ?!= 'new'", json!({"t": "x"}), true),
        ("@collection.rt.id ?= 'new'", json!({}), false),
        ("sm:each = 'a'", json!({"sm": ["a"]}), true),
        ("us.name = 'A'", json!({"us": ["ua", "ub"]}), false),
    ] {
        assert_eq!(on_new(&fixture, rule, &with_body(body.clone())), allowed, "{rule} with {body}");
    }
}

#[test]
fn what_changes_on_update() {
    let fixture = fixture();
    for (rule, body, allowed) in [
        ("@request.body.t:changed = true", json!({"t": "old"}), false),
        ("@request.body.t:changed = true", json!({"t": "new"}), true),
        ("@request.body.t:changed = true", json!({"n": 5}), false),
        ("@request.body.t:changed = false", json!({"t": "old"}), true),
        ("@request.body.t:changed = false", json!({"t": "new"}), false),
        ("@request.body.t:changed = false", json!({"n": 5}), true),
        ("@request.body.sm:changed = false", json!({"sm": ["a"]}), true),
        ("@request.body.n:changed = false", json!({"n": 1}), true),
        ("@request.body.sm:length = 2", json!({"sm": ["a", "b"]}), true),
    ] {
        assert_eq!(on_stored(&fixture, rule, &with_body(body.clone())), allowed, "{rule} with {body}");
    }
}

#[test]
fn what_else_came_with_the_request() {
    let fixture = fixture();
    let request = RequestInfo {
        context: Context::ProtectedFile,
        method: "PATCH".into(),
        headers: vec![("x_token".into(), "abc".into()), ("x_token".into(), "second".into())],
        query: vec![("q".into(), "5".into()), ("n".into(), "5".into())],
        ..RequestInfo::guest()
    };
    for (rule, allowed) in [
        (r#"@request.headers.x_token = "abc""#, true),
        ("@request.headers.x_token:lower = 'abc'", true),
        ("@request.headers.x_other:isset = false", true),
        ("@request.query.q = '5'", true),
        ("@request.query.q = 5", false),
        ("@request.query.n = 5", true),
        ("@request.query.q.x = null", true),
        ("@request.method = 'PATCH' && @request.context = 'protectedFile'", true),
        ("@request.context = 'default'", false),
    ] {
        assert_eq!(on_stored(&fixture, rule, &request), allowed, "{rule}");
    }
}

#[test]
fn what_may_not_be_saved() {
    let fixture = fixture();
    let rt = fixture.collection("rt");
    for rule in [
        "@request.foo = 1",
        "@request.auth = 1",
        "@nope = 1",
        "nope = 1",
        "@collection.nope.x = 1",
        "@request.body.t:foo = 1",
        "@request.query.q:changed = true",
        "@request.body.sm+:isset = true",
        "@request.body.t:each = 1",
        "@request.body.nope:length = 1",
        "@request.body.nope:changed = true",
        "@request.context.x = 1",
        "@request.method:isset = 1",
        "@collection.users = 1",
        "@collection.users.nope = 1",
        "@collection.users:x:y.name = 1",
        "@request = 1",
        "@request.body = 1",
    ] {
        assert!(check(&fixture.schema, rt, rule).is_err(), "{rule}");
    }
    for rule in [
        "",
        "@request.auth.anything.at.all = 1",
        "@request.body.x.y.z = 1",
        "t = 'x' && @now > d",
        "@collection.users:x.name ?= @request.auth.name",
        "@request.auth.id:isset = true",
    ] {
        assert_eq!(check(&fixture.schema, rt, rule), Ok(()), "{rule}");
    }
}

#[test]
fn what_is_known_beforehand_is_not_asked() {
    let fixture = fixture();
    let guest = RequestInfo::guest();
    let signed_in = user("ua");
    let select = |rule: &str, request| {
        let mut query = fixture.query("rt", request);
        query.rule(rule).expect("a sound rule");
        query.finish()
    };
    let rule = "@request.auth.id != '' && (@request.auth.verified = true || us.name ?= 'x')";
    let for_user = select(rule, &signed_in);
    assert_eq!(for_user.to_sql("*"), "SELECT * FROM `rt`");
    assert_eq!((for_user.params.len(), for_user.distinct, for_user.never), (0, false, false));
    assert!(select(rule, &guest).never);
}

#[test]
fn an_index_can_serve() {
    let fixture = fixture();
    fixture.db.execute_batch("CREATE INDEX by_u ON rt (u); CREATE INDEX by_t ON rt (t)").expect("indexes");
    let signed_in = user("ua");
    for (rule, expected) in [
        ("u = @request.auth.id", "`rt`.`u` = ?"),
        ("@request.auth.id = u && t = 'x'", "? = `rt`.`u` AND `rt`.`t` = ?"),
        ("u = ''", "`rt`.`u` = ''"),
    ] {
        let mut query = fixture.query("rt", &signed_in);
        query.rule(rule).expect("a sound rule");
        let select = query.finish();
        assert_eq!(select.condition, expected);
        let sql = format!("EXPLAIN QUERY PLAN {}", select.to_sql("*"));
        let mut statement = fixture.db.prepare(&sql).expect("sound SQL");
        let params = params_from_iter(select.all_params().map(to_value));
        let plan: Vec<String> = statement
            .query_map(params, |row| row.get(3))
            .expect("a plan")
            .collect::<Result<_, _>>()
            .expect("its steps");
        assert!(plan.iter().any(|step| step.contains("USING INDEX")), "{rule}: {plan:?}");
    }
}

#[test]
fn joins_are_shared_by_rule_filter_and_sort() {
    let fixture = fixture();
    let guest = RequestInfo::guest();
    let mut query = fixture.query("rt", &guest);
    query.rule("u.name = 'A'").expect("a sound rule");
    query.client_filter("u.name != ''", Access::Superuser).expect("a sound filter");
    query.client_sort("-u.name", Access::Superuser).expect("a sound sort");
    let select = query.finish();
    assert_eq!(select.joins.matches("LEFT JOIN").count(), 1, "{}", select.joins);
    assert!(!select.distinct);
    assert_eq!(fixture.run(&select, "id").expect("sound SQL"), "r");
}

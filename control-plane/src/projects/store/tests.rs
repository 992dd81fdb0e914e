//! Who finds which project, how many a team may have, and what becomes of a wish, on SQLite.

use super::*;
use crate::database::Database;
use crate::database::testing::{run, with_projects};

/// An id as tenants have them, which once passed for a slug.
const ANNS: &str = "k3v9x0q2m7d1r5z";
const FAR: i64 = i64::MAX;

/// A control database with Ann, Bob and a team of each.
async fn database() -> (Database, tempfile::TempDir) {
    let (database, dir) = with_projects(&[]).await;
    for sql in [
        "INSERT INTO account (id, email, name, password_hash, operator, created_ms)
           VALUES ('ann', 'ann@example.com', '', '!', 0, 0), ('bob', 'bob@example.com', '', '!', 0, 0)",
        "INSERT INTO team VALUES ('anns', 'anns', 0), ('bobs', 'bobs', 0)",
        "INSERT INTO member VALUES ('anns', 'ann', 'owner'), ('bobs', 'bob', 'owner')",
    ] {
        run(&database, sql).await;
    }
    (database, dir)
}

async fn insert(database: &Database, id: &str, team: &str, slug: &str) {
    let mut tx = database.begin().await.expect("begins");
    insert_into(&mut tx, id, team, slug).await;
    tx.commit().await.expect("commits");
}

async fn insert_into(tx: &mut Transaction<'static, Any>, id: &str, team: &str, slug: &str) {
    let sql = "INSERT INTO project (id, team_id, slug, name, wish, node_id, generation, created_ms, requests,
           database_bytes, storage_bytes) VALUES ($1, $2, $3, $3, 'active', 'local', 1, 0, 0, 0, 0)";
    sqlx::query(sql).bind(id).bind(team).bind(slug).execute(&mut **tx).await.expect("is there");
}

async fn wish_of(tx: &mut Transaction<'static, Any>) -> String {
    sqlx::query_scalar("SELECT wish FROM project WHERE id = $1")
        .bind(ANNS)
        .fetch_one(&mut **tx)
        .await
        .expect("is there")
}

fn is_full<T>(result: Result<T>) -> bool {
    matches!(result, Err(Error::Refused { code: "project_limit", .. }))
}

#[tokio::test]
async fn a_slug_like_an_id_does_not_pass_for_the_project_with_that_id() {
    let (database, _dir) = database().await;
    insert(&database, ANNS, "anns", "orchard").await;
    insert(&database, "bobsburrow00000", "bobs", ANNS).await;
    let db = database.read();
    assert!(find_by_id(db, "bob", ANNS).await.expect("asks").is_none(), "it is Ann's");
    let (row, _) = find_by_id(db, "ann", ANNS).await.expect("asks").expect("is hers");
    assert_eq!(row.slug, "orchard");
    // Whoever is in both teams and names the id gets what has the id.
    sqlx::query("INSERT INTO member VALUES ('bobs', 'ann', 'viewer')").execute(database.write()).await.expect("joins");
    let (row, role) = find(db, "ann", ANNS).await.expect("asks").expect("is there");
    assert_eq!((row.slug.as_str(), role), ("orchard", Role::Owner));
}

#[tokio::test]
async fn a_team_has_so_many_projects_and_twice_as_many_with_deleted_ones() {
    let (database, _dir) = database().await;
    let mut tx = database.begin().await.expect("begins");
    let ask = async |tx: &mut Transaction<'static, Any>, slug: &str| {
        let slug: Slug = slug.parse().expect("a slug");
        create(tx, &New { team_id: "anns", slug: &slug, name: "", node_id: "local", first_superuser: None }, 2).await
    };
    let one = ask(&mut tx, "one").await.expect("the first");
    let two = ask(&mut tx, "two").await.expect("the second");
    assert!(is_full(ask(&mut tx, "three").await), "two are enough");
    delete(&mut tx, &one, FAR).await.expect("is deleted");
    let three = ask(&mut tx, "three").await.expect("there is room again");
    assert!(is_full(undelete(&mut tx, &one, "anns", 2).await), "the room is taken");
    delete(&mut tx, &two, FAR).await.expect("is deleted");
    delete(&mut tx, &three, FAR).await.expect("is deleted");
    let four = ask(&mut tx, "four").await.expect("the fourth of all");
    assert!(is_full(ask(&mut tx, "five").await), "three of four are kept for their grace period");
    delete(&mut tx, &four, FAR).await.expect("is deleted");
    assert!(is_full(ask(&mut tx, "five").await));
    insert_into(&mut tx, "bobsburrow00000", "bobs", "burrow").await;
    assert!(is_full(transfer(&mut tx, "bobsburrow00000", "anns", 2).await));
    assert!(undelete(&mut tx, &four, "anns", 2).await.expect("nothing stands in its way"));
}

#[tokio::test]
async fn a_project_suspended_while_it_is_brought_back_stays_suspended() {
    let (database, _dir) = database().await;
    insert(&database, ANNS, "anns", "orchard").await;
    let mut tx = database.begin().await.expect("begins");
    assert!(suspend(&mut tx, ANNS, "spam").await.expect("asks"));
    delete(&mut tx, ANNS, FAR).await.expect("is deleted");
    assert!(!suspend(&mut tx, ANNS, "more spam").await.expect("asks"), "it is deleted");
    assert!(undelete(&mut tx, ANNS, "anns", 5).await.expect("asks"));
    assert_eq!(wish_of(&mut tx).await, "suspended");
    // Whoever read the row while it was deleted asks once more.
    assert!(!undelete(&mut tx, ANNS, "anns", 5).await.expect("asks"));
    assert_eq!(wish_of(&mut tx).await, "suspended");
    resume(&mut tx, ANNS).await.expect("goes on");
    assert_eq!(wish_of(&mut tx).await, "active");
}

#[tokio::test]
async fn what_is_brought_back_or_handed_over_is_not_fetched_any_more_by_who_left_it_behind() {
    let (database, _dir) = database().await;
    insert(&database, ANNS, "anns", "orchard").await;
    let mut tx = database.begin().await.expect("begins");
    let offered = async |tx: &mut Transaction<'static, Any>| {
        let sql = "INSERT INTO export VALUES ('secret', $1, $2)";
        sqlx::query(sql).bind(ANNS).bind(FAR).execute(&mut **tx).await.expect("is offered");
    };
    let left = async |tx: &mut Transaction<'static, Any>| -> i64 {
        sqlx::query_scalar("SELECT COUNT(*) FROM export").fetch_one(&mut **tx).await.expect("counts")
    };
    delete(&mut tx, ANNS, FAR).await.expect("is deleted");
    offered(&mut tx).await;
    assert_eq!(left(&mut tx).await, 1);
    assert!(undelete(&mut tx, ANNS, "anns", 5).await.expect("is brought back"));
    assert_eq!(left(&mut tx).await, 0);
    offered(&mut tx).await;
    transfer(&mut tx, ANNS, "bobs", 5).await.expect("is handed over");
    assert_eq!(left(&mut tx).await, 0);
}

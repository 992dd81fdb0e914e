//! Who has a name, and whose turn it is, on SQLite.

use super::*;
use crate::clock::DAY;
use crate::database::Database;
use crate::database::testing::with_projects;

const NAME: &str = "api.orchard.test";

/// A control database with the projects `ann` and `bob`.
async fn database() -> (Database, tempfile::TempDir) {
    with_projects(&[("ann", "t"), ("bob", "t")]).await
}

fn name() -> DomainName {
    NAME.parse().expect("a name")
}

async fn added(database: &Database, project: &str) -> Row {
    let mut tx = database.begin().await.expect("begins");
    add(&mut tx, project, &name(), 1000).await.expect("adds");
    tx.commit().await.expect("commits");
    find(database.write(), project, &name()).await.expect("asks").expect("is there")
}

async fn rival_of(database: &Database, row: &Row) -> Option<Rival> {
    rival(database.write(), &row.project_id, &row.name, row.created_ms).await.expect("asks")
}

async fn execute(database: &Database, sql: &'static str) {
    sqlx::query(sql).execute(database.write()).await.expect(sql);
}

#[tokio::test]
async fn who_asked_first_needs_no_proof_and_who_comes_later_does() {
    let (database, _dir) = database().await;
    let ann = added(&database, "ann").await;
    execute(&database, "UPDATE domain SET created_ms = created_ms - 10").await;
    let bob = added(&database, "bob").await;
    assert_eq!(bob.reason.as_deref(), Some("taken"));
    assert_eq!(rival_of(&database, &Row { created_ms: ann.created_ms - 10, ..ann }).await, None);
    assert_eq!(rival_of(&database, &bob).await, Some(Rival::Taken));
    execute(&database, "UPDATE domain SET state = 'failed' WHERE project_id = 'ann'").await;
    assert_eq!(rival_of(&database, &bob).await, None, "what failed stands in nobody's way");
}

#[tokio::test]
async fn a_removed_name_rests_for_others_and_comes_back_to_its_own() {
    let (database, _dir) = database().await;
    added(&database, "ann").await;
    execute(&database, "UPDATE domain SET live = 1, state = 'live'").await;
    let ann = find(database.write(), "ann", &name()).await.expect("asks").expect("is there");
    let bob = added(&database, "bob").await;
    let mut tx = database.begin().await.expect("begins");
    remove(&mut tx, &ann, clock::millis(DAY)).await.expect("removes");
    tx.commit().await.expect("commits");
    assert_eq!(rival_of(&database, &bob).await, Some(Rival::Quarantined));
    assert_eq!(added(&database, "ann").await.reason, None, "it was hers, and Bob has only asked");
    sweep(database.write(), clock::now_ms() + clock::millis(DAY * 2)).await.expect("sweeps");
    assert_eq!(rival_of(&database, &bob).await, None);
}

#[tokio::test]
async fn a_claim_that_changes_hands_leaves_the_loser_failed() {
    let (database, _dir) = database().await;
    let ann = added(&database, "ann").await;
    execute(&database, "UPDATE domain SET live = 1, state = 'live'").await;
    let bob = added(&database, "bob").await;
    let mut tx = database.begin().await.expect("begins");
    let loser = dethrone(&mut tx, &bob, "gone", 5).await.expect("dethrones");
    tx.commit().await.expect("commits");
    assert_eq!(loser.as_deref(), Some("ann"));
    let lost = find(database.write(), "ann", &name()).await.expect("asks").expect("is there");
    assert_eq!((lost.state, lost.live, lost.reason.as_deref()), (DomainState::Failed, false, Some("transferred")));
    assert!(lost.turn > ann.turn, "a look that is under way may not write any more");
}

#[tokio::test]
async fn a_turn_is_taken_once() {
    let (database, _dir) = database().await;
    let row = added(&database, "ann").await;
    let first = take_turn(database.write(), &row, i64::MAX).await.expect("asks");
    assert!(first.is_some());
    assert!(take_turn(database.write(), &row, i64::MAX).await.expect("asks").is_none());
    assert!(due(database.write(), clock::now_ms(), true).await.expect("asks").is_empty(), "nobody else is to look");
}

#[tokio::test]
async fn the_fate_of_a_certificate_makes_a_domain_due() {
    let (database, _dir) = database().await;
    added(&database, "ann").await;
    execute(&database, "UPDATE domain SET live = 1, state = 'issuing', next_ms = 9000000000000000").await;
    let is_due = async || !due(database.write(), 1000, true).await.expect("asks").is_empty();
    assert!(!is_due().await);
    execute(&database, "INSERT INTO acme_tries VALUES ('api.orchard.test', 1, 0, 'no', NULL, NULL)").await;
    assert!(is_due().await, "it was refused");
    execute(&database, "UPDATE domain SET message = 'no'").await;
    assert!(!is_due().await, "that is known now");
    execute(&database, "DELETE FROM acme_tries").await;
    execute(&database, "UPDATE domain SET message = NULL").await;
    execute(&database, "INSERT INTO certificate VALUES ('api.orchard.test', 'ca', '', '', 0, 5000, 4000, 0)").await;
    assert!(is_due().await, "it has come");
    execute(&database, "UPDATE domain SET state = 'live', deadline_ms = 5000").await;
    assert!(!is_due().await);
    execute(&database, "UPDATE certificate SET expires_ms = 8000").await;
    assert!(is_due().await, "it was renewed");
}

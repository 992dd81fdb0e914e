//! Statements superusers type themselves.
//!
//! What begins as a change goes to the writer and tells how many rows it changed. All else is tried on a reader and,
//! should one of its statements turn out to write, begins anew on the writer, all or nothing. Either is over after the
//! time any read or write may take.

mod cells;

use std::sync::Arc;

use anyhow::anyhow;
use rusqlite::fallible_iterator::FallibleIterator as _;
use rusqlite::{Batch, Connection};

use crate::app::App;
use crate::error::{Error, Result};
use crate::schema::{Schema, persist};
use crate::settings::Settings;
use crate::store::{self, Tx};

/// Rows of an answer; there may be more.
const MOST_ROWS: usize = 1000;
/// Bytes of an answer's cells.
const MOST_BYTES: usize = 32 << 20;
/// What begins with one of these is a change, whatever follows.
const CHANGES: [&str; 8] = ["INSERT", "CREATE", "UPDATE", "DELETE", "DROP", "DETACH", "ALTER", "REPLACE"];

/// What came of the statements.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outcome {
    /// Rows that the last statement of a change inserted, updated or deleted.
    pub affected_rows: u64,
    /// Columns of the last statement.
    pub columns: Vec<Column>,
    /// Its first rows.
    pub rows: Vec<Vec<Option<String>>>,
}

/// A column of an answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    /// As the statement names it.
    pub name: String,
    /// The type it was declared with, in capitals; empty for what is computed.
    pub kind: String,
}

/// Runs statements. Collections and settings they change are in force when this returns.
///
/// # Errors
/// `Error::Sqlite` and `Error::Internal` are about the statements and meant for whoever typed them.
pub async fn run(app: &App, statements: String) -> Result<Outcome> {
    let statements = Arc::<str>::from(statements.trim());
    if statements.is_empty() {
        return Err(Error::Internal(anyhow!("empty query")));
    }
    // Only by itself: no transaction can be around it.
    if statements.trim_end_matches(';').trim_end().eq_ignore_ascii_case("VACUUM") {
        app.store().vacuum().await?;
        return Ok(Outcome::default());
    }
    if is_change(&statements) {
        return change(app, move |tx| execute(tx, &statements)).await;
    }
    let typed = Arc::clone(&statements);
    let read = app.store().read(move |db| store::typed(db, || query(db, &typed, false))?).await?;
    match read {
        Some(outcome) => Ok(outcome),
        None => change(app, move |tx| Ok(query(tx, &statements, true)?.unwrap_or_default())).await,
    }
}

fn is_change(statements: &str) -> bool {
    CHANGES.iter().any(|verb| statements.get(..verb.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(verb)))
}

async fn change<F>(app: &App, work: F) -> Result<Outcome>
where
    F: FnOnce(&Connection) -> Result<Outcome> + Send + 'static,
{
    let app_inside = app.clone();
    app.store()
        .write_alone(move |tx| {
            let outcome = store::typed(tx, || work(tx))??;
            publish(&app_inside, tx)?;
            Ok(outcome)
        })
        .await
}

/// Takes over what was changed below us. Collections or settings that cannot be read any more undo the change.
fn publish(app: &App, tx: &mut Tx) -> Result<()> {
    let collections = persist::load(tx)?;
    let settings = Settings::load(tx, app.encryption_key())?;
    if !app.schema().iter().map(Arc::as_ref).eq(&collections) {
        let (app, schema) = (app.clone(), Schema::new(collections.into_iter().map(Arc::new).collect()));
        tx.after_commit(move || app.set_schema(schema));
    }
    if settings != *app.settings() {
        let app = app.clone();
        tx.after_commit(move || app.set_settings(settings));
    }
    Ok(())
}

fn execute(db: &Connection, statements: &str) -> Result<Outcome> {
    let mut batch = Batch::new(db, statements);
    while let Some(mut statement) = batch.next()? {
        cells::check_no_parameters(&statement)?;
        let mut rows = statement.raw_query();
        while rows.next()?.is_some() {}
    }
    Ok(Outcome { affected_rows: db.changes(), ..Outcome::default() })
}

/// The answer of the last statement; nothing if one writes and may not.
fn query(db: &Connection, statements: &str, may_write: bool) -> Result<Option<Outcome>> {
    let mut batch = Batch::new(db, statements);
    let mut outcome = Outcome::default();
    while let Some(mut statement) = batch.next()? {
        cells::check_no_parameters(&statement)?;
        if !may_write && !statement.readonly() {
            return Ok(None);
        }
        let columns = cells::columns(&statement);
        outcome = Outcome { affected_rows: 0, rows: cells::rows(&mut statement, columns.len())?, columns };
    }
    Ok(Some(outcome))
}

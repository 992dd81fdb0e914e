//! The control database: SQLite in a file by default, PostgreSQL by URL, one SQL text for both.

#[cfg(test)]
pub(crate) mod testing;

use std::path::Path;
use std::str::FromStr;

use anyhow::Context;
use sqlx::any::{AnyConnectOptions, AnyPoolOptions};
use sqlx::{Any, AnyPool, Executor as _, Transaction};

/// Connections for reading.
const READERS: u32 = 4;

/// Pools of connections. On SQLite there is exactly one that writes, so writers queue instead of failing.
#[derive(Clone, Debug)]
pub struct Database {
    reader: AnyPool,
    writer: AnyPool,
    /// How a transaction begins that will write.
    begin: &'static str,
}

impl Database {
    /// Opens the database at a URL and brings its tables up to date.
    pub async fn open(url: &str) -> anyhow::Result<Database> {
        sqlx::any::install_default_drivers();
        let options = AnyConnectOptions::from_str(url).context("read the database's URL")?;
        let sqlite = url.starts_with("sqlite:");
        let pool = |connections: u32| {
            AnyPoolOptions::new().max_connections(connections).after_connect(move |connection, _| {
                Box::pin(async move {
                    if sqlite {
                        connection
                            .execute(
                                "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;
                                 PRAGMA busy_timeout = 10000;",
                            )
                            .await?;
                    }
                    Ok(())
                })
            })
        };
        let writer = pool(if sqlite { 1 } else { READERS }).connect_with(options.clone()).await.context("connect")?;
        // During an upgrade, and after one that was given up, an older program serves a newer database: migrations only add.
        let mut migrations = sqlx::migrate!();
        migrations.set_ignore_missing(true).run(&writer).await.context("bring the tables up to date")?;
        let reader =
            if sqlite { pool(READERS).connect_with(options).await.context("connect")? } else { writer.clone() };
        // Two processes may write during an upgrade. One that reads first would fail, without waiting, if the other wrote since.
        let begin = if sqlite { "BEGIN IMMEDIATE" } else { "BEGIN" };
        Ok(Database { reader, writer, begin })
    }

    /// The newest migration this program knows.
    pub fn newest_migration() -> i64 {
        sqlx::migrate!().iter().map(|migration| migration.version).max().unwrap_or_default()
    }

    /// The URL of the SQLite file in a directory.
    pub fn sqlite_url(dir: &Path) -> String {
        format!("sqlite://{}?mode=rwc", dir.join("control.db").display())
    }

    /// For queries that change nothing.
    pub fn read(&self) -> &AnyPool {
        &self.reader
    }

    /// For single statements that change something.
    pub fn write(&self) -> &AnyPool {
        &self.writer
    }

    /// For several statements that belong together.
    pub async fn begin(&self) -> sqlx::Result<Transaction<'static, Any>> {
        self.writer.begin_with(self.begin).await
    }

    /// Closes all connections.
    pub async fn close(&self) {
        self.reader.close().await;
        self.writer.close().await;
    }
}

/// A number as the control database and the API have it. What is too large for them is as large as they have it.
pub fn number(number: impl TryInto<i64>) -> i64 {
    number.try_into().unwrap_or(i64::MAX)
}

/// Whether a statement failed because a value that must be unique is taken.
pub fn is_unique_violation(error: &sqlx::Error) -> bool {
    error.as_database_error().is_some_and(sqlx::error::DatabaseError::is_unique_violation)
}

//! SQLite: one writer, few readers, and the threads they run on. Knows nothing of collections.

mod connection;
pub(crate) mod functions;
mod growth;
mod pinned;
mod pool;
mod readers;
mod transaction;
mod turns;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::Connection;

use crate::error::Result;
use crate::meter::Meter;
use growth::{Growth, Kind};

pub use connection::{distrust, distrust_all, open_aside, open_exclusive, open_untouched, take_over, trust, typed};
pub use growth::in_use;
pub use pinned::Pinned;
pub use pool::{Pool, lower_priority_of_this_thread};
pub use transaction::Tx;
pub use turns::{Turn, Turns, half_the_cores};

/// One database file: a queue of writes that share commits, and at most two readers at once.
#[derive(Clone)]
pub struct Store(Arc<Inner>);

struct Inner {
    path: PathBuf,
    readers: Arc<readers::Readers>,
    writer: Arc<writer::Writer>,
    /// After the others, as fields go in their order.
    descriptor: pinned::Descriptor,
}

impl Store {
    /// Takes over a connection that already migrated the file. Opens nothing else until the first read.
    ///
    /// # Errors
    /// When the connection cannot be watched over.
    pub fn new(path: &Path, writer: Connection, pool: &Pool, meter: &Meter) -> Result<Store> {
        Store::with(path, writer, pool, Kind::Records(meter.clone()))
    }

    /// The same for a database of logs: what is in the way of new ones is removed by whoever writes them.
    ///
    /// # Errors
    /// As above.
    pub fn of_logs(path: &Path, writer: Connection, pool: &Pool, meter: &Meter) -> Result<Store> {
        Store::with(path, writer, pool, Kind::Logs(meter.clone()))
    }

    fn with(path: &Path, writer: Connection, pool: &Pool, kind: Kind) -> Result<Store> {
        let growth = Growth::of(&writer, kind)?;
        Ok(Store(Arc::new(Inner {
            path: path.to_owned(),
            readers: Arc::new(readers::Readers::new(path, pool)),
            writer: Arc::new(writer::Writer::new(writer, growth, pool)?),
            descriptor: pinned::Descriptor::default(),
        })))
    }

    /// Runs `work` on a reader, which sees what was committed before. `work` may run twice: a read that turns out to
    /// be long is started again where it holds up nobody.
    pub async fn read<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: Fn(&Connection) -> Result<T> + Send + Sync + 'static,
    {
        self.0.readers.run(work).await
    }

    /// Grows with every commit. Who reads it before a read knows that the read saw at least that much.
    pub fn version(&self) -> u64 {
        self.0.writer.commits()
    }

    /// Runs `work` on a reader on this very thread, which must be one of the pool's.
    pub fn read_here<T>(&self, work: impl Fn(&Connection) -> Result<T>) -> Result<T> {
        self.0.readers.run_here(work)
    }

    /// Runs `work` in the writer's transaction, shared with whatever else is queued, and answers after the commit.
    /// An error undoes `work` and nothing else.
    ///
    /// # Errors
    /// `Error::Busy` when 1,024 writes wait already; else what `work` or the commit answers.
    pub async fn write<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&mut Tx) -> Result<T> + Send + 'static,
    {
        self.0.writer.run(writer::Sharing::Shared, work).await
    }

    /// Like [`Store::write`] in a transaction of its own: for changes of the schema and for work that may be slow.
    pub async fn write_alone<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&mut Tx) -> Result<T> + Send + 'static,
    {
        self.0.writer.run(writer::Sharing::Alone, work).await
    }

    /// Moves the log into the database as far as readers allow, and gives back what memory can be given back without
    /// closing: statements, cached pages, idle readers.
    pub async fn rest(&self) -> Result<()> {
        self.0.readers.rest();
        self.0
            .writer
            .between(|connection| {
                connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()))?;
                connection.flush_prepared_statement_cache();
                connection.release_memory()?;
                Ok(())
            })
            .await
    }

    /// Moves the log into the database as far as readers allow, and refreshes the statistics queries are planned by.
    pub async fn optimize(&self) -> Result<()> {
        let work = |connection: &Connection| {
            connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()))?;
            connection.execute_batch("PRAGMA analysis_limit = 400; PRAGMA optimize")?;
            Ok(())
        };
        self.0.writer.between(work).await
    }

    /// Gives the disk back what free pages hold. For that SQLite writes the whole database anew.
    pub async fn vacuum(&self) -> Result<()> {
        self.0.writer.between(connection::vacuum).await
    }

    /// The database as it is now, to be copied while it is written to. Blocks for a moment; to be dropped before the
    /// store is closed.
    pub fn pin(&self) -> Result<Pinned> {
        Pinned::new(&self.0.path, &self.0.descriptor)
    }

    /// Finishes what is queued, checkpoints and closes. Later reads and writes answer `Error::Busy`.
    pub async fn close(&self) -> Result<()> {
        self.0.readers.close();
        let closed = self.0.writer.close().await;
        self.0.descriptor.close();
        closed
    }

    /// The bytes of the database and its log on disk.
    pub fn size(&self) -> u64 {
        let log = connection::log_of(&self.0.path);
        [self.0.path.as_path(), log.as_path()]
            .iter()
            .filter_map(|path| path.metadata().ok())
            .map(|file| file.len())
            .sum()
    }
}

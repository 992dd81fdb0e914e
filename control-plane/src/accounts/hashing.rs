//! argon2id on threads of its own, with a bounded queue: hashing is dear, and signing up is open to strangers.

use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread;

use anyhow::anyhow;
use argon2::{Algorithm, Argon2, Params, PasswordHash, PasswordHasher, PasswordVerifier, Version};
use http::StatusCode;
use tokio::sync::oneshot;

use crate::error::{Error, Result};

/// Hashes that may wait.
const WAITING: usize = 512;
/// 19 MiB, two passes, one lane: OWASP's recommendation.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;

type Job = Box<dyn FnOnce(&Argon2<'static>) + Send>;

/// The threads.
#[derive(Clone)]
pub struct Hashing {
    jobs: mpsc::SyncSender<Job>,
    /// A hash of nothing anybody knows, to compare with when there is no account.
    nobody: Arc<str>,
}

impl Hashing {
    /// Half as many threads as there are cores, at least one.
    pub fn start() -> anyhow::Result<Hashing> {
        let params = Params::new(MEMORY_KIB, PASSES, 1, None).map_err(|error| anyhow!("argon2: {error}"))?;
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let nobody = hash(&argon2, &tenant_runtime::random_key(40))?.into();
        let (jobs, queue) = mpsc::sync_channel::<Job>(WAITING);
        let queue = Arc::new(Mutex::new(queue));
        let cores = thread::available_parallelism().map_or(1, usize::from);
        for _ in 0..(cores / 2).max(1) {
            let (queue, argon2) = (Arc::clone(&queue), argon2.clone());
            thread::Builder::new().name("roost-argon2".to_owned()).spawn(move || {
                tenant_runtime::lower_priority_of_this_thread();
                loop {
                    let job = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
                    let Ok(job) = job else { return };
                    job(&argon2);
                }
            })?;
        }
        Ok(Hashing { jobs, nobody })
    }

    /// The hash of a new password.
    pub async fn hash(&self, plain: String) -> Result<String> {
        Ok(self.run(move |argon2| hash(argon2, &plain)).await??)
    }

    /// Whether a password fits. Without a hash it takes the same time and fits never.
    pub async fn verify(&self, plain: String, stored: Option<String>) -> Result<bool> {
        let known = stored.is_some();
        let stored = stored.unwrap_or_else(|| self.nobody.to_string());
        let fits = self.run(move |argon2| {
            PasswordHash::new(&stored).is_ok_and(|hash| argon2.verify_password(plain.as_bytes(), &hash).is_ok())
        });
        Ok(fits.await? && known)
    }

    async fn run<T: Send + 'static>(&self, work: impl FnOnce(&Argon2<'static>) -> T + Send + 'static) -> Result<T> {
        let (answer, answered) = oneshot::channel();
        let job: Job = Box::new(move |argon2| _ = answer.send(work(argon2)));
        self.jobs.try_send(job).map_err(|_| Error::TryLater {
            status: StatusCode::SERVICE_UNAVAILABLE,
            code: "busy",
            message: "Many people are signing in right now. Please try again in a moment.",
            seconds: 5,
        })?;
        answered.await.map_err(|_| Error::Internal(anyhow!("hashing stopped")))
    }
}

fn hash(argon2: &Argon2<'_>, plain: &str) -> anyhow::Result<String> {
    let hash = argon2.hash_password(plain.as_bytes()).map_err(|error| anyhow!("argon2: {error}"))?;
    Ok(hash.to_string())
}

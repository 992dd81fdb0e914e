//! Placeholder until the engine's own lands.
#![allow(missing_docs)]
use std::path::Path;

use crate::error::Result;
use crate::store::Pool;

#[derive(Clone)]
pub struct App;

#[derive(Clone)]
pub struct AppOptions {
    pub pool: Pool,
    pub identity: Option<Identity>,
}

#[derive(Clone, Debug)]
pub struct Identity {
    pub app_name: String,
    pub app_url: String,
}

#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("the data directory is in use by another process")]
    InUse,
    #[error("the database is damaged: {0}")]
    Damaged(String),
    #[error("the data directory cannot be opened: {0}")]
    Foreign(String),
    #[error("{0:#}")]
    Other(#[from] anyhow::Error),
}

impl App {
    pub fn open(_dir: &Path, _options: AppOptions) -> Result<App, OpenError> {
        Ok(App)
    }
    pub fn router(&self) -> axum::Router {
        axum::Router::new()
    }
    pub async fn put_superuser(&self, _email: &str, _hash: &str) -> Result<()> {
        Ok(())
    }
    pub async fn rest(&self) {}
    pub async fn close(&self) -> Result<()> {
        Ok(())
    }
}

//! stub
pub fn migrate(
    _db: &rusqlite::Connection,
    _dir: &std::path::Path,
    _identity: Option<&crate::app::Identity>,
) -> crate::error::Result<()> {
    Ok(())
}

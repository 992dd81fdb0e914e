//! A small control database for the tests of what is kept in it.

use super::Database;

/// One on SQLite with a node and these projects, each with the team it is in.
pub(crate) async fn with_projects(projects: &[(&str, &str)]) -> (Database, tempfile::TempDir) {
    let dir = tempfile::tempdir().expect("a directory");
    let database = Database::open(&Database::sqlite_url(dir.path())).await.expect("opens");
    run(&database, "INSERT INTO node VALUES ('local', 'active', 0)").await;
    for (project, team) in projects {
        let there = sqlx::query("INSERT INTO team VALUES ($1, $1, 0) ON CONFLICT DO NOTHING").bind(team);
        there.execute(database.write()).await.expect("a team");
        let sql = "INSERT INTO project (id, team_id, slug, name, wish, node_id, generation, created_ms, requests,
               database_bytes, storage_bytes) VALUES ($1, $2, $1, $1, 'active', 'local', 1, 0, 0, 0, 0)";
        sqlx::query(sql).bind(project).bind(team).execute(database.write()).await.expect("a project");
    }
    (database, dir)
}

/// Changes it by a statement.
pub(crate) async fn run(database: &Database, sql: &'static str) {
    sqlx::query(sql).execute(database.write()).await.expect(sql);
}

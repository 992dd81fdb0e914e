//! What the proxy keeps of certificates, in the control database: every process and a backup see the same.

use futures_util::FutureExt as _;
use proxy::acme::store::{ChallengeAnswer, ChallengeKind, Held, Ordered, Store, Stored, Tries};
use sqlx::Row as _;
use sqlx::any::AnyRow;

use crate::clock;
use crate::database::Database;

/// The store behind the proxy's certificates.
#[derive(Clone, Debug)]
pub struct EdgeStore(Database);

impl EdgeStore {
    /// In this database.
    pub fn new(database: Database) -> EdgeStore {
        EdgeStore(database)
    }

    async fn keep_account(&self, issuer: &str, credentials: &str) -> sqlx::Result<String> {
        sqlx::query("INSERT INTO acme_account (issuer, credentials) VALUES ($1, $2) ON CONFLICT DO NOTHING")
            .bind(issuer)
            .bind(credentials)
            .execute(self.0.write())
            .await?;
        sqlx::query_scalar("SELECT credentials FROM acme_account WHERE issuer = $1")
            .bind(issuer)
            .fetch_one(self.0.write())
            .await
    }

    async fn certificates(&self) -> sqlx::Result<Vec<Held>> {
        let rows = sqlx::query("SELECT * FROM certificate").fetch_all(self.0.write()).await?;
        rows.iter().map(held).collect()
    }

    async fn certificate(&self, name: &str) -> sqlx::Result<Option<Held>> {
        let sql = "SELECT * FROM certificate WHERE name = $1";
        let row = sqlx::query(sql).bind(name).fetch_optional(self.0.write()).await?;
        row.as_ref().map(held).transpose()
    }

    async fn keep_certificate(&self, held: Held) -> sqlx::Result<()> {
        sqlx::query(
            "INSERT INTO certificate (name, issuer, chain_pem, key_pem, obtained_ms, expires_ms, renew_ms, ask_ms)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
             ON CONFLICT (name) DO UPDATE SET issuer = excluded.issuer, chain_pem = excluded.chain_pem,
               key_pem = excluded.key_pem, obtained_ms = excluded.obtained_ms, expires_ms = excluded.expires_ms,
               renew_ms = excluded.renew_ms, ask_ms = excluded.ask_ms",
        )
        .bind(held.name)
        .bind(held.issuer)
        .bind(held.chain_pem)
        .bind(held.key_pem)
        .bind(held.obtained_ms)
        .bind(held.expires_ms)
        .bind(held.renew_ms)
        .bind(held.ask_ms)
        .execute(self.0.write())
        .await?;
        Ok(())
    }

    async fn plan_renewal(&self, name: &str, renew_ms: i64, ask_ms: i64) -> sqlx::Result<()> {
        sqlx::query("UPDATE certificate SET renew_ms = $1, ask_ms = $2 WHERE name = $3")
            .bind(renew_ms)
            .bind(ask_ms)
            .bind(name)
            .execute(self.0.write())
            .await?;
        Ok(())
    }

    async fn forget(&self, name: &str) -> sqlx::Result<()> {
        let mut tx = self.0.begin().await?;
        sqlx::query("DELETE FROM certificate WHERE name = $1").bind(name).execute(&mut *tx).await?;
        sqlx::query("DELETE FROM acme_tries WHERE name = $1").bind(name).execute(&mut *tx).await?;
        tx.commit().await
    }

    async fn tries(&self) -> sqlx::Result<Vec<Tries>> {
        let rows = sqlx::query("SELECT * FROM acme_tries").fetch_all(self.0.write()).await?;
        rows.iter().map(tries).collect()
    }

    async fn keep_tries(&self, tries: Tries) -> sqlx::Result<()> {
        let (issuer, url) = tries.order.unzip();
        sqlx::query(
            "INSERT INTO acme_tries (name, failures, next_ms, error, order_issuer, order_url)
             VALUES ($1, $2, $3, $4, $5, $6)
             ON CONFLICT (name) DO UPDATE SET failures = excluded.failures, next_ms = excluded.next_ms,
               error = excluded.error, order_issuer = excluded.order_issuer, order_url = excluded.order_url",
        )
        .bind(tries.name)
        .bind(i64::from(tries.failures))
        .bind(tries.next_ms)
        .bind(tries.error)
        .bind(issuer)
        .bind(url)
        .execute(self.0.write())
        .await?;
        Ok(())
    }

    /// Answers nobody asks for any more go with the next one that is put down.
    async fn put_answer(&self, answer: ChallengeAnswer) -> sqlx::Result<()> {
        let mut tx = self.0.begin().await?;
        sqlx::query("DELETE FROM acme_answer WHERE until_ms < $1").bind(clock::now_ms()).execute(&mut *tx).await?;
        sqlx::query(
            "INSERT INTO acme_answer (kind, name, token, value, until_ms) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (kind, name, token, value) DO UPDATE SET until_ms = excluded.until_ms",
        )
        .bind(answer.kind.as_str())
        .bind(answer.name)
        .bind(answer.token)
        .bind(answer.value)
        .bind(answer.until_ms)
        .execute(&mut *tx)
        .await?;
        tx.commit().await
    }

    async fn answers(&self, kind: ChallengeKind, name: &str) -> sqlx::Result<Vec<ChallengeAnswer>> {
        let rows = sqlx::query("SELECT name, token, value, until_ms FROM acme_answer WHERE kind = $1 AND name = $2")
            .bind(kind.as_str())
            .bind(name)
            .fetch_all(self.0.read())
            .await?;
        let answer = |row: &AnyRow| {
            Ok(ChallengeAnswer {
                kind,
                name: row.try_get(0)?,
                token: row.try_get(1)?,
                value: row.try_get(2)?,
                until_ms: row.try_get(3)?,
            })
        };
        rows.iter().map(answer).collect()
    }

    async fn remove_answers(&self, name: &str) -> sqlx::Result<()> {
        sqlx::query("DELETE FROM acme_answer WHERE name = $1").bind(name).execute(self.0.write()).await?;
        Ok(())
    }

    /// One statement compares and swaps: of two that try, one changes the row.
    async fn lease(&self, name: &str, owner: &str, now_ms: i64, until_ms: i64) -> sqlx::Result<bool> {
        let taken = sqlx::query(
            "INSERT INTO acme_lease (name, owner, until_ms) VALUES ($1, $2, $3)
             ON CONFLICT (name) DO UPDATE SET owner = excluded.owner, until_ms = excluded.until_ms
             WHERE acme_lease.owner = excluded.owner OR acme_lease.until_ms <= $4",
        )
        .bind(name)
        .bind(owner)
        .bind(until_ms)
        .bind(now_ms)
        .execute(self.0.write())
        .await?;
        Ok(taken.rows_affected() == 1)
    }

    async fn release(&self, name: &str, owner: &str) -> sqlx::Result<()> {
        sqlx::query("DELETE FROM acme_lease WHERE name = $1 AND owner = $2")
            .bind(name)
            .bind(owner)
            .execute(self.0.write())
            .await?;
        Ok(())
    }

    async fn note_order(&self, order: Ordered) -> sqlx::Result<()> {
        sqlx::query("INSERT INTO acme_order (issuer, name, owner, renews, at_ms) VALUES ($1, $2, $3, $4, $5)")
            .bind(order.issuer)
            .bind(order.name)
            .bind(order.owner)
            .bind(i64::from(order.renews))
            .bind(order.at_ms)
            .execute(self.0.write())
            .await?;
        Ok(())
    }

    async fn orders_since(&self, since_ms: i64) -> sqlx::Result<Vec<Ordered>> {
        sqlx::query("DELETE FROM acme_order WHERE at_ms < $1").bind(since_ms).execute(self.0.write()).await?;
        let sql = "SELECT issuer, name, owner, renews, at_ms FROM acme_order WHERE at_ms >= $1 ORDER BY at_ms";
        let rows = sqlx::query(sql).bind(since_ms).fetch_all(self.0.write()).await?;
        let order = |row: &AnyRow| {
            Ok(Ordered {
                issuer: row.try_get(0)?,
                name: row.try_get(1)?,
                owner: row.try_get(2)?,
                renews: row.try_get::<i64, _>(3)? != 0,
                at_ms: row.try_get(4)?,
            })
        };
        rows.iter().map(order).collect()
    }
}

/// The trait as the proxy knows it; what is done stands above.
impl Store for EdgeStore {
    fn account<'a>(&'a self, issuer: &'a str) -> Stored<'a, Option<String>> {
        stored(
            sqlx::query_scalar("SELECT credentials FROM acme_account WHERE issuer = $1")
                .bind(issuer)
                .fetch_optional(self.0.write()),
        )
    }

    fn keep_account<'a>(&'a self, issuer: &'a str, credentials: String) -> Stored<'a, String> {
        stored(async move { self.keep_account(issuer, &credentials).await })
    }

    fn forget_account<'a>(&'a self, issuer: &'a str) -> Stored<'a, ()> {
        let forget = sqlx::query("DELETE FROM acme_account WHERE issuer = $1").bind(issuer);
        stored(async move { forget.execute(self.0.write()).await.map(drop) })
    }

    fn certificates(&self) -> Stored<'_, Vec<Held>> {
        stored(self.certificates())
    }

    fn certificate<'a>(&'a self, name: &'a str) -> Stored<'a, Option<Held>> {
        stored(self.certificate(name))
    }

    fn keep_certificate(&self, held: Held) -> Stored<'_, ()> {
        stored(self.keep_certificate(held))
    }

    fn plan_renewal<'a>(&'a self, name: &'a str, renew_ms: i64, ask_ms: i64) -> Stored<'a, ()> {
        stored(self.plan_renewal(name, renew_ms, ask_ms))
    }

    fn forget<'a>(&'a self, name: &'a str) -> Stored<'a, ()> {
        stored(self.forget(name))
    }

    fn tries(&self) -> Stored<'_, Vec<Tries>> {
        stored(self.tries())
    }

    fn keep_tries(&self, tries: Tries) -> Stored<'_, ()> {
        stored(self.keep_tries(tries))
    }

    fn put_answer(&self, answer: ChallengeAnswer) -> Stored<'_, ()> {
        stored(self.put_answer(answer))
    }

    fn answers<'a>(&'a self, kind: ChallengeKind, name: &'a str) -> Stored<'a, Vec<ChallengeAnswer>> {
        stored(self.answers(kind, name))
    }

    fn remove_answers<'a>(&'a self, name: &'a str) -> Stored<'a, ()> {
        stored(self.remove_answers(name))
    }

    fn lease<'a>(&'a self, name: &'a str, owner: &'a str, now_ms: i64, until_ms: i64) -> Stored<'a, bool> {
        stored(self.lease(name, owner, now_ms, until_ms))
    }

    fn release<'a>(&'a self, name: &'a str, owner: &'a str) -> Stored<'a, ()> {
        stored(self.release(name, owner))
    }

    fn note_order(&self, order: Ordered) -> Stored<'_, ()> {
        stored(self.note_order(order))
    }

    fn orders_since(&self, since_ms: i64) -> Stored<'_, Vec<Ordered>> {
        stored(self.orders_since(since_ms))
    }
}

fn stored<'a, T: 'a>(work: impl Future<Output = sqlx::Result<T>> + Send + 'a) -> Stored<'a, T> {
    work.map(|outcome| outcome.map_err(Into::into)).boxed()
}

fn held(row: &AnyRow) -> sqlx::Result<Held> {
    Ok(Held {
        name: row.try_get("name")?,
        issuer: row.try_get("issuer")?,
        chain_pem: row.try_get("chain_pem")?,
        key_pem: row.try_get("key_pem")?,
        obtained_ms: row.try_get("obtained_ms")?,
        expires_ms: row.try_get("expires_ms")?,
        renew_ms: row.try_get("renew_ms")?,
        ask_ms: row.try_get("ask_ms")?,
    })
}

fn tries(row: &AnyRow) -> sqlx::Result<Tries> {
    let (issuer, url): (Option<String>, Option<String>) = (row.try_get("order_issuer")?, row.try_get("order_url")?);
    Ok(Tries {
        name: row.try_get("name")?,
        failures: u32::try_from(row.try_get::<i64, _>("failures")?).unwrap_or(u32::MAX),
        next_ms: row.try_get("next_ms")?,
        error: row.try_get("error")?,
        order: issuer.zip(url),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn store() -> (EdgeStore, tempfile::TempDir) {
        let dir = tempfile::tempdir().expect("a directory");
        let database = Database::open(&Database::sqlite_url(dir.path())).await.expect("opens");
        (EdgeStore::new(database), dir)
    }

    fn answer(token: &str, value: &str, until_ms: i64) -> ChallengeAnswer {
        let (kind, name) = (ChallengeKind::Dns01, "apps.example".to_owned());
        ChallengeAnswer { kind, name, token: token.to_owned(), value: value.to_owned(), until_ms }
    }

    #[tokio::test]
    async fn a_lease_has_one_owner_until_it_ends() {
        let (store, _dir) = store().await;
        assert!(store.lease("a", "one", 100, 200).await.expect("asks"));
        assert!(!store.lease("a", "two", 150, 250).await.expect("asks"));
        assert!(store.lease("a", "one", 150, 300).await.expect("asks"), "its owner may prolong it");
        assert!(!store.lease("a", "two", 299, 400).await.expect("asks"));
        assert!(store.lease("a", "two", 300, 400).await.expect("asks"), "it has ended");
        store.release("a", "one").await.expect("does nothing");
        assert!(!store.lease("a", "one", 310, 500).await.expect("asks"));
        store.release("a", "two").await.expect("releases");
        assert!(store.lease("a", "one", 310, 500).await.expect("asks"));
    }

    #[tokio::test]
    async fn of_two_that_try_one_gets_the_lease() {
        let (store, _dir) = store().await;
        let owners: Vec<String> = (0..8).map(|n| n.to_string()).collect();
        let tries = owners.iter().map(|owner| store.lease("a", owner, 100, 200));
        let won = futures_util::future::join_all(tries).await;
        assert_eq!(won.into_iter().filter(|won| *won.as_ref().expect("asks")).count(), 1);
    }

    #[tokio::test]
    async fn the_first_account_counts() {
        let (store, _dir) = store().await;
        assert_eq!(Store::account(&store, "ca").await.expect("asks"), None);
        assert_eq!(store.keep_account("ca", "one").await.expect("keeps"), "one");
        assert_eq!(store.keep_account("ca", "two").await.expect("keeps"), "one");
        assert_eq!(Store::account(&store, "ca").await.expect("asks").as_deref(), Some("one"));
    }

    #[tokio::test]
    async fn a_new_certificate_takes_the_old_ones_place() {
        let (store, _dir) = store().await;
        let first = Held {
            name: "a.example".to_owned(),
            issuer: "ca".to_owned(),
            chain_pem: "chain".to_owned(),
            key_pem: "key".to_owned(),
            obtained_ms: 1,
            expires_ms: 10,
            renew_ms: 5,
            ask_ms: 0,
        };
        let second = Held { expires_ms: 20, key_pem: "another".to_owned(), ..first.clone() };
        store.keep_certificate(first).await.expect("keeps");
        store.keep_certificate(second.clone()).await.expect("keeps");
        store.plan_renewal("a.example", 7, 8).await.expect("plans");
        let planned = Held { renew_ms: 7, ask_ms: 8, ..second };
        assert_eq!(store.certificate("a.example").await.expect("asks"), Some(planned.clone()));
        assert_eq!(store.certificates().await.expect("asks"), [planned]);
        store.forget("a.example").await.expect("forgets");
        assert_eq!(store.certificate("a.example").await.expect("asks"), None);
    }

    #[tokio::test]
    async fn answers_stand_side_by_side_and_go_in_time() {
        let (store, _dir) = store().await;
        let soon = clock::now_ms() + 60_000;
        store.put_answer(answer("", "one", soon)).await.expect("puts");
        store.put_answer(answer("", "two", soon)).await.expect("puts");
        let kind = ChallengeKind::Dns01;
        assert_eq!(store.answers(kind, "apps.example").await.expect("asks").len(), 2);
        assert_eq!(store.answers(ChallengeKind::Http01, "apps.example").await.expect("asks"), []);
        store.put_answer(answer("", "one", 1)).await.expect("puts");
        store.put_answer(answer("", "two", soon)).await.expect("puts");
        assert_eq!(store.answers(kind, "apps.example").await.expect("asks"), [answer("", "two", soon)]);
        store.remove_answers("apps.example").await.expect("removes");
        assert_eq!(store.answers(kind, "apps.example").await.expect("asks"), []);
    }

    #[tokio::test]
    async fn tries_and_orders_are_kept() {
        let (store, _dir) = store().await;
        let order = Some(("ca".to_owned(), "https://ca.example/order/1".to_owned()));
        let failed = Tries { name: "a".to_owned(), failures: 2, next_ms: 9, error: Some("no".to_owned()), order };
        store.keep_tries(Tries { name: "a".to_owned(), ..Tries::default() }).await.expect("keeps");
        store.keep_tries(failed.clone()).await.expect("keeps");
        assert_eq!(store.tries().await.expect("asks"), [failed]);
        let order = |at_ms| Ordered {
            issuer: "ca".to_owned(),
            name: "a".to_owned(),
            owner: "p".to_owned(),
            renews: at_ms == 2,
            at_ms,
        };
        for at_ms in 1..=3 {
            store.note_order(order(at_ms)).await.expect("notes");
        }
        assert_eq!(store.orders_since(2).await.expect("asks"), [order(2), order(3)]);
    }
}

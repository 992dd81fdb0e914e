//! The plans in force: those of the settings, with what operators changed in their place, and those operators made.
//!
//! They are kept in memory and replaced as a whole, so whoever asks sees the plans of one moment and waits for nobody.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::Context as _;
use arc_swap::ArcSwap;
use sqlx::{AnyPool, Row as _};
use tokio::sync::{Mutex, MutexGuard};

use super::{Draft, Grant, Overrides, Plan, STANDARD};
use crate::config::Config;
use crate::database::Database;
use crate::projects::store::Row;

/// Where the plans in force are found; clones share it.
#[derive(Clone)]
pub struct Plans(Arc<Inner>);

struct Inner {
    now: ArcSwap<Catalog>,
    /// Held while a plan is changed or given to a project, so that none goes that is just being given.
    changing: Mutex<()>,
}

/// All plans of one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Catalog {
    settings: BTreeMap<String, Plan>,
    operators: BTreeMap<String, Plan>,
    default: String,
}

impl Plans {
    /// Reads what operators changed.
    pub async fn open(config: &Config, database: &Database) -> anyhow::Result<Plans> {
        let catalog = Catalog::of_settings(config).reread(database.read()).await?;
        Ok(Plans(Arc::new(Inner { now: ArcSwap::from_pointee(catalog), changing: Mutex::default() })))
    }

    /// The plans in force now.
    pub fn now(&self) -> Arc<Catalog> {
        self.0.now.load_full()
    }

    /// Keeps others from changing plans and from giving them to projects meanwhile.
    pub(super) async fn lock(&self) -> MutexGuard<'_, ()> {
        self.0.changing.lock().await
    }

    pub(super) fn replace(&self, catalog: Catalog) {
        self.0.now.store(Arc::new(catalog));
    }
}

impl Catalog {
    /// The plans before operators changed any.
    pub fn of_settings(config: &Config) -> Catalog {
        let (settings, default) = (config.plans.clone(), config.default_plan.clone());
        Catalog { settings, operators: BTreeMap::new(), default }
    }

    /// The same settings with what operators' changes are by now.
    pub(super) async fn reread(&self, db: &AnyPool) -> anyhow::Result<Catalog> {
        let mut operators = BTreeMap::new();
        let rows = sqlx::query("SELECT name, figures FROM plan").fetch_all(db).await.context("read the plans")?;
        for row in rows {
            let (name, figures): (String, String) = (row.try_get(0)?, row.try_get(1)?);
            let draft = serde_json::from_str::<Draft>(&figures).map_err(anyhow::Error::new);
            let plan = draft.and_then(|draft| draft.over(self.base(&name)));
            let plan = plan.with_context(|| format!("understand the plan {name}"))?;
            operators.insert(name, plan);
        }
        Ok(Catalog { operators, ..self.clone() })
    }

    /// The same with a plan changed, made, or as the settings have it, if they do.
    #[must_use]
    pub(super) fn with(&self, name: &str, plan: Option<Plan>) -> Catalog {
        let mut changed = self.clone();
        match plan {
            Some(plan) => _ = changed.operators.insert(name.to_owned(), plan),
            None => _ = changed.operators.remove(name),
        }
        changed
    }

    /// All plans by their names.
    pub fn all(&self) -> BTreeMap<&str, &Plan> {
        let plans = self.settings.iter().chain(&self.operators);
        plans.map(|(name, plan)| (name.as_str(), plan)).collect()
    }

    /// The plan of that name.
    pub fn find(&self, name: &str) -> Option<&Plan> {
        self.operators.get(name).or_else(|| self.settings.get(name))
    }

    /// What the settings say of it.
    pub fn in_settings(&self, name: &str) -> Option<&Plan> {
        self.settings.get(name)
    }

    /// Whether it is what an operator made of it.
    pub fn is_changed(&self, name: &str) -> bool {
        self.operators.contains_key(name)
    }

    /// The name of the plan of projects for which nobody chose one.
    pub fn default_name(&self) -> &str {
        &self.default
    }

    /// What stands in for figures that are not given.
    pub(super) fn base(&self, name: &str) -> &Plan {
        self.settings.get(name).or_else(|| self.settings.get(STANDARD)).unwrap_or_else(|| self.default_plan())
    }

    /// What a project is granted. A plan that is not among these any more is the default one.
    pub fn grant(&self, plan: Option<&str>, overrides: Option<&str>) -> Grant {
        let named = plan.and_then(|name| Some((name, self.find(name)?)));
        let (name, plan) = named.unwrap_or_else(|| (&self.default, self.default_plan()));
        let overrides: Overrides = overrides.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
        Grant { plan: name.to_owned(), figures: plan.with(&overrides), overrides }
    }

    /// The same for a project as it is stored.
    pub fn grant_of(&self, project: &Row) -> Grant {
        self.grant(project.plan.as_deref(), project.plan_overrides.as_deref())
    }

    fn default_plan(&self) -> &Plan {
        self.find(&self.default).expect("the default plan was looked for when the settings were read")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(text: &str) -> anyhow::Result<Catalog> {
        let dir = tempfile::tempdir().expect("a directory");
        let file = dir.path().join("roost.toml");
        std::fs::write(&file, text).expect("writes");
        Ok(Catalog::of_settings(&Config::load(Some(&file))?))
    }

    #[test]
    fn a_plan_says_only_how_it_differs() {
        let plans = with("default_plan = \"free\"\n[plans.free]\ndatabase_mb = 500\n").expect("loads");
        let grant = plans.grant(None, None);
        assert_eq!((grant.plan.as_str(), grant.figures.title.as_str()), ("free", "free"));
        assert_eq!(grant.figures.database_mb, 500);
        assert_eq!(grant.figures.storage_mb, plans.settings[STANDARD].storage_mb);
        assert!(with("default_plan = \"fre\"\n").is_err());
        assert!(with("[plans.pro]\ndatabase = 1\n").is_err());
    }

    #[test]
    fn what_an_operator_set_wins_and_nothing_is_no_limit() {
        let plans = with("[plans.pro]\nrequests_per_second = 5\n").expect("loads");
        let grant = plans.grant(Some("pro"), Some(r#"{"storageMb":0,"requests":7}"#));
        assert_eq!((grant.figures.storage_mb, grant.figures.requests), (0, 7));
        let limits = grant.figures.for_host();
        assert_eq!((limits.storage_bytes, limits.requests_per_second), (u64::MAX, Some(5)));
    }

    #[test]
    fn the_standard_plan_is_what_hosts_grant_by_themselves() {
        let plans = with("").expect("loads");
        assert_eq!(plans.grant(Some("gone"), None).figures.for_host(), tenant_runtime::host::Limits::default());
    }

    #[tokio::test]
    async fn what_was_stored_by_another_version_is_read_as_far_as_it_goes() {
        let (database, _dir) = crate::database::testing::with_projects(&[]).await;
        let sql = r#"INSERT INTO plan VALUES ('pro', '{"title":"Pro","requests":7,"later":1}', 0)"#;
        sqlx::query(sql).execute(database.write()).await.expect("is stored");
        let plans = with("[plans.pro]\nstorage_mb = 5\n").expect("loads").reread(database.read()).await.expect("reads");
        let pro = plans.find("pro").expect("is there");
        assert_eq!((pro.title.as_str(), pro.requests, pro.storage_mb), ("Pro", 7, 5));
    }
}

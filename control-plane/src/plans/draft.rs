//! A plan as an operator writes it: checked at the door, and told of in words.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};
use utoipa::ToSchema;

use super::{Catalog, Overrides, Plan};
use crate::error::{Error, Result};

const LONGEST_NAME: usize = 32;
const LONGEST_TITLE: usize = 60;
/// A petabyte: more than one machine has, and little enough to be counted in bytes.
const MOST_MB: u64 = 1 << 30;
const MOST_GB: u64 = 1 << 20;

/// A plan as an operator writes it: with every figure, of which 0 is no limit
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = PlanDraft)]
pub struct Draft {
    /// What people read.
    title: String,
    #[serde(flatten)]
    #[schema(value_type = Overrides)]
    figures: Map<String, Json>,
}

/// One of a plan's figures.
struct Figure {
    /// The key in JSON.
    key: &'static str,
    /// In a sentence.
    name: &'static str,
    /// What follows the number there.
    unit: &'static str,
    most: u64,
}

const fn figure(key: &'static str, name: &'static str, unit: &'static str, most: u64) -> Figure {
    Figure { key, name, unit, most }
}

const FIGURES: [Figure; 10] = [
    figure("databaseMb", "database", " MB", MOST_MB),
    figure("storageMb", "files", " MB", MOST_MB),
    figure("egressGb", "egress a month", " GB", MOST_GB),
    figure("requests", "requests a month", "", 1_000_000_000_000),
    figure("requestsPerSecond", "requests a second", "", 1_000_000),
    figure("realtimeConnections", "realtime connections", "", 1_000_000),
    figure("uploadMb", "upload", " MB", MOST_GB),
    figure("backupsKept", "backups kept", "", 10_000),
    figure("mailsPerDay", "mails a day", "", 1_000_000),
    figure("awakeHours", "awake a month", " hours", 744),
];

impl Draft {
    /// The plan of that name, once nothing is missing and everything makes sense.
    ///
    /// # Errors
    /// `invalid_name`, `required`, `invalid`, `too_long` or `too_large`, with the field.
    pub fn parse(mut self, plans: &Catalog, name: &str) -> Result<Plan> {
        check_name(plans, name)?;
        self.title = parse_title(&self.title)?;
        for figure in &FIGURES {
            figure.check(self.figures.get(figure.key).unwrap_or(&Json::Null))?;
        }
        Ok(self.over(plans.base(name))?)
    }

    /// The plan, with what is missing from another. What this version does not know is left out.
    pub(super) fn over(self, base: &Plan) -> anyhow::Result<Plan> {
        let known = self.figures.into_iter().filter(|(key, _)| FIGURES.iter().any(|figure| figure.key == key));
        let figures: Overrides = serde_json::from_value(known.collect())?;
        Ok(Plan { title: self.title, ..base.with(&figures) })
    }
}

/// Checks the name of a plan that is to be. What the settings call theirs is theirs to choose.
fn check_name(plans: &Catalog, name: &str) -> Result<()> {
    let is_plain = name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
    if plans.find(name).is_some() || (is_plain && (1..=LONGEST_NAME).contains(&name.len())) {
        return Ok(());
    }
    let message = format!("Please use 1 to {LONGEST_NAME} lower-case letters, digits and dashes.");
    Err(Error::field("name", "invalid_name", message))
}

fn parse_title(text: &str) -> Result<String> {
    let title = text.trim();
    if title.is_empty() {
        return Err(Error::field("title", "required", "Please give it a title: people read it on their usage page."));
    }
    if title.chars().count() > LONGEST_TITLE || title.chars().any(char::is_control) {
        return Err(Error::field("title", "too_long", format!("Please use at most {LONGEST_TITLE} characters.")));
    }
    Ok(title.to_owned())
}

/// What bounds a plan, in words: `database 500 MB, mails a day 100`.
pub(super) fn bounds(plan: &Plan) -> String {
    let plan = json(plan);
    let bounds = FIGURES.iter().filter(|figure| plan[figure.key] != 0);
    let bounds: Vec<String> = bounds.map(|figure| format!("{} {}", figure.name, figure.amount(&plan))).collect();
    if bounds.is_empty() { "no limits".to_owned() } else { bounds.join(", ") }
}

/// How one plan differs from another, in words: `database 500 MB -> 1 GB`.
pub(super) fn differences(before: &Plan, after: &Plan) -> String {
    let renamed = (before.title != after.title).then(|| format!("title {} -> {}", before.title, after.title));
    let (before, after) = (json(before), json(after));
    let changed = FIGURES.iter().filter(|figure| before[figure.key] != after[figure.key]);
    let changed =
        changed.map(|figure| format!("{} {} -> {}", figure.name, figure.amount(&before), figure.amount(&after)));
    renamed.into_iter().chain(changed).collect::<Vec<String>>().join(", ")
}

impl Figure {
    fn check(&self, given: &Json) -> Result<()> {
        let refused = |code, message: String| Err(Error::field(self.key, code, message));
        match given.as_u64() {
            Some(number) if number <= self.most => Ok(()),
            Some(_) => refused("too_large", format!("At most {}{}; 0 is no limit.", self.most, self.unit)),
            None if given.is_null() => refused("required", "Please say how much; 0 is no limit.".to_owned()),
            None => refused("invalid", "Please give a whole number; 0 is no limit.".to_owned()),
        }
    }

    fn amount(&self, plan: &Json) -> String {
        match (plan[self.key].as_u64().unwrap_or_default(), self.unit) {
            (0, _) => "no limit".to_owned(),
            (number, " MB") if number % 1024 == 0 => format!("{} GB", number / 1024),
            (number, unit) => format!("{number}{unit}"),
        }
    }
}

/// By the keys of [`FIGURES`].
fn json(figures: &impl Serialize) -> Json {
    serde_json::to_value(figures).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::config::Config;
    use crate::plans::STANDARD;

    fn standard() -> Plan {
        Config::load(None).expect("loads").plans[STANDARD].clone()
    }

    fn parse(change: &Json) -> Result<Plan> {
        let mut whole = json(&standard());
        for (key, value) in change.as_object().expect("an object") {
            whole[key] = value.clone();
        }
        let plans = Catalog::of_settings(&Config::load(None).expect("loads"));
        serde_json::from_value::<Draft>(whole).expect("a draft").parse(&plans, "pro")
    }

    #[test]
    fn every_figure_of_a_plan_is_checked_and_told() {
        let mut known: Vec<&str> = FIGURES.iter().map(|figure| figure.key).chain(["title"]).collect();
        known.sort_unstable();
        let plan = json(&standard());
        let mut keys: Vec<&str> = plan.as_object().expect("an object").keys().map(String::as_str).collect();
        keys.sort_unstable();
        assert_eq!(known, keys);
    }

    #[test]
    fn a_draft_is_whole_and_within_bounds() {
        assert_eq!(parse(&json!({ "title": " Pro ", "requests": 7 })).expect("a plan").title, "Pro");
        let refused = |change: &Json| match parse(change) {
            Err(Error::Field { field, code, .. }) => (field, code),
            other => panic!("{other:?}"),
        };
        assert_eq!(refused(&json!({ "title": " " })), ("title", "required"));
        assert_eq!(refused(&json!({ "title": "x".repeat(61) })), ("title", "too_long"));
        assert_eq!(refused(&json!({ "uploadMb": null })), ("uploadMb", "required"));
        assert_eq!(refused(&json!({ "awakeHours": 745 })), ("awakeHours", "too_large"));
        assert_eq!(refused(&json!({ "realtimeConnections": u64::MAX })), ("realtimeConnections", "too_large"));
        assert_eq!(refused(&json!({ "requests": -1 })), ("requests", "invalid"));
    }

    #[test]
    fn names_are_plain_unless_the_settings_say_otherwise() {
        let plans = Catalog::of_settings(&Config::load(None).expect("loads"));
        for (name, is_fine) in [("pro-2", true), (STANDARD, true), ("", false), ("Pro", false), ("pro plan", false)] {
            assert_eq!(check_name(&plans, name).is_ok(), is_fine, "{name}");
        }
        assert!(check_name(&plans, &"x".repeat(33)).is_err());
    }

    #[test]
    fn what_changed_is_told_in_words() {
        let before = Plan { database_mb: 500, requests: 0, ..standard() };
        let after = Plan { database_mb: 1024, requests: 7, title: "Pro".to_owned(), ..before.clone() };
        let said = "title Standard -> Pro, database 500 MB -> 1 GB, requests a month no limit -> 7";
        assert_eq!(differences(&before, &after), said);
        assert!(bounds(&after).starts_with("database 1 GB, files 100 GB, requests a month 7, "), "{}", bounds(&after));
    }
}

//! `roost doctor`: everything outside of Roost that has to be right, looked at from this machine, with what to do about
//! what is not.
//!
//! It may be run before the first start and beside a running server. It changes nothing but a test file and, in the
//! control database, an answer to its own question.

mod machine;
mod network;

use std::io::IsTerminal as _;

use serde::Serialize;

use crate::config::Config;

/// What was found about one thing.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// A stable word or two.
    check: &'static str,
    /// Whether it is right; absent where that cannot be known from here.
    ok: Option<bool>,
    /// What was found.
    found: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    advice: Option<String>,
}

impl Finding {
    fn good(check: &'static str, found: impl Into<String>) -> Finding {
        Finding { check, ok: Some(true), found: found.into(), advice: None }
    }

    fn bad(check: &'static str, found: impl Into<String>, advice: impl Into<String>) -> Finding {
        Finding { check, ok: Some(false), found: found.into(), advice: Some(advice.into()) }
    }

    fn unknown(check: &'static str, found: impl Into<String>, advice: impl Into<String>) -> Finding {
        Finding { check, ok: None, found: found.into(), advice: Some(advice.into()) }
    }
}

/// All that was found.
#[derive(Debug, Serialize)]
pub struct Report {
    /// Whether nothing is wrong.
    pub healthy: bool,
    /// Thing by thing.
    pub findings: Vec<Finding>,
}

/// Looks at everything.
///
/// # Errors
/// When the control database cannot be asked.
pub async fn examine(config: Config) -> anyhow::Result<Report> {
    let mut findings = machine::examine(&config).await;
    // Without a place to write there is nothing to look with.
    if findings.iter().all(|finding| finding.ok != Some(false) || finding.check != "directory") {
        findings.extend(network::examine(&config).await?);
    }
    Ok(Report { healthy: findings.iter().all(|finding| finding.ok != Some(false)), findings })
}

impl Report {
    /// Prints it for people.
    pub fn print(&self) {
        let colours = std::io::stdout().is_terminal();
        for Finding { check, ok, found, advice } in &self.findings {
            let (word, colour) = match ok {
                Some(true) => ("ok", 32),
                Some(false) => ("WRONG", 31),
                None => ("?", 33),
            };
            let (on, off) = if colours { (format!("\x1b[{colour}m"), "\x1b[0m") } else { (String::new(), "") };
            let advice = advice.as_ref().map(|advice| format!(" -> {advice}")).unwrap_or_default();
            println!("{on}{word:<5}{off}  {check:<16}  {found}{advice}");
        }
    }
}

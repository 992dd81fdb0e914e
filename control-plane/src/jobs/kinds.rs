//! Every kind of job, its steps, and who does them.

use std::time::Duration;

use super::run::Run;
use crate::backups::{self, Origin};
use crate::teams::Action;
use crate::{clock, mail, projects};

/// What a job does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Hands a mail to the mail server.
    SendMail,
    /// Removes a deleted project for good.
    PurgeProject,
    /// Removes all superusers of a project.
    LockOut,
    /// Makes a backup, stores it, and proves it.
    Backup,
    /// Proves a backup that is stored.
    CheckBackup,
    /// Puts a backup in the place of a project's data.
    Restore,
    /// Goes back to the data before a restore.
    UndoRestore,
}

/// One step of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// A stable word.
    pub name: &'static str,
    /// How much of the job, of a hundred, is done when it begins.
    pub begins_at: u8,
    /// Whether the job may be cancelled during this step.
    pub can_cancel: bool,
}

const fn step(name: &'static str, begins_at: u8) -> Step {
    Step { name, begins_at, can_cancel: true }
}

/// A step after whose beginning there is only forward.
const fn firm(name: &'static str, begins_at: u8) -> Step {
    Step { name, begins_at, can_cancel: false }
}

impl Kind {
    /// All of them.
    pub const ALL: [Kind; 7] = [
        Kind::SendMail,
        Kind::PurgeProject,
        Kind::LockOut,
        Kind::Backup,
        Kind::CheckBackup,
        Kind::Restore,
        Kind::UndoRestore,
    ];

    /// The name in the database.
    pub fn name(self) -> &'static str {
        match self {
            Kind::SendMail => "send_mail",
            Kind::PurgeProject => "purge_project",
            Kind::LockOut => "lock_out",
            Kind::Backup => "backup",
            Kind::CheckBackup => "check_backup",
            Kind::Restore => "restore",
            Kind::UndoRestore => "undo_restore",
        }
    }

    /// The kind of that name.
    pub fn from_name(name: &str) -> Option<Kind> {
        Kind::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// The names of the kinds that take long, or of those that do not, as a list in SQL.
    pub(super) fn names(long: bool) -> String {
        let kinds = Kind::ALL.into_iter().filter(|kind| kind.takes_long() == long);
        kinds.map(|kind| format!("'{}'", kind.name())).collect::<Vec<_>>().join(", ")
    }

    /// The steps in their order.
    pub fn steps(self) -> &'static [Step] {
        match self {
            Kind::SendMail => &const { [firm("send", 0)] },
            Kind::PurgeProject => &const { [firm("purge", 0)] },
            Kind::LockOut => &const { [firm("lock_out", 0)] },
            Kind::Backup => &const { [step("archive", 0), step("store", 30), step("prove", 60), firm("tidy", 95)] },
            Kind::CheckBackup => &const { [step("prove", 0)] },
            Kind::Restore => {
                const {
                    &[
                        step("archive", 0),
                        step("store", 15),
                        step("prove", 30),
                        step("prepare", 50),
                        firm("switch", 90),
                        firm("tidy", 95),
                    ]
                }
            }
            Kind::UndoRestore => &const { [firm("switch", 0)] },
        }
    }

    /// What begins such a job. `origin` says why the backup is made that it is about.
    pub(super) fn begun_by(self, origin: Option<Origin>) -> Action {
        match (self, origin) {
            (Kind::Backup, Some(Origin::Delete)) | (Kind::SendMail | Kind::PurgeProject | Kind::LockOut, _) => {
                Action::Delete
            }
            // Whoever restores sets the schedule.
            (Kind::Backup, Some(Origin::Schedule)) | (Kind::Restore | Kind::UndoRestore, _) => Action::Restore,
            (Kind::CheckBackup, Some(Origin::Import)) => Action::Import,
            (Kind::Backup | Kind::CheckBackup, _) => Action::BackUp,
        }
    }

    /// Whether a project has at most one such job at a time, counting all kinds that are exclusive.
    pub fn is_exclusive(self) -> bool {
        matches!(self, Kind::Backup | Kind::Restore | Kind::UndoRestore)
    }

    /// Whether it must not hold up the others.
    fn takes_long(self) -> bool {
        !matches!(self, Kind::SendMail | Kind::PurgeProject | Kind::LockOut)
    }

    /// Whether what it was given may be kept after it failed: no secrets.
    pub(super) fn keeps_input(self) -> bool {
        self != Kind::SendMail
    }

    /// How long one step may take.
    pub(super) fn patience(self) -> Duration {
        if self.takes_long() { clock::HOUR * 6 } else { clock::MINUTE * 2 }
    }

    /// Does one step.
    pub(super) async fn perform(self, run: &Run, step: &str) -> anyhow::Result<()> {
        match self {
            Kind::SendMail => mail::send(run).await,
            Kind::PurgeProject => projects::purge::purge(&run.platform, &run.project).await,
            Kind::LockOut => projects::lock_out::perform(run).await,
            Kind::Backup => backups::make::perform(run, step).await,
            Kind::CheckBackup => backups::check::perform(run).await,
            Kind::Restore => backups::restore::perform(run, step).await,
            Kind::UndoRestore => backups::restore::undo(run).await,
        }
    }

    /// Cleans up after a try that failed. Nothing follows it if `last`.
    pub(super) async fn failed(self, run: &Run, error: &anyhow::Error, last: bool) -> anyhow::Result<()> {
        match self {
            Kind::SendMail | Kind::PurgeProject | Kind::LockOut | Kind::UndoRestore => Ok(()),
            Kind::Backup => backups::make::failed(run, error).await,
            Kind::CheckBackup => backups::check::failed(run, error, last).await,
            Kind::Restore => backups::restore::failed(run, error, last).await,
        }
    }

    /// Takes back what was done so far; only after steps that can be cancelled.
    pub(super) async fn cancelled(self, run: &Run) -> anyhow::Result<()> {
        match self {
            Kind::SendMail | Kind::PurgeProject | Kind::LockOut | Kind::UndoRestore => Ok(()),
            Kind::CheckBackup => backups::check::cancelled(run).await,
            Kind::Backup => backups::make::cancelled(run).await,
            Kind::Restore => backups::restore::cancelled(run).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_go_forward_and_from_the_first_firm_one_on_all_are() {
        for kind in Kind::ALL {
            let steps = kind.steps();
            assert_eq!(steps[0].begins_at, 0, "{kind:?}");
            for pair in steps.windows(2) {
                assert!(pair[0].begins_at < pair[1].begins_at, "{kind:?}");
                assert!(pair[0].can_cancel || !pair[1].can_cancel, "{kind:?}");
            }
            assert_eq!(Kind::from_name(kind.name()), Some(kind));
        }
    }
}

//! This machine and the services it leans on: disk, limits, mail, the authorities and the clock they go by.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use chrono::{DateTime, Utc};

use super::Finding;
use crate::accounts::providers;
use crate::backups::Target;
use crate::config::{Authority, Config, Oidc};
use crate::edge::authorities;
use crate::error::causes;
use crate::mail;

/// Below this a busy day may fill the disk.
const LEAST_FREE: u64 = 1 << 30;
/// A project that is awake holds about ten files, a connection one.
const LEAST_FILES: u64 = 8192;
/// A crowd must find room while one accepts.
const LEAST_WAITING: u64 = 1024;
/// Authorities refuse requests, and browsers new certificates, when the clock is off by more than a little.
const MOST_DRIFT_S: i64 = 60;

/// Looks at everything that does not need the control database.
pub async fn examine(config: &Config) -> Vec<Finding> {
    let mut findings = vec![directory(&config.dir), disk(&config.dir), open_files(), waiting_connections()];
    findings.extend([mail_server(config).await, backups(config).await]);
    findings.extend(single_sign_on(&config.sign_in.oidc).await);
    if config.acme.is_on() {
        for authority in config.acme.authorities() {
            findings.extend(authority_and_clock(&authority).await);
        }
    }
    findings
}

fn directory(dir: &Path) -> Finding {
    let shown = dir.display();
    let test = dir.join(".doctor");
    let written = std::fs::create_dir_all(dir)
        .and_then(|()| std::fs::write(&test, "x"))
        .and_then(|()| std::fs::remove_file(test));
    match written {
        Ok(()) => Finding::good("directory", format!("{shown} can be written to")),
        Err(error) => Finding::bad(
            "directory",
            format!("{shown} cannot be written to: {error}"),
            "give it to the user Roost runs as, or name another with --dir",
        ),
    }
}

fn disk(dir: &Path) -> Finding {
    match rustix::fs::statvfs(dir) {
        Ok(disk) => {
            let free = disk.f_bavail.saturating_mul(disk.f_frsize);
            let found = format!("{} MiB free", free >> 20);
            if free >= LEAST_FREE {
                Finding::good("disk", found)
            } else {
                Finding::bad("disk", found, "make room: writes fail when the disk is full")
            }
        }
        Err(error) => Finding::unknown("disk", format!("free space is not known: {error}"), "look with df"),
    }
}

fn open_files() -> Finding {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    // The hard limit counts: Roost raises its own up to there.
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"));
    match line.and_then(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok()) {
        Some(most) if most >= LEAST_FILES => Finding::good("open files", format!("up to {most}")),
        Some(most) => Finding::bad(
            "open files",
            format!("up to {most}"),
            format!("raise the limit to {LEAST_FILES} or more, such as LimitNOFILE=65536 in the service's unit"),
        ),
        None => Finding::good("open files", "no limit is known"),
    }
}

fn waiting_connections() -> Finding {
    let limit = std::fs::read_to_string("/proc/sys/net/core/somaxconn").unwrap_or_default();
    let check = "queue";
    match limit.trim().parse::<u64>() {
        Ok(most) if most < LEAST_WAITING => Finding::bad(
            check,
            format!("only {most} connections may wait to be accepted"),
            "sysctl net.core.somaxconn=4096, kept in /etc/sysctl.d",
        ),
        Ok(most) => Finding::good(check, format!("{most} connections may wait to be accepted")),
        Err(_) => Finding::unknown(check, "how many connections may wait is not known", "look with sysctl"),
    }
}

async fn backups(config: &Config) -> Finding {
    let check = "backups";
    match Target::of(config) {
        Err(error) => Finding::bad(check, causes(&error), "check the settings under [backups]"),
        Ok(Target::Directory(dir)) => {
            // Where it will be made, if it is not there yet.
            let disk = |path: &Path| path.ancestors().find_map(|path| path.metadata().ok()).map(|found| found.dev());
            let shown = dir.display();
            if disk(&dir) == disk(&config.dir) {
                let advice = "name another disk, or better a bucket, under [backups]";
                Finding::unknown(check, format!("{shown} is on the disk of the data, and is lost with it"), advice)
            } else {
                Finding::good(check, format!("{shown} is on a disk of its own"))
            }
        }
        Ok(bucket) => match bucket.probe().await {
            Ok(()) => Finding::good(check, format!("the bucket {} answers", config.backups.bucket)),
            Err(error) => {
                let found = format!("the bucket {} cannot be used: {}", config.backups.bucket, causes(&error));
                Finding::bad(check, found, "check the settings under [backups]")
            }
        },
    }
}

async fn mail_server(config: &Config) -> Finding {
    let host = &config.mail.host;
    if host.is_empty() {
        return Finding::bad(
            "mail",
            "no mail server is set: nobody can confirm an address or choose a new password",
            "set host under [mail]",
        );
    }
    match mail::reach(&config.mail).await {
        Ok(()) => Finding::good("mail", format!("{host} takes mails")),
        Err(error) => Finding::bad(
            "mail",
            format!("{host} does not take mails: {}", causes(&error)),
            "check the settings under [mail]",
        ),
    }
}

/// The provider of OpenID Connect, if people sign in with one.
async fn single_sign_on(oidc: &Oidc) -> Option<Finding> {
    let check = "sign-in";
    let Oidc { issuer, client_id, auth_url, token_url, user_info_url, .. } = oidc;
    if client_id.is_empty() && issuer.is_empty() {
        return None;
    }
    let advice = "check issuer and client_id under [sign_in.oidc]";
    let given = !auth_url.is_empty() && !token_url.is_empty();
    Some(if client_id.is_empty() {
        Finding::bad(check, "nobody signs in with a provider: there is no client_id", advice)
    } else if given && (issuer.is_empty() || !user_info_url.is_empty()) {
        Finding::good(check, "the provider's addresses are in the settings")
    } else if issuer.is_empty() {
        Finding::bad(check, "nobody signs in with a provider: there is neither its issuer nor its addresses", advice)
    } else {
        match providers::examine(issuer).await {
            Ok(()) => Finding::good(check, format!("{issuer} describes itself")),
            Err(trouble) => Finding::bad(check, trouble, advice),
        }
    })
}

async fn authority_and_clock(authority: &Authority) -> Vec<Finding> {
    let name = authority.name();
    let directory = match authorities::directory(authority).await {
        Ok(directory) => directory,
        Err(error) => {
            let found = format!("{name} does not answer: {}", causes(&error));
            return vec![Finding::bad("authority", found, "allow HTTPS to it, or check directory under [acme]")];
        }
    };
    let mut findings = vec![Finding::good("authority", format!("{name} answers"))];
    let date = directory.date.and_then(|date| DateTime::parse_from_rfc2822(&date).ok());
    if let Some(date) = date {
        let drift = (Utc::now() - date.to_utc()).num_seconds();
        findings.push(if drift.abs() <= MOST_DRIFT_S {
            Finding::good("clock", format!("as {name}'s"))
        } else {
            let found = format!("{drift} seconds from {name}'s");
            Finding::bad("clock", found, "set it, and keep it set with a service such as systemd-timesyncd")
        });
    }
    findings
}

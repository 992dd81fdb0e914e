//! Whose an account is as long as nobody proved its address: anybody can open one in somebody else's name. Whoever
//! proves the address without the password gets the account, and nothing in it lets those in who had it before, or keeps
//! its owner out.

use sqlx::{Any, Transaction};

use super::store::{self, NO_PASSWORD};
use super::{second_factor, tokens};
use crate::audit;
use crate::error::Result;
use crate::fleet::urls::Urls;
use crate::projects::lock_out;
use crate::teams;

/// Notes that the address is proven by its owner, who may not be who opened the account. If nobody had proved it, the
/// password, sessions, links, tokens, the second factor and everybody else in its teams are gone, and so are the superusers
/// of its projects: jobs for that wait for the transaction, and for whoever rings their bell. Whether nobody had.
pub async fn take_over(tx: &mut Transaction<'static, Any>, urls: &Urls, id: &str) -> Result<bool> {
    if !store::verify(tx, id).await? {
        return Ok(false);
    }
    store::set_password(tx, id, NO_PASSWORD, None).await?;
    tokens::revoke_all(tx, id).await?;
    second_factor::remove(tx, id).await?;
    // An account that proved no address never accepted an invitation: every team it is in began with it.
    teams::store::leave_to(tx, id).await?;
    lock_out::begin(tx, urls, id).await?;
    let line = "The owner of the mail address proved it. Whoever had the account before is signed out for good";
    audit::note(tx, Some(id), None, "taken_over_by_owner", line).await?;
    Ok(true)
}

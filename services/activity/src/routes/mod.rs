//! One endpoint, one file.

pub mod list_activity;
pub mod list_audit_log;
pub mod show_audit;
pub mod stream_activity;
pub mod verify_audit_log;

use chrono::{DateTime, Datelike, Utc};

/// Filters by time take years of four digits; a database knows fewer years than RFC 3339.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "garde passes references")]
fn four_digit_year(time: &DateTime<Utc>, (): &()) -> garde::Result {
    if (0..=9999).contains(&time.year()) {
        Ok(())
    } else {
        Err(garde::Error::new("the year has four digits"))
    }
}

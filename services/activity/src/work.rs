//! What goes on beside the requests.

use server::Background;

use crate::auditor::Auditor;
use crate::config::Config;
use crate::sealer::Sealer;
use crate::{AppState, retention};

/// Starts all of it; it ends when the service does.
pub fn start(background: &Background, app: &AppState, config: Config) -> anyhow::Result<()> {
    let pool = &app.pool;
    Auditor::new(pool.clone(), app.sidecar.clone(), app.identity.clone(), &config)?
        .work(background, config.audit_period);
    Sealer::new(pool.clone()).work(background);
    app.live.work(background, pool.clone());
    let feed = pool.clone();
    background.every(retention::PERIOD, "forgetting old lines of feeds", move || {
        retention::forget_old_lines(feed.clone(), config.feed_retention_days)
    });
    app.inbox().work(background);
    Ok(())
}

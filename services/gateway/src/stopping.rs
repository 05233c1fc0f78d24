//! Whether the gateway is told to stop: what does not end by itself ends then, as it would hold up the drain.

use server::Background;
use tokio::sync::watch;

/// Clones share it.
#[derive(Clone)]
pub struct Stopping(watch::Sender<bool>);

impl Default for Stopping {
    fn default() -> Self {
        Self(watch::Sender::new(false))
    }
}

impl Stopping {
    /// Waits for the signal in the background.
    pub fn work(&self, background: &Background) {
        let stopping = self.clone();
        background.spawn(|stop| async move {
            stop.run_until_cancelled(server::stop_signal()).await;
            stopping.0.send_replace(true);
        });
    }

    pub async fn stopped(&self) {
        // It can't be dropped while this one is there.
        let _ = self.0.subscribe().wait_for(|stopped| *stopped).await;
    }
}

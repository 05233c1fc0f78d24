//! A short run of `make workload`, with the same seed each time.

use std::sync::Arc;
use std::time::Duration;

use anyhow::ensure;
use tests::Stack;

use crate::Result;

const SEED: u64 = 42;
/// Enough for each fault once.
const LASTING: Duration = Duration::from_secs(25);

pub async fn the_invariants_of_money_hold_while_everything_goes_wrong(stack: Arc<Stack>) -> Result {
    let report = tests::workload::run(&stack, SEED, LASTING).await?;
    ensure!(report.is_sound(), "{report}");
    Ok(())
}

//! Short runs of `make workload`, with the same seed each time.

use std::sync::Arc;
use std::time::Duration;

use anyhow::ensure;
use tests::Stack;
use tests::workload::{Trouble, run};

use crate::Result;

const SEED: u64 = 42;
/// Enough for each fault once.
const LASTING: Duration = Duration::from_secs(25);

pub async fn the_invariants_of_money_hold_while_everything_goes_wrong(stack: Arc<Stack>) -> Result {
    let report = run(&stack, SEED, LASTING, Trouble::Faults).await?;
    ensure!(report.is_sound(), "{report}");
    Ok(())
}

pub async fn a_move_to_another_component_set_and_back_loses_nothing(stack: Arc<Stack>) -> Result {
    let (set, next) = stack.set_and_next()?;
    let report = run(&stack, SEED, LASTING, Trouble::Moves(vec![next, set])).await?;
    ensure!(report.is_sound(), "{report}");
    Ok(())
}

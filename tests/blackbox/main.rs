//! The system from outside: HTTP to the gateway, real sidecars, real infrastructure, one stack for all tests.
//!
//! The tests run one after the other: those in `faults` take parts of the stack away.

mod bad_input;
mod events;
mod faults;
mod feed;
mod identity;
mod money;
mod movements;
mod operation;
mod tour;
mod workload;

use std::panic::AssertUnwindSafe;
use std::process::ExitCode;
use std::sync::{Arc, Weak};

use anyhow::{anyhow, bail};
use futures_util::FutureExt;
use libtest_mimic::{Arguments, Failed, Trial};
use testkit::infra::Backend;
use tests::{Logs, Stack, interrupted};
use tokio::runtime::Runtime;

type Result = anyhow::Result<()>;

const VARIABLES: [(&str, &str); 2] = [
    // All people of the tests come from one network: more of them than of an office.
    ("RATE_LIMIT_FACTOR", "20"),
    // Processes are killed here, the machine is not: nothing has to wait for its disk.
    ("PAYME_PG_OPTIONS", "-c fsync=off"),
];

/// Collects the tests, each a function of the stack, under the name of its module.
struct Suite {
    runtime: Arc<Runtime>,
    stack: Arc<Stack>,
    trials: Vec<Trial>,
}

impl Suite {
    fn add<F, Fut>(&mut self, name: &str, test: F)
    where
        F: FnOnce(Arc<Stack>) -> Fut + Send + 'static,
        Fut: Future<Output = Result>,
    {
        let (runtime, stack) = (self.runtime.clone(), self.stack.clone());
        self.trials.push(Trial::test(name, move || {
            let logs = Logs::now(stack.home())?;
            // A panic has said what it is, but not what the services logged.
            let caught = AssertUnwindSafe(test(stack)).catch_unwind();
            let result = runtime
                .block_on(caught)
                .unwrap_or_else(|_| Err(anyhow!("it panicked")));
            result.map_err(|error| Failed::from(format!("{error:#}\n{}", logs.since().unwrap_or_default())))
        }));
    }
}

/// The stack, or an error if somebody interrupts its start.
async fn start() -> anyhow::Result<Stack> {
    tokio::select! {
        stack = Stack::start_with(Backend::from_env()?, &VARIABLES) => stack,
        interrupted = interrupted() => {
            interrupted?;
            bail!("interrupted")
        }
    }
}

/// An interruption in the middle of a test leaves nothing behind either.
#[expect(clippy::print_stderr, reason = "there is nobody else to tell")]
async fn end_when_interrupted(stack: Weak<Stack>) -> Result {
    interrupted().await?;
    // Without one, it is being stopped already.
    let Some(stack) = stack.upgrade() else {
        return Ok(());
    };
    if let Err(error) = stack.end().await {
        eprintln!("the stack could not be stopped: {error:#}");
    }
    std::process::exit(130)
}

/// Names the tests of a module by their functions.
macro_rules! trials {
    ($suite:ident: $($module:ident::$test:ident),+ $(,)?) => {
        $($suite.add(concat!(stringify!($module), "::", stringify!($test)), $module::$test);)+
    };
}

fn main() -> anyhow::Result<ExitCode> {
    let mut arguments = Arguments::from_args();
    arguments.test_threads = Some(1);
    if arguments.list {
        // Listing must not start anything; tools that list only want the name of the binary's one suite.
        return Ok(ExitCode::SUCCESS);
    }
    let runtime = Arc::new(Runtime::new()?);
    let stack = Arc::new(runtime.block_on(start())?);
    runtime.spawn(end_when_interrupted(Arc::downgrade(&stack)));
    let mut suite = Suite {
        runtime,
        stack,
        trials: Vec::new(),
    };
    trials!(suite:
        tour::the_readme_works_as_printed,
        tour::a_session_survives_the_loss_of_its_cache_entry,
        money::fifty_parallel_debits_spend_no_more_than_there_is,
        money::one_key_sent_twenty_times_is_one_transfer,
        money::a_key_is_not_taken_for_another_body,
        money::every_movement_is_in_the_history_and_the_feed_of_both,
        movements::a_hold_is_captured_and_refunded_in_parts,
        movements::a_hold_expires_by_itself,
        movements::people_ask_and_pay_each_other_by_name,
        movements::a_request_for_money_expires_by_itself_and_both_are_told,
        movements::the_statement_of_a_month_that_is_over_is_mailed_and_in_the_feed,
        // Thousands of mails follow, for which other notices of movements have to wait.
        movements::a_batch_of_a_thousand_is_done_as_one,
        movements::a_statement_is_a_file_in_three_forms,
        bad_input::every_bad_amount_is_refused_and_moves_nothing,
        bad_input::somebody_elses_account_looks_like_none,
        bad_input::bad_bodies_have_their_own_codes,
        bad_input::broken_cookies_and_forged_tokens_are_refused,
        bad_input::a_request_of_another_site_is_refused,
        bad_input::no_internal_route_is_reachable_from_outside,
        identity::a_forgotten_password_is_reset_by_mail,
        identity::a_native_client_lives_on_its_refresh_tokens,
        identity::a_refresh_token_that_comes_back_ends_its_session_and_the_owner_is_told,
        identity::sessions_are_listed_and_ended_here_and_everywhere,
        identity::a_second_factor_is_asked_for_and_a_recovery_code_helps_once,
        identity::an_administrator_locks_a_user_out_at_once,
        identity::wrong_passwords_lock_strangers_out_and_not_the_owners_device,
        identity::an_answer_never_tells_whether_an_address_has_an_account,
        identity::requests_of_one_session_that_has_lost_its_entry_all_go_on,
        identity::two_replicas_of_the_gateway_share_sessions_and_their_ends,
        identity::who_leaves_takes_their_data_and_leaves_the_ledger,
        identity::too_many_requests_have_to_wait,
        feed::a_stream_shows_lines_at_once_and_goes_on_where_it_was_cut,
        feed::a_line_of_the_audit_log_that_was_changed_is_named,
        operation::probes_metrics_and_logs_are_there,
        operation::logs_hold_no_secret_and_no_personal_data,
        operation::a_trace_runs_from_the_gateway_to_the_consumer,
        events::what_can_not_take_effect_is_kept_for_an_operator_and_holds_nothing_up,
        events::an_app_publishes_only_what_is_its_own,
        events::a_broker_that_has_lost_everything_gets_it_again,
        faults::a_broker_that_goes_away_loses_no_event,
        faults::a_service_killed_in_the_middle_of_transfers_converges,
        faults::a_service_that_is_down_at_the_first_login_is_made_up_for,
        workload::the_invariants_of_money_hold_while_everything_goes_wrong,
        workload::a_move_to_another_component_set_and_back_loses_nothing,
        movements::the_books_verify_and_the_auditor_agrees,
        operation::a_service_drains_when_it_is_told_to_stop,
    );
    let Suite {
        runtime,
        stack,
        trials,
    } = suite;
    let conclusion = libtest_mimic::run(&arguments, trials);
    // Its containers can be removed within a runtime only, so nothing else may hold it any more.
    runtime.block_on(async { drop(stack) });
    Ok(if conclusion.has_failed() {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

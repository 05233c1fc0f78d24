//! The people whose requests are the load: registered, and known on the device that they use.

use anyhow::ensure;
use futures_util::stream::{self, StreamExt, TryStreamExt};
use tests::{Answer, Person, Stack};

/// How many arrive at a time.
const AT_ONCE: usize = 8;

/// So many people, who have all registered and then all logged in for the first time.
pub async fn arrive(stack: &Stack, count: usize) -> anyhow::Result<Vec<Person>> {
    let origin = stack.origin();
    let register = stream::iter(0..count).map(async |_| {
        let mut person = Person::stranger(&origin);
        person.register().await?;
        anyhow::Ok(person)
    });
    let people: Vec<_> = register.buffered(AT_ONCE).try_collect().await?;
    let log_in = stream::iter(people).map(async |mut person| {
        person.log_in().await?;
        anyhow::Ok(person)
    });
    log_in.buffered(AT_ONCE).try_collect().await
}

/// An answer that is no success ends the run: it would be measured for something that was not done.
pub fn ok(answer: &Answer) -> anyhow::Result<()> {
    ensure!(answer.status.is_success(), "{answer:?}");
    Ok(())
}

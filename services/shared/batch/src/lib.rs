//! Natural batching: what arrives while one batch runs goes together as the next. See README.md.

use std::{future::Future, sync::Arc};

use tokio::sync::{Semaphore, mpsc, oneshot};

/// The bounds of a [`Batcher`].
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// How many callers may wait.
    pub queue: usize,
    /// How many items go together. A single caller may bring more; its items then go alone.
    pub max_items: usize,
    /// How many batches may run at the same time.
    pub in_flight: usize,
}

/// Why a submission has no outputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rejected {
    /// Too many are waiting already. Nothing was begun.
    Full,
    /// The batch ended without an answer: its outcome is unknown.
    Lost,
}

impl std::fmt::Display for Rejected {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Full => "too many are waiting",
            Self::Lost => "the batch ended without an answer",
        })
    }
}

impl std::error::Error for Rejected {}

/// One caller, and how it gets its outputs.
struct Waiting<I, O> {
    items: Vec<I>,
    answer: oneshot::Sender<Vec<O>>,
}

/// Those who go together.
type Batch<I, O> = Vec<Waiting<I, O>>;

/// A queue in front of a function over many items. Clones share the queue.
pub struct Batcher<I, O> {
    queue: mpsc::Sender<Waiting<I, O>>,
}

impl<I, O> Clone for Batcher<I, O> {
    fn clone(&self) -> Self {
        Self {
            queue: self.queue.clone(),
        }
    }
}

impl<I: Send + 'static, O: Send + 'static> Batcher<I, O> {
    /// Starts the worker. `run` gives one output for each item, in the same order.
    pub fn spawn<F, R>(limits: Limits, run: R) -> Self
    where
        R: Fn(Vec<I>) -> F + Send + Sync + 'static,
        F: Future<Output = Vec<O>> + Send + 'static,
    {
        let (queue, arrivals) = mpsc::channel(limits.queue);
        tokio::spawn(work(arrivals, limits, Arc::new(run)));
        Self { queue }
    }

    /// Waits for the outputs of these items, which go in one batch, perhaps with those of others.
    pub async fn submit(&self, items: Vec<I>) -> Result<Vec<O>, Rejected> {
        let (answer, outputs) = oneshot::channel();
        self.queue
            .try_send(Waiting { items, answer })
            .map_err(|error| match error {
                mpsc::error::TrySendError::Full(_) => Rejected::Full,
                mpsc::error::TrySendError::Closed(_) => Rejected::Lost,
            })?;
        outputs.await.map_err(|_| Rejected::Lost)
    }
}

async fn work<I, O, F, R>(mut arrivals: mpsc::Receiver<Waiting<I, O>>, limits: Limits, run: Arc<R>)
where
    I: Send + 'static,
    O: Send + 'static,
    R: Fn(Vec<I>) -> F + Send + Sync + 'static,
    F: Future<Output = Vec<O>> + Send + 'static,
{
    let slots = Arc::new(Semaphore::new(limits.in_flight));
    let mut next = None;
    // The slot comes first: while none is free, arrivals pile up to a batch.
    while let Ok(slot) = slots.clone().acquire_owned().await {
        let Some(first) = (match next.take() {
            Some(waiting) => Some(waiting),
            None => arrivals.recv().await,
        }) else {
            return;
        };
        let_come(&arrivals, limits.max_items).await;
        let batch;
        (batch, next) = gather(first, &mut arrivals, limits.max_items);
        let run = run.clone();
        // A task of its own, so that a panic ends this batch and not the worker.
        tokio::spawn(async move {
            run_batch(batch, &*run).await;
            drop(slot);
        });
    }
}

/// Lets those go first who are about to come, such as callers that were answered a moment ago, until nobody more comes or a batch is full.
async fn let_come<T>(arrivals: &mpsc::Receiver<T>, most: usize) {
    let mut came = None;
    while arrivals.len() < most && came != Some(arrivals.len()) {
        came = Some(arrivals.len());
        tokio::task::yield_now().await;
    }
}

/// Takes what waits, up to `max_items`. The second part did not fit and is first in the next batch.
fn gather<I, O>(
    first: Waiting<I, O>,
    arrivals: &mut mpsc::Receiver<Waiting<I, O>>,
    max_items: usize,
) -> (Batch<I, O>, Option<Waiting<I, O>>) {
    let mut count = first.items.len();
    let mut batch = vec![first];
    while count < max_items
        && let Ok(waiting) = arrivals.try_recv()
    {
        count += waiting.items.len();
        if count > max_items {
            return (batch, Some(waiting));
        }
        batch.push(waiting);
    }
    (batch, None)
}

async fn run_batch<I, O, F: Future<Output = Vec<O>>>(batch: Vec<Waiting<I, O>>, run: &impl Fn(Vec<I>) -> F) {
    let mut items = Vec::new();
    let mut answers = Vec::with_capacity(batch.len());
    for waiting in batch {
        answers.push((waiting.items.len(), waiting.answer));
        items.extend(waiting.items);
    }
    let mut outputs = run(items).await.into_iter();
    for (count, answer) in answers {
        // A caller that has gone away does not want its outputs any more.
        let _ = answer.send(outputs.by_ref().take(count).collect());
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    const LIMITS: Limits = Limits {
        queue: 100,
        max_items: 10,
        in_flight: 1,
    };

    type Sizes = Arc<Mutex<Vec<usize>>>;

    /// A batcher whose batches wait for a permit of the returned semaphore, and a record of the sizes it ran.
    fn gated(limits: Limits) -> (Batcher<u32, u32>, Arc<Semaphore>, Sizes) {
        let gate = Arc::new(Semaphore::new(0));
        let sizes = Arc::new(Mutex::new(Vec::new()));
        let (inner_gate, inner_sizes) = (gate.clone(), sizes.clone());
        let batcher = Batcher::spawn(limits, move |items: Vec<u32>| {
            let (gate, sizes) = (inner_gate.clone(), inner_sizes.clone());
            async move {
                gate.acquire().await.unwrap().forget();
                sizes.lock().unwrap().push(items.len());
                items.into_iter().map(|item| item * 2).collect()
            }
        });
        (batcher, gate, sizes)
    }

    /// Lets all others go on until they wait: a test has one thread, and nothing here waits for time.
    async fn settle() {
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn what_arrives_during_a_batch_goes_together_as_the_next() {
        let (batcher, gate, sizes) = gated(LIMITS);
        let mut callers = Vec::new();
        for item in 0..6 {
            let batcher = batcher.clone();
            callers.push(tokio::spawn(async move { batcher.submit(vec![item]).await }));
            settle().await;
        }
        gate.add_permits(2);
        for (item, caller) in (0..).zip(callers) {
            assert_eq!(caller.await.unwrap(), Ok(vec![item * 2]));
        }
        assert_eq!(*sizes.lock().unwrap(), [1, 5]);
    }

    #[tokio::test]
    async fn one_callers_items_stay_together_and_a_batch_keeps_its_limit() {
        let (batcher, gate, sizes) = gated(LIMITS);
        let mut callers = Vec::new();
        for _ in 0..4 {
            let batcher = batcher.clone();
            callers.push(tokio::spawn(
                async move { batcher.submit(vec![1, 2, 3, 4]).await },
            ));
            settle().await;
        }
        gate.add_permits(10);
        for caller in callers {
            assert_eq!(caller.await.unwrap(), Ok(vec![2, 4, 6, 8]));
        }
        assert_eq!(*sizes.lock().unwrap(), [4, 8, 4]);
    }

    #[tokio::test]
    async fn callers_that_come_again_at_once_go_together_again() {
        let sizes = Sizes::default();
        let record = sizes.clone();
        let batcher = Batcher::spawn(LIMITS, move |items: Vec<u32>| {
            record.lock().unwrap().push(items.len());
            async move { items }
        });
        let callers = (0..8).map(|item| {
            let batcher = batcher.clone();
            tokio::spawn(async move {
                for _ in 0..5 {
                    batcher.submit(vec![item]).await.unwrap();
                }
            })
        });
        for caller in callers.collect::<Vec<_>>() {
            caller.await.unwrap();
        }
        assert_eq!(*sizes.lock().unwrap(), [8; 5]);
    }

    #[tokio::test]
    async fn a_full_queue_refuses_at_once() {
        let (batcher, _gate, _) = gated(Limits { queue: 1, ..LIMITS });
        let running = tokio::spawn({
            let batcher = batcher.clone();
            async move { batcher.submit(vec![1]).await }
        });
        settle().await;
        let waiting = tokio::spawn({
            let batcher = batcher.clone();
            async move { batcher.submit(vec![2]).await }
        });
        settle().await;
        assert_eq!(batcher.submit(vec![3]).await, Err(Rejected::Full));
        running.abort();
        waiting.abort();
    }

    #[tokio::test]
    async fn a_batch_that_panics_fails_its_own_callers_only() {
        let batcher = Batcher::spawn(LIMITS, |items: Vec<u32>| async move {
            assert_ne!(items, [13], "unlucky");
            items
        });
        assert_eq!(batcher.submit(vec![13]).await, Err(Rejected::Lost));
        assert_eq!(batcher.submit(vec![14]).await, Ok(vec![14]));
    }
}

//! Queues tasks at the moments that the driver asks for: one by one, each in a transaction of its own, or in batches.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::tally::{Payload, say};

/// Enqueues under way at once. More would only wait for one another, and their stamps would tell of the producer and not of the queue.
pub const AT_ONCE: usize = 16;

pub trait Send: Clone + std::marker::Send + 'static {
    /// Queues one task.
    fn send(&self, payload: Payload) -> impl Future<Output = anyhow::Result<()>> + std::marker::Send;

    /// Queues many in one transaction.
    fn send_all(&self, _: Vec<Payload>) -> impl Future<Output = anyhow::Result<()>> + std::marker::Send {
        async { bail!("batches are not measured here") }
    }
}

pub async fn run<S: Send>(sender: S) -> anyhow::Result<()> {
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    say("ready");
    while let Some(line) = lines.next_line().await? {
        let words: Vec<_> = line.split_whitespace().collect();
        let begun = Instant::now();
        match words[..] {
            ["one"] => sender.send(Payload::now()).await?,
            ["many", rate, count] => {
                let send = |sender: S| async move { sender.send(Payload::now()).await };
                at_their_times(&sender, rate.parse()?, count.parse()?, send).await?;
            }
            ["batches", rate, count, size, stamped_each] => {
                let (size, each): (usize, usize) = (size.parse()?, stamped_each.parse()?);
                let stamped = move |n: usize| if n.is_multiple_of(each) { Payload::now() } else { Payload::default() };
                let send = move |sender: S| async move { sender.send_all((0..size).map(stamped).collect()).await };
                at_their_times(&sender, rate.parse()?, count.parse()?, send).await?;
            }
            _ => bail!("{line}: not understood"),
        }
        say(&format!("sent {}", begun.elapsed().as_secs_f64()));
    }
    Ok(())
}

/// Sends so often in a second, each at its time, whatever became of those before, as long as a place is free.
async fn at_their_times<S: Send, F>(sender: &S, rate: f64, count: u32, send: impl Fn(S) -> F) -> anyhow::Result<()>
where
    F: Future<Output = anyhow::Result<()>> + std::marker::Send + 'static,
{
    let begun = Instant::now();
    let places = Arc::new(Semaphore::new(AT_ONCE));
    let mut under_way = JoinSet::new();
    for turn in 0..count {
        tokio::time::sleep_until(begun + Duration::from_secs_f64(f64::from(turn) / rate)).await;
        let (sending, place) = (send(sender.clone()), places.clone().acquire_owned().await?);
        under_way.spawn(async move {
            let _place = place;
            sending.await
        });
        while let Some(ended) = under_way.try_join_next() {
            ended??;
        }
    }
    while let Some(ended) = under_way.join_next().await {
        ended?.context("a task could not be queued")?;
    }
    Ok(())
}

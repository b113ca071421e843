//! Queues tasks one by one, each in a transaction of its own, at the moments that the driver asks for.

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

/// Queues one task.
pub trait Send: Clone + std::marker::Send + 'static {
    fn send(&self, payload: Payload) -> impl Future<Output = anyhow::Result<()>> + std::marker::Send;
}

pub async fn run(sender: impl Send) -> anyhow::Result<()> {
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    say("ready");
    while let Some(line) = lines.next_line().await? {
        let words: Vec<_> = line.split_whitespace().collect();
        let begun = Instant::now();
        match words[..] {
            ["one"] => sender.send(Payload::now()).await?,
            ["many", rate, count] => many(&sender, rate.parse()?, count.parse()?).await?,
            _ => bail!("{line}: not understood"),
        }
        say(&format!("sent {}", begun.elapsed().as_secs_f64()));
    }
    Ok(())
}

/// Sends each at its time, whatever became of those before, as long as a place is free.
async fn many(sender: &impl Send, rate: f64, count: u32) -> anyhow::Result<()> {
    let begun = Instant::now();
    let places = Arc::new(Semaphore::new(AT_ONCE));
    let mut under_way = JoinSet::new();
    for place in 0..count {
        tokio::time::sleep_until(begun + Duration::from_secs_f64(f64::from(place) / rate)).await;
        let (sender, place) = (sender.clone(), places.clone().acquire_owned().await?);
        under_way.spawn(async move {
            let _place = place;
            sender.send(Payload::now()).await
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

//! `notification`: tells whoever queued it something, in the program. With a start time, a reminder.

use model::tasks::{Notified, Notify, TaskKind};
use serde_json::{Value, json};

use super::{Context, Stop, Work};
use crate::notifications::{self, Told};

impl Work for Notify {
    const NAME: &'static str = TaskKind::Notification.name();
    const DESCRIPTION: &'static str = TaskKind::Notification.description();

    async fn run(self, context: &Context) -> Result<Value, Stop> {
        let Some(user_id) = context.owner() else { return Err(Stop::Fatal("There is nobody to tell".into())) };
        let href = self.href.unwrap_or_else(|| format!("/tasks/{}", context.task_id()));
        // By the task's id, so that a second run tells nothing.
        let told = Told { user_id, key: format!("task:{}", context.task_id()), text: self.text, href };
        let mut tx = context.begin().await?;
        let is_new =
            notifications::add(&mut tx, &told).await.map_err(|error| context.again("It could not be told", error))?;
        let result = context.complete_in(tx, json!(Notified { told: is_new })).await?;
        notifications::ring(&context.app, user_id);
        Ok(result)
    }
}

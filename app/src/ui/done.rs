use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

/// The words of features, by the key.
const FEATURES: &[fn(&str) -> Option<&'static str>] = &[
    // One a line.
    crate::notes::done,
];

/// Says that a change was made. Forms that worked lead to an address with `?done=`; its words are chosen here, never taken from there.
#[component]
pub fn Done() -> impl IntoView {
    let query = use_query_map();
    let words = Memo::new(move |_| query.with(|query| query.get("done")).and_then(|key| words_of(&key)));
    view! {
        <div role="status">
            {move || words.get().map(|words| view! { <p class="notice">{words}</p> })}
        </div>
    }
}

fn words_of(key: &str) -> Option<&'static str> {
    Some(match key {
        "profile" => "The profile was changed.",
        "password" => {
            "The password was changed. All other sessions have ended. API keys go on working; revoke them if somebody else may know them."
        }
        "type-paused" => "The type is paused. Its tasks are taken, and wait.",
        "type-resumed" => "The type goes on.",
        "breaker-set" => "The circuit breaker is set.",
        "schedule-paused" => "The schedule is paused.",
        "schedule-resumed" => "The schedule goes on.",
        "schedule-changed" => "The schedule was changed.",
        "schedule-deleted" => "The schedule was deleted. Tasks that it has queued stay.",
        "schedule-run" => "The task of the schedule was queued.",
        "created" => "The account was created.",
        "status" => "The status was changed.",
        "role" => "The role was changed.",
        "reset" => "The password was set, and the sessions have ended.",
        "password-demand" => "Another password has to be chosen before anything else.",
        "two-factor-off" => "Two-factor is off. A login asks for the password only.",
        "two-factor-reset" => "The second factor was taken away. Its owner gets a letter.",
        "session" => "The session has ended.",
        "impersonation" => "You are yourself again.",
        "keys" => "The keys were revoked.",
        "sessions" => "The sessions have ended.",
        "deleted" => "The account was deleted.",
        "restored" => "The account was restored. It is inactive until you activate it.",
        _ => return FEATURES.iter().find_map(|words_of| words_of(key)),
    })
}

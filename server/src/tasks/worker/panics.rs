//! Where an attempt panicked: the hook of the process keeps the backtrace for whoever catches the panic.

use std::any::Any;
use std::backtrace::Backtrace;
use std::cell::RefCell;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;

use futures::FutureExt;

/// Where it was, and how it got there.
struct Panicked(String, Backtrace);

thread_local! {
    static LAST: RefCell<Option<Panicked>> = const { RefCell::new(None) };
}

tokio::task_local! {
    /// Set while the code of an attempt runs: other panics are not ours.
    static IN_ATTEMPT: ();
}

/// Lets the hook of this process keep the backtraces of attempts, besides what it did before.
pub(super) fn keep_backtraces() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |panic| {
            if IN_ATTEMPT.try_with(|()| ()).is_ok() {
                let at = panic.location().map(ToString::to_string).unwrap_or_default();
                // Frames only; their names are looked up when it is told.
                let panicked = Panicked(at, Backtrace::force_capture());
                LAST.with(|last| *last.borrow_mut() = Some(panicked));
            }
            before(panic);
        }));
    });
}

/// The result, or the words of the panic and the way to it.
pub(super) async fn caught<T>(attempt: impl Future<Output = T>) -> Result<T, (String, Option<String>)> {
    let ended = IN_ATTEMPT.scope((), AssertUnwindSafe(attempt).catch_unwind()).await;
    match ended {
        Ok(ended) => Ok(ended),
        Err(panic) => {
            // Caught on the thread on which it was thrown, and nothing was waited for since.
            let panicked = LAST.with(|last| last.borrow_mut().take());
            let trace = match panicked {
                // Looking names up takes a while.
                Some(panicked) => tokio::task::spawn_blocking(move || told(&panicked)).await.ok(),
                None => None,
            };
            Err((words_of(&*panic), trace))
        }
    }
}

/// The way from the attempt to the panic, without what leads there in every attempt and what the panic does itself.
fn told(Panicked(at, backtrace): &Panicked) -> String {
    let all = backtrace.to_string();
    let lines: Vec<_> = all.lines().collect();
    let of_panic = |line: &&str| line.contains("core::panicking::") || line.contains("rust_begin_unwind");
    let begin = lines.iter().rposition(of_panic).map_or(0, |place| place + 1);
    let end = lines.iter().skip(begin).position(|line| line.contains("catch_unwind")).unwrap_or(lines.len());
    let way: Vec<_> = lines.iter().copied().skip(begin).take(end).collect();
    format!("Panicked at {at}\n{}", way.join("\n"))
}

fn words_of(panic: &(dyn Any + Send)) -> String {
    let words =
        panic.downcast_ref::<&str>().map(ToString::to_string).or_else(|| panic.downcast_ref::<String>().cloned());
    format!("The task panicked: {}", words.unwrap_or_else(|| "without words".into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unlucky() {
        panic!("no {}", "luck");
    }

    #[tokio::test]
    async fn a_panic_is_told_in_its_own_words_and_with_the_way_to_it() {
        keep_backtraces();
        let (words, trace) = caught(async { unlucky() }).await.unwrap_err();
        let trace = trace.expect("a trace");
        assert_eq!(words, "The task panicked: no luck");
        assert!(trace.starts_with("Panicked at server/src/tasks/worker/panics.rs"), "{trace}");
        assert!(trace.contains("panics::tests::unlucky") && !trace.contains("keep_backtraces"), "{trace}");
        assert!(caught(async { 7 }).await.is_ok_and(|ended| ended == 7));
    }
}

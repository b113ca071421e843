use leptos::prelude::*;
use model::tasks::{Figure, Operations, Period};

use super::{Shared, address};
use crate::ui::{Graph, Series, Unit, chart};

/// One value of each step.
fn series(name: &'static str, tone: &'static str, all: &Operations, value: impl Fn(&Figure) -> Option<f64>) -> Series {
    Series { name, tone, values: all.figures.iter().map(value).collect() }
}

fn count(value: i64) -> Option<f64> {
    Some(value as f64)
}

fn attempts(all: &Operations) -> Vec<Series> {
    vec![
        series("completed", "success", all, |step| count(step.completed)),
        series("cancelled", "muted", all, |step| count(step.cancelled)),
        series("to be retried", "warn", all, |step| count(step.retried)),
        series("failed", "error", all, |step| count(step.failed)),
    ]
}

fn times(all: &Operations) -> Vec<Series> {
    let ran = |place: usize| move |step: &Figure| step.run_ms.map(|times| times[place] as f64);
    vec![
        series("half ran up to", "info", all, ran(0)),
        series("95 %", "warn", all, ran(1)),
        series("99 %", "error", all, ran(2)),
        series("waited (mean)", "muted", all, |step| step.wait_ms.map(|wait| wait as f64)),
    ]
}

fn depth(all: &Operations) -> Vec<Series> {
    vec![series("ready", "info", all, |step| step.ready.map(|ready| ready as f64))]
}

fn oldest(all: &Operations) -> Vec<Series> {
    vec![series("oldest ready", "warn", all, |step| {
        step.ready.map(|_| step.oldest_ready_seconds.unwrap_or_default() * 1000.0)
    })]
}

fn graph(shared: Shared, title: &'static str, unit: Unit, series: fn(&Operations) -> Vec<Series>) -> AnyView {
    let graph = Memo::new(move |_| {
        shared.seen.with(|seen| {
            let at = seen.iter().flat_map(|all| all.figures.iter().map(|step| step.at)).collect();
            Graph { unit, at, series: seen.as_ref().map(series).unwrap_or_default() }
        })
    });
    chart(title, graph.into())
}

/// Throughput and failures, times, depth and age, over the period.
pub(super) fn graphs(shared: Shared) -> AnyView {
    let period = shared.period;
    let link = move |one: Period| {
        let current = move || (period.get() == one).then_some("page");
        view! { <a href=address(one, None) aria-current=current>{one.names().1}</a> }
    };
    view! {
        <nav class="tabs" aria-label="Period">{Period::ALL.map(link).collect_view()}</nav>
        <section class="charts" aria-label="Graphs">
            {graph(shared, "Attempts that ended", Unit::Count, attempts)}
            {graph(shared, "How long attempts ran and waited", Unit::Milliseconds, times)}
            {graph(shared, "Tasks that are ready", Unit::Count, depth)}
            {graph(shared, "How long the oldest has been ready", Unit::Milliseconds, oldest)}
        </section>
    }
    .into_any()
}

//! Graphs as SVG, drawn on the server and in the browser by the same code. Each step names its values, for a pointer and for the client; a
//! table beside the graph has them all, for keyboards and screen readers.

use std::fmt::Write;

use chrono::{DateTime, TimeDelta, Utc};
use leptos::ev::PointerEvent;
use leptos::prelude::*;
use leptos::wasm_bindgen::JsCast;
use leptos::web_sys::Node;

/// The inner size of a graph; the page stretches it.
const WIDTH: f64 = 600.0;
const HEIGHT: f64 = 140.0;

/// What the values count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    Count,
    /// Time, drawn by its logarithm, because it goes from milliseconds to hours.
    Milliseconds,
}

impl Unit {
    fn words(self, value: f64) -> String {
        match self {
            Self::Count => format!("{value:.0}"),
            Self::Milliseconds => duration(value / 1000.0),
        }
    }

    fn scaled(self, value: f64) -> f64 {
        match self {
            Self::Count => value,
            Self::Milliseconds => value.ln_1p(),
        }
    }
}

/// Values over time, one for each step; none where nothing is known.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// Words and colour: one of ours, never a text of people, because both go into the markup as they are.
    pub name: &'static str,
    pub tone: &'static str,
    pub values: Vec<Option<f64>>,
}

/// What a graph shows. Counts are bars on one another, times are lines.
#[derive(Clone, Debug, PartialEq)]
pub struct Graph {
    pub unit: Unit,
    pub at: Vec<DateTime<Utc>>,
    pub series: Vec<Series>,
}

/// Seconds in words, with the two largest parts.
pub fn duration(seconds: f64) -> String {
    let whole = seconds.max(0.0) as u64;
    match whole {
        0 if seconds <= 0.0 => "0 s".to_owned(),
        0 => format!("{:.0} ms", seconds * 1000.0),
        1..60 => format!("{whole} s"),
        60..3600 => format!("{} min {} s", whole / 60, whole % 60),
        3600..86_400 => format!("{} h {} min", whole / 3600, whole % 3600 / 60),
        _ => format!("{} d {} h", whole / 86_400, whole % 86_400 / 3600),
    }
}

impl Graph {
    /// The largest value that is drawn, at least one.
    fn top(&self) -> f64 {
        let steps = 0..self.at.len();
        let highest = |step: usize| {
            let values = self.series.iter().filter_map(|series| series.values.get(step).copied().flatten());
            if self.unit == Unit::Count { values.sum() } else { values.fold(0.0, f64::max) }
        };
        steps.map(highest).fold(1.0, f64::max)
    }

    /// When a step is, in words: those of a day have no hours.
    fn when(&self, at: &DateTime<Utc>) -> String {
        let is_daily = matches!(self.at.as_slice(), [first, next, ..] if *next - *first >= TimeDelta::days(1));
        at.format(if is_daily { "%m-%d" } else { "%m-%d %H:%M" }).to_string()
    }

    /// What is known of a step, in words; none when nothing is.
    fn words(&self, step: usize) -> Option<String> {
        let mut words = self.when(self.at.get(step)?);
        let mut is_known = false;
        for series in &self.series {
            let Some(value) = series.values.get(step).copied().flatten() else { continue };
            is_known = true;
            let _ = write!(words, " · {} {}", series.name, self.unit.words(value));
        }
        is_known.then_some(words)
    }

    /// What is inside of the `<svg>`.
    fn svg(&self) -> String {
        let (top, width) = (self.unit.scaled(self.top()), WIDTH / self.at.len().max(1) as f64);
        let mut svg = String::new();
        let height = |value: f64| self.unit.scaled(value) / top * HEIGHT;
        if self.unit == Unit::Count {
            for step in 0..self.at.len() {
                let mut y = HEIGHT;
                for series in &self.series {
                    let value = series.values.get(step).copied().flatten().filter(|value| *value > 0.0);
                    let Some(high) = value.map(height) else { continue };
                    y -= high;
                    let (x, wide) = (step as f64 * width, width * 0.8);
                    let _ = write!(
                        svg,
                        r#"<rect class="bar" data-tone="{}" x="{x:.1}" y="{y:.1}" width="{wide:.1}" height="{high:.1}"/>"#,
                        series.tone
                    );
                }
            }
        } else {
            for series in &self.series {
                let mut path = String::new();
                let mut is_open = false;
                for (step, value) in series.values.iter().enumerate() {
                    let Some(value) = value else {
                        is_open = false;
                        continue;
                    };
                    let (x, y, long) = ((step as f64 + 0.2) * width, HEIGHT - height(*value), width * 0.6);
                    // A step has a length, so one that stands alone is seen as well.
                    let _ = write!(path, "{}{x:.1} {y:.1}h{long:.1}", if is_open { 'L' } else { 'M' });
                    is_open = true;
                }
                let _ = write!(svg, r#"<path class="line" data-tone="{}" d="{path}"/>"#, series.tone);
            }
        }
        for step in 0..self.at.len() {
            let Some(words) = self.words(step) else { continue };
            let x = step as f64 * width;
            let _ = write!(
                svg,
                r#"<rect class="hit" x="{x:.1}" y="0" width="{width:.1}" height="{HEIGHT}"><title>{words}</title></rect>"#
            );
        }
        svg
    }

    /// All that is known, as the inside of a table.
    fn table(&self) -> String {
        let mut table = String::from("<thead><tr><th scope=\"col\">Time (UTC)</th>");
        for series in &self.series {
            let _ = write!(table, "<th scope=\"col\">{}</th>", series.name);
        }
        table.push_str("</tr></thead><tbody>");
        for (step, at) in self.at.iter().enumerate().rev() {
            if self.series.iter().all(|series| series.values.get(step).copied().flatten().unwrap_or(0.0) == 0.0) {
                continue;
            }
            let _ = write!(table, "<tr><td>{}</td>", self.when(at));
            for series in &self.series {
                let value = series.values.get(step).copied().flatten();
                let _ =
                    write!(table, "<td>{}</td>", value.map_or_else(|| "–".to_owned(), |value| self.unit.words(value)));
            }
            table.push_str("</tr>");
        }
        table + "</tbody>"
    }
}

/// A graph with its legend, the value under the pointer, and its table. It stands still while its values change.
pub fn chart(title: &'static str, graph: Signal<Graph>) -> AnyView {
    let pointed = RwSignal::new(String::new());
    // Each step has its words inside, for browsers in which the client does not run.
    let point = move |event: PointerEvent| {
        let node = event.target().and_then(|target| target.dyn_into::<Node>().ok());
        pointed.set(node.and_then(|node| node.text_content()).filter(|text| text.len() < 200).unwrap_or_default());
    };
    let legend = graph.with_untracked(|graph| {
        let one = |series: &Series| view! { <span data-tone=series.tone>{series.name}</span> };
        graph.series.iter().map(one).collect_view()
    });
    let edge = move |is_last: bool| {
        graph.with(|graph| {
            let at = if is_last { graph.at.last() } else { graph.at.first() };
            at.map(|at| graph.when(at))
        })
    };
    view! {
        <figure class="chart panel" aria-label=title>
            <figcaption>
                <h2>{title}</h2>
                <p class="legend">{legend}</p>
            </figcaption>
            <p class="ends"><span>{move || graph.with(|graph| graph.unit.words(graph.top()))}</span><span class="pointed">{pointed}</span></p>
            <svg viewBox=format!("0 0 {WIDTH} {HEIGHT}") preserveAspectRatio="none" aria-hidden="true" on:pointerover=point
                on:pointerleave=move |_| pointed.set(String::new()) inner_html=move || graph.with(Graph::svg)></svg>
            <p class="ends"><span>{move || edge(false)}</span><span>{move || edge(true)}</span></p>
            <details>
                <summary>"Values"<span class="sr-only">" of "{title}</span></summary>
                <div class="scroll" tabindex="0" role="region" aria-label=format!("Values of {title}")>
                    <table class="table" inner_html=move || graph.with(Graph::table)></table>
                </div>
            </details>
        </figure>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph(unit: Unit) -> Graph {
        let at = (0..3).map(|minute| DateTime::from_timestamp(minute * 60, 0).expect("a time")).collect();
        let done = Series { name: "done", tone: "success", values: vec![Some(3.0), None, Some(1.0)] };
        let failed = Series { name: "failed", tone: "error", values: vec![Some(1.0), None, Some(0.0)] };
        Graph { unit, at, series: vec![done, failed] }
    }

    #[test]
    fn bars_stand_on_one_another_and_the_highest_fills_the_graph() {
        let svg = graph(Unit::Count).svg();
        assert!(svg.contains(r#"y="35.0" width="160.0" height="105.0"/>"#), "{svg}");
        assert!(svg.contains(r#"y="0.0" width="160.0" height="35.0"/>"#), "{svg}");
        assert_eq!(svg.matches("class=\"bar\"").count(), 3, "nothing is drawn for nothing");
        assert_eq!(svg.matches("<title>").count(), 2);
        assert!(svg.contains("<title>01-01 00:00 · done 3 · failed 1</title>"), "{svg}");
    }

    #[test]
    fn a_line_is_broken_where_nothing_is_known() {
        let svg = graph(Unit::Milliseconds).svg();
        assert_eq!(svg.matches('M').count(), 4, "two pieces of each line: {svg}");
        assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
    }

    #[test]
    fn the_table_has_the_latest_first_and_leaves_out_what_is_empty() {
        let table = graph(Unit::Count).table();
        let (late, early) = (table.find("00:02").expect("late"), table.find("00:00").expect("early"));
        assert!(late < early && !table.contains("00:01"), "{table}");
    }

    #[test]
    fn steps_of_a_day_have_no_hours() {
        let at = (0..2).map(|day| DateTime::from_timestamp(day * 86_400, 0).expect("a time")).collect();
        let made = Series { name: "made", tone: "info", values: vec![Some(2.0), Some(0.0)] };
        let graph = Graph { unit: Unit::Count, at, series: vec![made] };
        assert!(graph.svg().contains("<title>01-01 · made 2</title>"), "{}", graph.svg());
        assert!(graph.table().contains("<td>01-01</td>"), "{}", graph.table());
    }

    #[test]
    fn a_graph_of_nothing_is_drawn_as_well() {
        let empty = Graph { unit: Unit::Count, at: Vec::new(), series: Vec::new() };
        assert_eq!((empty.svg(), empty.top()), (String::new(), 1.0));
    }

    #[test]
    fn seconds_are_written_with_their_two_largest_parts() {
        let words = [0.0, 0.25, 1.5, 61.0, 3600.0, 90_061.0].map(duration);
        assert_eq!(words, ["0 s", "250 ms", "1 s", "1 min 1 s", "1 h 0 min", "1 d 1 h"]);
    }
}

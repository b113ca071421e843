use std::hash::Hash;

use leptos::prelude::*;
use leptos::wasm_bindgen::JsCast;
use leptos::web_sys::{Element, HtmlElement, ScrollBehavior, ScrollToOptions};

/// The rows of a list that is read again while somebody is at it. A row is drawn anew only when its key is another one. What had the focus
/// in a row that is drawn anew, or moves, has it again afterwards, by its id; when it is gone, `or` has it. What is read further down stays
/// where it is on the screen.
#[component]
pub fn Rows<T, K>(
    #[prop(into)] rows: Signal<Vec<T>>,
    key: fn(&T) -> K,
    row: impl Fn(T) -> AnyView + Clone + Send + 'static,
    /// The id of what is there in any case; the page itself when it is not said.
    #[prop(default = "content")]
    or: &'static str,
) -> impl IntoView
where
    T: Clone + Send + Sync + 'static,
    K: Eq + Hash + Send + 'static,
{
    let each = move || {
        keep_place(or);
        rows.get()
    };
    view! { <For each key children=row/> }
}

/// Called before the rows are changed; sets right when they are.
fn keep_place(or: &'static str) {
    if cfg!(feature = "ssr") {
        return;
    }
    let focus = focused().map(|element| element.id()).filter(|id| !id.is_empty());
    let on_screen = rows_on_screen();
    // Before anybody can scroll, and before anything else is drawn.
    queue_microtask(move || {
        keep_scrolled(on_screen);
        if let Some(id) = focus {
            keep_focus(&id, or);
        }
    });
}

fn focused() -> Option<Element> {
    document().active_element()
}

fn keep_focus(id: &str, or: &str) {
    if focused().is_none_or(|element| element.tag_name() == "BODY") {
        let element = document().get_element_by_id(id).or_else(|| document().get_element_by_id(or));
        let element = element.and_then(|element| element.dyn_into::<HtmlElement>().ok());
        drop(element.map(|element| element.focus()));
    }
}

fn top(element: &Element) -> f64 {
    element.get_bounding_client_rect().top()
}

/// The rows that can be seen, and how far below the edge of the screen; none behind a dialog, which has a height of its own. At the top of the
/// page what is new is to be seen, unless somebody is about to use a row.
fn rows_on_screen() -> Vec<(Element, f64)> {
    let is_any = |selector| document().query_selector(selector).is_ok_and(|found| found.is_some());
    let is_at_top = window().scroll_y().unwrap_or_default() <= 0.0;
    if is_any("dialog[open]") || (is_at_top && !is_any("main :is(li, tr):is(:hover, :focus-within)")) {
        return Vec::new();
    }
    let height = window().inner_height().ok().and_then(|height| height.as_f64()).unwrap_or_default();
    let Ok(rows) = document().query_selector_all("main :is(li, tr)") else { return Vec::new() };
    let rows = (0..rows.length()).filter_map(|place| rows.get(place)?.dyn_into::<Element>().ok());
    rows.map(|row| (top(&row), row))
        .filter(|(top, _)| (0.0..height).contains(top))
        .map(|(top, row)| (row, top))
        .collect()
}

/// The browser does this itself while rows stay in the document, but moving several takes them all out and puts them in again. By how far the
/// middle one has moved: some may have gone to another place in the list.
fn keep_scrolled(on_screen: Vec<(Element, f64)>) {
    let still = on_screen.iter().filter(|(row, _)| row.is_connected());
    let mut moved: Vec<f64> = still.map(|(row, before)| top(row) - before).collect();
    moved.sort_by(f64::total_cmp);
    let Some(by) = moved.get(moved.len() / 2).filter(|by| by.abs() >= 1.0) else { return };
    let options = ScrollToOptions::new();
    options.set_top(*by);
    options.set_behavior(ScrollBehavior::Instant);
    window().scroll_by_with_scroll_to_options(&options);
}

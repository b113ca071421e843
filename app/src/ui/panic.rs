use leptos::prelude::*;

/// Written around the application, which draws nothing any more. `external`: the router must not take the click for itself.
const NOTICE: &str = "<p id=\"broken\" class=\"alert\" role=\"alert\" data-variant=\"destructive\">This page has broken, and does not follow what \
    you do. <a href=\"\" rel=\"external\">Load it again</a></p>";

/// Tells the person of a panic of the client, instead of leaving a page that does not answer. Once: one panic may lead to others.
pub fn tell_of_panic() {
    if document().get_element_by_id("broken").is_some() {
        return;
    }
    // Nobody is left to be told of a page without a body.
    drop(document().body().map(|body| body.insert_adjacent_html("afterbegin", NOTICE)));
}

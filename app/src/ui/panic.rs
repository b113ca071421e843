use leptos::prelude::*;

/// Written around the application, which draws nothing any more.
const NOTICE: &str = "<p class=\"alert\" role=\"alert\" data-variant=\"destructive\">This page has broken, and does not follow what you do. \
    <a href=\"\">Load it again</a></p>";

/// Tells the person of a panic of the client, instead of leaving a page that does not answer.
pub fn tell_of_panic() {
    // Nobody is left to be told of a page without a body.
    drop(document().body().map(|body| body.insert_adjacent_html("afterbegin", NOTICE)));
}

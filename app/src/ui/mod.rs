//! Thin components over native elements, shared by all pages.

mod badge;
mod chart;
mod done;
mod form;
mod moment;
mod pager;
mod states;
mod text_area;
mod values;

pub use badge::{PriorityBadge, StatusBadge};
pub use chart::{Graph, Series, Unit, chart, duration};
pub use done::Done;
pub use form::{
    Checkbox, CheckboxGroup, Hidden, Refusal, RefusedOn, SelectField, Submit, TextField, Typed, query_value, refusal_of,
};
pub use moment::Moment;
pub use pager::Pager;
pub use states::{Empty, Loading, Refused};
pub use text_area::TextArea;
pub use values::Values;

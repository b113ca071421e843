//! Thin components over native elements, shared by all pages.

mod address;
mod at_once;
mod badge;
mod chart;
mod done;
mod form;
mod moment;
mod pager;
#[cfg(feature = "hydrate")]
mod panic;
mod rows;
mod states;
mod text_area;
mod values;

pub use address::id_in_address;
pub use at_once::{AtOnce, AtOnceForm, Ends, Late, SaidLate};
pub use badge::{PriorityBadge, StatusBadge};
pub use chart::{Graph, Series, Unit, chart, duration};
pub use done::Done;
pub use form::{
    Checkbox, CheckboxGroup, Hidden, Refusal, RefusedOn, SelectField, Submit, TextField, Typed, emptied_by, empty,
    query_value, refusal_of,
};
pub use moment::Moment;
pub use pager::Pager;
#[cfg(feature = "hydrate")]
pub use panic::tell_of_panic;
pub use rows::Rows;
pub use states::{Empty, Loading, Refused};
pub use text_area::TextArea;
pub use values::{Values, plain, size};

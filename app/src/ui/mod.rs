//! Thin components over native elements, shared by all pages.

mod badge;
mod form;
mod moment;
mod pager;
mod states;
mod text_area;
mod values;

pub use badge::{PriorityBadge, StatusBadge};
pub use form::{CheckboxGroup, Refusal, SelectField, Submit, TextField, Typed};
pub use moment::Moment;
pub use pager::Pager;
pub use states::{Empty, Loading, Refused};
pub use text_area::TextArea;
pub use values::Values;

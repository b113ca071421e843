//! Tasks as people see them.

mod actions;
pub mod api;
mod deliveries;
mod detail;
mod failures;
mod list;
pub mod live;
mod new;
pub mod queries;
mod results;
mod table;

pub use detail::TaskPage;
pub use list::TasksPage;
pub use new::NewTaskPage;
pub use table::TaskTable;

//! Tasks as people see them.

mod actions;
pub mod api;
mod bulk;
mod columns;
mod dead;
mod deliveries;
mod detail;
mod failures;
mod filters;
mod list;
pub mod live;
mod nav;
mod new;
mod overview;
pub mod queries;
mod results;
mod retry;
mod schedule;
mod table;
mod timeline;

pub use bulk::BulkTasksPage;
pub use columns::Column;
pub use dead::DeadLetterPage;
pub use detail::TaskPage;
pub use list::TasksPage;
use nav::nav;
pub use new::NewTaskPage;
pub use overview::OverviewPage;
pub use retry::RetryTaskPage;
pub use schedule::SchedulePage;
pub use table::TaskTable;

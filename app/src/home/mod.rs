//! The first page, the dashboard, and the page for addresses that lead nowhere.

mod dashboard;
mod landing;
mod not_found;

pub use dashboard::DashboardPage;
pub use landing::LandingPage;
pub use not_found::NotFoundPage;

//! What making a feature and taking it out again have in common: the checkout that they change, and the lists that name a feature.

pub mod checkout;
pub mod lists;

pub use checkout::Checkout;

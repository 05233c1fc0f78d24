//! What a profile and preferences may say: pure.

pub mod address;
pub mod preferences;
pub mod rules;

//! What people write beside a movement: both parties see it, so it is a line of text.

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "garde passes the context by reference"
)]
/// For garde.
pub(super) fn printable(text: &str, (): &()) -> garde::Result {
    if text.chars().any(char::is_control) {
        Err(garde::Error::new("has control characters"))
    } else {
        Ok(())
    }
}

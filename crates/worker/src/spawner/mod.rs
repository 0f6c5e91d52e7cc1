//! The spawner: a small single-threaded process that makes the sandboxes of the namespace tier.

/// Main function of the spawner: call it first thing in `main`.
///
/// Returns at once when this process is not a spawner; otherwise never returns.
pub fn run_spawner_if_asked() {}

//! A line that says what is being waited for, once it takes longer than a second.

use std::future::Future;
use std::time::Duration;

use crate::output::Output;

const QUIET: Duration = Duration::from_secs(1);
const REPEAT: Duration = Duration::from_secs(10);

/// Awaits `work`; says `what` after a second and again every ten.
pub(crate) async fn waiting<T>(output: &Output, what: &str, work: impl Future<Output = T>) -> T {
    tokio::pin!(work);
    let mut pause = QUIET;
    loop {
        match tokio::time::timeout(pause, &mut work).await {
            Ok(done) => return done,
            Err(_) => {
                output.note(&format!("{what} …"));
                pause = REPEAT;
            }
        }
    }
}

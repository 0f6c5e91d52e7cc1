//! `cloudling doctor --verify`: whether everything in a data folder is as it was written.

use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use serde_json::json;

use super::backup::mebibytes;
use crate::output::Output;

const REPORT_EVERY: Duration = Duration::from_secs(1);

/// Fails with the exit code 1 when something is damaged, after it was listed.
pub(crate) async fn run(data: &Path, output: &Output) -> anyhow::Result<ExitCode> {
    let mut latest = Instant::now();
    let verified = server::verify(data, &mut |so_far| {
        if latest.elapsed() >= REPORT_EVERY {
            latest = Instant::now();
            output.note(&format!("checking: {} rows, {} blobs", so_far.rows, so_far.blobs));
        }
    })
    .await?;
    let read = format!(
        "{} rows ({}) and {} blobs ({}) are as they were written",
        verified.rows,
        mebibytes(verified.row_bytes),
        verified.blobs,
        mebibytes(verified.blob_bytes)
    );
    let mut lines = vec![format!("{}: {read}", data.display())];
    lines.extend(verified.damages.iter().map(|damage| format!("damaged  {damage}")));
    if verified.damages_unlisted > 0 {
        lines.push(format!("damaged  {} more", verified.damages_unlisted));
    }
    output.result(
        &lines.join("\n"),
        &json!({
            "rows": verified.rows,
            "blobs": verified.blobs,
            "damages": verified.damages,
            "damages_unlisted": verified.damages_unlisted,
        }),
    );
    Ok(if verified.is_whole() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

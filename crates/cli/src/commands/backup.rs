//! `cloudling backup` and `cloudling restore`.

use std::time::{Duration, Instant};

use serde_json::json;
use store::Copied;

use crate::arguments::Backup;
use crate::output::Output;

/// A line of progress every so often, the first one after as long.
const REPORT_EVERY: Duration = Duration::from_secs(1);

pub(crate) async fn backup(backup: &Backup, output: &Output) -> anyhow::Result<()> {
    let mut reports = Reports::new(output, "copying");
    let copied = server::backup(&backup.data, &backup.folder, &mut |copied| reports.next(copied)).await?;
    result(output, copied, &format!("backed up to {}", backup.folder.display()));
    Ok(())
}

pub(crate) async fn restore(restore: &Backup, output: &Output) -> anyhow::Result<()> {
    let mut reports = Reports::new(output, "restoring");
    let copied = server::restore(&restore.folder, &restore.data, &mut |copied| reports.next(copied)).await?;
    result(output, copied, &format!("restored to {}", restore.data.display()));
    Ok(())
}

fn result(output: &Output, copied: Copied, what: &str) {
    output.result(
        &format!(
            "{what}: {} rows ({}) and {} blobs ({})",
            copied.rows,
            mebibytes(copied.row_bytes),
            copied.blobs,
            mebibytes(copied.blob_bytes)
        ),
        &json!({
            "rows": copied.rows,
            "row_bytes": copied.row_bytes,
            "blobs": copied.blobs,
            "blob_bytes": copied.blob_bytes,
        }),
    );
}

pub(crate) fn mebibytes(bytes: u64) -> String {
    format!("{}.{} MiB", bytes >> 20, ((bytes & 0xf_ffff) * 10) >> 20)
}

/// Says on the error stream how far it is, now and then.
struct Reports<'a> {
    output: &'a Output,
    what: &'static str,
    latest: Instant,
}

impl<'a> Reports<'a> {
    fn new(output: &'a Output, what: &'static str) -> Self {
        Self { output, what, latest: Instant::now() }
    }

    fn next(&mut self, copied: Copied) {
        if self.latest.elapsed() < REPORT_EVERY {
            return;
        }
        self.latest = Instant::now();
        let rows = format!("{}: {} rows ({})", self.what, copied.rows, mebibytes(copied.row_bytes));
        self.output.note(&if copied.blobs_in_all == 0 {
            rows
        } else {
            format!("{rows}, {} of {} blobs", copied.blobs, copied.blobs_in_all)
        });
    }
}

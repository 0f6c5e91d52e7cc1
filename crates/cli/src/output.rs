//! What people and scripts read: results on standard output, everything else on the error stream.

use std::io::Write as _;

use serde_json::Value;

use crate::arguments::Format;

pub(crate) struct Output {
    format: Format,
}

impl Output {
    pub(crate) fn new(format: Format) -> Self {
        Output { format }
    }

    pub(crate) fn is_json(&self) -> bool {
        self.format == Format::Json
    }

    /// The result of a command: the text for people, or the value for scripts.
    pub(crate) fn result(&self, text: &str, value: &Value) {
        match self.format {
            Format::Text => line(text),
            Format::Json => line(&value.to_string()),
        }
    }

    /// Something for people only.
    pub(crate) fn say(&self, text: &str) {
        if !self.is_json() {
            line(text);
        }
    }

    /// Something for people beside the result.
    pub(crate) fn note(&self, text: &str) {
        // A closed error stream leaves nobody to tell.
        let _ = writeln!(std::io::stderr(), "{text}");
    }

    pub(crate) fn error(&self, error: &anyhow::Error) {
        match self.format {
            Format::Text => self.note(&format!("error: {error:#}")),
            Format::Json => self.note(&serde_json::json!({ "error": format!("{error:#}") }).to_string()),
        }
    }
}

/// One line on standard output, at once: programs wait for some of them.
pub(crate) fn line(text: &str) {
    let mut out = std::io::stdout().lock();
    // Whoever read our output has gone; the work goes on.
    let _ = writeln!(out, "{text}").and_then(|()| out.flush());
}

/// Bytes on standard output as they are, ended by a newline.
pub(crate) fn raw(bytes: &[u8]) {
    let mut out = std::io::stdout().lock();
    let newline: &[u8] = if bytes.ends_with(b"\n") { b"" } else { b"\n" };
    let _ = out.write_all(bytes).and_then(|()| out.write_all(newline)).and_then(|()| out.flush());
}

/// Rows in columns as wide as their widest cell.
pub(crate) fn table(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width =
        |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max();
    let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or(0)).collect();
    let lines: Vec<String> = rows
        .iter()
        .map(|row| {
            let cells: Vec<String> =
                row.iter().zip(&widths).map(|(cell, &width)| format!("{cell:width$}")).collect();
            cells.join("  ").trim_end().to_owned()
        })
        .collect();
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let row = |cells: &[&str]| cells.iter().map(|&cell| cell.to_owned()).collect::<Vec<_>>();
        assert_eq!(
            table(&[row(&["NAME", "RUNTIME"]), row(&["hello-world", "x"])]),
            "NAME         RUNTIME\nhello-world  x"
        );
    }
}

//! Numbers as AWS' protocols spell them.

/// A float in the shortest form that reads back the same; `NaN`, `Infinity` and `-Infinity` by name.
pub(crate) fn format_float(number: f64) -> String {
    if number.is_nan() {
        "NaN".to_owned()
    } else if number.is_infinite() {
        if number > 0.0 { "Infinity".to_owned() } else { "-Infinity".to_owned() }
    } else {
        let text = format!("{number:?}");
        text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
    }
}

//! Which names of a zip file may become paths. Pure: nothing here touches the disk.

/// Longest path inside a package.
pub(super) const PATH_BYTES_MAX: usize = 1_024;
/// Longest single name, as the file systems of Linux have it.
const NAME_BYTES_MAX: usize = 255;
/// Deepest nesting of folders.
const DEPTH_MAX: usize = 100;

/// The path of an entry as its names, or why it is refused. Windows separators count as separators.
pub(super) fn names(entry: &str) -> Result<Vec<&str>, &'static str> {
    if entry.len() > PATH_BYTES_MAX {
        return Err("its path is too long");
    }
    if entry.contains('\0') {
        return Err("its path contains a zero byte");
    }
    if entry.starts_with(['/', '\\']) {
        return Err("its path is absolute");
    }
    let names: Vec<&str> = entry.split(['/', '\\']).filter(|name| !matches!(*name, "" | ".")).collect();
    if names.contains(&"..") {
        return Err("its path leaves the package");
    }
    if names.iter().any(|name| name.len() > NAME_BYTES_MAX) {
        return Err("its path has a name that is too long");
    }
    if names.len() > DEPTH_MAX {
        return Err("its path is nested too deeply");
    }
    Ok(names)
}

/// Whether a symbolic link in a folder `depth` levels below the root stays inside it.
///
/// Steps up may only come first. After a step down through another link a step up could lead anywhere; without
/// such steps every link stays inside because every link it may pass stays inside.
pub(super) fn link_stays_inside(depth: usize, target: &str) -> bool {
    if target.is_empty() || target.len() > PATH_BYTES_MAX || target.contains('\0') || target.starts_with('/')
    {
        return false;
    }
    let mut names = target.split('/').filter(|name| !matches!(*name, "" | ".")).peekable();
    let mut ups = 0;
    while names.next_if_eq(&"..").is_some() {
        ups += 1;
    }
    ups <= depth && names.all(|name| name != "..")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn plain_paths_are_split() {
        assert_eq!(names("index.js"), Ok(vec!["index.js"]));
        assert_eq!(names("./a//b/"), Ok(vec!["a", "b"]));
        assert_eq!(names("a\\b"), Ok(vec!["a", "b"]));
        assert_eq!(names("..."), Ok(vec!["..."]));
        assert_eq!(names("./"), Ok(vec![]));
    }

    #[test]
    fn paths_that_leave_are_refused() {
        for entry in ["../a", "a/../../b", "a/..", "/etc/passwd", "\\a", "..\\a", "a\0b"] {
            assert!(names(entry).is_err(), "{entry:?}");
        }
        assert!(names(&"a/".repeat(DEPTH_MAX)).is_ok());
        assert!(names(&"a/".repeat(DEPTH_MAX + 1)).is_err());
        assert!(names(&"a".repeat(NAME_BYTES_MAX)).is_ok());
        assert!(names(&"a".repeat(NAME_BYTES_MAX + 1)).is_err());
    }

    #[test]
    fn links_stay_inside_or_are_refused() {
        assert!(link_stays_inside(2, "../semver/bin/semver.js"));
        assert!(link_stays_inside(1, "../lib"));
        assert!(link_stays_inside(0, "lib/libz.so.1"));
        assert!(!link_stays_inside(0, "../lib"));
        assert!(!link_stays_inside(1, "../../lib"));
        assert!(!link_stays_inside(5, "lib/../../x"));
        assert!(!link_stays_inside(5, "/etc/passwd"));
        assert!(!link_stays_inside(5, ""));
    }

    proptest! {
        #[test]
        fn accepted_paths_hold_plain_names_only(entry in "[a-z./\\\\]{0,40}") {
            if let Ok(names) = names(&entry) {
                for name in names {
                    prop_assert!(!name.is_empty() && name != "." && name != ".." && !name.contains(['/', '\\']));
                }
            }
        }

        /// Walking an accepted link never rises above the root.
        #[test]
        fn accepted_links_never_rise_above_the_root(depth in 0_usize..4, target in "[a./]{0,20}") {
            if link_stays_inside(depth, &target) {
                let mut level = depth as i64;
                for name in target.split('/') {
                    match name {
                        "" | "." => {}
                        ".." => level -= 1,
                        _ => level += 1,
                    }
                    prop_assert!(level >= 0);
                }
            }
        }
    }
}

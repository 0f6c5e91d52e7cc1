//! Memory of a process tree, for machines where no cgroup can be used.

use std::fs;

/// Processes looked at in one tree; beyond it the sum is a lower bound.
const PROCESSES_MAX: usize = 4096;

/// Private and shared-memory bytes of a process and everything below it; none when it is gone.
pub(super) fn tree_bytes(root: i32) -> Option<u64> {
    let mut bytes = process_bytes(root)?;
    let mut open = children(root);
    let mut seen = 1;
    while let Some(process) = open.pop() {
        seen += 1;
        if seen > PROCESSES_MAX {
            break;
        }
        bytes += process_bytes(process).unwrap_or(0);
        open.extend(children(process));
    }
    Some(bytes)
}

/// Every process below `root`, deepest last.
pub(super) fn descendants(root: i32) -> Vec<i32> {
    let mut found = children(root);
    let mut next = 0;
    while next < found.len() && found.len() < PROCESSES_MAX {
        let below = children(found[next]);
        found.extend(below);
        next += 1;
    }
    found
}

fn process_bytes(process: i32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let kibibytes: u64 = ["RssAnon:", "RssShmem:"]
        .into_iter()
        .filter_map(|name| status.lines().find_map(|line| line.strip_prefix(name)))
        .filter_map(|value| value.trim().strip_suffix("kB"))
        .filter_map(|value| value.trim().parse::<u64>().ok())
        .sum();
    Some(kibibytes * 1024)
}

fn children(process: i32) -> Vec<i32> {
    // Each thread lists the children it made.
    let Ok(threads) = fs::read_dir(format!("/proc/{process}/task")) else { return Vec::new() };
    threads
        .flatten()
        .filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok())
        .flat_map(|list| list.split_whitespace().filter_map(|pid| pid.parse().ok()).collect::<Vec<_>>())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_process_uses_memory() {
        let own = std::process::id() as i32;
        assert!(tree_bytes(own).unwrap() > 64 * 1024);
    }

    #[test]
    fn a_missing_process_has_none() {
        assert_eq!(tree_bytes(i32::MAX), None);
        assert!(descendants(i32::MAX).is_empty());
    }
}

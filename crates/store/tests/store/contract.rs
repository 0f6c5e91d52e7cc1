//! One suite for every engine.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::join_all;
use store::{
    COMMIT_BYTES_MAX, COMMIT_CHECKS_MAX, COMMIT_KEYS_MAX, Check, Commit, CommitId, Epoch, KEY_BYTES_MAX, Kv,
    KvError, LeaseKey, LogId, Order, Outcome, SCAN_ROWS_MAX, TXN_ATTEMPTS_MAX, Txn, VALUE_BYTES_MAX, Version,
    acquire, clear, log_counter_key, log_key, log_range, log_sequence, prefix_range, release, renew, txn,
    txn_with_sequences,
};

use crate::fixture::{HandClock, Make, everything, get, keys, put, value};

macro_rules! for_every_engine {
    ($($test:ident),* $(,)?) => {
        mod memory { $(#[tokio::test(flavor = "multi_thread", worker_threads = 4)] async fn $test() { super::$test(crate::fixture::memory).await; })* }
        mod fjall { $(#[tokio::test(flavor = "multi_thread", worker_threads = 4)] async fn $test() { super::$test(crate::fixture::fjall).await; })* }
    };
}

for_every_engine! {
    rows_come_back_as_written,
    a_snapshot_never_changes,
    scans_go_both_ways_and_stop,
    failed_checks_name_themselves_and_change_nothing,
    the_last_write_of_a_commit_wins,
    a_range_check_sees_every_change_inside_and_none_outside,
    a_range_with_too_many_rows_has_no_fingerprint,
    limits_hold_at_their_edges,
    keys_of_the_engine_are_out_of_reach,
    appends_are_gapless_under_concurrency,
    one_commit_appends_to_several_logs,
    a_damaged_counter_changes_nothing,
    outcomes_can_be_looked_up,
    a_lease_is_held_by_one,
    an_old_owner_is_fenced,
    racing_for_a_lease_has_one_winner,
    transactions_lose_no_update,
    a_transaction_sees_its_own_writes,
    a_transaction_notices_new_rows_in_what_it_scanned,
    a_failing_transaction_writes_nothing,
    a_transaction_gives_up_in_the_end,
    transfers_keep_the_sum,
    a_watch_wakes,
    a_dropped_watch_does_not_disturb_others,
    clear_takes_all_of_a_prefix_and_nothing_else,
    the_clock_never_goes_back,
}

fn bytes(text: &str) -> Bytes {
    Bytes::copy_from_slice(text.as_bytes())
}

fn range(from: &str, to: &str) -> Range<Bytes> {
    bytes(from)..bytes(to)
}

async fn done(kv: &dyn Kv, commit: Commit) -> Vec<u64> {
    match kv.commit(commit).await.unwrap() {
        Outcome::Done(sequences) => sequences,
        Outcome::Conflict(index) => panic!("check {index} did not hold"),
    }
}

async fn refusal(kv: &dyn Kv, commit: Commit) -> String {
    match kv.commit(commit).await {
        Err(KvError::Determinate(message)) => message,
        other => panic!("not refused: {other:?}"),
    }
}

async fn rows_come_back_as_written(make: Make) {
    let engine = make(None);
    let kv = &*engine.kv;
    assert_eq!(get(kv, "a").await, None);
    done(kv, Commit::new().put("a", "1").put("b", "")).await;
    let first = get(kv, "a").await.unwrap();
    assert_eq!(&first.value[..], b"1");
    assert_eq!(get(kv, "b").await.unwrap().version, first.version, "one commit, one version");
    put(kv, "a", "2").await;
    let second = get(kv, "a").await.unwrap();
    assert!(second.version > first.version);
    done(kv, Commit::new().delete("a").delete("never there")).await;
    assert_eq!(get(kv, "a").await, None);
    put(kv, "a", "3").await;
    assert!(get(kv, "a").await.unwrap().version > second.version, "a version never comes back");

    let snapshot = kv.snapshot().await.unwrap();
    let rows = snapshot.get_many(&[bytes("b"), bytes("missing"), bytes("a")]).await.unwrap();
    let values: Vec<_> = rows.into_iter().map(|row| row.map(|row| row.value)).collect();
    assert_eq!(values, [Some(bytes("")), None, Some(bytes("3"))]);
}

async fn a_snapshot_never_changes(make: Make) {
    let engine = make(None);
    let kv = &*engine.kv;
    put(kv, "a", "old").await;
    put(kv, "c", "old").await;
    let snapshot = kv.snapshot().await.unwrap();
    let fingerprint = snapshot.fingerprint(range("a", "z")).await.unwrap();
    done(kv, Commit::new().put("a", "new").put("b", "new").delete("c")).await;
    assert_eq!(snapshot.get(b"a").await.unwrap().unwrap().value, "old");
    assert_eq!(snapshot.get(b"b").await.unwrap(), None);
    let rows = snapshot.scan(range("a", "z"), Order::Forward, 10).await.unwrap();
    assert_eq!(keys(&rows), ["a", "c"]);
    assert_eq!(snapshot.fingerprint(range("a", "z")).await.unwrap(), fingerprint);
    assert_eq!(keys(&everything(kv).await), ["a", "b"]);
}

async fn scans_go_both_ways_and_stop(make: Make) {
    let engine = make(None);
    let kv = &*engine.kv;
    done(kv, ["a", "b", "ba", "c", "d"].iter().fold(Commit::new(), |commit, key| commit.put(*key, *key)))
        .await;
    let snapshot = kv.snapshot().await.unwrap();
    for (from, to, order, limit, expected) in [
        ("a", "z", Order::Forward, 10, &["a", "b", "ba", "c", "d"][..]),
        ("a", "z", Order::Backward, 10, &["d", "c", "ba", "b", "a"]),
        ("b", "c", Order::Forward, 10, &["b", "ba"]),
        ("b", "c", Order::Backward, 1, &["ba"]),
        ("b", "d", Order::Forward, 2, &["b", "ba"]),
        ("b", "d", Order::Backward, 2, &["c", "ba"]),
        ("a", "z", Order::Forward, 0, &[]),
        ("b", "b", Order::Forward, 10, &[]),
        ("c", "b", Order::Backward, 10, &[]),
        ("x", "y", Order::Forward, 10, &[]),
        ("", "b", Order::Forward, 10, &["a"]),
    ] {
        let rows = snapshot.scan(range(from, to), order, limit).await.unwrap();
        assert_eq!(keys(&rows), expected, "{from}..{to} {order:?} {limit}");
    }
    assert!(snapshot.scan(range("a", "z"), Order::Forward, SCAN_ROWS_MAX).await.is_ok());
    let over = snapshot.scan(range("a", "z"), Order::Forward, SCAN_ROWS_MAX + 1).await;
    assert!(matches!(over, Err(KvError::Determinate(message)) if message.contains("10000")));
}

async fn failed_checks_name_themselves_and_change_nothing(make: Make) {
    let engine = make(None);
    let kv = &*engine.kv;
    put(kv, "a", "1").await;
    let version = get(kv, "a").await.unwrap().version;
    let stale = Version(version.0 + 1000);
    for (checks, failed) in [
        (vec![("a", None)], 0),
        (vec![("a", Some(stale))], 0),
        (vec![("a", Some(version)), ("b", Some(version))], 1),
        (vec![("a", Some(version)), ("b", None), ("a", None)], 2),
    ] {
        let mut commit = Commit::new().put("a", "2").delete("a").append(LogId::new("log"), "entry");
        for (key, version) in checks {
            commit = commit.check_version(key, version);
        }
        let id = commit.id;
        assert_eq!(kv.commit(commit).await.unwrap(), Outcome::Conflict(failed));
        assert_eq!(kv.outcome(id).await.unwrap(), None);
        assert_eq!(keys(&everything(kv).await), ["a"]);
        assert_eq!(get(kv, "a").await.unwrap().version, version);
    }
    let commit = Commit::new().check_version("a", Some(version)).check_version("b", None).put("a", "2");
    done(kv, commit).await;
    assert_eq!(value(kv, "a").await.unwrap(), "2");
}

async fn the_last_write_of_a_commit_wins(make: Make) {
    let engine = make(None);
    let kv = &*engine.kv;
    done(kv, Commit::new().put("a", "1").put("a", "2").put("b", "1").delete("b").delete("c").put("c", "1"))
        .await;
    assert_eq!(value(kv, "a").await.unwrap(), "2");
    assert_eq!(keys(&everything(kv).await), ["a", "c"]);
}

async fn a_range_check_sees_every_change_inside_and_none_outside(make: Make) {
    let engine = make(None);
    let kv = &*engine.kv;
    let inside = || range("b", "d");
    let fill = || Commit::new().put("a", "1").put("b", "1").put("c", "1").put("d", "1");
    for (change, unchanged) in [
        (Commit::new().put("a", "2").put("d", "2").delete("e"), true),
        (Commit::new().put("b", "1"), false),
        (Commit::new().put("bb", "1"), false),
        (Commit::new().delete("c"), false),
        (Commit::new().delete("c").put("c", "1"), false),
        (Commit::new().delete("cc"), true),
    ] {
        clear(kv, Bytes::new()).await.unwrap();
        done(kv, fill()).await;
        let fingerprint = kv.snapshot().await.unwrap().fingerprint(inside()).await.unwrap();
        done(kv, change.clone()).await;
        let after = kv.snapshot().await.unwrap().fingerprint(inside()).await.unwrap();
        assert_eq!(after == fingerprint, unchanged, "{change:?}");
        let commit = Commit::new().check(Check::RangeUnchanged(inside(), fingerprint)).put("z", "1");
        let outcome = kv.commit(commit).await.unwrap();
        let expected = if unchanged { Outcome::Done(vec![]) } else { Outcome::Conflict(0) };
        assert_eq!(outcome, expected, "{change:?}");
    }
    // An empty range and one that is no range have a fingerprint too.
    let nothing = kv.snapshot().await.unwrap().fingerprint(range("x", "x")).await.unwrap();
    done(kv, Commit::new().check(Check::RangeUnchanged(range("y", "x"), nothing)).put("x", "1")).await;
}

async fn a_range_with_too_many_rows_has_no_fingerprint(make: Make) {
    let engine = make(None);
    let kv = &*engine.kv;
    for from in (0..SCAN_ROWS_MAX).step_by(COMMIT_KEYS_MAX) {
        let to = (from + COMMIT_KEYS_MAX).min(SCAN_ROWS_MAX);
        done(kv, (from..to).fold(Commit::new(), |commit, row| commit.put(format!("{row:06}"), "1"))).await;
    }
    let full = kv.snapshot().await.unwrap().fingerprint(range("0", "1")).await.unwrap();
    done(kv, Commit::new().check(Check::RangeUnchanged(range("0", "1"), full)).put("z", "1")).await;
    put(kv, "0", "one more").await;
    let over = kv.snapshot().await.unwrap().fingerprint(range("0", "1")).await;
    assert!(matches!(over, Err(KvError::Determinate(_))), "{over:?}");
    let commit = Commit::new().check(Check::RangeUnchanged(range("0", "1"), full)).put("z", "2");
    assert_eq!(kv.commit(commit).await.unwrap(), Outcome::Conflict(0), "it has changed, surely");
}

async fn limits_hold_at_their_edges(make: Make) {
    let engine = make(None);
    let kv = &*engine.kv;
    let key = |bytes: usize| Bytes::from(vec![b'k'; bytes]);
    let body = |bytes: usize| Bytes::from(vec![b'v'; bytes]);

    done(kv, Commit::new().put(key(KEY_BYTES_MAX), body(VALUE_BYTES_MAX))).await;
    let row = kv.snapshot().await.unwrap().get(&key(KEY_BYTES_MAX)).await.unwrap().unwrap();
    assert_eq!(row.value.len(), VALUE_BYTES_MAX);
    for (commit, named) in [
        (Commit::new().put(key(KEY_BYTES_MAX + 1), "1"), "2048"),
        (Commit::new().delete(key(KEY_BYTES_MAX + 1)), "2048"),
        (Commit::new().check_version(key(KEY_BYTES_MAX + 1), None), "2048"),
        (Commit::new().put("a", body(VALUE_BYTES_MAX + 1)), "1048576"),
        (Commit::new().append(LogId::new("log"), body(VALUE_BYTES_MAX + 1)), "1048576"),
        (Commit::new().append(LogId::new(key(KEY_BYTES_MAX - 9)), "1"), "2048"),
        (Commit::new().put("", "1"), "empty"),
    ] {
        let message = refusal(kv, commit).await;
        assert!(message.contains(named), "{message}");
    }
    done(kv, Commit::new().append(LogId::new(key(KEY_BYTES_MAX - 10)), "1")).await;

    let rows =
        |count: usize| (0..count).fold(Commit::new(), |commit, row| commit.put(format!("row {row}"), "1"));
    done(kv, rows(COMMIT_KEYS_MAX)).await;
    assert!(refusal(kv, rows(COMMIT_KEYS_MAX + 1)).await.contains("4000"));
    let checks =
        |count: usize| (0..count).fold(Commit::new(), |commit, _| commit.check_version("none", None));
    done(kv, checks(COMMIT_CHECKS_MAX)).await;
    assert!(refusal(kv, checks(COMMIT_CHECKS_MAX + 1)).await.contains("4000"));

    // Ten values of a mebibyte leave no room for their keys.
    let large = |last: usize| {
        (0..9)
            .fold(Commit::new(), |commit, row| commit.put(format!("{row}"), body(VALUE_BYTES_MAX)))
            .put("9", body(last))
    };
    done(kv, large(COMMIT_BYTES_MAX - 9 * VALUE_BYTES_MAX - 10)).await;
    assert!(refusal(kv, large(COMMIT_BYTES_MAX - 9 * VALUE_BYTES_MAX - 9)).await.contains("10485760"));
}

async fn keys_of_the_engine_are_out_of_reach(make: Make) {
    let engine = make(None);
    let kv = &*engine.kv;
    put(kv, "a", "1").await;
    for commit in [
        Commit::new().put("\0r", "1"),
        Commit::new().delete("\0r12345678"),
        Commit::new().check_version("\0", None),
        Commit::new().append(LogId::new("\0"), "1"),
    ] {
        assert!(refusal(kv, commit).await.contains("zero byte"));
    }
    assert_eq!(keys(&everything(kv).await), ["a"]);
    let snapshot = kv.snapshot().await.unwrap();
    assert_eq!(snapshot.get(b"\0r\0\0\0\0\0\0\0\x01").await.unwrap(), None);
    assert!(snapshot.scan(range("\0", "\x01"), Order::Backward, 10).await.unwrap().is_empty());
}

async fn appends_are_gapless_under_concurrency(make: Make) {
    const WRITERS: usize = 16;
    const ENTRIES: usize = 40;
    let engine = make(None);
    let log = LogId::new("log/1");
    let writers = (0..WRITERS).map(|writer| {
        let (kv, log) = (Arc::clone(&engine.kv), log.clone());
        tokio::spawn(async move {
            let mut sequences = Vec::new();
            for entry in 0..ENTRIES {
                // Every third is refused: a conflict must not use up a sequence.
                if entry % 3 == 0 {
                    let refused =
                        Commit::new().check_version("none", Some(Version(1))).append(log.clone(), "never");
                    assert_eq!(kv.commit(refused).await.unwrap(), Outcome::Conflict(0));
                }
                let payload = format!("{writer} {entry}");
                sequences.extend(done(&*kv, Commit::new().append(log.clone(), payload)).await);
            }
            assert!(sequences.is_sorted(), "one writer's entries keep their order");
            sequences
        })
    });
    let mut all = BTreeSet::new();
    for sequences in join_all(writers).await {
        all.extend(sequences.unwrap());
    }
    let expected = (WRITERS * ENTRIES) as u64;
    assert!(all.into_iter().eq(1..=expected), "every sequence once");
    let snapshot = engine.kv.snapshot().await.unwrap();
    let entries = snapshot.scan(log_range(&log, 0), Order::Forward, 1000).await.unwrap();
    assert!(entries.iter().map(|(key, _)| log_sequence(key).unwrap()).eq(1..=expected));
    let payloads: BTreeSet<_> = entries.iter().map(|(_, row)| row.value.clone()).collect();
    assert_eq!(payloads.len(), WRITERS * ENTRIES);
    let counter = snapshot.get(&log_counter_key(&log)).await.unwrap().unwrap();
    assert_eq!(log_sequence(&counter.value), Some(expected));
}

async fn one_commit_appends_to_several_logs(make: Make) {
    let engine = make(None);
    let kv = &*engine.kv;
    let (one, two) = (LogId::new("log/1"), LogId::new("log/2"));
    let commit = Commit::new()
        .append(one.clone(), "a")
        .append(two.clone(), "b")
        .put("x", "1")
        .append(one.clone(), "c");
    assert_eq!(done(kv, commit).await, [1, 1, 2]);
    assert_eq!(done(kv, Commit::new().append(two.clone(), "d").append(one.clone(), "e")).await, [2, 3]);
    let snapshot = kv.snapshot().await.unwrap();
    let entries = snapshot.scan(log_range(&one, 2), Order::Forward, 10).await.unwrap();
    let values: Vec<_> = entries.iter().map(|(_, row)| row.value.clone()).collect();
    assert_eq!(values, ["c", "e"], "from a sequence on");
    // Trimming keeps the count.
    done(kv, Commit::new().delete(log_key(&one, 1)).delete(log_key(&one, 2)).delete(log_key(&one, 3))).await;
    assert_eq!(done(kv, Commit::new().append(one, "f")).await, [4]);
}

async fn a_damaged_counter_changes_nothing(make: Make) {
    let engine = make(None);
    let kv = &*engine.kv;
    let log = LogId::new("log");
    done(kv, Commit::new().put(log_counter_key(&log), "not a number")).await;
    let before = everything(kv).await;
    let outcome = kv.commit(Commit::new().put("a", "1").append(log, "entry")).await;
    assert!(matches!(outcome, Err(KvError::Corrupt(_))), "{outcome:?}");
    assert_eq!(everything(kv).await, before);
}

async fn outcomes_can_be_looked_up(make: Make) {
    let engine = make(None);
    let kv = &*engine.kv;
    let log = LogId::new("log");
    let mut ids = Vec::new();
    for _ in 0..3 {
        let commit = Commit::new().put("a", "1").append(log.clone(), "x").append(log.clone(), "y");
        ids.push(commit.id);
        done(kv, commit).await;
    }
    let odd = Commit { id: CommitId(7), ..Commit::new().put("a", "2") };
    done(kv, odd).await;
    for (index, id) in (0..).zip(ids) {
        assert_eq!(kv.outcome(id).await.unwrap(), Some(vec![2 * index + 1, 2 * index + 2]));
    }
    assert_eq!(kv.outcome(CommitId(7)).await.unwrap(), Some(vec![]));
    assert_eq!(kv.outcome(CommitId::random()).await.unwrap(), None);
}

async fn a_lease_is_held_by_one(make: Make) {
    let hand = HandClock::at(1_000_000);
    let engine = make(Some(hand.clock()));
    let kv = &*engine.kv;
    let key = LeaseKey::new("lease/1");
    let keep = Duration::from_secs(10);
    let first = acquire(kv, &key, "one", keep).await.unwrap().unwrap();
    assert_eq!((first.epoch, first.expires.0), (Epoch(1), 1_010_000));
    assert_eq!(acquire(kv, &key, "two", keep).await.unwrap(), None);
    hand.advance(9_000);
    let renewed = renew(kv, &first, keep).await.unwrap().unwrap();
    assert_eq!((renewed.epoch, renewed.expires.0), (Epoch(1), 1_019_000));
    hand.advance(9_999);
    assert_eq!(acquire(kv, &key, "two", keep).await.unwrap(), None, "a moment before it expires");
    hand.advance(1);
    let second = acquire(kv, &key, "two", keep).await.unwrap().unwrap();
    assert!(second.epoch > renewed.epoch);
    assert_eq!(renew(kv, &renewed, keep).await.unwrap(), None, "the old owner learns it");
    assert!(!release(kv, renewed).await.unwrap());
    assert!(release(kv, second.clone()).await.unwrap());
    assert!(!release(kv, second.clone()).await.unwrap(), "only once");
    let third = acquire(kv, &key, "one", keep).await.unwrap().unwrap();
    assert!(third.epoch > second.epoch, "a released lease keeps counting");
    let again = acquire(kv, &key, "one", keep).await.unwrap().unwrap();
    assert!(again.epoch > third.epoch, "a restarted owner need not wait, and fences its former self");
    assert!(matches!(acquire(kv, &key, "", keep).await, Err(KvError::Determinate(_))));
}

async fn an_old_owner_is_fenced(make: Make) {
    let hand = HandClock::at(0);
    let engine = make(Some(hand.clock()));
    let kv = &*engine.kv;
    let key = LeaseKey::new("lease/1");
    let keep = Duration::from_secs(10);
    let unheld = Commit::new().check(Check::Lease(key.clone(), Epoch(1))).put("a", "nobody");
    assert_eq!(kv.commit(unheld).await.unwrap(), Outcome::Conflict(0));
    let old = acquire(kv, &key, "old", keep).await.unwrap().unwrap();
    done(kv, Commit::new().check(old.check()).put("a", "old")).await;
    hand.advance(60_000);
    done(kv, Commit::new().check(old.check()).put("a", "late, but nobody took over")).await;
    let new = acquire(kv, &key, "new", keep).await.unwrap().unwrap();
    let late = Commit::new().check(old.check()).put("a", "too late");
    assert_eq!(kv.commit(late).await.unwrap(), Outcome::Conflict(0));
    done(kv, Commit::new().check(new.check()).put("a", "new")).await;
    let epoch = new.epoch;
    release(kv, new).await.unwrap();
    let released = Commit::new().check(Check::Lease(key.clone(), epoch)).put("a", "gone");
    assert_eq!(kv.commit(released).await.unwrap(), Outcome::Conflict(0));
    let free = Commit::new().check(Check::Lease(key, Epoch(epoch.0 + 1))).put("a", "guessed");
    assert_eq!(kv.commit(free).await.unwrap(), Outcome::Conflict(0), "a free lease has no owner to guess");
    assert_eq!(value(kv, "a").await.unwrap(), "new");
}

async fn racing_for_a_lease_has_one_winner(make: Make) {
    let engine = make(None);
    let tries = (0..16).map(|owner| {
        let kv = Arc::clone(&engine.kv);
        tokio::spawn(async move {
            let owner = format!("owner {owner}");
            acquire(&*kv, &LeaseKey::new("lease"), &owner, Duration::from_secs(60)).await.unwrap()
        })
    });
    let winners = join_all(tries).await.into_iter().filter(|held| held.as_ref().unwrap().is_some()).count();
    assert_eq!(winners, 1);
}

async fn transactions_lose_no_update(make: Make) {
    const WRITERS: usize = 8;
    const ROUNDS: usize = 20;
    let engine = make(None);
    let writers = (0..WRITERS).map(|_| {
        let kv = Arc::clone(&engine.kv);
        tokio::spawn(async move {
            for _ in 0..ROUNDS {
                let seen = txn(&*kv, |txn| async move {
                    let count = read_number(&txn, "count").await?;
                    txn.put("count", (count + 1).to_string());
                    Ok::<_, KvError>(count)
                });
                seen.await.unwrap();
            }
        })
    });
    for writer in join_all(writers).await {
        writer.unwrap();
    }
    assert_eq!(value(&*engine.kv, "count").await.unwrap(), (WRITERS * ROUNDS).to_string());
}

async fn read_number(txn: &Txn, key: &'static str) -> store::Result<u64> {
    Ok(txn.get(key).await?.map_or(0, |value| std::str::from_utf8(&value).unwrap().parse().unwrap()))
}

async fn a_transaction_sees_its_own_writes(make: Make) {
    let engine = make(None);
    let kv = &*engine.kv;
    done(kv, Commit::new().put("a", "1").put("b", "1").put("c", "1").put("d", "1")).await;
    let (seen, sequences) = txn_with_sequences(kv, |txn| async move {
        txn.put("bb", "own");
        txn.delete("b");
        txn.put("c", "own");
        assert_eq!(txn.get("b").await?, None);
        assert_eq!(txn.get("bb").await?.unwrap(), "own");
        txn.append(LogId::new("log"), "entry");
        let names = |rows: Vec<(Bytes, Bytes)>| -> Vec<String> {
            rows.iter().map(|(key, value)| format!("{}={}", text(key), text(value))).collect()
        };
        Ok::<_, KvError>((
            names(txn.scan(range("a", "z"), Order::Forward, 3).await?),
            names(txn.scan(range("a", "z"), Order::Backward, 2).await?),
            names(txn.scan(range("a", "z"), Order::Forward, 100).await?),
        ))
    })
    .await
    .unwrap();
    assert_eq!(seen.0, ["a=1", "bb=own", "c=own"]);
    assert_eq!(seen.1, ["d=1", "c=own"]);
    assert_eq!(seen.2, ["a=1", "bb=own", "c=own", "d=1"]);
    assert_eq!(sequences, [1]);
    assert_eq!(value(kv, "b").await, None);
    assert_eq!(value(kv, "bb").await.unwrap(), "own");
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

async fn a_transaction_notices_new_rows_in_what_it_scanned(make: Make) {
    let engine = make(None);
    let kv = &*engine.kv;
    done(kv, Commit::new().put("ab", "1").put("b", "1").put("d", "1")).await;
    // Each case: what is scanned, what somebody else writes meanwhile, and how often the body runs.
    for (order, limit, other, runs) in [
        (Order::Forward, 10, "c", 2),
        (Order::Forward, 10, "e", 2),
        (Order::Backward, 10, "aa", 2),
        (Order::Forward, 10, "zz", 1),
        (Order::Forward, 2, "aa", 2),
        (Order::Forward, 2, "cc", 1),
        (Order::Backward, 1, "e", 2),
        (Order::Backward, 1, "bb", 1),
    ] {
        let ran = std::sync::atomic::AtomicUsize::new(0);
        let ran = &ran;
        txn(kv, |txn| async move {
            txn.scan(range("a", "z"), order, limit).await?;
            if ran.fetch_add(1, std::sync::atomic::Ordering::SeqCst) == 0 {
                put(kv, other, "1").await;
            }
            txn.put("~result", "1");
            Ok::<_, KvError>(())
        })
        .await
        .unwrap();
        assert_eq!(ran.load(std::sync::atomic::Ordering::SeqCst), runs, "{order:?} {limit} {other}");
        done(kv, Commit::new().delete(other)).await;
    }
}

async fn a_failing_transaction_writes_nothing(make: Make) {
    #[derive(Debug, PartialEq)]
    enum Failure {
        Ours,
        Store(KvError),
    }
    impl From<KvError> for Failure {
        fn from(error: KvError) -> Self {
            Self::Store(error)
        }
    }
    let engine = make(None);
    let kv = &*engine.kv;
    let failed = txn(kv, |txn| async move {
        txn.put("a", "1");
        Err::<(), _>(Failure::Ours)
    });
    assert_eq!(failed.await, Err(Failure::Ours));
    let over = txn(kv, |txn| async move {
        txn.put("", "1");
        Ok::<_, Failure>(())
    });
    assert!(matches!(over.await, Err(Failure::Store(KvError::Determinate(_)))));
    assert!(everything(kv).await.is_empty());
}

async fn a_transaction_gives_up_in_the_end(make: Make) {
    let engine = make(None);
    let kv = &*engine.kv;
    let ran = std::sync::atomic::AtomicU32::new(0);
    let ran = &ran;
    let outcome = txn(kv, |txn| async move {
        ran.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        txn.get("a").await?;
        put(kv, "a", "somebody is always quicker").await;
        txn.put("b", "1");
        Ok::<_, KvError>(())
    });
    assert!(matches!(outcome.await, Err(KvError::Determinate(_))));
    assert_eq!(ran.load(std::sync::atomic::Ordering::SeqCst), TXN_ATTEMPTS_MAX);
    assert_eq!(value(kv, "b").await, None);
}

async fn transfers_keep_the_sum(make: Make) {
    const ACCOUNTS: usize = 5;
    const START: u64 = 100;
    let engine = make(None);
    let open = (0..ACCOUNTS)
        .fold(Commit::new(), |commit, account| commit.put(format!("account/{account}"), START.to_string()));
    done(&*engine.kv, open).await;
    let movers = (0..6_usize).map(|mover| {
        let kv = Arc::clone(&engine.kv);
        tokio::spawn(async move {
            for round in 0..15_usize {
                let from = format!("account/{}", (mover + round) % ACCOUNTS);
                let to = format!("account/{}", (mover * 3 + round * 2 + 1) % ACCOUNTS);
                let (from, to) = (&from, &to);
                txn(&*kv, |txn| async move {
                    // A reader that sees half a transfer would find another sum.
                    let all = txn.scan(prefix_range(b"account/"), Order::Forward, 10).await?;
                    let sum: u64 = all.iter().map(|(_, value)| text(value).parse::<u64>().unwrap()).sum();
                    assert_eq!(sum, START * ACCOUNTS as u64);
                    let balance = |key: &String| -> u64 {
                        let (_, value) = all.iter().find(|(found, _)| found == key).unwrap();
                        text(value).parse().unwrap()
                    };
                    if from != to && balance(from) > 0 {
                        txn.put(from.clone(), (balance(from) - 1).to_string());
                        txn.put(to.clone(), (balance(to) + 1).to_string());
                    }
                    Ok::<_, KvError>(())
                })
                .await
                .unwrap();
            }
        })
    });
    for mover in join_all(movers).await {
        mover.unwrap();
    }
}

async fn a_watch_wakes(make: Make) {
    let engine = make(None);
    let kv = &*engine.kv;
    let mut all = kv.watch(Bytes::new());
    let mut some = kv.watch(bytes("queue/1/"));
    let mut log = kv.watch(bytes("log/"));
    put(kv, "queue/1/a", "1").await;
    within_time(some.changed()).await;
    within_time(all.changed()).await;
    done(kv, Commit::new().delete("queue/1/a").append(LogId::new("log/1"), "entry")).await;
    within_time(some.changed()).await;
    within_time(log.changed()).await;
    within_time(all.changed()).await;
    // A change between two waits is not lost.
    put(kv, "queue/1/b", "1").await;
    put(kv, "queue/1/c", "1").await;
    within_time(some.changed()).await;
}

async fn within_time(changed: impl Future<Output = ()>) {
    tokio::time::timeout(Duration::from_secs(20), changed).await.expect("the watch wakes");
}

async fn a_dropped_watch_does_not_disturb_others(make: Make) {
    let engine = make(None);
    let kv = &*engine.kv;
    let first = kv.watch(bytes("a"));
    let mut second = kv.watch(bytes("a"));
    drop(first);
    put(kv, "ab", "1").await;
    within_time(second.changed()).await;
    drop(second);
    put(kv, "ab", "2").await;
    let mut third = kv.watch(bytes("a"));
    put(kv, "a", "1").await;
    within_time(third.changed()).await;
}

async fn clear_takes_all_of_a_prefix_and_nothing_else(make: Make) {
    let engine = make(None);
    let kv = &*engine.kv;
    done(kv, (0..2_500).fold(Commit::new(), |commit, row| commit.put(format!("a/{row}"), "1"))).await;
    let log = LogId::new("a/log");
    done(kv, Commit::new().append(log.clone(), "1").append(log.clone(), "2")).await;
    done(kv, Commit::new().put("a", "1").put("a0", "1").put("b/1", "1").put(vec![255, 255], "1")).await;
    assert_eq!(clear(kv, bytes("a/")).await.unwrap(), 2_503, "rows, entries and the counter");
    assert_eq!(everything(kv).await.len(), 4);
    assert_eq!(done(kv, Commit::new().append(log, "again")).await, [1], "a cleared log starts over");
    assert_eq!(clear(kv, bytes("nothing")).await.unwrap(), 0);
    assert_eq!(clear(kv, Bytes::from_static(&[255])).await.unwrap(), 1);
    clear(kv, Bytes::new()).await.unwrap();
    assert!(everything(kv).await.is_empty());
}

async fn the_clock_never_goes_back(make: Make) {
    let hand = HandClock::at(5_000);
    let source = hand.clock();
    let back = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let is_back = Arc::clone(&back);
    let engine = make(Some(Arc::new(move || {
        let now = source();
        if is_back.load(std::sync::atomic::Ordering::SeqCst) { store::EngineTime(now.0 - 4_000) } else { now }
    })));
    assert_eq!(engine.kv.now().await.unwrap().0, 5_000);
    back.store(true, std::sync::atomic::Ordering::SeqCst);
    assert_eq!(engine.kv.now().await.unwrap().0, 5_000);
    hand.advance(10_000);
    assert_eq!(engine.kv.now().await.unwrap().0, 11_000);
}

//! S3: small objects at several clients, streams, lists, and what all of it costs as keys grow.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::cloud::Cloud;
use super::report::Report;
use crate::http::Connection;

/// How long each rate is measured.
const RATE_TIME: Duration = Duration::from_secs(4);
const WARM_UP_CALLS: usize = 20;
const KIBIBYTE: usize = 1024;
const MEBIBYTE: usize = 1024 * 1024;
/// Keys each client writes in turn.
const KEYS_A_CLIENT: usize = 50;
/// Keys of the long list, in this many folders.
const LIST_KEYS: usize = 100_000;
const LIST_FOLDERS: usize = 100;
/// Connections that fill a bucket.
const FILLERS: usize = 64;
/// Bytes the driver sends or receives at once.
const STREAM_PIECE_BYTES: usize = 256 * 1024;

type Requests = Vec<Vec<u8>>;

/// Rates and times of everything a bucket is used for.
pub(super) fn s3(binary: &Path, keys_max: usize, report: &mut Report) -> Result<()> {
    let cloud = Cloud::start(binary, &[])?;
    cloud.call("s3", "PUT", "/bench", &[], b"")?;
    let small = vec![b'x'; KIBIBYTE];
    for clients in [1, 32, 64] {
        let puts = each_client(clients, |client| {
            (0..KEYS_A_CLIENT)
                .map(|key| cloud.signed("s3", "PUT", &format!("/bench/{client}/{key}"), &[], &small))
                .collect()
        })?;
        let goal = (clients == 64).then_some(6_500.0);
        rate(&cloud, &format!("PUT 1 KiB, {clients} clients"), puts, goal, report)?;
        for (method, goal) in [("GET", 25_000.0), ("HEAD", 25_000.0)] {
            let reads = each_client(clients, |client| {
                let read = |key| cloud.signed("s3", method, &format!("/bench/{client}/{key}"), &[], b"");
                (0..KEYS_A_CLIENT).map(read).collect()
            })?;
            let goal = (clients == 64).then_some(goal);
            rate(&cloud, &format!("{method} 1 KiB, {clients} clients"), reads, goal, report)?;
        }
        let lists = each_client(clients, |client| {
            Ok(vec![cloud.signed(
                "s3",
                "GET",
                &format!("/bench?list-type=2&prefix={client}%2F"),
                &[],
                b"",
            )?])
        })?;
        rate(&cloud, &format!("LIST of {KEYS_A_CLIENT} keys, {clients} clients"), lists, None, report)?;
    }
    for (mebibytes, clients) in [(1, 4), (64, 2)] {
        let large = vec![b'x'; mebibytes * MEBIBYTE];
        let puts = each_client(clients, |client| {
            Ok(vec![cloud.signed("s3", "PUT", &format!("/bench/large-{mebibytes}-{client}"), &[], &large)?])
        })?;
        stream(&cloud, &format!("PUT {mebibytes} MiB, {clients} clients"), puts, mebibytes, None, report)?;
        let gets = each_client(clients, |client| {
            Ok(vec![cloud.signed("s3", "GET", &format!("/bench/large-{mebibytes}-{client}"), &[], b"")?])
        })?;
        let goal = (mebibytes == 1).then_some(2_000.0);
        stream(&cloud, &format!("GET {mebibytes} MiB, {clients} clients"), gets, mebibytes, goal, report)?;
    }
    growth(&cloud, keys_max, report)?;
    println!("    memory of the server {:.1} MiB", cloud.resident_mib()?);
    Ok(())
}

/// The same calls in buckets of more and more keys.
fn growth(cloud: &Cloud, keys_max: usize, report: &mut Report) -> Result<()> {
    cloud.call("s3", "PUT", "/grow", &[], b"")?;
    let key = |number: usize| format!("/grow/{:03}/{number:07}", number % LIST_FOLDERS);
    let mut filled = 0;
    for keys in [1_000, 10_000, LIST_KEYS, 1_000_000].into_iter().filter(|keys| *keys <= keys_max) {
        fill(cloud, filled..keys, &key)?;
        filled = keys;
        let mut connection = Connection::open(&cloud.address)?;
        let mut times = |method: &str, path: &dyn Fn(usize) -> String, body: &[u8], calls: usize| {
            let call = |number: usize| {
                let request = cloud.signed("s3", method, &path(number * 7919 % keys), &[], body)?;
                timed(&mut connection, &request)
            };
            (0..calls).map(call).collect::<Result<Vec<_>>>()
        };
        report.time(
            &format!("{keys} keys: PUT 1 KiB"),
            &mut times("PUT", &key, &[b'y'; KIBIBYTE], 200)?,
            20.0,
        );
        report.time(&format!("{keys} keys: GET 1 KiB"), &mut times("GET", &key, b"", 500)?, 2.0);
        let page = |_: usize| "/grow?list-type=2&max-keys=1000".to_owned();
        report.time(&format!("{keys} keys: LIST, a page of 1000"), &mut times("GET", &page, b"", 30)?, 50.0);
        let folders = |_: usize| "/grow?list-type=2&delimiter=%2F".to_owned();
        let what = format!("{keys} keys: LIST with a delimiter, {LIST_FOLDERS} prefixes");
        report.time(&what, &mut times("GET", &folders, b"", 30)?, 50.0);
    }
    Ok(())
}

fn fill(
    cloud: &Cloud,
    numbers: std::ops::Range<usize>,
    key: &(impl Fn(usize) -> String + Sync),
) -> Result<()> {
    let small = vec![b'x'; KIBIBYTE];
    let share = |filler: usize| -> Result<()> {
        let mut connection = Connection::open(&cloud.address)?;
        for number in numbers.clone().skip(filler).step_by(FILLERS) {
            timed(&mut connection, &cloud.signed("s3", "PUT", &key(number), &[], &small)?)?;
        }
        Ok(())
    };
    thread::scope(|scope| {
        let share = &share;
        let fillers: Vec<_> = (0..FILLERS).map(|filler| scope.spawn(move || share(filler))).collect();
        fillers.into_iter().try_for_each(|filler| filler.join().expect("a filler does not panic"))
    })
}

fn each_client(clients: usize, requests: impl Fn(usize) -> Result<Requests>) -> Result<Vec<Requests>> {
    (0..clients).map(requests).collect()
}

/// Calls answered in a time, each client repeating its requests in turn.
fn calls(cloud: &Cloud, clients: Vec<Requests>) -> Result<usize> {
    let barrier = Barrier::new(clients.len());
    let client = |requests: &Requests| -> Result<usize> {
        let mut connection = Connection::open(&cloud.address)?;
        let warm_up = requests.iter().cycle().take(WARM_UP_CALLS.max(requests.len()).min(requests.len() * 3));
        let warm_up = warm_up.map(|request| timed(&mut connection, request)).collect::<Result<Vec<_>>>();
        barrier.wait();
        warm_up?;
        let end = Instant::now() + RATE_TIME;
        let mut calls = 0;
        for request in requests.iter().cycle() {
            if Instant::now() >= end {
                break;
            }
            timed(&mut connection, request)?;
            calls += 1;
        }
        Ok(calls)
    };
    thread::scope(|scope| {
        let client = &client;
        let running: Vec<_> = clients.iter().map(|requests| scope.spawn(move || client(requests))).collect();
        running.into_iter().map(|client| client.join().expect("a client does not panic")).sum()
    })
}

fn rate(
    cloud: &Cloud,
    what: &str,
    clients: Vec<Requests>,
    goal: Option<f64>,
    report: &mut Report,
) -> Result<()> {
    let calls = calls(cloud, clients)?;
    #[allow(clippy::cast_precision_loss, reason = "far below 2^52")]
    let per_second = calls as f64 / RATE_TIME.as_secs_f64();
    let wanted = goal.map_or(String::new(), |goal| format!("≥ {goal:.0}/s"));
    let met = goal.is_none_or(|goal| per_second >= goal);
    report.number(what, calls, &format!("{per_second:.0}/s"), &wanted, met);
    Ok(())
}

fn stream(
    cloud: &Cloud,
    what: &str,
    clients: Vec<Requests>,
    mebibytes: usize,
    goal: Option<f64>,
    report: &mut Report,
) -> Result<()> {
    let calls = calls(cloud, clients)?;
    #[allow(clippy::cast_precision_loss, reason = "far below 2^52")]
    let per_second = (calls * mebibytes) as f64 * 1.048_576 / RATE_TIME.as_secs_f64();
    let wanted = goal.map_or(String::new(), |goal| format!("≥ {goal:.0} MB/s"));
    let met = goal.is_none_or(|goal| per_second >= goal);
    report.number(what, calls, &format!("{per_second:.0} MB/s"), &wanted, met);
    Ok(())
}

fn timed(connection: &mut Connection, request: &[u8]) -> Result<Duration> {
    let began = Instant::now();
    let answer = connection.send(request)?;
    let time = began.elapsed();
    if answer.status >= 300 {
        bail!("S3 answered {} {}", answer.status, String::from_utf8_lossy(&answer.body));
    }
    Ok(time)
}

/// One object of many gibibytes up and down again: the server's memory must not follow.
pub(super) fn streaming(binary: &Path, gibibytes: u64, report: &mut Report) -> Result<()> {
    let cloud = Cloud::start(binary, &[])?;
    cloud.call("s3", "PUT", "/bench", &[], b"")?;
    let bytes = gibibytes * 1024 * 1024 * 1024;
    let before = cloud.resident_mib()?;
    let done = AtomicBool::new(false);
    let (peak, times) = thread::scope(|scope| {
        let watch = scope.spawn(|| {
            let mut peak = before;
            while !done.load(Ordering::Relaxed) {
                peak = cloud.resident_mib().map_or(peak, |now| peak.max(now));
                thread::sleep(Duration::from_millis(20));
            }
            peak
        });
        let times = up(&cloud, bytes).and_then(|up| Ok((up, down(&cloud, bytes)?)));
        done.store(true, Ordering::Relaxed);
        (watch.join().expect("the watch does not panic"), times)
    });
    let (up, down) = times?;
    #[allow(clippy::cast_precision_loss, reason = "far below 2^52")]
    let per_second = |time: Duration| format!("{:.0} MB/s", bytes as f64 / 1e6 / time.as_secs_f64());
    report.number(&format!("PUT of {gibibytes} GiB"), 1, &per_second(up), "", true);
    report.number(&format!("GET of {gibibytes} GiB"), 1, &per_second(down), "", true);
    let grown = peak - before;
    report.number(
        "memory while they stream, more than before",
        1,
        &format!("{grown:.1} MiB"),
        "≤ 64 MiB",
        grown <= 64.0,
    );
    Ok(())
}

/// In development a key of twelve digits is an account, and nobody checks its signature.
fn head(cloud: &Cloud, method: &str, length: u64) -> String {
    let credential = format!("{}/20260101/us-east-1/s3/aws4_request", cloud.account());
    format!(
        "{method} /bench/huge HTTP/1.1\r\nhost: {}\r\ncontent-length: {length}\r\nx-amz-content-sha256: UNSIGNED-PAYLOAD\r\n\
         authorization: AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders=host, Signature=0\r\n\r\n",
        cloud.address
    )
}

fn up(cloud: &Cloud, bytes: u64) -> Result<Duration> {
    let mut stream = TcpStream::connect(&cloud.address)?;
    let piece = vec![b'x'; STREAM_PIECE_BYTES];
    let began = Instant::now();
    stream.write_all(head(cloud, "PUT", bytes).as_bytes())?;
    for _ in 0..bytes / STREAM_PIECE_BYTES as u64 {
        stream.write_all(&piece)?;
    }
    read_head(&mut stream)?;
    Ok(began.elapsed())
}

fn down(cloud: &Cloud, bytes: u64) -> Result<Duration> {
    let mut stream = TcpStream::connect(&cloud.address)?;
    let began = Instant::now();
    stream.write_all(head(cloud, "GET", 0).as_bytes())?;
    let mut received = read_head(&mut stream)? as u64;
    let mut piece = vec![0; STREAM_PIECE_BYTES];
    while received < bytes {
        match stream.read(&mut piece)? {
            0 => bail!("the object ended after {received} bytes"),
            read => received += read as u64,
        }
    }
    Ok(began.elapsed())
}

/// Reads to the end of the head; gives how many bytes of the body came with it.
fn read_head(stream: &mut TcpStream) -> Result<usize> {
    let mut head = Vec::new();
    loop {
        let mut piece = [0; 4096];
        let read = stream.read(&mut piece)?;
        if read == 0 {
            bail!("no answer");
        }
        head.extend_from_slice(&piece[..read]);
        if let Some(end) = head.windows(4).position(|window| window == b"\r\n\r\n") {
            let status = String::from_utf8_lossy(&head[..end]).lines().next().map(str::to_owned);
            let status = status.context("an empty head")?;
            if !status.contains(" 200 ") {
                bail!("{status}");
            }
            return Ok(head.len() - end - 4);
        }
    }
}

//! A whole server in this process, over a data folder.
#![expect(clippy::unwrap_used, reason = "a test fails by it")]

use std::net::SocketAddr;
use std::path::Path;

use server::{Config, Encryption, Enforcement, Running, start};
use service::Mode;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use worker::sandbox::TierChoice;

fn config(data: &Path) -> Config {
    Config {
        listen: "127.0.0.1:0".parse().unwrap(),
        data_dir: data.to_owned(),
        mode: Mode::Dev,
        enforcement: Enforcement::Off,
        runtimes_dir: None,
        // Namespaces need the program itself, which is no test.
        sandbox: TierChoice::Process,
        spares: None,
        workers_max: None,
        keep_alive: None,
        encryption: Encryption::Off,
        allowed_hosts: Vec::new(),
        sources: None,
        egress: worker::Egress::Internet,
    }
}

async fn get(address: SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

async fn stopped(running: Running) {
    let report = running.shutdown().await;
    assert!(report.is_clean(), "{report:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_answers_when_started_and_again_after_a_restart() {
    let data = tempfile::tempdir().unwrap();
    for _ in 0..2 {
        let running = start(config(data.path())).await.unwrap();
        let answer = get(running.address, "/_localstack/health").await;
        assert!(
            answer.starts_with("HTTP/1.1 200") && answer.contains("\"lambda\":\"available\""),
            "{answer}"
        );
        stopped(running).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_folder_belongs_to_one_server() {
    let data = tempfile::tempdir().unwrap();
    let first = start(config(data.path())).await.unwrap();
    let second = start(config(data.path())).await.err().map(|error| format!("{error:#}"));
    assert!(second.as_deref().is_some_and(|text| text.contains("in use")), "{second:?}");
    stopped(first).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn public_addresses_are_refused() {
    let data = tempfile::tempdir().unwrap();
    let public = Config { listen: "0.0.0.0:0".parse().unwrap(), ..config(data.path()) };
    assert!(start(public).await.is_err());
}

#[test]
fn every_implemented_operation_is_in_its_model() {
    let coverage = server::coverage();
    assert!(coverage.iter().any(|row| row.service == "lambda" && row.implemented.len() > 10));
    for row in coverage {
        for name in &row.implemented {
            assert!(row.operations.contains(name), "{}:{name}", row.service);
        }
    }
}

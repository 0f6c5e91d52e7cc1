//! Connections: HTTP/2, TLS, clients that leave, shutdown.

use std::sync::atomic::Ordering;
use std::time::Duration;

use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::stage::{Stage, parse, written};

const WHO: &str = "POST /\nsigned: sts\ncontent-type: application/x-www-form-urlencoded\n\nAction=GetCallerIdentity&Version=2011-06-15";
const SLOW: &str = "POST /\nsigned: logs\nx-amz-target: Logs_20140328.CreateLogGroup\ncontent-type: application/x-amz-json-1.1\n\n{\"logGroupName\":\"x\"}";

#[tokio::test]
async fn http2_is_spoken_on_the_same_port_with_prior_knowledge() {
    let stage = Stage::new().await;
    let mut request = parse(WHO);
    *request.uri_mut() = format!("http://{}/", stage.address).parse().unwrap();
    // HTTP/2 clients send the authority, not the header.
    request.headers_mut().remove("host");
    let response = stage.send_http2(request).await;
    assert_eq!(response.version(), http::Version::HTTP_2);
    let answer = written(response).await;
    assert!(answer.contains("arn:aws:iam::000000000000:root"), "{answer}");
}

#[tokio::test]
async fn a_client_that_leaves_interrupts_nothing() {
    let stage = Stage::new().await;
    let stream = TcpStream::connect(stage.address).await.unwrap();
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
    let connection = tokio::spawn(connection);
    let asking = tokio::spawn(async move { sender.send_request(parse(SLOW)).await.map(drop) });
    stage.probe.started.notified().await;
    asking.abort();
    connection.abort();
    let _ = (asking.await, connection.await);
    stage.probe.release.notify_one();
    let report = stage.platform.tasks().shutdown(Duration::from_secs(10)).await;
    assert_eq!(stage.probe.finished.load(Ordering::SeqCst), 1);
    assert!(report.is_clean(), "{report:?}");
}

#[tokio::test]
async fn shutdown_lets_running_requests_finish_and_takes_no_new_ones() {
    let stage = Stage::new().await;
    let answering = stage.send(parse(SLOW));
    let stopping = async {
        stage.probe.started.notified().await;
        let tasks = stage.platform.tasks().clone();
        tasks.stop();
        stage.probe.release.notify_one();
        tasks.shutdown(Duration::from_secs(10)).await
    };
    let (response, report) = tokio::join!(answering, stopping);
    assert_eq!(response.status(), 200);
    assert!(report.is_clean(), "{report:?}");
    assert!(TcpStream::connect(stage.address).await.is_err());
}

#[tokio::test]
async fn encrypted_and_plain_connections_share_the_port() {
    use std::sync::Arc;

    let key = rcgen::generate_simple_self_signed(vec!["localhost".into()]).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let private = rustls::pki_types::PrivateKeyDer::try_from(key.signing_key.serialize_der()).unwrap();
    let mut server = rustls::ServerConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![key.cert.der().clone()], private)
        .unwrap();
    server.alpn_protocols = vec![b"http/1.1".to_vec()];
    let stage = Stage::with_tls(Some(Arc::new(server))).await;
    assert!(stage.ask(WHO).await.starts_with("200 "));
    let mut roots = rustls::RootCertStore::empty();
    roots.add(key.cert.der().clone()).unwrap();
    let client = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let stream = TcpStream::connect(stage.address).await.unwrap();
    let name = rustls::pki_types::ServerName::try_from("localhost").unwrap();
    let stream = tokio_rustls::TlsConnector::from(Arc::new(client)).connect(name, stream).await.unwrap();
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let answer = written(sender.send_request(parse(WHO)).await.unwrap()).await;
    assert!(answer.contains("arn:aws:iam::000000000000:root"), "{answer}");
}

#[tokio::test]
async fn a_request_of_http_1_1_has_exactly_one_host() {
    let stage = Stage::new().await;
    for hosts in ["", "host: a\r\nhost: b\r\n"] {
        let mut stream = TcpStream::connect(stage.address).await.unwrap();
        let request = format!("GET /_localstack/health HTTP/1.1\r\n{hosts}connection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 400 "), "{hosts:?}: {answer}");
    }
}

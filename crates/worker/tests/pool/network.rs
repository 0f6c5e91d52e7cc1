//! What a function reaches under names: the cloud, and an internet made up for the test.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};

use futures_util::future::BoxFuture;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use worker::sandbox::TierChoice;
use worker::{Egress, Endpoint, Function, NetworkConfig, Outside, PoolConfig};

use crate::support::{Cloud, success};

const SOURCE: &str = "
import socket, struct

def say(name, port):
    try:
        with socket.create_connection((name, port), 5) as connection:
            connection.sendall(b'hello')
            return connection.recv(200).decode() or 'closed'
    except OSError as error:
        return type(error).__name__

def ask_over_a_stream(name):
    labels = b''.join(bytes([len(label)]) + label.encode() for label in name.split('.'))
    question = b'\\x00\\x07\\x01\\x00\\x00\\x01' + bytes(6) + labels + b'\\x00\\x00\\x01\\x00\\x01'
    with socket.create_connection(('127.0.0.1', 53), 5) as connection:
        connection.sendall(struct.pack('>H', len(question)) + question)
        answer = connection.recv(600)
    return [answer[5] & 15, list(answer[-4:])]

def handler(event, context):
    if 'stream' in event:
        return ask_over_a_stream(event['stream'])
    return {f'{name}:{port}': say(name, port) for name, port in event['say']}
";

/// Names and where they lead; what is public; who answers.
struct MadeUp {
    names: HashMap<&'static str, Vec<&'static str>>,
    asked: Mutex<HashMap<String, usize>>,
    server: SocketAddr,
}

impl Outside for MadeUp {
    fn resolve(&self, name: &str) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> {
        let mut asked = self.asked.lock().unwrap();
        let times = asked.entry(name.to_owned()).or_default();
        *times += 1;
        let mut found = self.names.get(name).cloned();
        // The client asks for both families, then the platform asks again to connect.
        if name == "rebound.test" && *times > 2 {
            found = Some(vec!["127.0.0.1"]);
        }
        let found = found.map(|found| found.iter().map(|address| address.parse().unwrap()).collect());
        Box::pin(async move { found.ok_or_else(|| io::ErrorKind::NotFound.into()) })
    }

    fn is_public(&self, address: IpAddr) -> bool {
        address.to_string().starts_with("8.")
    }

    fn connect(&self, address: SocketAddr) -> BoxFuture<'static, io::Result<TcpStream>> {
        let server = self.server;
        Box::pin(async move {
            let mut stream = TcpStream::connect(server).await?;
            stream.write_all(format!("{address} ").as_bytes()).await?;
            Ok(stream)
        })
    }
}

/// Answers what it is told, twice over.
async fn server() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut heard = Vec::new();
                while !heard.ends_with(b"hello") {
                    if stream.read_buf(&mut heard).await.unwrap_or(0) == 0 {
                        return;
                    }
                }
                let _ = stream.write_all(&heard).await;
            });
        }
    });
    address
}

struct CloudItself;

impl Endpoint for CloudItself {
    fn accept(&self, mut stream: TcpStream) {
        tokio::spawn(async move {
            let _ = stream.write_all(b"the cloud").await;
            let _ = stream.read(&mut [0; 16]).await;
        });
    }
}

struct Stage {
    cloud: Cloud,
}

impl Stage {
    /// None where sandboxes have no network of their own.
    async fn with(egress: &str) -> Option<Self> {
        let outside = MadeUp {
            names: HashMap::from([
                ("public.test", vec!["8.0.0.1"]),
                ("other.test", vec!["8.0.0.2"]),
                ("private.test", vec!["10.0.0.1"]),
                ("mixed.test", vec!["169.254.169.254", "10.0.0.1", "8.0.0.3"]),
                ("rebound.test", vec!["8.0.0.4"]),
                ("loopback.test", vec!["127.0.0.1", "::1"]),
            ]),
            asked: Mutex::default(),
            server: server().await,
        };
        let network = NetworkConfig {
            cloud_domains: &["cloud.test"],
            egress: egress.parse().unwrap(),
            outside: Arc::new(outside),
        };
        let pool = PoolConfig { node_spares: 0, ..PoolConfig::default() };
        let cloud = Cloud::connected(TierChoice::Auto, pool, Some(Arc::new(CloudItself)), network).await;
        if !cloud.is_isolated() {
            eprintln!("SKIPPED: there are no namespaces on this machine");
            return None;
        }
        Some(Self { cloud })
    }

    fn function(&self, egress: Option<&str>) -> Arc<Function> {
        let mut function = self.cloud.function("python3.12", "app.handler", &[("app.py", SOURCE)]);
        if let Some(egress) = egress {
            function.environment.insert(worker::EGRESS_VARIABLE.into(), egress.into());
        }
        Arc::new(function)
    }

    /// What a function with this policy of its own hears from names, all at port 443.
    async fn heard(&self, egress: Option<&str>, names: &[&str]) -> Vec<String> {
        let say: Vec<Value> = names.iter().map(|name| json!([name, 443])).collect();
        let answer = self.call(&self.function(egress), &json!({ "say": say })).await;
        names.iter().map(|name| answer[format!("{name}:443")].as_str().unwrap().to_owned()).collect()
    }

    async fn call(&self, function: &Arc<Function>, event: &Value) -> Value {
        success(&self.cloud.invoke(function, &event.to_string()).await)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn names_outside_lead_to_public_addresses_only() {
    let Some(stage) = Stage::with("internet").await else { return };
    let names =
        ["public.test", "mixed.test", "private.test", "loopback.test", "rebound.test", "missing.test"];
    let heard = stage.heard(None, &names).await;
    assert_eq!(
        heard,
        [
            "8.0.0.1:443 hello",
            "8.0.0.3:443 hello",
            "gaierror",
            "gaierror",
            "ConnectionResetError",
            "gaierror"
        ]
    );
    let function = stage.function(None);
    let event = json!({ "say": [["public.test", 80], ["other.test", 80], ["public.test", 443]] });
    let expected = json!({
        "public.test:80": "8.0.0.1:80 hello",
        "other.test:80": "8.0.0.2:80 hello",
        "public.test:443": "8.0.0.1:443 hello",
    });
    assert_eq!(stage.call(&function, &event).await, expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_function_narrows_what_it_reaches_and_never_widens_it() {
    let Some(stage) = Stage::with("allow-list:public.test,mixed.test:80,10.0.0.0/8").await else { return };
    let names = ["public.test", "other.test", "private.test", "mixed.test"];
    // Of a mixed name's addresses that in an allowed network may be reached.
    let listed = ["8.0.0.1:443 hello", "gaierror", "10.0.0.1:443 hello", "10.0.0.1:443 hello"];
    assert_eq!(stage.heard(Some("allow-list:*,10.0.0.0/8"), &names).await, listed);
    let public = ["8.0.0.1:443 hello", "gaierror", "gaierror", "ConnectionResetError"];
    assert_eq!(stage.heard(None, &names).await, public);
    assert_eq!(stage.heard(Some("allow-list:other.test"), &names).await, ["gaierror"; 4]);
    for nothing in ["none", "no such policy"] {
        assert_eq!(stage.heard(Some(nothing), &names).await, ["gaierror"; 4]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_cloud_is_reached_whatever_the_policy() {
    let Some(stage) = Stage::with("none").await else { return };
    let names = ["cloud.test", "a.b.cloud.test", "localhost", "notcloud.test", "public.test"];
    let heard = stage.heard(None, &names).await;
    assert_eq!(heard, ["the cloud", "the cloud", "the cloud", "gaierror", "gaierror"]);
    let event = json!({ "say": [["x.cloud.test", 80], ["x.cloud.test", 81]] });
    let expected = json!({ "x.cloud.test:80": "the cloud", "x.cloud.test:81": "ConnectionRefusedError" });
    assert_eq!(stage.call(&stage.function(None), &event).await, expected);
    assert_eq!(Egress::default(), Egress::Internet);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn names_are_asked_for_over_streams_too() {
    let Some(stage) = Stage::with("internet").await else { return };
    let function = stage.function(None);
    assert_eq!(stage.call(&function, &json!({ "stream": "a.cloud.test" })).await, json!([0, [127, 0, 0, 1]]));
    assert_eq!(stage.call(&function, &json!({ "stream": "public.test" })).await, json!([0, [127, 64, 0, 1]]));
    assert_eq!(stage.call(&function, &json!({ "stream": "missing.test" })).await[0], 3);
}

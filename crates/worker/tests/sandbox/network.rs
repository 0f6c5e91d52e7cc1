//! What a program can reach.

use std::io::{Read, Write};
use std::net::TcpListener;

use crate::support::{finish, python, server};

#[tokio::test]
async fn the_hosts_loopback_is_out_of_reach() {
    let server = server().await;
    let host = TcpListener::bind("127.0.0.1:0").unwrap();
    host.set_nonblocking(true).unwrap();
    let port = host.local_addr().unwrap().port();
    let script = format!(
        "
import socket
def reach(*address):
    try:
        socket.create_connection(address, timeout=2).close()
        print('REACHED', address)
    except OSError as error:
        print(type(error).__name__)
reach('127.0.0.1', {port})
reach('1.1.1.1', 53)
reach('169.254.169.254', 80)
print(open('/proc/net/dev').read().count(':'), len(open('/proc/net/route').read().splitlines()))
print([name for _, name in socket.if_nameindex()])
"
    );
    let output = server.python(&script).await;
    assert_eq!(output, "ConnectionRefusedError\nOSError\nOSError\n1 1\n['lo']\n");
    assert!(host.accept().is_err(), "somebody connected");
}

#[tokio::test]
async fn abstract_sockets_of_the_host_are_out_of_reach() {
    use std::os::linux::net::SocketAddrExt;
    use std::os::unix::net::{SocketAddr, UnixListener};
    let server = server().await;
    let name = format!("cloudling-test-{}", std::process::id());
    let _listener = UnixListener::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap();
    let script = format!(
        "
import socket
try:
    socket.socket(socket.AF_UNIX).connect('\\0{name}')
    print('REACHED')
except ConnectionRefusedError:
    print('refused')
"
    );
    assert_eq!(server.python(&script).await, "refused\n");
}

#[tokio::test]
async fn the_runtime_api_and_the_endpoint_are_reached_on_loopback() {
    let server = server().await;
    let script = "
import socket
for port in (9001, 4566):
    connection = socket.create_connection(('127.0.0.1', port))
    connection.sendall(b'%d' % port)
    print(connection.recv(100).decode())
";
    let sandbox = server.sandboxes.launch(python(script)).await.unwrap();
    let network = sandbox.network.as_ref();
    for (listener, port) in
        [(sandbox.runtime_api.as_ref(), "9001"), (network.map(|network| &network.endpoint), "4566")]
    {
        let listener = listener.unwrap().try_clone().unwrap();
        listener.set_nonblocking(true).unwrap();
        let listener = tokio::net::TcpListener::from_std(listener).unwrap();
        let (connection, _) = listener.accept().await.unwrap();
        let mut connection = connection.into_std().unwrap();
        connection.set_nonblocking(false).unwrap();
        let mut heard = [0; 4];
        connection.read_exact(&mut heard).unwrap();
        assert_eq!(heard, port.as_bytes());
        connection.write_all(format!("hello {port}").as_bytes()).unwrap();
    }
    let output = finish(sandbox).await;
    assert_eq!(output.stdout, "hello 9001\nhello 4566\n", "{output:?}");
}

#[tokio::test]
async fn the_control_stream_is_descriptor_3() {
    let server = server().await;
    let script = "
import socket
stream = socket.socket(fileno=3)
stream.sendall(stream.recv(100)[::-1])
";
    let sandbox = server.sandboxes.launch(python(script)).await.unwrap();
    (&sandbox.control).write_all(b"abc").unwrap();
    let mut control = sandbox.control.try_clone().unwrap();
    assert_eq!(finish(sandbox).await.exit.code, Some(0));
    let mut heard = String::new();
    control.read_to_string(&mut heard).unwrap();
    assert_eq!(heard, "cba");
}

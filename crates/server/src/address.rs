//! Where the server listens, and where it must not.

use std::net::SocketAddr;

use anyhow::bail;
use service::Mode;
use tokio::net::TcpListener;

/// In development mode everybody who reaches the port is let in, so only this machine may reach it.
pub(crate) fn check(listen: SocketAddr, mode: Mode) -> anyhow::Result<()> {
    if mode == Mode::Dev && !listen.ip().is_loopback() {
        bail!(
            "{listen} can be reached from other machines, and development mode accepts every access key: listen on \
             127.0.0.1, or start with --mode secure, which lets in known keys only and enforces policies"
        );
    }
    Ok(())
}

pub(crate) async fn bind(listen: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(listen).await.map_err(|error| {
        let text = match error.kind() {
            std::io::ErrorKind::AddrInUse => format!(
                "{listen} is in use by another program, perhaps another Cloudling or LocalStack: stop that one, or choose \
                 another address with --listen 127.0.0.1:0 (a free port)"
            ),
            std::io::ErrorKind::PermissionDenied => format!("listening on {listen} is not permitted: choose a port above 1023"),
            _ => format!("cannot listen on {listen}"),
        };
        anyhow::Error::new(error).context(text)
    })
}

pub(crate) fn url(address: SocketAddr) -> String {
    format!("http://{address}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn development_mode_listens_on_loopback_only() {
        for address in ["127.0.0.1:4566", "127.8.9.10:0", "[::1]:4566"] {
            assert!(check(address.parse().unwrap(), Mode::Dev).is_ok(), "{address}");
        }
        for address in ["0.0.0.0:4566", "192.168.1.5:4566", "[::]:4566"] {
            let refusal = check(address.parse().unwrap(), Mode::Dev).unwrap_err().to_string();
            assert!(refusal.contains(address) && refusal.contains("--mode secure"), "{refusal}");
            assert!(check(address.parse().unwrap(), Mode::Secure).is_ok(), "{address}");
        }
    }

    #[tokio::test]
    async fn a_taken_port_is_said_to_be_taken() {
        let first = bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let taken = first.local_addr().unwrap();
        let refusal = format!("{:#}", bind(taken).await.unwrap_err());
        assert!(refusal.contains("is in use by another program"), "{refusal}");
    }
}

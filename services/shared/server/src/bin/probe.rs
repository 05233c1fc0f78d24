//! Asks the service of this container how it is, for images that have nothing else to ask with: `probe /readyz`. It fails unless the
//! answer is 200, and then says what it was.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, ensure};

const PATIENCE: Duration = Duration::from_secs(4);

fn main() -> anyhow::Result<()> {
    let path = std::env::args().nth(1).context("usage: probe PATH")?;
    let port = std::env::var("APP_PORT").context("APP_PORT is missing")?;
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port.parse().context("APP_PORT is no port")?));
    let mut service = TcpStream::connect_timeout(&address, PATIENCE)?;
    service.set_read_timeout(Some(PATIENCE))?;
    service.write_all(format!("GET {path} HTTP/1.0\r\n\r\n").as_bytes())?;
    let mut answer = String::new();
    service.read_to_string(&mut answer)?;
    ensure!(answer.split(' ').nth(1) == Some("200"), answer);
    Ok(())
}

use std::net::{Ipv4Addr, TcpListener};
use std::sync::{LazyLock, Mutex};

/// Below the range from which the kernel serves outgoing connections and listeners that name no port: none of those can take
/// one of these before it is used.
const LAST: u16 = 32_000;

/// Where to go on looking. Test runs beside each other begin at different places.
static NEXT: LazyLock<Mutex<u16>> = LazyLock::new(|| {
    let somewhere = u16::try_from(std::process::id() % 6_000).expect("less than 6,000");
    Mutex::new(20_000 + somewhere)
});

/// `count` ports in a row of the loopback interface that are free now, and that no other call in this process gets.
pub fn free_ports(count: u16) -> Vec<u16> {
    let mut next = NEXT.lock().expect("nobody panics with it");
    while *next + count <= LAST {
        let ports: Vec<u16> = (*next..*next + count).collect();
        *next += count;
        if ports
            .iter()
            .all(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok())
        {
            return ports;
        }
    }
    panic!("no free ports are left below {LAST}");
}

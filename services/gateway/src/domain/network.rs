//! Where a request comes from: the address of the connection, or what a proxy of ours says in a header, and nobody else.

use std::net::{IpAddr, SocketAddr};

use axum::http::HeaderMap;
use ipnet::IpNet;

/// The proxies in front of this service, and how they name the client.
#[derive(Clone, Debug, Default)]
pub struct Proxies {
    pub networks: Vec<IpNet>,
    pub header: ProxyHeader,
}

/// One of the two, since a proxy that writes the one lets clients write the other.
#[derive(Clone, Copy, Debug, Default)]
pub enum ProxyHeader {
    #[default]
    XForwardedFor,
    /// RFC 7239
    Forwarded,
}

impl Proxies {
    /// The address of the client: the last one in the chain that is no proxy of ours, as everything before it is hearsay.
    pub fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let peer = peer.to_canonical();
        if !self.is_ours(peer) {
            return peer;
        }
        let mut client = peer;
        for named in self.chain(headers).iter().rev() {
            // What can't be read as an address is not trusted, nor what stands before it.
            let Some(address) = named else { break };
            client = *address;
            if !self.is_ours(client) {
                break;
            }
        }
        client
    }

    fn is_ours(&self, address: IpAddr) -> bool {
        self.networks.iter().any(|network| network.contains(&address))
    }

    /// The addresses that the header names, in its order.
    fn chain(&self, headers: &HeaderMap) -> Vec<Option<IpAddr>> {
        let name = match self.header {
            ProxyHeader::XForwardedFor => "x-forwarded-for",
            ProxyHeader::Forwarded => "forwarded",
        };
        let lines = headers
            .get_all(name)
            .iter()
            .map(|line| line.to_str().unwrap_or_default());
        let elements = lines.flat_map(|line| line.split(','));
        elements
            .map(|element| match self.header {
                ProxyHeader::XForwardedFor => address(element),
                ProxyHeader::Forwarded => address(for_parameter(element)?),
            })
            .collect()
    }
}

/// `for=…` of one element (RFC 7239 §4).
fn for_parameter(element: &str) -> Option<&str> {
    element.split(';').find_map(|pair| {
        let (name, value) = pair.trim().split_once('=')?;
        name.eq_ignore_ascii_case("for").then(|| value.trim_matches('"'))
    })
}

/// With or without a port, IPv6 with or without brackets.
fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let bare = text.trim_start_matches('[').trim_end_matches(']');
    let with_port = || text.parse::<SocketAddr>().ok().map(|address| address.ip());
    bare.parse()
        .ok()
        .or_else(with_port)
        .map(|ip: IpAddr| ip.to_canonical())
}

/// The network that shares limits: a /24 of IPv4, a /64 of IPv6, as one customer has one at least.
pub fn network(address: IpAddr) -> IpNet {
    let bits = match address {
        IpAddr::V4(_) => 24,
        IpAddr::V6(_) => 64,
    };
    IpNet::new_assert(address, bits).trunc()
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn client(header: ProxyHeader, peer: &str, value: &str) -> String {
        let name = match header {
            ProxyHeader::XForwardedFor => "x-forwarded-for",
            ProxyHeader::Forwarded => "forwarded",
        };
        let headers = HeaderMap::from_iter([(name.parse().unwrap(), HeaderValue::from_str(value).unwrap())]);
        let proxies = Proxies {
            networks: vec!["10.0.0.0/8".parse().unwrap(), "fd00::/8".parse().unwrap()],
            header,
        };
        proxies.client(peer.parse().unwrap(), &headers).to_string()
    }

    #[test]
    fn a_header_of_a_stranger_is_not_believed() {
        assert_eq!(
            client(ProxyHeader::XForwardedFor, "203.0.113.5", "198.51.100.1"),
            "203.0.113.5"
        );
        let no_proxies = Proxies::default();
        let headers =
            HeaderMap::from_iter([("x-forwarded-for".parse().unwrap(), "1.2.3.4".parse().unwrap())]);
        assert_eq!(
            no_proxies
                .client("127.0.0.1".parse().unwrap(), &headers)
                .to_string(),
            "127.0.0.1"
        );
    }

    #[test]
    fn behind_our_proxies_it_is_the_last_address_that_is_not_ours() {
        for (value, expected) in [
            ("198.51.100.1", "198.51.100.1"),
            ("6.6.6.6, 198.51.100.1, 10.1.2.3", "198.51.100.1"),
            ("198.51.100.1:4711", "198.51.100.1"),
            ("2001:db8::1", "2001:db8::1"),
            ("[2001:db8::1]:80, fd00::2", "2001:db8::1"),
            ("::ffff:198.51.100.1", "198.51.100.1"),
            ("198.51.100.1, unknown", "10.0.0.1"),
            ("", "10.0.0.1"),
        ] {
            assert_eq!(
                client(ProxyHeader::XForwardedFor, "10.0.0.1", value),
                expected,
                "{value}"
            );
        }
    }

    #[test]
    fn forwarded_is_read_as_the_standard_writes_it() {
        for (value, expected) in [
            ("for=198.51.100.1;proto=https", "198.51.100.1"),
            ("For=\"[2001:db8:cafe::17]:4711\"", "2001:db8:cafe::17"),
            (
                "for=6.6.6.6, for=198.51.100.1;by=10.0.0.9, for=10.0.0.8",
                "198.51.100.1",
            ),
            ("for=_hidden", "10.0.0.1"),
            ("by=1.2.3.4", "10.0.0.1"),
        ] {
            assert_eq!(
                client(ProxyHeader::Forwarded, "10.0.0.1", value),
                expected,
                "{value}"
            );
        }
    }

    #[test]
    fn neighbours_share_a_network() {
        let of = |text: &str| network(text.parse().unwrap()).to_string();
        assert_eq!(of("198.51.100.77"), "198.51.100.0/24");
        assert_eq!(of("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::/64");
    }
}

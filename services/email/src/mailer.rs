//! Handing a mail to the Dapr binding `mail`, and what its answer means for the mail.

use std::collections::HashMap;
use std::sync::Arc;

use sidecar::Sidecar;
use tokio::sync::Mutex;

use crate::letter::Letter;

const BINDING: &str = "mail";
/// Replies that tell of this service's right to send, or of a server that is none, not of one mail (RFC 4954 §6, RFC 5321 §4.2.2,
/// RFC 7504): the next mail would fare no better.
const ABOUT_THE_SERVER: [u16; 8] = [421, 454, 502, 503, 521, 530, 534, 535];

#[derive(Clone)]
pub struct Mailer {
    sidecar: Sidecar,
    /// The SMTP binding of Dapr 1.18 writes the recipient of a request into settings that all requests share, so two
    /// mails at a time could be swapped. It gets one at a time.
    one_at_a_time: Arc<Mutex<()>>,
}

/// Why a mail was not taken.
#[derive(Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It will never be: a reply 5xx.
    Permanent(u16),
    /// Perhaps later: a reply 4xx.
    Transient(u16),
    /// No mail goes out right now.
    Unreachable,
}

impl Mailer {
    pub fn new(sidecar: Sidecar) -> Self {
        Self {
            sidecar,
            one_at_a_time: Arc::default(),
        }
    }

    /// Sends one mail to one address.
    pub async fn send(&self, address: &str, letter: Letter) -> Result<(), Refusal> {
        let metadata = HashMap::from([
            ("emailTo".to_owned(), address.to_owned()),
            ("subject".to_owned(), letter.subject.to_owned()),
            // For a binding that can send both; Dapr's own SMTP binding passes over it.
            ("text".to_owned(), letter.text),
        ]);
        let _turn = self.one_at_a_time.lock().await;
        let sent = self
            .sidecar
            .bind(BINDING, "create", letter.html.into_bytes(), metadata)
            .await;
        // What the binding says may repeat the address: nobody gets to read it.
        sent.map_err(|error| match error {
            sidecar::Error::Grpc(status) => refusal(status.message()),
            _ => Refusal::Unreachable,
        })
    }
}

/// Whether it is one address, which a binding takes neither for several nor for a header, nor for none at all: it would say so
/// without a server's reply, as if no mail could be sent.
pub fn is_one_address(address: &str) -> bool {
    let odd = |letter: char| letter.is_whitespace() || letter.is_control() || ";,<>\"".contains(letter);
    address.contains('@') && !address.contains(odd)
}

/// Reads the server's reply, which stands in the binding's words after whatever the binding says itself:
/// `could not send: 550 5.1.1 no such user`.
fn refusal(said: &str) -> Refusal {
    match reply(said) {
        Some(code) if ABOUT_THE_SERVER.contains(&code) => Refusal::Unreachable,
        Some(code @ 400..=499) => Refusal::Transient(code),
        Some(code @ 500..=599) => Refusal::Permanent(code),
        _ => Refusal::Unreachable,
    }
}

fn reply(said: &str) -> Option<u16> {
    said.split(": ").find_map(|part| {
        let code = part.get(..3)?;
        let alone = part[3..]
            .chars()
            .next()
            .is_none_or(|next| next == ' ' || next == '-');
        code.parse()
            .ok()
            .filter(|code| alone && (400..600).contains(code))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reply_of_the_server_decides_what_becomes_of_a_mail() {
        let told = "error invoking output binding mail: sending failed: could not send email 1: ";
        for (reply, expected) in [
            (
                r#"550 "5.1.1 <eve@example.com>: no such user""#,
                Refusal::Permanent(550),
            ),
            ("552-too much", Refusal::Permanent(552)),
            ("554 refused", Refusal::Permanent(554)),
            ("450 4.2.1 busy", Refusal::Transient(450)),
            ("421 closing", Refusal::Unreachable),
            ("535 wrong password", Refusal::Unreachable),
            (
                "dial tcp 127.0.0.1:2525: connect: connection refused",
                Refusal::Unreachable,
            ),
            ("dial tcp 10.0.0.1: 5500: i/o timeout", Refusal::Unreachable),
            ("EOF", Refusal::Unreachable),
        ] {
            assert_eq!(refusal(&format!("{told}{reply}")), expected, "{reply}");
        }
        assert_eq!(refusal("550"), Refusal::Permanent(550));
        assert_eq!(refusal(""), Refusal::Unreachable);
    }

    #[test]
    fn an_address_can_not_become_two() {
        assert!(is_one_address("a@example.com"));
        for bad in [
            "a@example.com;b@example.com",
            "a@example.com,b@example.com",
            "a@example.com\r\nBcc: b@example.com",
            "a b@example.com",
            "a",
        ] {
            assert!(!is_one_address(bad), "{bad}");
        }
    }
}

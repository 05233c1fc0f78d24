//! What others reach with the like, beside our own figures. Theirs were measured once, on another machine of the same size.

use crate::report::{Measured, table};
use crate::{batch, ledger, logins, mix, transfers};

/// A line of ours, and who is measured against it.
struct Peer {
    ours: &'static str,
    anthos: &'static str,
    blnk: &'static str,
    others: &'static str,
}

const PEERS: [Peer; 8] = [
    Peer {
        ours: transfers::UNIFORM,
        anthos: "1,490/s",
        blnk: "780/s",
        others: "",
    },
    Peer {
        ours: transfers::HOT,
        anthos: "1,450/s",
        blnk: "340/s",
        others: "",
    },
    Peer {
        ours: ledger::UNIFORM,
        anthos: "",
        blnk: "",
        others: "PostgreSQL, one function per transfer: 12,450/s; TigerBeetle one by one: 2,900/s",
    },
    Peer {
        ours: ledger::HOT,
        anthos: "",
        blnk: "",
        others: "PostgreSQL, one function per transfer: 2,380/s",
    },
    Peer {
        ours: batch::ITEMS,
        anthos: "no batches",
        blnk: "accepts 5,300/s, applies 300/s",
        others: "TigerBeetle, batches of 8,189: 344,000/s",
    },
    Peer {
        ours: logins::LOGINS,
        anthos: "2.7/s; tuned 4.0/s",
        blnk: "no logins",
        others: "Keycloak 26, dev mode: 9/s",
    },
    Peer {
        ours: mix::TRANSFERS,
        anthos: "a seventh of its mix, of which its logins allow at most 4.0/s",
        blnk: "",
        others: "",
    },
    Peer {
        ours: mix::LOGINS,
        anthos: "as many, so at most 4.0/s",
        blnk: "",
        others: "",
    },
];

/// The rows of which this run has our figure.
pub fn table_of(lines: &[Measured]) -> String {
    let rows = PEERS.iter().filter_map(|peer| {
        let ours = lines.iter().find(|line| line.what == peer.ours)?;
        Some([
            peer.ours.to_owned(),
            ours.unit.write(ours.value),
            peer.anthos.to_owned(),
            peer.blnk.to_owned(),
            peer.others.to_owned(),
        ])
    });
    table(
        ["what", "PayMe", "Bank of Anthos 0.6.9", "Blnk 0.15.2", "others"],
        &rows.collect::<Vec<_>>(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{Goal, Unit};

    #[test]
    fn only_what_this_run_has_measured_is_put_beside_others() {
        let line = |what: &str| Measured {
            what: what.to_owned(),
            value: 1_700.0,
            floor: 4_000.0,
            floor_is: "calls",
            unit: Unit::PerSecond,
            goal: Goal::None,
            anomalies: None,
        };
        let text = table_of(&[line(transfers::UNIFORM), line("something that nobody else has")]);
        assert_eq!(text.lines().count(), 3, "{text}");
        assert!(text.contains("| 1700.0/s | 1,490/s "), "{text}");
    }
}

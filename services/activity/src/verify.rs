//! Recomputes the chain over the audit log and names the first difference. It reads only, and locks no line.

use std::fmt;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use chain::Head;
use serde::Serialize;
use sqlx::postgres::PgPoolOptions;
use sqlx::{PgConnection, PgPool};
use utoipa::ToSchema;

use crate::store::audit::{Turn, take_turn};
use crate::store::seals::{self, Link, Seal};

/// What a verification found.
#[derive(Debug)]
pub struct Report {
    /// The last seal that is as it should be.
    pub head: Head,
    /// Seals that were recomputed.
    pub seals: u64,
    /// Lines after the last seal, which the chain does not cover yet. None: the end was not reached.
    pub unsealed: Option<i64>,
    pub difference: Option<Difference>,
}

/// The first place at which the log or the chain is not what was sealed.
#[derive(Debug, PartialEq, Serialize, ToSchema)]
pub struct Difference {
    /// The line of the log, if one is the cause, or the seal.
    pub place: String,
    pub found: String,
}

impl Report {
    pub fn is_sound(&self) -> bool {
        self.difference.is_none()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "seals {}, lines that wait for a seal {}",
            self.seals,
            self.unsealed.unwrap_or(0)
        )?;
        writeln!(f, "head {}", self.head)?;
        match &self.difference {
            None => write!(f, "the audit log is sound"),
            Some(Difference { place, found }) => {
                write!(f, "DIFFERENCE {place}: {found}\nthe audit log is NOT SOUND")
            }
        }
    }
}

/// Which part of the chain to verify.
#[derive(Clone, Copy, Default)]
pub struct Part {
    /// A head that was kept earlier. It has to be in the chain.
    pub kept: Option<Head>,
    /// What is up to the kept head was verified when it was kept.
    pub only_after_kept: bool,
    /// How long to take at most.
    pub budget: Option<Duration>,
}

/// None: another verification runs.
pub async fn verify(pool: &PgPool, part: Part) -> sqlx::Result<Option<Report>> {
    let mut tx = pool
        .begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        .await?;
    if !take_turn(&mut tx, Turn::Verify).await? {
        return Ok(None);
    }
    let report = walk(&mut tx, part).await?;
    tx.commit().await?;
    Ok(Some(report))
}

async fn walk(conn: &mut PgConnection, part: Part) -> sqlx::Result<Report> {
    let started = Instant::now();
    let mut report = Report {
        head: Head::GENESIS,
        seals: 0,
        unsealed: None,
        difference: None,
    };
    let mut link = Link::GENESIS;
    if let Some(kept) = part.kept.filter(|kept| *kept != Head::GENESIS) {
        match seals::find(conn, kept.number).await? {
            Some(found) if found.head == kept && part.only_after_kept => link = found,
            Some(found) if found.head == kept => {}
            found => {
                report.difference = Some(lost(&kept, found));
                return Ok(report);
            }
        }
    }
    report.head = link.head;
    while part.budget.is_none_or(|budget| started.elapsed() < budget) {
        let Some(seal) = seals::after(conn, &link).await? else {
            report.unsealed = Some(seals::count_after(conn, link.last_seq).await?);
            return Ok(report);
        };
        report.difference = difference(conn, &link, &seal).await?;
        let (Ok(hash), None) = (seal.hash.try_into(), &report.difference) else {
            return Ok(report);
        };
        let number = seal.number;
        link = Link {
            head: Head { number, hash },
            last_seq: seal.last_seq,
        };
        report.head = link.head;
        report.seals += 1;
    }
    Ok(report)
}

async fn difference(conn: &mut PgConnection, before: &Link, seal: &Seal) -> sqlx::Result<Option<Difference>> {
    let number = before.head.number + 1;
    if seal.number != number {
        return Ok(Some(Difference {
            place: format!("seal {number}"),
            found: "it is gone".to_owned(),
        }));
    }
    if seal.hash == seal.expected {
        return Ok(None);
    }
    let line = seals::changed_line(conn, number, before.last_seq).await?;
    Ok(Some(line.map_or_else(
        || Difference {
            place: format!("seal {number}"),
            found: "its hash is not that of its lines, which are what it says".to_owned(),
        },
        |line| {
            Difference {
                place: match line.event_id {
                    Some(event_id) => format!("line {} (event {event_id}) in seal {number}", line.seq),
                    None => format!("line {} in seal {number}", line.seq),
                },
                found: match line.event_id {
                    None => "it is gone",
                    Some(_) if line.added => "it was added later",
                    Some(_) => "it was changed",
                }
                .to_owned(),
            }
        },
    )))
}

fn lost(kept: &Head, found: Option<Link>) -> Difference {
    Difference {
        place: format!("seal {}", kept.number),
        found: match found {
            Some(link) => format!("the head that was kept is {kept}, and it is {}", link.head),
            None => format!("the head that was kept is {kept}, and it is gone"),
        },
    }
}

/// `activity verify [--head NUMBER:HASH]`: prints the report; exits with 0 if the log is sound. It does not migrate the database
/// that `DATABASE_URL` names: a check has to change nothing.
pub async fn command(arguments: &[String]) -> anyhow::Result<ExitCode> {
    let kept = match arguments {
        [] => None,
        [option, head] if option == "--head" => Some(head.parse::<Head>()?),
        _ => bail!("usage: activity verify [--head NUMBER:HASH]"),
    };
    let url = std::env::var("DATABASE_URL").context("DATABASE_URL is missing")?;
    let pool = PgPoolOptions::new()
        .max_connections(1)
        .connect(&url)
        .await
        .context("the database can't be reached")?;
    let part = Part {
        kept,
        ..Part::default()
    };
    let report = verify(&pool, part).await?.context("another verification runs")?;
    println!("{report}");
    Ok(if report.is_sound() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

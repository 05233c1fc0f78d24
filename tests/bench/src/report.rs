//! The one table: each line is a figure, the floor that was measured beside it, and their ratio.

use std::fmt;
use std::path::Path;

use anyhow::Context;

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/benchmarks.md");
const BEGIN: &str = "<!-- figures -->\n";
const END: &str = "<!-- /figures -->\n";

pub struct Report {
    /// Where and with what this was measured.
    pub machine: String,
    pub lines: Vec<Measured>,
}

/// One line of the table.
pub struct Measured {
    pub what: String,
    pub value: f64,
    /// What nothing that does this work could beat, or the same without what is measured.
    pub floor: f64,
    pub floor_is: &'static str,
    pub unit: Unit,
    pub goal: Goal,
}

#[derive(Clone, Copy)]
pub enum Unit {
    PerSecond,
    Milliseconds,
}

#[derive(Clone, Copy)]
pub enum Goal {
    /// The ratio is at least this.
    AtLeast(f64),
    /// The ratio is at most this.
    AtMost(f64),
    /// The figure is at most this much above its floor, in its unit.
    AddsAtMost(f64),
    /// It is there to explain another line.
    None,
}

impl Measured {
    fn ratio(&self) -> f64 {
        self.value / self.floor
    }

    fn cells(&self) -> [String; 6] {
        let (goal, met) = match self.goal {
            Goal::AtLeast(least) => (format!("≥ {least}"), Some(self.ratio() >= least)),
            Goal::AtMost(most) => (format!("≤ {most}"), Some(self.ratio() <= most)),
            Goal::AddsAtMost(most) => (
                format!("adds ≤ {most}; adds {:.3}", self.value - self.floor),
                Some(self.value - self.floor <= most),
            ),
            Goal::None => (String::new(), None),
        };
        let met = met.map_or("", |met| if met { "met" } else { "**not met**" });
        [
            self.what.clone(),
            self.unit.write(self.value),
            format!("{}: {}", self.unit.write(self.floor), self.floor_is),
            format!("{:.3}", self.ratio()),
            goal,
            met.to_owned(),
        ]
    }
}

impl Unit {
    fn write(self, value: f64) -> String {
        match self {
            Self::PerSecond => format!("{value:.1}/s"),
            Self::Milliseconds => format!("{value:.3} ms"),
        }
    }
}

impl fmt::Display for Report {
    /// Markdown, with cells so wide that a terminal shows it as a table too.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let head = ["what", "measured", "floor", "ratio", "goal", ""].map(str::to_owned);
        let mut rows = vec![head];
        rows.extend(self.lines.iter().map(Measured::cells));
        let width = |column: usize| {
            let cells = rows.iter().map(|row| row[column].chars().count());
            cells.max().unwrap_or(0)
        };
        let widths: [usize; 6] = std::array::from_fn(width);
        writeln!(f, "{}\n", self.machine)?;
        for (number, row) in rows.iter().enumerate() {
            for (cell, width) in row.iter().zip(widths) {
                write!(f, "| {cell:width$} ")?;
            }
            writeln!(f, "|")?;
            if number == 0 {
                for width in widths {
                    write!(f, "|{:-<1$}", "", width + 2)?;
                }
                writeln!(f, "|")?;
            }
        }
        Ok(())
    }
}

impl Report {
    /// Puts the table into its page, in the place of the last one.
    pub fn write(&self) -> anyhow::Result<()> {
        let page = Path::new(PAGE);
        let text = std::fs::read_to_string(page).context("docs/benchmarks.md")?;
        std::fs::write(page, between_markers(&text, &self.to_string())?)?;
        Ok(())
    }
}

fn between_markers(page: &str, table: &str) -> anyhow::Result<String> {
    let (before, rest) = page
        .split_once(BEGIN)
        .context("the page has no place for figures")?;
    let (_, after) = rest
        .split_once(END)
        .context("the place for figures does not end")?;
    Ok(format!("{before}{BEGIN}{table}{END}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(value: f64, goal: Goal) -> Measured {
        Measured {
            what: "logins".to_owned(),
            value,
            floor: 100.0,
            floor_is: "hashes",
            unit: Unit::PerSecond,
            goal,
        }
    }

    #[test]
    fn a_line_says_whether_its_goal_is_met() {
        for (value, goal, met) in [
            (80.0, Goal::AtLeast(0.8), "met"),
            (79.9, Goal::AtLeast(0.8), "**not met**"),
            (120.0, Goal::AtMost(1.2), "met"),
            (121.0, Goal::AtMost(1.2), "**not met**"),
            (100.5, Goal::AddsAtMost(0.6), "met"),
            (100.7, Goal::AddsAtMost(0.6), "**not met**"),
            (1.0, Goal::None, ""),
        ] {
            assert_eq!(line(value, goal).cells()[5], met, "{value}");
        }
    }

    #[test]
    fn all_rows_are_of_one_width() {
        let lines = vec![line(81.25, Goal::AtLeast(0.8)), line(7.0, Goal::None)];
        let report = Report {
            machine: "2 cores".to_owned(),
            lines,
        };
        let text = report.to_string();
        assert!(
            text.contains("| logins | 81.2/s   | 100.0/s: hashes | 0.812 | ≥ 0.8 | met |"),
            "{text}"
        );
        let mut widths = text.lines().skip(2).map(|row| row.chars().count());
        let first = widths.next();
        assert!(widths.all(|width| Some(width) == first), "{text}");
    }

    #[test]
    fn a_table_takes_the_place_of_the_last_one() {
        let page = format!("a\n{BEGIN}old\n{END}z\n");
        let new = between_markers(&page, "new\n").unwrap();
        assert_eq!(new, format!("a\n{BEGIN}new\n{END}z\n"));
        assert!(between_markers("a page without a place", "new\n").is_err());
    }

    #[test]
    fn the_page_has_a_place_for_the_table() {
        let page = std::fs::read_to_string(PAGE).unwrap();
        between_markers(&page, "").unwrap();
    }
}

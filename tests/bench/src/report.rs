//! The one table: each line is a figure, the floor that was measured beside it, and their ratio.

use std::fmt;
use std::path::Path;

use anyhow::Context;

use crate::peers;
use crate::plot::Plot;

const DOCS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs");
const COLUMNS: usize = 7;

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
    /// Beside a rate of movements of money: how many anomalies were found in how many. A run with one has no table.
    pub anomalies: Option<String>,
}

#[derive(Clone, Copy)]
pub enum Unit {
    PerSecond,
    Milliseconds,
    Seconds,
}

#[derive(Clone, Copy)]
pub enum Goal {
    /// The ratio is at least this.
    AtLeast(f64),
    /// The ratio is at most this.
    AtMost(f64),
    /// The figure is at most this much above its floor, in its unit.
    AddsAtMost(f64),
    /// The figure itself is at most this, in its unit, whatever its floor.
    IsAtMost(f64),
    /// It is there to explain another line.
    None,
}

impl Measured {
    pub fn ratio(&self) -> f64 {
        self.value / self.floor
    }

    /// The goal as the table says it, and whether it is met; nothing where there is none.
    pub fn verdict(&self) -> (String, Option<bool>) {
        match self.goal {
            Goal::AtLeast(least) => (format!("≥ {least}"), Some(self.ratio() >= least)),
            Goal::AtMost(most) => (format!("≤ {most}"), Some(self.ratio() <= most)),
            Goal::AddsAtMost(most) => (
                format!("adds ≤ {most}; adds {:.3}", self.value - self.floor),
                Some(self.value - self.floor <= most),
            ),
            Goal::IsAtMost(most) => (format!("is ≤ {most}"), Some(self.value <= most)),
            Goal::None => (String::new(), None),
        }
    }

    pub fn cells(&self) -> [String; COLUMNS] {
        let (goal, met) = self.verdict();
        let met = met.map_or("", |met| if met { "met" } else { "**not met**" });
        [
            self.what.clone(),
            self.unit.write(self.value),
            format!("{}: {}", self.unit.write(self.floor), self.floor_is),
            format!("{:.3}", self.ratio()),
            goal,
            met.to_owned(),
            self.anomalies.clone().unwrap_or_default(),
        ]
    }
}

impl Unit {
    pub fn write(self, value: f64) -> String {
        match self {
            Self::PerSecond => format!("{value:.1}/s"),
            Self::Milliseconds => format!("{value:.3} ms"),
            Self::Seconds => format!("{value:.3} s"),
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let head = ["what", "measured", "floor", "ratio", "goal", "", "anomalies"];
        let rows: Vec<_> = self.lines.iter().map(Measured::cells).collect();
        write!(f, "{}\n\n{}", self.machine, table(head, &rows))
    }
}

/// Markdown, with cells so wide that a terminal shows it as a table too.
pub fn table<const N: usize>(head: [&str; N], rows: &[[String; N]]) -> String {
    let head = head.map(str::to_owned);
    let width = |column: usize| {
        let cells = [&head]
            .into_iter()
            .chain(rows)
            .map(|row| row[column].chars().count());
        cells.max().unwrap_or(0)
    };
    let widths: [usize; N] = std::array::from_fn(width);
    let line = |row: &[String; N]| {
        let cells = row
            .iter()
            .zip(widths)
            .map(|(cell, width)| format!("| {cell:width$} "));
        cells.collect::<String>() + "|\n"
    };
    let rule = widths.map(|width| format!("|{:-<1$}", "", width + 2));
    let rows: String = rows.iter().map(line).collect();
    format!("{}{}|\n{rows}", line(&head), rule.concat())
}

impl Report {
    /// Puts the tables into their page, in the place of the last ones, and the plot beside it.
    pub fn write(&self) -> anyhow::Result<()> {
        let docs = Path::new(DOCS);
        let page = docs.join("benchmarks.md");
        let text = std::fs::read_to_string(&page).context("docs/benchmarks.md")?;
        let text = between_markers(&text, "figures", &self.to_string())?;
        let text = between_markers(&text, "peers", &peers::table_of(&self.lines))?;
        std::fs::write(page, text)?;
        let plot = Plot::of(self)?;
        std::fs::write(docs.join("benchmarks.svg"), plot.svg)?;
        std::fs::write(docs.join("benchmarks.html"), plot.html)?;
        Ok(())
    }
}

/// Between `<!-- name -->` and `<!-- /name -->`.
fn between_markers(page: &str, name: &str, table: &str) -> anyhow::Result<String> {
    let (begin, end) = (format!("<!-- {name} -->\n"), format!("<!-- /{name} -->\n"));
    let (before, rest) = page
        .split_once(&begin)
        .with_context(|| format!("the page has no place for {name}"))?;
    let (_, after) = rest
        .split_once(&end)
        .with_context(|| format!("the place for {name} does not end"))?;
    Ok(format!("{before}{begin}{table}{end}{after}"))
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
            anomalies: None,
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
            (50.0, Goal::IsAtMost(50.0), "met"),
            (50.1, Goal::IsAtMost(50.0), "**not met**"),
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
            text.contains("| logins | 81.2/s   | 100.0/s: hashes | 0.812 | ≥ 0.8 | met |           |"),
            "{text}"
        );
        let mut widths = text.lines().skip(2).map(|row| row.chars().count());
        let first = widths.next();
        assert!(widths.all(|width| Some(width) == first), "{text}");
    }

    #[test]
    fn a_table_takes_the_place_of_the_last_one() {
        let page = "a\n<!-- x -->\nold\n<!-- /x -->\nz\n";
        let new = between_markers(page, "x", "new\n").unwrap();
        assert_eq!(new, "a\n<!-- x -->\nnew\n<!-- /x -->\nz\n");
        assert!(between_markers(page, "y", "new\n").is_err());
    }

    #[test]
    fn the_page_has_places_for_the_tables() {
        let page = std::fs::read_to_string(Path::new(DOCS).join("benchmarks.md")).unwrap();
        for name in ["figures", "peers"] {
            between_markers(&page, name, "").unwrap();
        }
    }
}

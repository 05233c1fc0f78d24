//! The same lines as a picture: how far each figure is past its goal, or before it.

use minijinja::{AutoEscape, Environment, Value, context};

use crate::report::{Goal, Measured, Report};

const WIDTH: f64 = 1200.0;
/// Where the bars begin; their names end before it.
const LEFT: f64 = 420.0;
/// As wide as a goal.
const GOAL: f64 = 200.0;
/// So many goals fit.
const MOST: f64 = 2.5;
const TOP: u32 = 64;
const ROW: u32 = 30;

pub struct Plot {
    pub svg: String,
    /// The same with the table, in one file that needs no other.
    pub html: String,
}

impl Plot {
    pub fn of(report: &Report) -> anyhow::Result<Self> {
        let mut templates = Environment::new();
        // An SVG is escaped as a page is.
        templates.set_auto_escape_callback(|_| AutoEscape::Html);
        let with_goal: Vec<_> = report.lines.iter().filter_map(past_goal).collect();
        let bars: Vec<_> = (TOP..).step_by(ROW as usize).zip(with_goal).map(bar).collect();
        let svg = templates.render_str(
            include_str!("plot.svg.html"),
            context! {
                width => WIDTH, left => LEFT, goal_at => LEFT + GOAL, most => MOST,
                height => TOP + ROW * u32::try_from(bars.len())? + 12,
                bars,
            },
        )?;
        let rows: Vec<_> = report.lines.iter().map(|line| line.cells().to_vec()).collect();
        let html = templates.render_str(
            include_str!("plot.html"),
            context! { machine => report.machine.as_str(), svg => svg.as_str(), rows },
        )?;
        Ok(Self { svg, html })
    }
}

/// How many times better than its goal a line is; below one it misses it. None: it has no goal.
fn past_goal(line: &Measured) -> Option<(&Measured, f64)> {
    let times = match line.goal {
        Goal::AtLeast(least) => line.ratio() / least,
        Goal::AtMost(most) => most / line.ratio(),
        // What adds nothing is as far past its goal as a bar can show.
        Goal::AddsAtMost(most) => most / (line.value - line.floor).max(most / MOST),
        Goal::IsAtMost(most) => most / line.value.max(most / MOST),
        Goal::None => return None,
    };
    Some((line, times))
}

fn bar((y, (line, times)): (u32, (&Measured, f64))) -> Value {
    let (goal, met) = line.verdict();
    context! {
        what => line.what.as_str(), y, goal, met => met.unwrap_or_default(),
        width => (times.clamp(0.0, MOST) * GOAL).round(), ratio => format!("{:.2}", line.ratio()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Unit;

    fn line(what: &str, value: f64, goal: Goal) -> Measured {
        Measured {
            what: what.to_owned(),
            value,
            floor: 100.0,
            floor_is: "calls",
            unit: Unit::PerSecond,
            goal,
            anomalies: None,
        }
    }

    #[track_caller]
    fn assert_times(value: f64, goal: Goal, expected: f64) {
        let line = line("x", value, goal);
        let (_, times) = past_goal(&line).unwrap();
        assert!((times - expected).abs() < 1e-9, "{times} is not {expected}");
    }

    #[test]
    fn a_goal_that_is_just_met_is_one_whichever_way_it_goes() {
        assert_times(40.0, Goal::AtLeast(0.4), 1.0);
        assert_times(80.0, Goal::AtLeast(0.4), 2.0);
        assert_times(400.0, Goal::AtMost(4.0), 1.0);
        assert_times(800.0, Goal::AtMost(4.0), 0.5);
        assert_times(100.6, Goal::AddsAtMost(0.6), 1.0);
        assert_times(99.0, Goal::AddsAtMost(0.6), MOST);
        assert_times(50.0, Goal::IsAtMost(50.0), 1.0);
        assert_times(0.0, Goal::IsAtMost(50.0), MOST);
        assert!(past_goal(&line("x", 1.0, Goal::None)).is_none());
    }

    #[test]
    fn a_plot_has_a_bar_for_each_goal_and_its_page_a_row_for_each_line() {
        let report = Report {
            machine: "2 cores".to_owned(),
            lines: vec![
                line("good & fast", 80.0, Goal::AtLeast(0.4)),
                line("slow", 20.0, Goal::AtLeast(0.4)),
                line("for comparison", 1.0, Goal::None),
            ],
        };
        let plot = Plot::of(&report).unwrap();
        assert!(plot.svg.contains(">good &amp; fast</text>"), "{}", plot.svg);
        assert_eq!(plot.svg.matches("#1a7f37").count(), 1);
        assert_eq!(plot.svg.matches("#cf222e").count(), 1);
        assert!(plot.html.contains(&plot.svg));
        assert_eq!(plot.html.matches("<tr><td>").count(), 3);
    }
}

//! As PDF, for people. It uses the fonts that each reader brings along (ISO 32000-1 §9.6.2.2), and for the table the one
//! in which all characters are of one width, so that columns are counted instead of measured.

use chrono::TimeDelta;
use pdf_writer::{Content, Finish, Name, Pdf, Rect, Ref, Str, TextStr};

use super::{Heading, decimal, sums};
use crate::domain::{Line, Statement};

/// A4, landscape, in points: the widest line has 153 characters of 4.8 points.
const WIDTH: f32 = 842.0;
const HEIGHT: f32 = 595.0;
const MARGIN: f32 = 48.0;
const TEXT_SIZE: f32 = 8.0;
const LEADING: f32 = 11.0;
const TITLE_SIZE: f32 = 16.0;
const LINES_PER_PAGE: usize = 42;

const TITLE: Name<'static> = Name(b"Title");
const TEXT: Name<'static> = Name(b"Text");
const CATALOG_ID: Ref = Ref::new(1);
const PAGES_ID: Ref = Ref::new(2);
const TITLE_ID: Ref = Ref::new(3);
const TEXT_ID: Ref = Ref::new(4);
const INFO_ID: Ref = Ref::new(5);
/// Then two for each page: itself and its content.
const FIRST_PAGE_ID: i32 = 6;

/// A document of numbered pages; the sums come first, and each page has the heads of the columns.
pub fn pdf(heading: &Heading, statement: &Statement) -> Vec<u8> {
    let pages = laid_out(heading, statement);
    let ids: Vec<_> = (FIRST_PAGE_ID..)
        .step_by(2)
        .take(pages.len())
        .map(|id| (Ref::new(id), Ref::new(id + 1)))
        .collect();
    let mut pdf = Pdf::new();
    pdf.catalog(CATALOG_ID).pages(PAGES_ID);
    pdf.document_info(INFO_ID).title(TextStr("Account statement"));
    pdf.type1_font(TITLE_ID).base_font(Name(b"Helvetica-Bold"));
    pdf.type1_font(TEXT_ID).base_font(Name(b"Courier"));
    pdf.pages(PAGES_ID)
        .kids(ids.iter().map(|(page, _)| *page))
        .count(i32::try_from(pages.len()).unwrap_or(i32::MAX));
    for (index, (lines, (page_id, content_id))) in pages.iter().zip(&ids).enumerate() {
        let mut page = pdf.page(*page_id);
        page.parent(PAGES_ID)
            .media_box(Rect::new(0.0, 0.0, WIDTH, HEIGHT))
            .contents(*content_id);
        page.resources().fonts().pair(TITLE, TITLE_ID).pair(TEXT, TEXT_ID);
        page.finish();
        let number = format!("Page {} of {}", index + 1, pages.len());
        pdf.stream(*content_id, drawn(index == 0, lines, &number).as_slice());
    }
    pdf.finish()
}

/// The lines of text of each page.
fn laid_out(heading: &Heading, statement: &Statement) -> Vec<Vec<String>> {
    let columns = row([
        "Time (UTC)",
        "Kind",
        "Posting",
        "Other account",
        "Amount",
        "Balance",
    ]);
    let mut pages = Vec::new();
    let mut lines = summary(heading, statement);
    lines.push(columns.clone());
    for line in &statement.lines {
        if lines.len() == LINES_PER_PAGE {
            pages.push(std::mem::replace(&mut lines, vec![columns.clone()]));
        }
        lines.push(entry(line, heading));
    }
    pages.push(lines);
    pages
}

fn summary(heading: &Heading, statement: &Statement) -> Vec<String> {
    let last_day = heading.month.end() - TimeDelta::days(1);
    let period = format!(
        "{} to {} (UTC){}",
        heading.month.start().date_naive(),
        last_day.date_naive(),
        if heading.complete { "" } else { ", so far" },
    );
    let mut lines = vec![
        // The title's place.
        String::new(),
        String::new(),
        format!("{:<16} {}", "Account", heading.account_id),
        format!("{:<16} {}", "Type", heading.account_type),
        format!("{:<16} {}", "Currency", heading.currency),
        format!("{:<16} {period}", "Period"),
        String::new(),
    ];
    let sums = sums(statement);
    lines.extend(sums.map(|(name, sum)| format!("{name:<16} {:>21}", decimal(sum, heading.currency))));
    lines.push(String::new());
    lines
}

fn entry(line: &Line, heading: &Heading) -> String {
    row([
        &line.at.format("%Y-%m-%d %H:%M:%S").to_string(),
        &line.kind,
        &line.posting_id.to_string(),
        &line.counterparty.map_or_else(String::new, |id| id.to_string()),
        &decimal(line.amount, heading.currency),
        &decimal(line.balance, heading.currency),
    ])
}

/// As wide as the widest of each: a time, a kind, two ids, and two of the smallest 64-bit integer.
fn row([time, kind, posting, counterparty, amount, balance]: [&str; 6]) -> String {
    format!("{time:<19}  {kind:<10}  {posting:<36}  {counterparty:<36}  {amount:>21}  {balance:>21}")
}

fn drawn(first: bool, lines: &[String], number: &str) -> pdf_writer::Buf {
    let mut content = Content::new();
    let top = HEIGHT - MARGIN;
    if first {
        content.begin_text();
        content.set_font(TITLE, TITLE_SIZE);
        content.next_line(MARGIN, top - TITLE_SIZE / 2.0);
        content.show(Str(b"Account statement"));
        content.end_text();
    }
    content.begin_text();
    content.set_font(TEXT, TEXT_SIZE);
    content.set_leading(LEADING);
    content.next_line(MARGIN, top);
    for line in lines {
        content.show(Str(line.as_bytes()));
        content.next_line_using_leading();
    }
    content.end_text();
    content.begin_text();
    content.set_font(TEXT, TEXT_SIZE);
    content.next_line(MARGIN, MARGIN / 2.0);
    content.show(Str(number.as_bytes()));
    content.end_text();
    content.finish()
}

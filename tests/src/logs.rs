//! What services and sidecars log from one moment on.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

/// Of each log, at most so many lines are shown: the last ones.
const LINES: usize = 20;
const CHARACTERS_PER_LINE: usize = 500;

/// Where the logs of a folder, its files `NAME.log`, ended at some moment.
pub struct Logs {
    folder: PathBuf,
    ends: BTreeMap<PathBuf, u64>,
}

impl Logs {
    pub fn now(folder: &Path) -> io::Result<Self> {
        let mut ends = BTreeMap::new();
        for log in logs_in(folder)? {
            let end = log.metadata()?.len();
            ends.insert(log, end);
        }
        Ok(Self {
            folder: folder.to_owned(),
            ends,
        })
    }

    /// From when they began.
    pub fn whole(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
            ends: BTreeMap::new(),
        }
    }

    /// What was logged since, each log under its name; logs that got nothing are not named.
    pub fn since(&self) -> io::Result<String> {
        let mut shown = String::new();
        for log in logs_in(&self.folder)? {
            let mut file = File::open(&log)?;
            file.seek(SeekFrom::Start(self.ends.get(&log).copied().unwrap_or(0)))?;
            let mut new = Vec::new();
            file.read_to_end(&mut new)?;
            let name = log.file_stem().unwrap_or_default().to_string_lossy();
            show(&mut shown, &name, &String::from_utf8_lossy(&new));
        }
        Ok(shown)
    }
}

fn logs_in(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut logs = Vec::new();
    for entry in folder.read_dir()? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "log") {
            logs.push(path);
        }
    }
    logs.sort();
    Ok(logs)
}

fn show(shown: &mut String, name: &str, text: &str) {
    let lines: Vec<_> = text.lines().collect();
    let left_out = lines.len().saturating_sub(LINES);
    if lines.is_empty() {
        return;
    }
    let of = if left_out > 0 {
        format!(", the last {LINES} of {} lines", lines.len())
    } else {
        String::new()
    };
    let _infallible = writeln!(shown, "---- log of {name}{of} ----");
    for line in &lines[left_out..] {
        let mut line = (*line).to_owned();
        if let Some((end, _)) = line.char_indices().nth(CHARACTERS_PER_LINE) {
            line.truncate(end);
            line.push('…');
        }
        let _infallible = writeln!(shown, "{line}");
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;
    use std::fs::{self, OpenOptions};
    use std::io::Write as _;
    use std::path::Path;

    use super::{CHARACTERS_PER_LINE, LINES, Logs};

    fn append(folder: &Path, name: &str, text: &str) {
        let mut file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(folder.join(name))
            .unwrap();
        file.write_all(text.as_bytes()).unwrap();
    }

    #[test]
    fn only_what_came_since_is_shown_under_the_names_of_who_logged_it() {
        let folder = tempfile::tempdir().unwrap();
        append(folder.path(), "account.log", "before\n");
        append(folder.path(), "auth.log", "before\n");
        let logs = Logs::now(folder.path()).unwrap();
        append(folder.path(), "account.log", "during\n");
        append(folder.path(), "account-sidecar.log", "started during\n");
        append(folder.path(), "names.db", "no log\n");
        let shown = logs.since().unwrap();
        assert_eq!(
            shown,
            "---- log of account-sidecar ----\nstarted during\n---- log of account ----\nduring\n"
        );
    }

    #[test]
    fn nothing_is_shown_of_a_quiet_time() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("account.log"), "before\n").unwrap();
        assert_eq!(Logs::now(folder.path()).unwrap().since().unwrap(), "");
    }

    #[test]
    fn of_much_the_end_is_shown_and_of_long_lines_the_beginning() {
        let folder = tempfile::tempdir().unwrap();
        let logs = Logs::now(folder.path()).unwrap();
        let mut text = (1..=LINES).fold(String::new(), |mut text, number| {
            writeln!(text, "line {number}").unwrap();
            text
        });
        text.push_str(&"ß".repeat(CHARACTERS_PER_LINE + 1));
        append(folder.path(), "user.log", &text);
        let shown = logs.since().unwrap();
        let lines: Vec<_> = shown.lines().collect();
        assert_eq!(lines[0], "---- log of user, the last 20 of 21 lines ----");
        assert_eq!(lines[1], "line 2");
        assert_eq!(lines[LINES], format!("{}…", "ß".repeat(CHARACTERS_PER_LINE)));
        assert_eq!(lines.len(), LINES + 1);
    }
}

//! How far a feed is, told on stderr while it goes on: a bar on a terminal, else a line every few seconds.

use std::io::IsTerminal;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use parking_lot::Mutex;
use tokio::time::Instant;

use super::client::{Tally, Totals};

/// Between two lines at first, and once a feed has gone on for [`LONG`].
const EVERY: Duration = Duration::from_secs(5);
const SELDOM: Duration = Duration::from_secs(30);
const LONG: Duration = Duration::from_secs(60);

pub struct Progress {
    bar: ProgressBar,
    what: String,
    /// No terminal: lines instead of a bar.
    lines: bool,
    done: AtomicU64,
    total: AtomicU64,
    began: Instant,
    next: Mutex<Instant>,
    last: Mutex<String>,
    /// The hub was seen to put rows in quarantine.
    warned: Mutex<bool>,
    /// What can be done about rows in quarantine.
    hint: &'static str,
}

impl Progress {
    /// Shows nothing.
    pub fn hidden() -> Progress {
        Progress::with(ProgressBar::hidden(), "", 0, false)
    }

    pub fn new(what: impl Into<String>, total: u64) -> Progress {
        if !std::io::stderr().is_terminal() {
            return Progress::with(ProgressBar::hidden(), what, total, true);
        }
        let style = ProgressStyle::with_template("{msg} {wide_bar} {percent}% {eta}")
            .unwrap_or_else(|_| ProgressStyle::default_bar());
        Progress::with(ProgressBar::new(total).with_style(style), what, total, false)
    }

    fn with(bar: ProgressBar, what: impl Into<String>, total: u64, lines: bool) -> Progress {
        let (what, began) = (what.into(), Instant::now());
        bar.set_message(what.clone());
        let (done, total) = (AtomicU64::new(0), AtomicU64::new(total));
        let (next, warned) = (Mutex::new(began + EVERY), Mutex::new(false));
        Progress { bar, what, lines, done, total, began, next, last: Mutex::default(), warned, hint: "" }
    }

    /// Says what helps when the hub puts rows in quarantine.
    #[must_use]
    pub fn hint(mut self, hint: &'static str) -> Progress {
        self.hint = hint;
        self
    }

    pub fn set(&self, done: u64, total: u64) {
        self.done.store(done, Ordering::Relaxed);
        self.total.store(total, Ordering::Relaxed);
        self.bar.set_length(total);
        self.bar.set_position(done);
        self.tell(None);
    }

    pub fn inc(&self, by: u64) {
        self.done.fetch_add(by, Ordering::Relaxed);
        self.bar.inc(by);
    }

    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }

    /// A sentence beside the bar, at once.
    pub fn say(&self, sentence: &str) {
        self.bar.suspend(|| eprintln!("{sentence}"));
    }

    /// Waits for `work`, telling meanwhile how far it is.
    pub async fn watch<T>(&self, tally: &Tally, work: impl Future<Output = T>) -> T {
        tokio::pin!(work);
        loop {
            tokio::select! {
                biased;
                done = &mut work => {
                    self.tell(Some(&tally.totals()));
                    return done;
                }
                () = tokio::time::sleep(EVERY) => self.tell(Some(&tally.totals())),
            }
        }
    }

    /// A line, when it is time for one; rows in quarantine are told as soon as they are seen.
    fn tell(&self, totals: Option<&Totals>) {
        if let Some(totals) = totals
            && totals.quarantined > 0
            && !std::mem::replace(&mut *self.warned.lock(), true)
        {
            self.say(&format!("the hub puts rows in quarantine: {}{}", reasons(totals), self.hint));
        }
        let now = Instant::now();
        if !self.lines || now < *self.next.lock() {
            return;
        }
        *self.next.lock() = now + if self.began.elapsed() > LONG { SELDOM } else { EVERY };
        let line = self.line(totals);
        if *self.last.lock() != line {
            eprintln!("{line}");
            *self.last.lock() = line;
        }
    }

    fn line(&self, totals: Option<&Totals>) -> String {
        let (done, total) = (self.done.load(Ordering::Relaxed), self.total.load(Ordering::Relaxed));
        let share = if total == 0 { 0 } else { u128::from(done) * 100 / u128::from(total) };
        let mut line = format!("{}: {share} %", self.what);
        if let Some(totals) = totals {
            line += &format!(", {} of {total} events sent, {} landed", totals.sent, totals.rows);
            for (count, word) in [
                (totals.duplicates, "there before"),
                (totals.quarantined, "in quarantine"),
                (totals.refused, "refused"),
            ] {
                if count > 0 {
                    line += &format!(", {count} {word}");
                }
            }
        }
        line
    }
}

/// `finish after done 312, unknown_ticket 4`.
fn reasons(totals: &Totals) -> String {
    let reasons: Vec<String> = totals.aside.reasons.iter().map(|(reason, count)| format!("{reason} {count}")).collect();
    reasons.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_how_far_it_is_and_what_the_hub_said() {
        let progress = Progress::with(ProgressBar::hidden(), "playing", 400, true);
        assert_eq!(progress.line(None), "playing: 0 %");
        progress.inc(100);
        let totals = Totals { sent: 100, rows: 90, quarantined: 10, ..Totals::default() };
        let line = "playing: 25 %, 100 of 400 events sent, 90 landed, 10 in quarantine";
        assert_eq!(progress.line(Some(&totals)), line);
    }
}

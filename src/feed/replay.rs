//! `lingping feed replay`: a city's export played back into a hub as if it happened now.
//!
//! Every event keeps its distance from the others; all times of a row move by the same amount. At `--speed N` the
//! playback takes 1/N of the time the file spans and ends level with the clock: its last event is now when it is sent.
//! So at speed 1 the first event is now, and at `max` the last one is. `--shift today` moves by whole days instead:
//! the last event falls on today at its own time of day, and no event is sent before its time has come. `--now TIME` makes
//! a moment of the file now: what came before it is sent at once, what came after it when its time has come.
//!
//! A replay is a source of its own: `src` gets a mark, so that its rows are no duplicates of an import. Ids stay as
//! they are; a hub that knows these tickets already puts them aside, for which there is `--fresh-ids`.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use arrow::array::{ArrayRef, AsArray, RecordBatch, StringViewArray, TimestampMicrosecondArray};
use arrow::datatypes::{DataType, TimestampMicrosecondType};
use chrono_tz::Tz;
use tokio::time::Instant;

use super::client::{FeedClient, compact};
use super::error::FeedError;
use super::import::{self, ImportReport, ReportFormat};
use super::progress::Progress;
use crate::model::Clock;
use crate::model::event::REPLAY_MARK;
use crate::model::time::{DAY_US, format_time, local_to_us, parse_local_time_us, to_zone, whole_second};

/// What helps when rows of a replay go to quarantine.
const KNOWN_IDS: &str = "; if it knows these tickets from before, --fresh-ids gives them new ids";
/// Events that are due within this of each other travel together.
const TICK: Duration = Duration::from_millis(100);

/// How fast a file is played.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Speed {
    /// Times as fast as it happened.
    Times(f64),
    Max,
}

impl std::str::FromStr for Speed {
    type Err = String;

    fn from_str(text: &str) -> Result<Speed, String> {
        if text == "max" {
            return Ok(Speed::Max);
        }
        match text.trim_end_matches(['x', '×']).parse::<f64>() {
            Ok(times) if times.is_finite() && times > 0.0 => Ok(Speed::Times(times)),
            _ => Err("a speed is a number above 0 (1 is real time), or max".into()),
        }
    }
}

/// Where in time a playback lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Shift {
    /// Whole days, so that the last event falls on today.
    Today,
}

/// Plays a city's own export back, as if it happened now.
#[derive(Clone, Debug, clap::Args)]
pub struct ReplayArgs {
    /// The export, in any of the formats of `import`.
    pub file: PathBuf,
    /// How its columns become events (docs/mapping.md).
    #[arg(long)]
    pub map: PathBuf,
    /// The hub, e.g. ws://127.0.0.1:8189/ws.
    #[arg(long)]
    pub to: String,
    /// 1 is real time, 60 an hour a minute, max all at once.
    #[arg(long, default_value = "1")]
    pub speed: Speed,
    /// Move by whole days to today, keeping the time of day.
    #[arg(long, value_enum)]
    pub shift: Option<Shift>,
    /// This moment of the file is now, e.g. "2011-08-28 12:00": what came before is sent at once, the rest as its time
    /// comes.
    #[arg(long, value_name = "TIME", conflicts_with = "shift")]
    pub now: Option<String>,
    /// Give every object a new id, so that a hub that knows the old ones takes the playback.
    #[arg(long)]
    pub fresh_ids: bool,
    #[arg(long, value_enum, default_value_t)]
    pub report: ReportFormat,
    /// Takes the place of `src` of the map.
    #[arg(long)]
    pub src: Option<String>,
    /// The key for personal columns; LINGPING_KEY comes first.
    #[arg(long)]
    pub key_file: Option<PathBuf>,
    /// Sends to a hub of another city than the map is written for.
    #[arg(long)]
    pub force: bool,
}

/// Where the file lies against the clock.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Anchor {
    /// The playback ends level with the clock.
    End,
    /// The last event is of today.
    Today,
    /// This moment of the file is now, µs.
    Moment(i64),
}

/// When events are sent and what their times become.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Plan {
    first_us: i64,
    shift_us: i64,
    /// The clock at the start.
    now_us: i64,
    speed: Speed,
    anchor: Anchor,
}

impl Plan {
    fn new(span_us: (i64, i64), speed: Speed, anchor: Anchor, now_us: i64, zone: Tz) -> Plan {
        let (first_us, last_us) = span_us;
        let shift_us = match anchor {
            // Whole calendar days: over a clock change a day is not 24 hours.
            Anchor::Today => {
                let days = to_zone(now_us, zone).date_naive() - to_zone(last_us, zone).date_naive();
                local_to_us(to_zone(last_us, zone).naive_local() + days, zone)
                    .unwrap_or(last_us + days.num_days() * DAY_US)
                    - last_us
            }
            Anchor::Moment(moment_us) => now_us - moment_us,
            Anchor::End => {
                let takes_us = match speed {
                    Speed::Max => 0,
                    Speed::Times(times) => ((last_us - first_us) as f64 / times) as i64,
                };
                now_us + takes_us - last_us
            }
        };
        Plan { first_us, shift_us, now_us, speed, anchor }
    }

    /// How long after the start an event is sent; `None`: not in this playback.
    fn after(&self, ts_us: i64) -> Option<Duration> {
        let ahead_us = ts_us + self.shift_us - self.now_us;
        let paced_us = || match self.speed {
            Speed::Max => 0,
            Speed::Times(times) => ((ts_us - self.first_us) as f64 / times) as i64,
        };
        let us = match self.anchor {
            Anchor::End => paced_us(),
            _ if self.speed == Speed::Max && ahead_us > 0 => return None,
            Anchor::Today => paced_us().max(ahead_us),
            Anchor::Moment(_) => ahead_us,
        };
        Some(Duration::from_micros(us.max(0).unsigned_abs()))
    }
}

/// Reads, sends at its pace and waits for every ack.
///
/// # Errors
/// As [`import::import`].
pub async fn replay(args: &ReplayArgs, clock: &Clock) -> Result<ImportReport, FeedError> {
    let (mut map, key) = import::prepare(&args.map, args.src.as_deref(), &args.file, args.key_file.as_deref(), false)?;
    let mut client = FeedClient::connect(&args.to, &map.src).await?;
    let another_city = import::another_city(&map, &client, args.force)?;
    let zone = client.welcome().city.tz;
    map.codes = Some(Arc::new(client.welcome().city.clone()));
    let loaded = import::load_aside(args.file.clone(), map.clone(), key, i64::MAX, None).await?;
    let import::Loaded { mut report, mut events } = loaded;
    report.notes.extend(another_city);
    let Some(span_us) = report.span_us else {
        client.end().await?;
        return Ok(report);
    };
    let now_us = clock.now_us();
    let anchor = match (&args.now, args.shift) {
        (Some(text), _) => Anchor::Moment(parse_local_time_us(text, map.times.zone).ok_or_else(|| {
            FeedError::Usage(format!("--now {text:?} is no time; write \"2011-08-28 12:00\" or RFC 3339"))
        })?),
        (None, Some(Shift::Today)) => Anchor::Today,
        (None, None) => Anchor::End,
    };
    let plan = Plan::new(span_us, args.speed, anchor, now_us, zone);
    // To the microsecond, so that two replays are two sources.
    let mark = to_zone(now_us, zone).format("%Y%m%dT%H%M%S%6f").to_string();
    let src = format!("{}{REPLAY_MARK}{mark}", map.src);
    let ids = args.fresh_ids.then(|| format!("~{now_us:x}"));
    report.src.clone_from(&src);
    let began = Instant::now();
    let progress = Progress::new("playing", report.events).hint(if args.fresh_ids { "" } else { KNOWN_IDS });
    let tally = client.tally();
    let end = match plan.after(span_us.1) {
        None | Some(Duration::ZERO) => String::new(),
        Some(after) => {
            format!("; the last one comes at {}", format_time(whole_second(now_us + after.as_micros() as i64), zone))
        }
    };
    progress.say(&format!("playing {} events as {src}{end}", report.events));
    let mut withheld = 0;
    while let Some(batch) = events.next_batch()? {
        let due: Vec<Option<Duration>> = batch
            .column(0)
            .as_primitive::<TimestampMicrosecondType>()
            .values()
            .iter()
            .map(|ts| plan.after(*ts))
            .collect();
        let moved = shifted(&batch, plan.shift_us, &src, ids.as_deref())?;
        let mut from = 0;
        while from < due.len() {
            let Some(first) = due[from] else {
                withheld += due.len() - from;
                break;
            };
            let until = first + TICK;
            let rows = due[from..].iter().take_while(|due| due.is_some_and(|due| due < until)).count();
            progress.watch(&tally, tokio::time::sleep_until(began + first)).await;
            progress.watch(&tally, client.send(map.stream, compact(&moved, from, rows), true)).await?;
            progress.inc(rows as u64);
            from += rows;
        }
    }
    let totals = progress.watch(&tally, client.end()).await?;
    progress.finish();
    report.send_s = Some(began.elapsed().as_secs_f64());
    if withheld > 0 {
        report.notes.push(format!(
            "{withheld} events lie in the future and were left out; without --speed max they come at their time"
        ));
    }
    if totals.quarantined > 0 && !args.fresh_ids {
        report.notes.push(format!("the hub put events in quarantine{KNOWN_IDS}"));
    }
    report.hub = Some(totals.into());
    Ok(report)
}

/// `lingping feed replay`: [`replay`], with its report printed.
///
/// # Errors
/// As [`replay`].
pub async fn run(args: ReplayArgs, clock: Clock) -> Result<ImportReport, FeedError> {
    let report = replay(&args, &clock).await?;
    import::print(&report, args.report);
    Ok(report)
}

/// All times of the rows moved, their source replaced, their ids marked.
fn shifted(batch: &RecordBatch, shift_us: i64, src: &str, ids: Option<&str>) -> Result<RecordBatch, FeedError> {
    let schema = batch.schema();
    let columns = schema.fields().iter().zip(batch.columns()).map(|(field, column)| -> ArrayRef {
        match (field.name().as_str(), field.data_type()) {
            ("src", _) => Arc::new(StringViewArray::from_iter_values(std::iter::repeat_n(src, batch.num_rows()))),
            ("id" | "related" | "ticket", DataType::Utf8View) => match ids {
                None => Arc::clone(column),
                Some(mark) => {
                    let marked = column.as_string_view().iter().map(|id| id.map(|id| format!("{id}{mark}")));
                    Arc::new(marked.collect::<StringViewArray>())
                }
            },
            (_, DataType::Timestamp(..)) => {
                let times: TimestampMicrosecondArray =
                    column.as_primitive::<TimestampMicrosecondType>().unary(|us| us.saturating_add(shift_us));
                Arc::new(times.with_timezone("UTC"))
            }
            _ => Arc::clone(column),
        }
    });
    RecordBatch::try_new(Arc::clone(&schema), columns.collect()).map_err(|error| FeedError::Encode(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::time::SECOND_US;

    const ZONE: Tz = chrono_tz::America::New_York;

    fn at(text: &str) -> i64 {
        parse_local_time_us(text, ZONE).unwrap()
    }

    #[test]
    fn a_playback_ends_level_with_the_clock_at_every_speed() {
        let span = (at("2011-08-28 00:00"), at("2011-08-29 00:00"));
        let now = at("2026-11-23 15:00");
        for speed in [Speed::Times(1.0), Speed::Times(60.0), Speed::Max] {
            let plan = Plan::new(span, speed, Anchor::End, now, ZONE);
            let sent = plan.after(span.1).unwrap();
            let sent_us = now + sent.as_micros() as i64;
            assert!((span.1 + plan.shift_us - sent_us).abs() < SECOND_US, "{speed:?}");
            assert_eq!(plan.after(span.0), Some(Duration::ZERO), "{speed:?}");
        }
        let live = Plan::new(span, Speed::Times(1.0), Anchor::End, now, ZONE);
        assert_eq!(span.0 + live.shift_us, now);
    }

    #[test]
    fn moved_to_today_an_event_keeps_its_time_of_day_and_waits_for_it() {
        // From summer time to winter time, so that the days between are not all 24 hours.
        let span = (at("2011-08-28 00:00"), at("2011-08-28 23:00"));
        let now = at("2026-11-23 15:00");
        let plan = Plan::new(span, Speed::Times(3600.0), Anchor::Today, now, ZONE);
        assert_eq!(span.1 + plan.shift_us, at("2026-11-23 23:00"));
        assert_eq!(plan.after(at("2011-08-28 20:00")), Some(Duration::from_secs(5 * 3600)));
        assert!(plan.after(at("2011-08-28 09:00")).unwrap() < Duration::from_secs(60));
        let plan = Plan::new(span, Speed::Max, Anchor::Today, now, ZONE);
        assert_eq!(plan.after(at("2011-08-28 09:00")), Some(Duration::ZERO));
        assert_eq!(plan.after(at("2011-08-28 20:00")), None);
    }

    #[test]
    fn a_moment_of_the_file_is_now_and_what_follows_comes_at_its_time() {
        let span = (at("2011-08-22 00:00"), at("2017-01-01 00:00"));
        let now = at("2026-11-23 15:00");
        let noon = Anchor::Moment(at("2011-08-28 12:00"));
        let plan = Plan::new(span, Speed::Times(1.0), noon, now, ZONE);
        assert_eq!(plan.after(at("2011-08-25 08:00")), Some(Duration::ZERO));
        assert_eq!(plan.after(at("2011-08-28 12:30")), Some(Duration::from_secs(1800)));
        assert_eq!(at("2011-08-28 12:00") + plan.shift_us, now);
        let plan = Plan::new(span, Speed::Max, noon, now, ZONE);
        assert_eq!(
            (plan.after(at("2011-08-28 12:00")), plan.after(at("2011-08-28 12:30"))),
            (Some(Duration::ZERO), None)
        );
    }

    #[test]
    fn a_speed_is_a_number_above_zero_or_max() {
        assert_eq!("60".parse(), Ok(Speed::Times(60.0)));
        assert_eq!("0.5x".parse(), Ok(Speed::Times(0.5)));
        assert_eq!("max".parse(), Ok(Speed::Max));
        for text in ["0", "-1", "fast", "inf", "NaN", ""] {
            assert!(text.parse::<Speed>().is_err(), "{text}");
        }
    }
}

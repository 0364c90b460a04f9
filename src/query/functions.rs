//! The functions SQL has here beyond DataFusion's own: `now()`, `day_start(n)` and `local_time(ts)`.
//!
//! The clock is the hub's, never the machine's. In an ordinary query the clock functions are folded to a literal while
//! planning, so that pruning sees it. In a live view they stay functions that read a [`ClockCell`]: the plan is made
//! once and asked again at every tick. They fail when planned without a clock, which is a defect, not a user's mistake.

use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use arrow::array::{Array, TimestampMicrosecondArray, TimestampMicrosecondBuilder};
use arrow::compute::cast;
use arrow::datatypes::{DataType, TimeUnit};
use chrono::{Offset, TimeZone};
use chrono_tz::Tz;
use datafusion::common::{Result, ScalarValue, exec_err, plan_err};
use datafusion::logical_expr::simplify::{ExprSimplifyResult, SimplifyContext};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, TypeSignature, Volatility,
};

use crate::model::time::day_start_us;

/// The time that plans made once read at every tick, µs.
#[derive(Clone, Debug, Default)]
pub struct ClockCell(Arc<AtomicI64>);

impl ClockCell {
    pub fn set(&self, now_us: i64) {
        self.0.store(now_us, Ordering::Relaxed);
    }

    pub fn get(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// How a plan learns the time.
#[derive(Clone, Debug)]
pub enum PlanClock {
    /// Folded to this instant while planning, µs.
    Fixed(i64),
    /// Read at every run.
    Cell(ClockCell),
}

/// `timestamp(µs, "UTC")`, the type of every instant here.
pub fn instant_type() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
}

pub fn instant(time_us: i64) -> ScalarValue {
    ScalarValue::TimestampMicrosecond(Some(time_us), Some("UTC".into()))
}

/// The functions of one session.
pub fn functions(clock: &PlanClock, zone: Tz) -> Vec<ScalarUDF> {
    vec![
        ScalarUDF::from(ClockFunction::new(ClockKind::Now, clock, zone)),
        ScalarUDF::from(ClockFunction::new(ClockKind::DayStart, clock, zone)),
        ScalarUDF::from(LocalTime::new(zone)),
        ScalarUDF::from(Instant { signature: Signature::exact(vec![DataType::Int64], Volatility::Immutable) }),
    ]
}

/// True for the functions that read the clock.
pub fn is_clock_function(name: &str) -> bool {
    CLOCK_FUNCTIONS.contains(&name)
}

/// Functions that give another answer as time goes by.
pub const CLOCK_FUNCTIONS: [&str; 2] = ["now", "day_start"];

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum ClockKind {
    Now,
    DayStart,
}

#[derive(Debug)]
struct ClockFunction {
    kind: ClockKind,
    clock: PlanClock,
    zone: Tz,
    signature: Signature,
    aliases: Vec<String>,
}

impl PartialEq for ClockFunction {
    fn eq(&self, other: &Self) -> bool {
        self.kind == other.kind && self.zone == other.zone
    }
}
impl Eq for ClockFunction {}
impl Hash for ClockFunction {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.kind.hash(state);
        self.zone.name().hash(state);
    }
}

impl ClockFunction {
    fn new(kind: ClockKind, clock: &PlanClock, zone: Tz) -> ClockFunction {
        // A live plan must not be folded: volatile functions are the ones the optimizer leaves alone.
        let volatility = match clock {
            PlanClock::Fixed(_) => Volatility::Stable,
            PlanClock::Cell(_) => Volatility::Volatile,
        };
        let signature = match kind {
            ClockKind::Now => Signature::nullary(volatility),
            ClockKind::DayStart => {
                Signature::one_of(vec![TypeSignature::Nullary, TypeSignature::Exact(vec![DataType::Int64])], volatility)
            }
        };
        let aliases = match kind {
            ClockKind::Now => vec!["current_timestamp".to_owned()],
            ClockKind::DayStart => Vec::new(),
        };
        ClockFunction { kind, clock: clock.clone(), zone, signature, aliases }
    }

    fn now_us(&self) -> i64 {
        match &self.clock {
            PlanClock::Fixed(now_us) => *now_us,
            PlanClock::Cell(cell) => cell.get(),
        }
    }

    fn value(&self, days: i64) -> i64 {
        match self.kind {
            ClockKind::Now => self.now_us(),
            ClockKind::DayStart => day_start_us(self.now_us(), self.zone, days.clamp(-400_000, 400_000)),
        }
    }
}

impl ScalarUDFImpl for ClockFunction {
    fn name(&self) -> &str {
        match self.kind {
            ClockKind::Now => "now",
            ClockKind::DayStart => "day_start",
        }
    }

    fn aliases(&self) -> &[String] {
        &self.aliases
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arguments: &[DataType]) -> Result<DataType> {
        Ok(instant_type())
    }

    fn simplify(&self, arguments: Vec<Expr>, _info: &SimplifyContext) -> Result<ExprSimplifyResult> {
        if matches!(self.clock, PlanClock::Cell(_)) {
            return Ok(ExprSimplifyResult::Original(arguments));
        }
        let days = match arguments.first() {
            None => 0,
            Some(Expr::Literal(ScalarValue::Int64(Some(days)), _)) => *days,
            Some(_) => return Ok(ExprSimplifyResult::Original(arguments)),
        };
        Ok(ExprSimplifyResult::Simplified(Expr::Literal(instant(self.value(days)), None)))
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        match arguments.args.first() {
            None => Ok(ColumnarValue::Scalar(instant(self.value(0)))),
            Some(ColumnarValue::Scalar(ScalarValue::Int64(days))) => Ok(ColumnarValue::Scalar(match days {
                Some(days) => instant(self.value(*days)),
                None => ScalarValue::TimestampMicrosecond(None, Some("UTC".into())),
            })),
            Some(ColumnarValue::Array(array)) => {
                let Some(days) = array.as_any().downcast_ref::<arrow::array::Int64Array>() else {
                    return exec_err!("day_start takes a whole number of days");
                };
                let times: TimestampMicrosecondArray =
                    days.iter().map(|days| days.map(|days| self.value(days))).collect();
                Ok(ColumnarValue::Array(Arc::new(times.with_timezone("UTC"))))
            }
            Some(_) => exec_err!("day_start takes a whole number of days"),
        }
    }
}

/// `local_time(ts)`: the city's wall-clock time, without a zone.
#[derive(Debug, PartialEq, Eq, Hash)]
struct LocalTime {
    zone_name: String,
    zone: ZoneKey,
    signature: Signature,
}

#[derive(Debug, PartialEq, Eq, Clone, Copy)]
struct ZoneKey(Tz);
impl Hash for ZoneKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.name().hash(state);
    }
}

impl LocalTime {
    fn new(zone: Tz) -> LocalTime {
        let signature = Signature::any(1, Volatility::Immutable);
        LocalTime { zone_name: zone.name().to_owned(), zone: ZoneKey(zone), signature }
    }
}

impl ScalarUDFImpl for LocalTime {
    fn name(&self) -> &str {
        "local_time"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        match arguments {
            [DataType::Timestamp(_, _) | DataType::Null] => Ok(DataType::Timestamp(TimeUnit::Microsecond, None)),
            [other] => plan_err!("local_time takes a timestamp, not {other}"),
            _ => plan_err!("local_time takes one timestamp"),
        }
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let scalar = matches!(arguments.args.first(), Some(ColumnarValue::Scalar(_)));
        let arrays = ColumnarValue::values_to_arrays(&arguments.args)?;
        let [array] = &arrays[..] else { return exec_err!("local_time takes one timestamp") };
        let array = cast(array, &instant_type())?;
        let Some(times) = array.as_any().downcast_ref::<TimestampMicrosecondArray>() else {
            return exec_err!("local_time takes a timestamp");
        };
        let mut builder = TimestampMicrosecondBuilder::with_capacity(times.len());
        let mut offset = CachedOffset::new(self.zone.0);
        for row in 0..times.len() {
            if times.is_null(row) {
                builder.append_null();
            } else {
                let time_us = times.value(row);
                builder.append_value(time_us.saturating_add(offset.at(time_us)));
            }
        }
        let local = builder.finish();
        if scalar {
            return Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&local, 0)?));
        }
        Ok(ColumnarValue::Array(Arc::new(local)))
    }
}

/// `instant(n)`: microseconds since 1970 UTC as an instant; how times given as `$from` and `$to` are written.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Instant {
    signature: Signature,
}

impl ScalarUDFImpl for Instant {
    fn name(&self) -> &str {
        "instant"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arguments: &[DataType]) -> Result<DataType> {
        Ok(instant_type())
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        match arguments.args.first() {
            Some(value) => value.cast_to(&instant_type(), None),
            None => exec_err!("instant takes microseconds since 1970 UTC"),
        }
    }
}

/// A zone's offset from UTC changes at whole quarters of an hour, so one look-up serves a quarter.
struct CachedOffset {
    zone: Tz,
    quarter: i64,
    offset_us: i64,
}

const QUARTER_US: i64 = 900_000_000;

impl CachedOffset {
    fn new(zone: Tz) -> CachedOffset {
        CachedOffset { zone, quarter: i64::MIN, offset_us: 0 }
    }

    fn at(&mut self, time_us: i64) -> i64 {
        let quarter = time_us.div_euclid(QUARTER_US);
        if quarter != self.quarter {
            let utc = crate::model::time::to_utc(time_us).naive_utc();
            self.offset_us = i64::from(self.zone.offset_from_utc_datetime(&utc).fix().local_minus_utc()) * 1_000_000;
            self.quarter = quarter;
        }
        self.offset_us
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cached_offset_is_the_zones_own_over_a_clock_change() {
        let zone = chrono_tz::America::New_York;
        let mut cached = CachedOffset::new(zone);
        // 2011-11-06 05:00 to 07:00 UTC: the hour that repeats.
        for minute in 0..180 {
            let time_us = 1_320_555_600_000_000 + minute * 60_000_000;
            let utc = crate::model::time::to_utc(time_us).naive_utc();
            let offset = i64::from(zone.offset_from_utc_datetime(&utc).fix().local_minus_utc()) * 1_000_000;
            assert_eq!(cached.at(time_us), offset);
        }
    }
}

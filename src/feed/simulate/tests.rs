//! The simulated city is possible (machine, seats, queue), calibrated (shares, times, rhythm) and repeatable.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use proptest::prelude::*;

use super::calendar::{Calendar, HOUR_US, day_of};
use super::row::{Id, Row, Src, Val, col};
use super::world::Service;
use super::*;
use crate::model::machine::{State, next_state};
use crate::model::time::{DAY_US, SECOND_US, parse_local_time_us};

const ZONE: chrono_tz::Tz = chrono_tz::Asia::Shanghai;

fn city() -> Arc<City> {
    Arc::new(City::load("ningbo").unwrap())
}

/// A Monday morning, when the crews change.
fn monday() -> i64 {
    parse_local_time_us("2026-11-16 07:30", ZONE).unwrap()
}

fn rows(options: SimulateOptions, days: i64) -> Vec<Row> {
    let until = options.start_us + days * DAY_US;
    Simulator::new(options).take_until(until, usize::MAX)
}

fn demo_rows(days: i64) -> Vec<Row> {
    rows(SimulateOptions::new(city(), DEFAULT_SEED, monday()), days)
}

fn int(row: &Row, column: u8) -> Option<i64> {
    match row.get(column) {
        Some(Val::Int(number)) => Some(number),
        _ => None,
    }
}

fn word(row: &Row, column: u8) -> Option<&'static str> {
    match row.get(column) {
        Some(Val::Word(word)) => Some(word),
        _ => None,
    }
}

/// Walks every ticket through the machine; returns the states reached and the number open.
fn walk(rows: &[Row]) -> (BTreeMap<Id, State>, usize) {
    let mut states = BTreeMap::new();
    for row in rows.iter().filter(|row| row.stream == Stream::Tickets) {
        let before = states.get(&row.id).copied();
        let after = next_state(before, row.kind);
        assert!(after.is_some(), "{:?} cannot {} from {before:?}", row.id, row.kind);
        states.insert(row.id, after.unwrap());
    }
    let open = states.values().filter(|state| state.is_open()).count();
    (states, open)
}

/// No seat does what it cannot, none is in two conversations.
fn sit(rows: &[Row]) {
    let mut states: BTreeMap<Id, &str> = BTreeMap::new();
    for row in rows.iter().filter(|row| row.stream == Stream::Seats && row.kind != "plan") {
        let before = states.insert(row.id, row.kind);
        let fine = match row.kind {
            "login" => matches!(before, None | Some("logout")),
            "ready" => matches!(before, Some("login" | "ring" | "wrap" | "rest" | "busy" | "train")),
            "ring" => before == Some("ready"),
            "talk" => before == Some("ring"),
            "wrap" => before == Some("talk"),
            "rest" | "busy" | "train" => {
                matches!(before, Some("login" | "ready" | "ring" | "wrap" | "rest" | "busy" | "train"))
            }
            "logout" => matches!(before, Some("login" | "ready" | "ring" | "wrap" | "rest" | "busy" | "train")),
            _ => false,
        };
        assert!(fine, "seat {:?} goes from {before:?} to {} at {}", row.id, row.kind, row.ts);
    }
    let mut talking: BTreeMap<Id, Id> = BTreeMap::new();
    for row in rows.iter().filter(|row| row.stream == Stream::Contacts) {
        let seat = match row.get(col::contacts::SEAT) {
            Some(Val::Id(seat)) => seat,
            _ => continue,
        };
        match row.kind {
            "answer" => assert_eq!(talking.insert(seat, row.id), None, "{seat:?} answers while it talks"),
            "end" => assert_eq!(talking.remove(&seat), Some(row.id), "{seat:?} ends what it did not answer"),
            _ => {}
        }
    }
}

/// Contacts begin with their arrival, queue before they are answered, and the queue empties.
fn queue(rows: &[Row]) {
    let mut kinds: BTreeMap<Id, Vec<&str>> = BTreeMap::new();
    for row in rows.iter().filter(|row| row.stream == Stream::Contacts) {
        kinds.entry(row.id).or_default().push(row.kind);
    }
    for (id, kinds) in kinds {
        assert_eq!(kinds.first(), Some(&"arrive"), "{id:?} {kinds:?}");
        let count = |kind: &str| kinds.iter().filter(|k| **k == kind).count();
        let position = |kind: &str| kinds.iter().position(|k| *k == kind);
        assert!(count("arrive") == 1 && count("queue") <= 1 && count("end") <= 1, "{id:?} {kinds:?}");
        if let Some(answer) = position("answer") {
            assert!(position("queue").is_some_and(|queue| queue < answer), "{id:?} {kinds:?}");
            assert!(position("abandon").is_none(), "{id:?} {kinds:?}");
        }
        if position("callback").is_some() {
            assert!(position("abandon") < position("callback") && position("abandon").is_some(), "{id:?} {kinds:?}");
        }
    }
}

fn ordered(rows: &[Row]) {
    assert!(rows.windows(2).all(|pair| pair[0].ts <= pair[1].ts), "rows come by time");
    let numbers: BTreeSet<_> = rows.iter().map(|row| (row.src, row.seq)).collect();
    assert_eq!(numbers.len(), rows.len(), "a source gives a number once");
    assert!(rows.iter().all(|row| row.born <= row.ts), "nothing happens before its beginning");
}

#[test]
fn nine_days_are_possible_and_the_books_close() {
    let started = std::time::Instant::now();
    let rows = demo_rows(9);
    println!("{} rows of nine days in {:.0} ms", rows.len(), started.elapsed().as_secs_f64() * 1000.0);
    ordered(&rows);
    let (states, open) = walk(&rows);
    println!("{} tickets, {open} open at the end", states.len());
    assert!((60..2500).contains(&open), "{open} open");
    sit(&rows);
    queue(&rows);
    // Within a source the numbers of a day have no gap once the stories are told.
    let all = day::rows_of_day(&World::new(city(), ""), DEFAULT_SEED, day_of(monday(), ZONE), &[]);
    for src in Src::ALL {
        let own: Vec<u64> = all.iter().filter(|row| row.src == src).map(|row| row.seq).collect();
        assert_eq!(own.last().unwrap() - own.first().unwrap() + 1, own.len() as u64, "{src:?}");
    }
    let longest = all.iter().map(|row| row.ts - row.born).max().unwrap();
    assert!(longest <= story::LONGEST_US + SECOND_US, "{} days", longest / DAY_US);
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_another_seed_others() {
    let text = |seed| {
        let mut simulator = Simulator::new(SimulateOptions::new(city(), seed, monday()));
        (0..20_000).map(|_| serde_json::to_string(&simulator.next().unwrap().to_json()).unwrap()).collect::<Vec<_>>()
    };
    let first = text(7);
    assert_eq!(first, text(7));
    assert_ne!(first, text(8));
    // Also on another machine: this value changes only when the simulated city is changed on purpose.
    let hash = first
        .iter()
        .flat_map(|line| line.bytes())
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    assert_eq!(
        hash, 0x2944_501e_abe3_94c6,
        "the simulated city (or its city file) changed; on purpose? Then bless {hash:#018x}"
    );
}

#[test]
fn batches_and_events_are_the_same_rows() {
    let options = SimulateOptions::new(city(), 3, monday());
    let until = monday() + 3 * HOUR_US;
    let mut events: BTreeMap<Stream, Vec<Event>> = BTreeMap::new();
    let mut simulator = Simulator::new(options.clone());
    while simulator.next_ts() < until {
        let event = simulator.next().unwrap();
        event.check(0).unwrap();
        events.entry(event.stream).or_default().push(event);
    }
    for (stream, batch) in Simulator::new(options).batches_until(until, usize::MAX).unwrap() {
        let expected = crate::model::event::batch(stream, &events[&stream]).unwrap();
        assert_eq!(batch, expected, "{stream}");
    }
}

#[test]
fn cutting_the_day_into_pieces_changes_nothing() {
    let options = SimulateOptions::new(city(), 3, monday());
    let until = monday() + DAY_US;
    let whole = Simulator::new(options.clone()).take_until(until, usize::MAX);
    let mut pieces = Vec::new();
    let mut simulator = Simulator::new(options);
    let mut now = monday();
    while now < until {
        now = (now + 7 * 60 * SECOND_US).min(until);
        pieces.extend(simulator.take_until(now, usize::MAX));
    }
    assert_eq!(whole, pieces);
}

#[test]
fn every_stream_every_kind_and_every_service_happens() {
    let mut options = SimulateOptions::new(city(), DEFAULT_SEED, monday());
    options.scripts = vec![Script::Typhoon(monday() + 5 * DAY_US)];
    let rows = rows(options, 14);
    let mut kinds: BTreeSet<(Stream, &str)> = BTreeSet::new();
    let mut services: BTreeSet<&str> = BTreeSet::new();
    for row in &rows {
        kinds.insert((row.stream, row.kind));
        if row.stream == Stream::Tickets {
            services.extend(word(row, col::SERVICE));
        }
    }
    for stream in Stream::ALL {
        for kind in stream.kinds() {
            assert!(kinds.contains(&(stream, kind)), "no {kind} in {stream}");
        }
    }
    for service in Service::ALL {
        assert!(services.contains(service.code()), "no ticket of {}", service.code());
    }
}

#[test]
fn every_one_of_the_23_systems_has_rows() {
    let rows = demo_rows(8);
    let has = |system: u32, test: &dyn Fn(&Row) -> bool| assert!(rows.iter().any(test), "system {system} has no row");
    let ticket = |service: &'static str| {
        move |row: &Row| row.stream == Stream::Tickets && word(row, col::SERVICE) == Some(service)
    };
    let of = |kind: &'static str| {
        move |row: &Row| row.stream == Stream::Registry && word(row, col::registry::TYPE) == Some(kind)
    };
    let form = |form: &'static str| move |row: &Row| word(row, col::activities::FORM) == Some(form);
    has(1, &|row| word(row, col::contacts::LINE) == Some("81890"));
    has(2, &ticket("gov"));
    has(3, &ticket("ask"));
    has(4, &|row| row.stream == Stream::Tickets && row.kind == "dispatch");
    for sector in ["gov", "market", "social"] {
        has(5, &|row| word(row, col::tickets::SECTOR) == Some(sector));
    }
    has(6, &ticket("web"));
    has(7, &of("line"));
    for channel in ["phone", "app", "wechat", "web", "onekey"] {
        has(8, &|row| word(row, col::CHANNEL) == Some(channel));
    }
    has(9, &ticket("life"));
    has(10, &of("firm"));
    has(11, &ticket("gig"));
    has(11, &of("post"));
    has(12, &of("device"));
    has(12, &ticket("onekey"));
    has(13, &ticket("guangming"));
    has(13, &|row| form("event")(row) && word(row, col::SERVICE) == Some("guangming"));
    has(14, &ticket("volunteer"));
    has(14, &of("volunteer"));
    has(15, &ticket("enterprise"));
    has(16, &form("live"));
    has(17, &|row| row.stream == Stream::Tickets && row.kind == "grant");
    has(18, &of("module"));
    has(19, &ticket("talent"));
    has(20, &of("talent"));
    has(21, &|row| row.kind == "bot");
    has(21, &of("kb"));
    has(22, &|row| row.kind == "inspect");
    has(22, &form("practice"));
    has(23, &|row| row.kind == "feed_up");
}

#[test]
fn a_day_has_one_or_two_stories_that_fit_their_service_and_those_of_a_week_differ() {
    let rows = demo_rows(12);
    let stories: Vec<&Row> = rows.iter().filter(|row| word(row, col::signals::RULE) == Some("story")).collect();
    let mut days: BTreeMap<i64, i64> = BTreeMap::new();
    for story in &stories {
        *days.entry(day_of(story.ts, ZONE)).or_default() += 1;
        let (text, service) = (word(story, col::signals::NOTE).unwrap(), word(story, col::SERVICE).unwrap());
        assert!(text.chars().count() <= 80 && text.ends_with(['。', '”']), "{text}");
        assert!(signal::STORIES.iter().any(|(of, known)| of.code() == service && *known == text));
        assert!(story.kind == "note" && word(story, col::signals::ACTOR).is_some(), "somebody approved it");
        assert!(story.get(col::AREA).is_some() && story.get(col::BOARD).is_some());
    }
    assert!((11..=12).contains(&days.len()) && days.values().all(|count| (1..=2).contains(count)), "{days:?}");
    for eight in stories.windows(8) {
        let texts: BTreeSet<_> = eight.iter().map(|story| word(story, col::signals::NOTE)).collect();
        assert_eq!(texts.len(), 8, "no text twice among the newest eight");
    }
}

/// A week's figures as the wall would show them.
#[test]
fn the_figures_are_those_of_the_sources() {
    let rows = demo_rows(14);
    let week = &rows[rows.partition_point(|row| row.ts < monday() + DAY_US)..];
    let contacts = |kind: &str| week.iter().filter(|row| row.stream == Stream::Contacts && row.kind == kind).count();
    let days = 13.0;
    let within = |name: &str, value: f64, low: f64, high: f64| {
        println!("{name}: {value:.3}");
        assert!((low..=high).contains(&value), "{name} is {value}, not within {low}..{high}");
    };
    within("events a day", week.len() as f64 / days, 30_000.0, 46_000.0);
    within("contacts a day", contacts("arrive") as f64 / days, 2600.0, 3500.0);
    let valid_abandons = week
        .iter()
        .filter(|row| row.kind == "abandon" && row.get(col::contacts::VALID) == Some(Val::Bool(true)))
        .count();
    let answered = contacts("answer") as f64;
    within("connect rate", answered / (answered + valid_abandons as f64), 0.955, 0.995);
    let waits: Vec<i64> =
        week.iter().filter(|row| row.kind == "answer").filter_map(|row| int(row, col::contacts::WAIT_S)).collect();
    within(
        "answered within 15 s",
        waits.iter().filter(|wait| **wait <= 15).count() as f64 / waits.len() as f64,
        0.85,
        0.995,
    );
    let talks: Vec<i64> = week
        .iter()
        .filter(|row| {
            row.kind == "end" && word(row, col::CHANNEL) == Some("phone") && row.get(col::contacts::SEAT).is_some()
        })
        .filter_map(|row| int(row, col::contacts::TALK_S))
        .collect();
    within("mean talk, s", talks.iter().sum::<i64>() as f64 / talks.len() as f64, 135.0, 165.0);

    // Enquiries.
    let mut opened: BTreeMap<Id, i64> = BTreeMap::new();
    let mut dispatched: BTreeMap<Id, i64> = BTreeMap::new();
    let (mut instant, mut transfers) = (0, Vec::new());
    for row in week.iter().filter(|row| row.stream == Stream::Tickets) {
        match row.kind {
            "open" if word(row, col::SERVICE) == Some("ask") => {
                opened.insert(row.id, row.ts);
            }
            "dispatch" if opened.contains_key(&row.id) => {
                dispatched.entry(row.id).or_insert(row.ts);
            }
            "finish" => match (opened.get(&row.id), dispatched.get(&row.id)) {
                (Some(open), None) if row.ts - open <= 60 * SECOND_US => instant += 1,
                (Some(_), Some(sent)) => transfers.push((row.ts - sent) as f64 / 60e6),
                _ => {}
            },
            _ => {}
        }
    }
    within("instant answers", f64::from(instant) / opened.len() as f64, 0.83, 0.87);
    within("transfer, min", transfers.iter().sum::<f64>() / transfers.len() as f64, 70.0, 92.0);

    let ratings: Vec<i64> = week
        .iter()
        .filter(|row| row.stream == Stream::Tickets && row.kind == "rate")
        .filter_map(|row| int(row, col::tickets::RATING))
        .collect();
    within(
        "satisfied",
        ratings.iter().filter(|rating| **rating >= 4).count() as f64 / ratings.len() as f64,
        0.96,
        0.98,
    );

    // One-key phone.
    let calls = week.iter().filter(|row| row.kind == "arrive" && word(row, col::CHANNEL) == Some("onekey")).count();
    within("one-key calls a day", calls as f64 / days, 80.0, 125.0);
    let emergencies = week.iter().filter(|row| word(row, col::tickets::PRIO) == Some("emergency")).count();
    within("emergencies", emergencies as f64 / calls as f64, 0.025, 0.055);
    let quick: Vec<i64> = week
        .iter()
        .filter(|row| row.kind == "answer" && word(row, col::CHANNEL) == Some("onekey"))
        .filter_map(|row| int(row, col::contacts::WAIT_S))
        .collect();
    within(
        "one-key within 60 s",
        quick.iter().filter(|wait| **wait <= 60).count() as f64 / quick.len() as f64,
        0.975,
        1.0,
    );

    // What is due is done in time, nearly always.
    let mut due: BTreeMap<Id, i64> = BTreeMap::new();
    let (mut in_time, mut late) = (0.0, 0.0);
    for row in week.iter().filter(|row| row.stream == Stream::Tickets) {
        if let Some(Val::Time(time)) = row.get(col::tickets::DUE) {
            due.insert(row.id, time);
        }
        if row.kind == "finish"
            && let Some(due) = due.get(&row.id)
        {
            if row.ts <= *due { in_time += 1.0 } else { late += 1.0 }
        }
    }
    within("in time", in_time / (in_time + late), 0.975, 0.999);
    let hired: Vec<f64> = week
        .iter()
        .filter(|row| row.kind == "finish" && word(row, col::tickets::OUTCOME) == Some("ok") && row.src == Src::Tickets)
        .map(|row| (row.ts - row.born) as f64 / DAY_US as f64)
        .collect();
    let mut hired = hired;
    hired.sort_by(f64::total_cmp);
    within("days to a job, median", hired[hired.len() / 2], 1.4, 2.6);
    let scores: Vec<f64> = week
        .iter()
        .filter_map(|row| match row.get(col::contacts::SCORE) {
            Some(Val::Float(score)) if row.stream == Stream::Contacts => Some(score),
            _ => None,
        })
        .collect();
    let ended = contacts("end") as f64;
    within("score", scores.iter().sum::<f64>() / scores.len() as f64, 90.0, 94.0);
    within("inspected", scores.len() as f64 / ended, 0.6, 1.0);
}

#[test]
fn the_day_has_the_measured_shape() {
    let rows = demo_rows(14);
    let calendar = Calendar::around(day_of(monday(), ZONE) + 5, ZONE);
    let mut hours = [0.0_f64; 24];
    let mut days: BTreeMap<i64, f64> = BTreeMap::new();
    for row in rows.iter().filter(|row| row.kind == "arrive" && word(row, col::CHANNEL) == Some("phone")) {
        let local = calendar.local(row.ts);
        *days.entry(local.day).or_default() += 1.0;
        if local.weekday() < 5 {
            hours[local.hour() as usize] += 1.0;
        }
    }
    let weights = rhythm::hour_weights(rhythm::Curve::Phone);
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let (a, b) = (mean(&hours), mean(&weights));
    let covariance: f64 = hours.iter().zip(&weights).map(|(x, y)| (x - a) * (y - b)).sum();
    let spread = |values: &[f64], mean: f64| values.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>().sqrt();
    let correlation = covariance / spread(&hours, a) / spread(&weights, b);
    println!("correlation with the measured hours: {correlation:.4}");
    assert!(correlation > 0.97);
    let (mut work, mut weekend) = (Vec::new(), Vec::new());
    for (day, count) in days.iter().skip(1).take(12) {
        if calendar::weekday(*day) < 5 { work.push(*count) } else { weekend.push(*count) }
    }
    let ratio = mean(&weekend) / mean(&work);
    assert!((0.5..0.85).contains(&ratio), "weekends are {ratio} of workdays");
}

#[test]
fn a_typhoon_brings_calls_colours_and_hands() {
    let at = parse_local_time_us("2026-11-18 13:00", ZONE).unwrap();
    let mut options = SimulateOptions::new(city(), DEFAULT_SEED, monday());
    let usual = rows(options.clone(), 5);
    options.scripts = vec![Script::Typhoon(at)];
    let storm = rows(options.clone(), 5);
    ordered(&storm);
    walk(&storm);
    sit(&storm);
    queue(&storm);
    let calls = |rows: &[Row]| {
        rows.iter().filter(|row| row.kind == "arrive" && row.ts >= at && row.ts < at + 12 * HOUR_US).count() as f64
    };
    let factor = calls(&storm) / calls(&usual);
    println!("the storm is {factor:.1} times the usual");
    assert!((3.0..12.0).contains(&factor));
    let world = World::new(city(), "");
    let flooded = world.topic(Service::Gov, "02.03.01").map(|n| world.service(Service::Gov).topics[n].code).unwrap();
    let about = |rows: &[Row]| {
        rows.iter().filter(|row| row.kind == "open" && row.get(col::TOPIC) == Some(Val::Sym(flooded))).count()
    };
    assert!(about(&storm) > 20 * about(&usual).max(1));
    let colours: Vec<_> =
        storm.iter().filter(|row| row.kind == "weather").filter_map(|row| word(row, col::signals::COLOUR)).collect();
    assert_eq!(colours, ["blue", "yellow", "orange", "red", "orange", "yellow"]);
    let called_in: Vec<_> =
        storm.iter().filter(|row| row.kind == "plan" && word(row, col::seats::REASON) == Some("storm")).collect();
    assert!(called_in.len() >= 5, "{} called in", called_in.len());
    assert!(
        called_in
            .iter()
            .all(|row| matches!(row.get(col::seats::STARTS_AT), Some(Val::Time(from)) if from >= at + 2 * HOUR_US))
    );
    // It is another simulation: other names for feeds and things.
    assert_ne!(Simulator::new(options).world.src(Src::Calls), "demo-calls");
}

#[test]
fn a_water_cut_is_one_topic_in_one_district() {
    let at = parse_local_time_us("2026-11-17 15:00", ZONE).unwrap();
    let mut options = SimulateOptions::new(city(), 5, monday());
    options.scripts = vec![Script::WaterOutage(at)];
    let rows = rows(options, 3);
    walk(&rows);
    let world = World::new(city(), "");
    let topic = world.sym("02.01.01").unwrap();
    let mut by_area: BTreeMap<String, usize> = BTreeMap::new();
    for row in
        rows.iter().filter(|row| row.kind == "open" && row.get(col::TOPIC) == Some(Val::Sym(topic)) && row.ts >= at)
    {
        if let Some(Val::Sym(area)) = row.get(col::AREA) {
            *by_area.entry(world.text(area).to_owned()).or_default() += 1;
        }
    }
    let most = by_area.values().max().unwrap();
    assert!(*most > 150 && *most * 10 > by_area.values().sum::<usize>() * 6, "{by_area:?}");
}

#[test]
fn a_load_holds_its_rate_from_the_first_second_and_stays_possible() {
    for rate in [50.0, 2000.0] {
        let mut options = SimulateOptions::new(city(), 1, monday() + 3 * HOUR_US);
        options.rate = Rate::EventsPerSecond(rate);
        let start = options.start_us;
        let mut simulator = Simulator::new(options);
        let opening = simulator.take_until(start + 1, usize::MAX).len();
        assert!(opening > 500);
        let mut all = Vec::new();
        for second in 0..60 {
            let rows = simulator.take_until(start + (second + 1) * SECOND_US, usize::MAX);
            if rate > 1000.0 {
                let share = rows.len() as f64 / rate;
                assert!((0.5..1.6).contains(&share), "second {second}: {} rows at {rate}", rows.len());
            }
            all.extend(rows);
        }
        let mean = all.len() as f64 / 60.0 / rate;
        assert!((0.9..1.1).contains(&mean), "{mean} of {rate}");
        ordered(&all);
        let (_, open) = walk(&all);
        println!("{rate}/s: {open} open after a minute");
        sit(&all);
        queue(&all);
    }
}

#[test]
fn a_thin_load_spreads_its_rows_over_years() {
    let mut options = SimulateOptions::new(city(), 1, monday());
    options.rate = Rate::EventsPerSecond(0.001);
    let (start, year) = (options.start_us, 365 * DAY_US);
    let mut simulator = Simulator::new(options);
    simulator.take_until(start + 1, usize::MAX);
    let mut all = Vec::new();
    for _ in 0..10 {
        let until = start + (all.len() as i64 + 1) * year;
        all.push(simulator.take_until(until, usize::MAX));
    }
    for rows in &all {
        let mean = rows.len() as f64 / (year as f64 / 1e6) / 0.001;
        assert!((0.9..1.1).contains(&mean), "{mean} of the rate in a year");
        let longest = rows.windows(2).map(|pair| pair[1].ts - pair[0].ts).max().unwrap();
        assert!(longest < 3 * DAY_US, "nothing for {} days", longest / DAY_US);
    }
    let all: Vec<Row> = all.into_iter().flatten().collect();
    ordered(&all);
    walk(&all);
}

#[test]
fn a_city_without_anything_is_empty_and_harmless() {
    let text = "code = \"x\"\nzh = \"x\"\nen = \"x\"\ntitle_zh = \"x\"\ntitle_en = \"x\"\ntz = \"America/New_York\"\nboards = []\nservices = []\n";
    let city = Arc::new(City::parse("x.toml", text).unwrap());
    let rows = rows(SimulateOptions::new(city, 1, monday()), 2);
    assert!(rows.iter().all(|row| row.stream != Stream::Tickets));
}

#[test]
fn words_and_notes_keep_the_rules() {
    let world = World::new(city(), "");
    let city = city();
    for row in demo_rows(8) {
        if let Some(note) = word(&row, col::signals::NOTE).filter(|_| row.stream == Stream::Signals) {
            assert!(note.chars().count() <= 80);
        }
        if row.stream == Stream::Signals
            && let Some(colour) = word(&row, col::signals::COLOUR)
        {
            assert!(["red", "orange", "yellow", "blue"].contains(&colour));
        }
        if let Some(Val::Sym(area)) = row.get(col::AREA) {
            assert!(city.areas.iter().any(|known| known.code == world.text(area)));
        }
        for (column, known) in [(col::ORG, &city.orgs), (col::CHANNEL, &city.channels), (col::MODULE, &city.modules)] {
            if let Some(code) = word(&row, column) {
                assert!(known.iter().any(|known| known.code == code), "{code} is not in the city file");
            }
        }
        if row.stream == Stream::Tickets
            && let Some(item) = word(&row, col::tickets::ITEM)
        {
            assert!(city.items.iter().any(|known| known.code == item), "{item}");
        }
        if row.stream == Stream::Contacts
            && let Some(line) = word(&row, col::contacts::LINE)
        {
            assert!(city.lines.iter().any(|known| known.code == line), "{line}");
        }
    }
}

/// A day to look at: `cargo test --release --lib simulate::tests::look -- --ignored --nocapture`.
#[test]
#[ignore = "prints a day to look at"]
fn look() {
    let rows = demo_rows(9);
    let from = monday() + 7 * DAY_US;
    let mut open: BTreeMap<&str, i64> = BTreeMap::new();
    let mut of: BTreeMap<Id, &str> = BTreeMap::new();
    let mut states: BTreeMap<Id, State> = BTreeMap::new();
    let mut seats: BTreeMap<Id, (&str, i64)> = BTreeMap::new();
    let mut spent: BTreeMap<&str, i64> = BTreeMap::new();
    let mut next = from;
    let (mut arrive, mut answer, mut abandon, mut opened, mut finished) = (0, 0, 0, 0, 0);
    let mut waits = Vec::new();
    println!("hour arrive answer abandon wait95 | opened finished | seats: ready talk away | open by service");
    for row in &rows {
        if row.ts >= next {
            let local = Calendar::around(day_of(next, ZONE), ZONE).local(next - 1);
            waits.sort_unstable();
            let p95 = waits.get(waits.len() * 95 / 100).copied().unwrap_or(0);
            let total: i64 = spent.values().sum::<i64>().max(1);
            let hours =
                |kinds: &[&str]| kinds.iter().filter_map(|kind| spent.get(kind)).sum::<i64>() as f64 / HOUR_US as f64;
            println!(
                "{:2}:{:02} {arrive:5} {answer:5} {abandon:4} {p95:4} | {opened:4} {finished:4} | {:5.1} {:5.1} {:5.1} of {:5.1} | {} {open:?}",
                local.hour(),
                local.since_midnight_us / 60_000_000 % 60,
                hours(&["ready"]),
                hours(&["ring", "talk", "wrap"]),
                hours(&["rest", "busy", "train"]),
                total as f64 / HOUR_US as f64,
                open.values().sum::<i64>(),
            );
            (arrive, answer, abandon, opened, finished) = (0, 0, 0, 0, 0);
            waits.clear();
            spent.clear();
            next += HOUR_US;
        }
        match (row.stream, row.kind) {
            (Stream::Contacts, "arrive") => arrive += 1,
            (Stream::Contacts, "answer") => {
                answer += 1;
                waits.extend(int(row, col::contacts::WAIT_S));
            }
            (Stream::Contacts, "abandon") => abandon += 1,
            (Stream::Seats, kind) if kind != "plan" => {
                if let Some((before, since)) = seats.insert(row.id, (kind, row.ts))
                    && before != "logout"
                {
                    *spent.entry(before).or_default() += row.ts - since;
                }
            }
            (Stream::Tickets, kind) => {
                if kind == "open" {
                    of.insert(row.id, word(row, col::SERVICE).unwrap());
                    opened += 1;
                }
                finished += i32::from(kind == "finish");
                let before = states.get(&row.id).copied();
                let after = next_state(before, kind).unwrap();
                states.insert(row.id, after);
                *open.entry(of[&row.id]).or_default() += crate::model::machine::open_delta(before, after);
            }
            _ => {}
        }
    }
}

/// How fast: `cargo test --release --lib simulate::tests::speed -- --ignored --nocapture`.
#[test]
#[ignore = "prints how fast"]
fn speed() {
    let measure = |name: &str, options: SimulateOptions, span_us: i64| {
        let until = options.start_us + span_us;
        // Time on the processor: others may use the machine, too.
        let used_ns = || {
            let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
            text.split(' ').next().and_then(|ns| ns.parse::<u64>().ok()).unwrap_or(0)
        };
        let (started, used) = (std::time::Instant::now(), used_ns());
        let mut simulator = Simulator::new(options);
        let (mut count, mut bytes) = (0, 0);
        loop {
            let batches = simulator.batches_until(until, 40_000).unwrap();
            if batches.is_empty() {
                break;
            }
            count += batches.iter().map(|(_, batch)| batch.num_rows()).sum::<usize>();
            bytes += batches.iter().map(|(_, batch)| batch.get_array_memory_size()).sum::<usize>();
        }
        let seconds = started.elapsed().as_secs_f64();
        let cpu_s = (used_ns() - used) as f64 / 1e9;
        println!(
            "{name}: {count} rows, {} MB in {seconds:.3} s, {cpu_s:.3} s of it on the processor: {:.0} rows a second",
            bytes >> 20,
            count as f64 / cpu_s,
        );
    };
    let options = SimulateOptions::new(city(), DEFAULT_SEED, monday());
    measure("eight days", options.clone(), 8 * DAY_US);
    for rate in [1000.0, 100_000.0] {
        measure(
            &format!("{rate}/s for 20 s"),
            SimulateOptions { rate: Rate::EventsPerSecond(rate), ..options.clone() },
            20 * SECOND_US,
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn any_seed_and_start_is_possible(seed in any::<u64>(), hours in 0_i64..24 * 400, storm in proptest::option::of(0_i64..40)) {
        let start = monday() + hours * HOUR_US + 1234;
        let mut options = SimulateOptions::new(city(), seed, start);
        options.scripts = storm.map(|after| Script::Typhoon(start + after * HOUR_US)).into_iter().collect();
        let rows = rows(options, 2);
        ordered(&rows);
        walk(&rows);
        queue(&rows);
        let late = &rows[rows.partition_point(|row| row.ts < start + DAY_US)..];
        prop_assert!(late.len() > 5000);
    }
}

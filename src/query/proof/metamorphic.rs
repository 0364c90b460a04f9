//! What must hold between answers, whoever works them out: parts add up to the whole, a longer window holds no less,
//! and neither the order in which events arrive nor the store they lie in changes anything.

use std::collections::{BTreeMap, HashMap, VecDeque};

use proptest::prelude::*;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::Value as Json;

use super::compare::{Params, difference, live, scan};
use super::generated::{Grammar, WORDS};
use super::history::{History, Step, cases, steps};
use super::lab::{DAY, HOUR, Lab, NOON, city, queries_of, runtime};
use super::maker::Maker;
use crate::model::{Clock, Event};
use crate::store::StoreOptions;

fn options() -> StoreOptions {
    let mut options = StoreOptions::new(city("ningbo"), Clock::manual(NOON)).seal_rows(200);
    options.checkpoint_rows = 60;
    options.join_segments = 2;
    options
}

fn whole(json: &Json) -> i64 {
    json.as_i64().unwrap_or(0)
}

/// A live answer with one row of whole numbers; null counts as none.
async fn figures(lab: &Lab, name: &str) -> Vec<i64> {
    live(lab, name, &Params::new()).await.1[0].iter().map(whole).collect()
}

async fn through(
    queries: &[String],
    seed: u64,
    steps: &[Step],
    check: impl AsyncFn(&Lab) -> Result<(), String>,
) -> Result<(), String> {
    let files = queries_of(queries);
    let lab = Lab::asking(options(), files.path());
    if lab.engine.catalog().metrics.len() != queries.len() {
        return Err(format!("{:?}\n{queries:?}", lab.engine.catalog().problems));
    }
    let mut history = History::begin(lab, seed, 400, 5, None, false).await;
    for step in steps {
        let (after, wrong) = history.step(step, &Params::new()).await;
        history = after;
        if !wrong.is_empty() {
            return Err(wrong.join("\n"));
        }
        check(&history.lab).await.map_err(|message| format!("after {step:?}: {message}\n{queries:#?}"))?;
    }
    Ok(())
}

proptest! {
    #![proptest_config(cases(12))]

    #[test]
    fn windows_side_by_side_add_up_and_a_longer_one_holds_no_less(
        seed in 0_u64..1_000,
        words in prop::sample::select(WORDS.iter().collect::<Vec<_>>()),
        minutes in (1_i64..600, 1_i64..3_000),
        steps in steps(8),
    ) {
        let (near, far) = (minutes.0, minutes.0 + minutes.1);
        let int = words.ints[0];
        let select = format!("SELECT count(*) AS n, count({int}) AS k, sum({int}) AS s FROM {} WHERE", words.stream);
        let queries = [
            format!("{select} ts >= now() - INTERVAL '{near} minutes'"),
            format!("{select} ts >= now() - INTERVAL '{far} minutes'"),
            format!("{select} ts >= now() - INTERVAL '{far} minutes' AND ts < now() - INTERVAL '{near} minutes'"),
            format!("{select} ts < now() - INTERVAL '{far} minutes'"),
            format!("{select} true"),
        ];
        let done = runtime().block_on(through(&queries, seed, &steps, async |lab: &Lab| {
            let mut found = Vec::new();
            for number in 0..5 {
                found.push(figures(lab, &format!("q{number}")).await);
            }
            let added = |a: &[i64], b: &[i64]| a.iter().zip(b).map(|(a, b)| a + b).collect::<Vec<_>>();
            let fits = found[0][..2].iter().zip(&found[1]).all(|(near, far)| near <= far)
                && added(&found[0], &found[2]) == found[1]
                && added(&found[1], &found[3]) == found[4];
            if fits { Ok(()) } else { Err(format!("{found:?}")) }
        }));
        prop_assert!(done.is_ok(), "{}", done.unwrap_err());
    }

    #[test]
    fn rows_that_pass_those_that_do_not_and_those_that_cannot_say_are_all_rows(
        seed in 0_u64..1_000,
        (words, filter, window) in (0..WORDS.len(), any::<u64>()).prop_map(|(index, seed)| {
            let mut grammar = Grammar::new(seed);
            let filter = grammar.filter(&WORDS[index]);
            (&WORDS[index], filter, grammar.window())
        }),
        steps in steps(8),
    ) {
        let int = words.ints[0];
        let select = format!("SELECT count(*) AS n, count({int}) AS k, sum({int}) AS s FROM {} WHERE {window}", words.stream);
        let queries = [
            format!("{select} AND ({filter})"),
            format!("{select} AND NOT ({filter})"),
            format!("{select} AND (({filter}) IS NULL)"),
            select,
        ];
        let done = runtime().block_on(through(&queries, seed, &steps, async |lab: &Lab| {
            let mut sum = vec![0; 3];
            for number in 0..3 {
                let part = figures(lab, &format!("q{number}")).await;
                sum.iter_mut().zip(part).for_each(|(sum, part)| *sum += part);
            }
            let all = figures(lab, "q3").await;
            if sum == all { Ok(()) } else { Err(format!("parts {sum:?}, all {all:?}")) }
        }));
        prop_assert!(done.is_ok(), "{}", done.unwrap_err());
    }
}

/// The events of each object, oldest first. What one object does, does not depend on another.
fn by_object(events: &[Event]) -> Vec<VecDeque<Event>> {
    let mut places: HashMap<(usize, String), usize> = HashMap::new();
    let mut objects: Vec<VecDeque<Event>> = Vec::new();
    for event in events {
        let key = (event.stream as usize, event.text("id").unwrap_or_default().to_owned());
        let place = *places.entry(key).or_insert_with(|| {
            objects.push(VecDeque::new());
            objects.len() - 1
        });
        objects[place].push_back(event.clone());
    }
    objects
}

/// The same events in another order in which each object's own events keep theirs; some objects come wholly late.
fn interleaved(events: &[Event], random: &mut ChaCha8Rng) -> Vec<Event> {
    let mut objects = by_object(events);
    let mut mixed = Vec::with_capacity(events.len());
    while !objects.is_empty() {
        let place = random.random_range(0..objects.len());
        let several = random.random_range(1..4);
        for _ in 0..several {
            mixed.extend(objects[place].pop_front());
        }
        if objects[place].is_empty() {
            objects.swap_remove(place);
        }
    }
    mixed
}

proptest! {
    #![proptest_config(cases(6))]

    #[test]
    fn the_order_in_which_events_arrive_changes_no_answer(
        seed in 0_u64..1_000,
        order in any::<u64>(),
        parts in 2_usize..7,
        restart in any::<bool>(),
    ) {
        let different = runtime().block_on(async {
            let events = Maker::new(seed).events(NOON - 9 * DAY, NOON, 1_200);
            let plain = Lab::new(NOON);
            plain.land(&events).await;
            let mut random = ChaCha8Rng::seed_from_u64(order);
            let mixed = interleaved(&events, &mut random);
            let mut lab = Lab::with(options());
            let names: Vec<String> = lab.engine.catalog().metrics.keys().cloned().collect();
            for (number, part) in mixed.chunks(mixed.len() / parts + 1).enumerate() {
                lab.land_by(part, random.random_range(1..600)).await;
                // Looked at on the way, so that the live views have states to be brought up to date.
                for name in &names {
                    live(&lab, name, &Params::new()).await;
                }
                if number % 2 == 0 {
                    lab.store.flush().await.unwrap();
                }
                if restart && number == 2 {
                    lab.engine.keep_states().await;
                    lab = lab.restarted(true);
                }
            }
            let mut different = Vec::new();
            for name in &names {
                let (mixed, plain) = (live(&lab, name, &Params::new()).await, scan(&plain, name, &Params::new()).await);
                different.extend(difference(&mixed, &plain).map(|text| format!("{name} (one: mixed, live; other: in order)\n{text}")));
            }
            different
        });
        prop_assert!(different.is_empty(), "{}", different.join("\n"));
    }

    #[test]
    fn two_stores_say_together_what_one_says(
        seed in 0_u64..1_000,
        (words, window, filter) in (0..WORDS.len(), any::<u64>()).prop_map(|(index, seed)| {
            let mut grammar = Grammar::new(seed);
            let window = grammar.window();
            (&WORDS[index], window, grammar.filter(&WORDS[index]))
        }),
        share in 0.1_f64..0.9,
    ) {
        let (group, int) = (words.groups[0], words.ints[0]);
        let sql = format!(
            "SELECT CAST({group} AS VARCHAR) AS g, count(*) AS n, sum({int}) AS s, min({int}) AS least, max({int}) AS most \
             FROM {} WHERE {window} AND {filter} GROUP BY 1 ORDER BY 1",
            words.stream
        );
        let (parts, all) = runtime().block_on(async {
            let files = queries_of(std::slice::from_ref(&sql));
            let labs = [(); 3].map(|()| Lab::asking(options(), files.path()));
            let events = Maker::new(seed).events(NOON - 6 * DAY, NOON, 900);
            let mut random = ChaCha8Rng::seed_from_u64(seed);
            for object in by_object(&events) {
                let events: Vec<Event> = object.into();
                let half = usize::from(random.random_bool(share));
                labs[half].land(&events).await;
            }
            labs[2].land(&events).await;
            labs[0].store.flush().await.unwrap();
            let mut parts: BTreeMap<String, [Option<i64>; 4]> = BTreeMap::new();
            for lab in &labs[..2] {
                for row in live(lab, "q0", &Params::new()).await.1 {
                    merge(parts.entry(row[0].to_string()).or_default(), &row);
                }
            }
            let mut all = BTreeMap::new();
            for row in live(&labs[2], "q0", &Params::new()).await.1 {
                merge(all.entry(row[0].to_string()).or_default(), &row);
            }
            (parts, all)
        });
        prop_assert_eq!(parts, all, "{}", sql);
    }
}

/// Adds counts and sums, takes the lesser and the greater.
fn merge(sum: &mut [Option<i64>; 4], row: &[Json]) {
    let ways: [fn(i64, i64) -> i64; 4] = [|a, b| a + b, |a, b| a + b, i64::min, i64::max];
    for (place, way) in ways.into_iter().enumerate() {
        sum[place] = match (sum[place], row[place + 1].as_i64()) {
            (Some(a), Some(b)) => Some(way(a, b)),
            (a, b) => a.or(b),
        };
    }
}

/// How far the rank of a percentile may be from the one asked for: a digest of 100 centroids is finer at the ends than
/// in the middle, and merging digests of few rows adds to it.
const RANK_ERROR: f64 = 0.05;

proptest! {
    #![proptest_config(cases(12))]

    #[test]
    fn percentiles_lie_within_their_error_of_the_rank(
        seed in 0_u64..1_000,
        column in prop::sample::select(vec![("contacts", "wait_s"), ("tickets", "elapsed_s"), ("signals", "value"), ("contacts", "score")]),
        percent in prop::sample::select(vec![1_u32, 10, 25, 50, 75, 90, 95, 99]),
        hours in 1_i64..140,
        steps in steps(8),
    ) {
        let (stream, name) = column;
        let window = format!("ts >= now() - INTERVAL '{hours} hours'");
        let share = f64::from(percent) / 100.0;
        let queries = [format!(
            "SELECT approx_percentile_cont({share}) WITHIN GROUP (ORDER BY CAST({name} AS DOUBLE)) AS p{percent} \
             FROM {stream} WHERE {window}"
        )];
        let done = runtime().block_on(through(&queries, seed, &steps, async |lab: &Lab| {
            let answer = live(lab, "q0", &Params::new()).await;
            let sql = format!("SELECT CAST({name} AS DOUBLE) AS v FROM {stream} WHERE {window} AND {name} IS NOT NULL ORDER BY v");
            let rows = lab.engine.sql(&sql, &Params::new(), None).await.unwrap();
            let values: Vec<f64> = super::compare::table(&rows).1.iter().map(|row| row[0].as_f64().unwrap()).collect();
            let Some(found) = answer.1[0][0].as_f64() else {
                return if values.is_empty() { Ok(()) } else { Err(format!("none of {} values", values.len())) };
            };
            let n = values.len() as f64;
            // One row either side is what interpolating between two rows may take.
            let slack = RANK_ERROR + 1.0 / n;
            let below = values.partition_point(|value| *value < found) as f64 / n;
            let upto = values.partition_point(|value| *value <= found) as f64 / n;
            if below <= share + slack && upto >= share - slack {
                Ok(())
            } else {
                Err(format!("{found} is at rank {below} to {upto} of {n} values, not {share}"))
            }
        }));
        prop_assert!(done.is_ok(), "{}", done.unwrap_err());
    }
}

#[test]
fn a_late_row_counts_as_one_in_time() {
    runtime().block_on(async {
        let mut maker = Maker::new(11);
        let (old, fresh) = (maker.events(NOON - 30 * HOUR, NOON - HOUR, 900), maker.events(NOON - HOUR / 2, NOON, 900));
        let (late, timely) = (Lab::with(options()), Lab::with(options()));
        let names: Vec<String> = late.engine.catalog().metrics.keys().cloned().collect();
        let objects = by_object(&old).into_iter().enumerate();
        let (held_back, first): (Vec<_>, Vec<_>) = objects.partition(|(number, _)| number % 5 == 0);
        let flat =
            |objects: Vec<(usize, VecDeque<Event>)>| objects.into_iter().flat_map(|(_, events)| events).collect();
        let (mut then, mut first): (Vec<Event>, Vec<Event>) = (flat(held_back), flat(first));
        first.sort_by_key(Event::ts_us);
        late.land(&first).await;
        for name in &names {
            live(&late, name, &Params::new()).await;
        }
        // Sealed first, so that what comes now among fresh rows is late by the store's own measure.
        late.store.flush().await.unwrap();
        then.extend(fresh.iter().cloned());
        then.sort_by_key(Event::ts_us);
        late.land(&then).await;
        late.store.flush().await.unwrap();
        timely.land(&old).await;
        timely.land(&fresh).await;
        assert!(late.store.snapshot().segments(crate::model::Stream::Tickets).iter().any(|segment| segment.info.late));
        for name in &names {
            let (a, b) = (live(&late, name, &Params::new()).await, live(&timely, name, &Params::new()).await);
            assert_eq!(difference(&a, &b), None, "{name}");
        }
    });
}

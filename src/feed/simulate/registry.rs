//! The stocks: one-key phones, firms with grades, volunteers, talents, knowledge, policies, modules, lines; how they
//! stand at the start and how they change in a day.
//!
//! Large stocks are lots: one row with a `quantity`. 60,000 one-key phones and the grades of 314 firms are the article's;
//! the other sizes are invented for the demo.

use super::calendar::{HOUR_US, seconds};
use super::day::Scope;
use super::random::Random;
use super::row::{Id, Row, Src, Thing, Val, col};
use super::world::{Sym, World};
use crate::model::stream::Stream;
use crate::model::time::DAY_US;

/// One-key phones that are rows of their own; the others stand in lots.
pub const TRACKED_DEVICES: u32 = 600;
const DEVICES: i64 = 60_000;
/// Firms with a credit grade: 12 of 3A, 176 of 2A, 126 of 1A.
pub const FIRMS: u32 = 314;
/// Members of the Guangming club.
pub const MEMBERS: u32 = 1260;
const VOLUNTEERS: i64 = 131_670;
const TALENTS: [(&str, i64); 5] = [("顶尖", 26), ("特优", 168), ("领军", 940), ("拔尖", 2380), ("高层次", 21_600)];
const TRADES: [&str; 5] = ["维修", "疏通", "家政", "开锁", "搬家"];
const FIELDS: [&str; 6] = ["新材料", "集成电路", "高端装备", "生物医药", "港航物流", "数字经济"];

fn row(ts: i64, kind: &'static str, of: &'static str, id: Id) -> Row {
    Row::new(Stream::Registry, Src::Registry, ts, ts, kind, id).with(col::registry::TYPE, of)
}

fn grade_of(firm: u32) -> &'static str {
    match firm {
        1..=12 => "3A",
        13..=188 => "2A",
        _ => "1A",
    }
}

/// Splits a stock over the districts by weight; the parts add up.
fn by_area(world: &World, total: i64) -> Vec<(Option<Sym>, i64)> {
    let areas = &world.city.areas;
    let residents: f64 = areas.iter().map(|area| area.residents.unwrap_or(1) as f64).sum();
    if areas.is_empty() || residents <= 0.0 {
        return vec![(None, total)];
    }
    let mut left = total;
    let mut out: Vec<(Option<Sym>, i64)> = areas
        .iter()
        .zip(&world.areas)
        .map(|(area, sym)| {
            let part = (total as f64 * area.residents.unwrap_or(1) as f64 / residents).floor() as i64;
            left -= part;
            (Some(*sym), part)
        })
        .collect();
    if let Some(first) = out.first_mut() {
        first.1 += left;
    }
    out
}

/// Everything that stands in the registry when the simulation begins.
pub fn stock(world: &World, seed: u64, ts: i64) -> Vec<Row> {
    let mut random = Random::new(seed, 0, 500);
    let mut out = Vec::new();
    let area = |random: &mut Random| random.index(&world.area_weights).and_then(|n| world.areas.get(n).copied());

    let mut lot = 0;
    for (area, quantity) in by_area(world, DEVICES - i64::from(TRACKED_DEVICES)) {
        // Nine in a thousand are switched off or without a line at any time.
        let silent = quantity * 9 / 1000;
        for (quantity, kind) in [(quantity - silent, "add"), (silent, "offline")] {
            lot += 1;
            let id = Id::Thing(Thing::DeviceLot, lot);
            let of = |kind| row(ts, kind, "device", id).with(col::SERVICE, "onekey").maybe(col::AREA, area);
            out.push(of("add").with(col::registry::QUANTITY, quantity));
            if kind == "offline" {
                out.push(of("offline"));
            }
        }
    }
    for n in 1..=TRACKED_DEVICES {
        let area = area(&mut random);
        out.push(
            row(ts, "add", "device", Id::Thing(Thing::Device, n))
                .with(col::SERVICE, "onekey")
                .maybe(col::AREA, area)
                .with(col::registry::QUANTITY, 1_i64),
        );
    }
    for n in 1..=FIRMS {
        let area = area(&mut random);
        let trade = random.pick(&TRADES).copied().unwrap_or("家政");
        out.push(
            row(ts, "add", "firm", Id::Thing(Thing::Firm, n))
                .with(col::SERVICE, "life")
                .maybe(col::AREA, area)
                .with(col::registry::GRADE, grade_of(n))
                .with(col::registry::TAGS, trade)
                .with(col::registry::QUANTITY, 1_i64),
        );
    }
    for (of, kind, service, total) in [
        ("volunteer", Thing::VolunteerLot, "volunteer", VOLUNTEERS),
        ("member", Thing::MemberLot, "guangming", i64::from(MEMBERS)),
    ] {
        for (n, (area, quantity)) in by_area(world, total).into_iter().enumerate() {
            out.push(
                row(ts, "add", of, Id::Thing(kind, n as u32 + 1))
                    .with(col::SERVICE, service)
                    .maybe(col::AREA, area)
                    .with(col::registry::QUANTITY, quantity),
            );
        }
    }
    let mut lot = 0;
    for (tier, quantity) in TALENTS {
        let untagged = quantity * 7 / 100;
        let each = (quantity - untagged) / FIELDS.len() as i64;
        let mut rest = quantity - untagged - each * FIELDS.len() as i64;
        for tag in FIELDS.iter().copied().map(Some).chain([None]) {
            lot += 1;
            let quantity = if tag.is_some() { each + std::mem::take(&mut rest) } else { untagged };
            out.push(
                row(ts, "add", "talent", Id::Thing(Thing::TalentLot, lot))
                    .with(col::SERVICE, "talent")
                    .with(col::registry::GRADE, tier)
                    .maybe(col::registry::TAGS, tag)
                    .with(col::registry::QUANTITY, quantity),
            );
        }
    }
    for (n, (service, quantity)) in
        [("ask", 2860_i64), ("gov", 940), ("life", 610), ("enterprise", 520), ("talent", 240)].into_iter().enumerate()
    {
        out.push(
            row(ts, "add", "kb", Id::Thing(Thing::KbLot, n as u32 + 1))
                .with(col::SERVICE, service)
                .with(col::registry::QUANTITY, quantity),
        );
    }
    // Some of both have run out and wait for somebody to renew them.
    for (n, of, thing, quantity) in [(9, "kb", Thing::KbLot, 34_i64), (2, "policy", Thing::PolicyLot, 5)] {
        out.push(
            row(ts, "add", of, Id::Thing(thing, n))
                .with(col::SERVICE, "ask")
                .with(col::registry::QUANTITY, quantity)
                .with(col::registry::EXPIRES_AT, Val::Time(ts - DAY_US)),
        );
    }
    out.push(
        row(ts, "add", "policy", Id::Thing(Thing::PolicyLot, 1))
            .with(col::SERVICE, "live")
            .with(col::registry::QUANTITY, 108_i64),
    );
    for module in &world.modules {
        let module_row = row(ts, "add", "module", Id::Named(Thing::Module, *module)).with(col::MODULE, *module);
        out.push(module_row.with(col::registry::QUANTITY, 1_i64));
    }
    for line in &world.lines {
        out.push(row(ts, "add", "line", Id::Named(Thing::Line, *line)).with(col::registry::QUANTITY, 1_i64));
    }
    out
}

/// The changes of a shift day.
pub fn changes(scope: &Scope<'_>, rows: &mut Vec<Row>) {
    let (world, day, span) = (scope.world, scope.day, scope.span);
    let mut random = Random::new(scope.seed, day, 501);
    let midnight = scope.calendar.midnight(day);
    let at = |random: &mut Random, low_h: f64, high_h: f64| {
        (midnight + (random.between(low_h, high_h) * HOUR_US as f64) as i64).clamp(span.0, span.1 - 1)
    };
    let area = |random: &mut Random| random.index(&world.area_weights).and_then(|n| world.areas.get(n).copied());
    let number = day.rem_euclid(100_000) as u32;

    // One-key phones: self-tests all day and night; each day a tenth of the tracked ones may drop out for some hours.
    for _ in 0..random.poisson(190.0) {
        let n = 1 + random.below(u64::from(TRACKED_DEVICES)) as u32;
        let ts = at(&mut random, 7.5, 31.5);
        rows.push(row(ts, "test", "device", Id::Thing(Thing::Device, n)).with(col::SERVICE, "onekey"));
    }
    let tenth = TRACKED_DEVICES / 10;
    for n in 0..random.poisson(7.0).min(u64::from(tenth)) as u32 {
        let id = Id::Thing(Thing::Device, 1 + (number % 10) * tenth + n);
        let ts = at(&mut random, 7.5, 31.5);
        rows.push(row(ts, "offline", "device", id).with(col::SERVICE, "onekey"));
        let back = ts + seconds(random.log_normal(5.0 * 3600.0, 0.9).min(6.0 * 86_400.0));
        let mut online = row(back, "online", "device", id).with(col::SERVICE, "onekey");
        online.born = ts;
        rows.push(online);
    }
    // Installed today; two of those of three days ago are handed back.
    for n in 0..random.poisson(6.0) as u32 + 2 {
        let ts = at(&mut random, 9.0, 17.0);
        let area = area(&mut random);
        let id = Id::Thing(Thing::Device, 10_000 + number * 64 + n.min(60));
        rows.push(
            row(ts, "add", "device", id)
                .with(col::SERVICE, "onekey")
                .maybe(col::AREA, area)
                .with(col::registry::QUANTITY, 1_i64),
        );
    }
    if number > 3 && random.chance(0.6) {
        let mut remove =
            row(at(&mut random, 9.0, 17.0), "remove", "device", Id::Thing(Thing::Device, 10_000 + (number - 3) * 64));
        remove.born = span.0 - 3 * DAY_US;
        rows.push(remove.with(col::SERVICE, "onekey"));
    }

    // A firm is graded up for nine days, then judged again.
    let firm = 13 + (number * 37) % (FIRMS - 12);
    if number.is_multiple_of(2) {
        let ts = at(&mut random, 9.5, 16.5);
        let better = if grade_of(firm) == "2A" { "3A" } else { "2A" };
        let of = |ts, grade: &'static str| {
            row(ts, "update", "firm", Id::Thing(Thing::Firm, firm))
                .with(col::SERVICE, "life")
                .with(col::registry::GRADE, grade)
        };
        rows.push(of(ts, better));
        let mut back = of(ts + 9 * DAY_US, grade_of(firm));
        back.born = ts;
        rows.push(back);
    }

    let joined = random.poisson(11.0) as i64;
    let (ts, where_) = (at(&mut random, 18.0, 20.0), area(&mut random));
    rows.push(
        row(ts, "add", "volunteer", Id::Thing(Thing::VolunteerDay, number))
            .with(col::SERVICE, "volunteer")
            .maybe(col::AREA, where_)
            .with(col::registry::QUANTITY, joined),
    );
    for n in 0..random.poisson(1.6) as u32 {
        let tier = random.choose(&super::story::TIERS, "高层次");
        let tag = random.pick(&FIELDS).copied();
        let ts = at(&mut random, 9.0, 17.5);
        rows.push(
            row(ts, "add", "talent", Id::Thing(Thing::Talent, number * 16 + n.min(15)))
                .with(col::SERVICE, "talent")
                .with(col::registry::GRADE, tier)
                .maybe(col::registry::TAGS, tag)
                .with(col::registry::QUANTITY, 1_i64),
        );
    }

    // The knowledge base: what the assistant learnt, what the editors mend, what runs out.
    for n in 0..random.poisson(5.0) as u32 {
        let ts = at(&mut random, 8.5, 18.0);
        let expires = ts + (60 + random.below(300) as i64) * DAY_US;
        rows.push(
            row(ts, "add", "kb", Id::Thing(Thing::Kb, number * 32 + n.min(31)))
                .with(col::SERVICE, "ask")
                .with(col::registry::QUANTITY, 1_i64)
                .with(col::registry::EXPIRES_AT, Val::Time(expires)),
        );
    }
    // What was added in haste six days ago is taken out again.
    if number > 6 && random.chance(0.7) {
        let mut remove = row(at(&mut random, 9.0, 17.0), "remove", "kb", Id::Thing(Thing::Kb, (number - 6) * 32));
        remove.born = span.0 - 6 * DAY_US;
        rows.push(remove.with(col::SERVICE, "ask"));
    }
    for _ in 0..random.poisson(17.0) {
        let ts = at(&mut random, 8.5, 22.0);
        let lot = 1 + random.below(5) as u32;
        rows.push(row(ts, "update", "kb", Id::Thing(Thing::KbLot, lot)));
    }
    if random.chance(0.5) {
        let ts = at(&mut random, 9.0, 17.0);
        let expires = ts + (30 + random.below(300) as i64) * DAY_US;
        rows.push(
            row(ts, "add", "policy", Id::Thing(Thing::Policy, number))
                .with(col::SERVICE, "live")
                .with(col::registry::QUANTITY, 1_i64)
                .with(col::registry::EXPIRES_AT, Val::Time(expires)),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::City;
    use std::sync::Arc;

    #[test]
    fn the_stock_agrees_with_the_opening_balances() {
        let city = Arc::new(City::load("ningbo").unwrap());
        let world = World::new(city.clone(), "");
        let rows = stock(&world, 1, 0);
        let sum = |of: &str, grade: Option<&str>| -> i64 {
            rows.iter()
                .filter(|row| {
                    row.kind == "add" && row.get(col::registry::TYPE).is_some_and(|t| t == Val::Word(of_static(of)))
                })
                .filter(|row| {
                    grade.is_none_or(|grade| row.get(col::registry::GRADE) == Some(Val::Word(of_static(grade))))
                })
                .filter_map(|row| match row.get(col::registry::QUANTITY) {
                    Some(Val::Int(quantity)) => Some(quantity),
                    _ => None,
                })
                .sum()
        };
        let balance = |name: &str| city.baseline(name).unwrap().value as i64;
        assert_eq!(sum("device", None), balance("onekey_installed"));
        for grade in ["3A", "2A", "1A"] {
            assert_eq!(sum("firm", Some(grade)), balance(&format!("credit_{grade}")));
        }
        assert_eq!(sum("volunteer", None), VOLUNTEERS);
        assert_eq!(sum("talent", None), TALENTS.iter().map(|(_, n)| n).sum::<i64>());
    }

    fn of_static(text: &str) -> &'static str {
        Box::leak(text.to_owned().into_boxed_str())
    }
}

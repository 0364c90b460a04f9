//! A checkpoint: what landing remembers at the end of a log file, so that a start need not read all segments.
//!
//! It is derived: a checkpoint that does not read is warned about and everything is read again. One zstd-compressed
//! file, little endian, texts with their length before them; the layout is the order of [`write`], and [`VERSION`]
//! changes with it.

use std::collections::HashMap;
use std::sync::Arc;

use crate::model::Stream;
use crate::model::machine::State;

use super::landing::Landing;
use super::landing::dedup::Keys;
use super::landing::held::Held;
use super::landing::objects::{Device, Feed, Queued, Seat};
use super::landing::symbols::{NONE, Symbol};
use super::landing::tickets::{INHERITED, Ticket};

const VERSION: u32 = 2;

#[derive(Default)]
struct Out(Vec<u8>);

impl Out {
    fn u8(&mut self, value: u8) {
        self.0.push(value);
    }
    fn bool(&mut self, value: bool) {
        self.u8(u8::from(value));
    }
    fn u32(&mut self, value: u32) {
        self.0.extend_from_slice(&value.to_le_bytes());
    }
    fn u64(&mut self, value: u64) {
        self.0.extend_from_slice(&value.to_le_bytes());
    }
    fn i64(&mut self, value: i64) {
        self.0.extend_from_slice(&value.to_le_bytes());
    }
    fn option(&mut self, value: Option<i64>) {
        self.bool(value.is_some());
        self.i64(value.unwrap_or(0));
    }
    fn text(&mut self, text: &str) {
        self.u32(text.len() as u32);
        self.0.extend_from_slice(text.as_bytes());
    }
    fn place(&mut self) -> usize {
        self.u64(0);
        self.0.len()
    }
    /// Writes the number of things that follow a place, once it is known.
    fn count(&mut self, place: usize, count: u64) {
        self.0[place - 8..place].copy_from_slice(&count.to_le_bytes());
    }
}

/// All that landing remembers, as bytes.
pub(super) fn write(landing: &Landing) -> Result<Vec<u8>, String> {
    let mut out = Out::default();
    out.u32(VERSION);
    out.i64(landing.next_seq);
    out.option(landing.data_until);
    out.option(landing.recv_until);
    out.bool(landing.demo);
    for rows in landing.rows {
        out.u64(rows);
    }
    out.u64(landing.duplicates);
    out.u64(landing.forgotten);
    // Texts once, by their numbers; what is said below are numbers.
    let symbols = out.place();
    let mut count = 0;
    for (number, text) in landing.symbols.iter() {
        count += 1;
        out.u32(number);
        out.text(text);
    }
    out.count(symbols, count);
    out.u64(landing.tickets.len() as u64);
    for ticket in landing.tickets.iter() {
        out.text(&ticket.id);
        ticket.said.iter().for_each(|number| out.u32(*number));
        for time_us in
            [ticket.due_us, ticket.opened_us, ticket.since_us, ticket.last_us, ticket.dispatched_us, ticket.touched_us]
        {
            out.i64(time_us);
        }
        out.u32(ticket.rejects);
        out.u8(ticket.state as u8);
        out.bool(ticket.demo);
        out.bool(ticket.dates_only);
    }
    let objects = &landing.objects;
    out.u64(objects.queue.slab.len() as u64);
    for (_, queued) in objects.queue.slab.iter() {
        out.text(&queued.id);
        out.i64(queued.since_us);
        [queued.line, queued.skill, queued.area, queued.channel].iter().for_each(|number| out.u32(*number));
        out.bool(queued.demo);
    }
    out.u64(objects.seats.slab.len() as u64);
    for (_, seat) in objects.seats.slab.iter() {
        out.text(&seat.seat);
        out.i64(seat.since_us);
        out.i64(seat.last_us);
        [seat.state, seat.skill, seat.reason].iter().for_each(|number| out.u32(*number));
        out.bool(seat.demo);
    }
    out.u64(objects.devices.slab.len() as u64);
    for (_, device) in objects.devices.slab.iter() {
        out.text(&device.id);
        let said =
            [device.device_type, device.state, device.grade, device.area, device.service, device.org, device.tags];
        said.iter().for_each(|number| out.u32(*number));
        out.i64(device.since_us);
        out.option(device.quantity);
        out.option(device.expires_us);
        out.bool(device.demo);
    }
    out.u64(objects.feeds.slab.len() as u64);
    for (_, feed) in objects.feeds.slab.iter() {
        out.text(&feed.src);
        out.i64(feed.last_ts_us);
        out.i64(feed.last_recv_us);
        out.i64(feed.rows);
        out.bool(feed.demo);
    }
    // Rows held, in the order they came.
    let mut held: Vec<&Arc<Held>> = landing.held.iter().collect();
    held.sort_by_key(|held| held.at);
    out.text(&serde_json::to_string(&held).map_err(|error| error.to_string())?);
    out.u64(landing.held.quarantined);
    let sources = out.place();
    let mut count = 0;
    for (src, keys) in landing.dedup.sources() {
        count += 1;
        out.text(src);
        let (full, words, digests) = keys.parts();
        for pairs in [&mut full.into_iter() as &mut dyn Iterator<Item = (u64, u64)>, &mut words.into_iter()] {
            let place = out.place();
            let mut count = 0;
            for (a, b) in pairs {
                out.u64(a);
                out.u64(b);
                count += 1;
            }
            out.count(place, count);
        }
        let place = out.place();
        let mut count = 0;
        for digest in digests {
            out.u64(digest as u64);
            out.u64((digest >> 64) as u64);
            count += 1;
        }
        out.count(place, count);
    }
    out.count(sources, count);
    zstd::bulk::compress(&out.0, 1).map_err(|error| error.to_string())
}

struct In<'a>(&'a [u8]);

type Read<T> = Result<T, String>;

impl<'a> In<'a> {
    fn take(&mut self, count: usize) -> Read<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or("it ends too early")?;
        self.0 = rest;
        Ok(taken)
    }
    fn array<const N: usize>(&mut self) -> Read<[u8; N]> {
        self.take(N)?.try_into().map_err(|_| "it ends too early".to_owned())
    }
    fn u8(&mut self) -> Read<u8> {
        Ok(self.array::<1>()?[0])
    }
    fn bool(&mut self) -> Read<bool> {
        Ok(self.u8()? != 0)
    }
    fn u32(&mut self) -> Read<u32> {
        Ok(u32::from_le_bytes(self.array()?))
    }
    fn u64(&mut self) -> Read<u64> {
        Ok(u64::from_le_bytes(self.array()?))
    }
    fn i64(&mut self) -> Read<i64> {
        Ok(i64::from_le_bytes(self.array()?))
    }
    fn option(&mut self) -> Read<Option<i64>> {
        let some = self.bool()?;
        let value = self.i64()?;
        Ok(some.then_some(value))
    }
    fn text(&mut self) -> Read<&'a str> {
        let length = self.u32()? as usize;
        std::str::from_utf8(self.take(length)?).map_err(|error| error.to_string())
    }
    fn pairs(&mut self) -> Read<Vec<(u64, u64)>> {
        let count = self.u64()?;
        (0..count).map(|_| Ok((self.u64()?, self.u64()?))).collect()
    }
}

/// Takes a checkpoint into an empty landing.
pub(super) fn read(bytes: &[u8], landing: &mut Landing) -> Read<()> {
    let bytes = zstd::stream::decode_all(bytes).map_err(|error| error.to_string())?;
    let mut input = In(&bytes);
    let version = input.u32()?;
    if version != VERSION {
        return Err(format!("it has version {version}, this program reads {VERSION}"));
    }
    landing.next_seq = input.i64()?;
    landing.data_until = input.option()?;
    landing.recv_until = input.option()?;
    landing.demo = input.bool()?;
    for stream in Stream::ALL {
        landing.rows[stream as usize] = input.u64()?;
    }
    landing.duplicates = input.u64()?;
    landing.forgotten = input.u64()?;
    let mut numbers = HashMap::<Symbol, Symbol, ahash::RandomState>::from_iter([(NONE, NONE)]);
    for _ in 0..input.u64()? {
        let number = input.u32()?;
        numbers.insert(number, landing.symbols.intern(input.text()?));
    }
    let symbol = |input: &mut In<'_>| -> Read<Symbol> {
        let number = input.u32()?;
        numbers.get(&number).copied().ok_or_else(|| format!("there is no text {number}"))
    };
    let tickets = input.u64()?;
    // A ticket takes more bytes than that; a count that can't be true reserves no memory.
    landing.tickets.reserve((tickets as usize).min(input.0.len() / 64));
    for _ in 0..tickets {
        let id = Arc::from(input.text()?);
        let mut said = [NONE; INHERITED.len()];
        for number in &mut said {
            *number = symbol(&mut input)?;
        }
        landing.tickets.put(Ticket {
            id,
            said,
            due_us: input.i64()?,
            opened_us: input.i64()?,
            since_us: input.i64()?,
            last_us: input.i64()?,
            dispatched_us: input.i64()?,
            touched_us: input.i64()?,
            rejects: input.u32()?,
            state: *State::ALL.get(usize::from(input.u8()?)).ok_or("there is no such state")?,
            demo: input.bool()?,
            dates_only: input.bool()?,
        });
    }
    let objects = &mut landing.objects;
    for _ in 0..input.u64()? {
        let id: Arc<str> = Arc::from(input.text()?);
        let queued = Queued {
            id: id.clone(),
            since_us: input.i64()?,
            line: symbol(&mut input)?,
            skill: symbol(&mut input)?,
            area: symbol(&mut input)?,
            channel: symbol(&mut input)?,
            demo: input.bool()?,
        };
        objects.queue.put(&id, queued);
    }
    for _ in 0..input.u64()? {
        let name: Arc<str> = Arc::from(input.text()?);
        let seat = Seat {
            seat: name.clone(),
            since_us: input.i64()?,
            last_us: input.i64()?,
            state: symbol(&mut input)?,
            skill: symbol(&mut input)?,
            reason: symbol(&mut input)?,
            demo: input.bool()?,
        };
        objects.seats.put(&name, seat);
    }
    let mut devices = Vec::new();
    for _ in 0..input.u64()? {
        devices.push(Device {
            id: Arc::from(input.text()?),
            device_type: symbol(&mut input)?,
            state: symbol(&mut input)?,
            grade: symbol(&mut input)?,
            area: symbol(&mut input)?,
            service: symbol(&mut input)?,
            org: symbol(&mut input)?,
            tags: symbol(&mut input)?,
            since_us: input.i64()?,
            quantity: input.option()?,
            expires_us: input.option()?,
            demo: input.bool()?,
        });
    }
    for device in devices {
        landing.objects.put_device(device, &landing.symbols);
    }
    for _ in 0..input.u64()? {
        let src: Arc<str> = Arc::from(input.text()?);
        let feed = Feed {
            src: src.clone(),
            last_ts_us: input.i64()?,
            last_recv_us: input.i64()?,
            rows: input.i64()?,
            demo: input.bool()?,
        };
        landing.objects.feeds.put(&src, feed);
    }
    let held: Vec<Held> = serde_json::from_str(input.text()?).map_err(|error| error.to_string())?;
    held.into_iter().for_each(|held| landing.held.put(held));
    landing.held.quarantined = input.u64()?;
    for _ in 0..input.u64()? {
        let src = input.text()?;
        let (full, words, digests) = (input.pairs()?, input.pairs()?, input.pairs()?);
        let digests = digests.into_iter().map(|(low, high)| u128::from(high) << 64 | u128::from(low));
        landing.dedup.put(src, Keys::from_parts(full.into_iter(), words.into_iter(), digests));
    }
    if input.0.is_empty() { Ok(()) } else { Err("more follows than it should".to_owned()) }
}

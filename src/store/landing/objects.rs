//! What stands where, outside the tickets: contacts in the queue, seats, the registry, the feeds.
//!
//! Each is a [`Slab`] that snapshots share. None of these refuses an event.

use std::collections::HashMap;
use std::sync::Arc;

use crate::store::slab::Slab;

use super::symbols::{NONE, Symbol, Symbols};

#[derive(Clone, Debug, PartialEq)]
pub struct Queued {
    pub id: Arc<str>,
    pub since_us: i64,
    pub line: Symbol,
    pub skill: Symbol,
    pub area: Symbol,
    pub channel: Symbol,
    pub demo: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Seat {
    pub seat: Arc<str>,
    pub state: Symbol,
    pub since_us: i64,
    /// Its latest event.
    pub last_us: i64,
    pub skill: Symbol,
    pub reason: Symbol,
    pub demo: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Device {
    pub id: Arc<str>,
    pub device_type: Symbol,
    pub state: Symbol,
    pub since_us: i64,
    pub grade: Symbol,
    pub area: Symbol,
    pub service: Symbol,
    pub org: Symbol,
    pub tags: Symbol,
    pub quantity: Option<i64>,
    pub expires_us: Option<i64>,
    pub demo: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Feed {
    pub src: Arc<str>,
    pub last_ts_us: i64,
    pub last_recv_us: i64,
    pub rows: i64,
    pub demo: bool,
}

/// A slab with an index by name.
#[derive(Debug)]
pub struct Named<T> {
    pub slab: Slab<T>,
    slots: HashMap<Arc<str>, u32, ahash::RandomState>,
}

impl<T> Default for Named<T> {
    fn default() -> Self {
        Named { slab: Slab::default(), slots: HashMap::default() }
    }
}

impl<T: Clone> Named<T> {
    pub fn get(&self, name: &str) -> Option<&T> {
        self.slab.get(*self.slots.get(name)?)
    }

    pub fn get_mut(&mut self, name: &str) -> Option<&mut T> {
        self.slab.get_mut(*self.slots.get(name)?)
    }

    /// Puts a value under a name, in place of the one before.
    pub fn put(&mut self, name: &Arc<str>, value: T) {
        if let Some(kept) = self.slots.get(name).and_then(|slot| self.slab.get_mut(*slot)) {
            *kept = value;
            return;
        }
        let slot = self.slab.insert(value);
        self.slots.insert(name.clone(), slot);
    }

    pub fn remove(&mut self, name: &str) -> Option<T> {
        let slot = self.slots.remove(name)?;
        self.slab.remove(slot)
    }
}

#[derive(Debug, Default)]
pub struct Objects {
    pub queue: Named<Queued>,
    pub seats: Named<Seat>,
    /// By type and id, `device/12`.
    pub devices: Named<Device>,
    /// Id → type seen last, for an event that does not say the type.
    device_types: HashMap<Arc<str>, Symbol, ahash::RandomState>,
    pub feeds: Named<Feed>,
}

/// What a registry event says.
pub struct DeviceStep<'a> {
    pub id: &'a str,
    pub kind: &'a str,
    pub ts_us: i64,
    pub device_type: Symbol,
    pub grade: Symbol,
    pub area: Symbol,
    pub service: Symbol,
    pub org: Symbol,
    pub tags: Symbol,
    pub quantity: Option<i64>,
    pub expires_us: Option<i64>,
    pub demo: bool,
}

impl Objects {
    /// Takes a contact's event; returns `queue_delta`.
    pub fn contact(&mut self, kind: &str, queued: impl FnOnce() -> Queued, id: &str) -> i64 {
        match kind {
            "queue" => {
                if self.queue.get(id).is_some() {
                    return 0;
                }
                let queued = queued();
                let id = queued.id.clone();
                self.queue.put(&id, queued);
                1
            }
            // `end` too: whoever has hung up no longer waits, whatever the source left unsaid.
            "answer" | "abandon" | "end" => -i64::from(self.queue.remove(id).is_some()),
            _ => 0,
        }
    }

    /// Takes a seat's event; returns its state before and the time of its last event. (A plan is no state: the caller
    /// keeps it away.)
    pub fn seat(&mut self, seat: &str, to: Seat) -> Option<(Symbol, i64)> {
        match self.seats.get_mut(seat) {
            Some(kept) => {
                let before = (kept.state, kept.last_us);
                let skill = if to.skill == NONE { kept.skill } else { to.skill };
                // The same state again goes on.
                let since_us = if to.state == kept.state { kept.since_us } else { to.since_us };
                *kept = Seat { skill, since_us, ..to };
                Some(before)
            }
            None => {
                let name = to.seat.clone();
                self.seats.put(&name, to);
                None
            }
        }
    }

    pub fn device(&mut self, step: &DeviceStep<'_>, symbols: &mut Symbols) {
        let mut device_type = step.device_type;
        if device_type == NONE {
            device_type = self.device_types.get(step.id).copied().unwrap_or(NONE);
        } else if self.device_types.get(step.id) != Some(&device_type) {
            self.device_types.insert(Arc::from(step.id), device_type);
        }
        let key = device_key(symbols.text(device_type), step.id);
        let said_state = match step.kind {
            "add" | "online" => Some("online"),
            "offline" => Some("offline"),
            "remove" => Some("removed"),
            _ => None,
        };
        match self.devices.get_mut(&key) {
            Some(kept) => {
                if let Some(state) = said_state {
                    let state = symbols.intern(state);
                    if state != kept.state {
                        kept.state = state;
                        kept.since_us = step.ts_us;
                    }
                }
                let said = [
                    (&mut kept.grade, step.grade),
                    (&mut kept.area, step.area),
                    (&mut kept.service, step.service),
                    (&mut kept.org, step.org),
                    (&mut kept.tags, step.tags),
                ];
                for (known, said) in said {
                    if said != NONE {
                        *known = said;
                    }
                }
                kept.quantity = step.quantity.or(kept.quantity);
                kept.expires_us = step.expires_us.or(kept.expires_us);
                kept.demo |= step.demo;
            }
            None => {
                let device = Device {
                    id: Arc::from(step.id),
                    device_type,
                    state: symbols.intern(said_state.unwrap_or("online")),
                    since_us: step.ts_us,
                    grade: step.grade,
                    area: step.area,
                    service: step.service,
                    org: step.org,
                    tags: step.tags,
                    quantity: step.quantity,
                    expires_us: step.expires_us,
                    demo: step.demo,
                };
                self.devices.put(&Arc::from(key), device);
            }
        }
    }

    /// Puts a registered thing as it is, for recovery.
    pub fn put_device(&mut self, device: Device, symbols: &Symbols) {
        self.device_types.insert(device.id.clone(), device.device_type);
        let key = device_key(symbols.text(device.device_type), &device.id);
        self.devices.put(&Arc::from(key), device);
    }

    pub fn feed(&mut self, src: &str, rows: i64, last_ts_us: i64, recv_us: i64, demo: bool) {
        match self.feeds.get_mut(src) {
            Some(feed) => {
                feed.rows += rows;
                feed.last_ts_us = feed.last_ts_us.max(last_ts_us);
                feed.last_recv_us = feed.last_recv_us.max(recv_us);
                feed.demo |= demo;
            }
            None => {
                let src: Arc<str> = Arc::from(src);
                let feed = Feed { src: src.clone(), last_ts_us, last_recv_us: recv_us, rows, demo };
                self.feeds.put(&src, feed);
            }
        }
    }

    /// Moves every symbol to another table.
    pub fn move_symbols(&mut self, from: &Symbols, to: &mut Symbols) {
        self.queue.slab.for_each_mut(|queued| {
            for symbol in [&mut queued.line, &mut queued.skill, &mut queued.area, &mut queued.channel] {
                to.moved(from, symbol);
            }
        });
        self.seats.slab.for_each_mut(|seat| {
            for symbol in [&mut seat.state, &mut seat.skill, &mut seat.reason] {
                to.moved(from, symbol);
            }
        });
        self.devices.slab.for_each_mut(|device| {
            for symbol in [
                &mut device.device_type,
                &mut device.state,
                &mut device.grade,
                &mut device.area,
                &mut device.service,
                &mut device.org,
                &mut device.tags,
            ] {
                to.moved(from, symbol);
            }
        });
        for symbol in self.device_types.values_mut() {
            to.moved(from, symbol);
        }
    }
}

fn device_key(device_type: Option<&str>, id: &str) -> String {
    format!("{}/{id}", device_type.unwrap_or_default())
}

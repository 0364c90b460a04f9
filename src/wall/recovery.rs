//! A wall goes on when its graphics adapter fails: a driver that was reset or updated, a card without memory.
//!
//! The adapter is opened anew after growing pauses, the best there is then, and the picture is drawn whole. When that
//! fails again and again the wall ends with a sentence, for whoever watches over the program to start it again.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bevy::app::AppExit;
use bevy::ecs::prelude::*;
use bevy::render::error_handler::{RenderError, RenderErrorPolicy};
use parking_lot::Mutex;

use super::app::AdapterName;
use super::canvas::gpu::{forget_device, open_adapter};
use super::options::PointsPath;
use super::show::Show;

/// Pauses before each try; after the last one the wall gives up.
const PAUSES_S: [u64; 6] = [1, 2, 4, 8, 15, 30];
/// An adapter that worked for so long is tried from the first pause on.
const HEALTHY: Duration = Duration::from_secs(60);

/// Why the wall gave up, once it did.
pub type LastWords = Arc<Mutex<Option<String>>>;

#[derive(Resource)]
pub struct Recovery {
    pub points: PointsPath,
    pub last_words: LastWords,
    tries: Tries,
}

impl Recovery {
    pub fn new(points: PointsPath) -> Recovery {
        Recovery { points, last_words: LastWords::default(), tries: Tries::default() }
    }
}

/// When to try again.
#[derive(Default)]
struct Tries {
    count: usize,
    /// When the next one is due; none while the adapter works.
    due: Option<Instant>,
    worked_since: Option<Instant>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Step {
    Wait,
    Try,
    GiveUp,
}

impl Tries {
    /// What to do about an adapter that does not work.
    fn step(&mut self, now: Instant) -> Step {
        if self.worked_since.take().is_some_and(|since| now.duration_since(since) >= HEALTHY) {
            self.count = 0;
        }
        let Some(due) = self.due else {
            let Some(pause) = PAUSES_S.get(self.count) else { return Step::GiveUp };
            self.due = Some(now + Duration::from_secs(*pause));
            return Step::Wait;
        };
        if now < due {
            return Step::Wait;
        }
        self.due = None;
        self.count += 1;
        Step::Try
    }

    fn works(&mut self, now: Instant) {
        self.worked_since = Some(now);
    }
}

/// Asked at each turn while the adapter does not work.
pub fn recover(error: &RenderError, main: &mut World, render: &mut World) -> RenderErrorPolicy {
    let Some(mut recovery) = main.get_resource_mut::<Recovery>() else { return RenderErrorPolicy::StopRendering };
    match recovery.tries.step(Instant::now()) {
        Step::Wait => return RenderErrorPolicy::StopRendering,
        Step::Try => {}
        Step::GiveUp => {
            recovery.last_words.lock().get_or_insert_with(|| {
                let (tries, what) = (PAUSES_S.len(), format!("{:?} {}", error.ty, error.description));
                format!("the graphics adapter failed ({}) and did not work again in {tries} tries", what.trim())
            });
            main.write_message(AppExit::error());
            return RenderErrorPolicy::StopRendering;
        }
    }
    let (creation, adapter) = match open_adapter() {
        Ok(opened) => opened,
        Err(error) => {
            tracing::warn!("{error}; trying again");
            return RenderErrorPolicy::StopRendering;
        }
    };
    recovery.tries.works(Instant::now());
    let points = recovery.points;
    tracing::warn!("the graphics adapter failed; the wall goes on, on {} ({:?})", adapter.name, adapter.backend);
    forget_device(main, render);
    main.insert_resource(AdapterName::of(&adapter));
    if let Some(mut show) = main.get_resource_mut::<Show>() {
        show.draw_on(adapter.device_type, points);
    }
    RenderErrorPolicy::Recover(creation)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tries_come_after_growing_pauses_and_end() {
        let mut tries = Tries::default();
        let mut now = Instant::now();
        for pause in PAUSES_S {
            assert_eq!(tries.step(now), Step::Wait);
            now += Duration::from_secs(pause);
            assert_eq!(tries.step(now - Duration::from_millis(1)), Step::Wait);
            assert_eq!(tries.step(now), Step::Try);
        }
        assert_eq!(tries.step(now), Step::GiveUp);
        assert_eq!(tries.step(now), Step::GiveUp);
    }

    #[test]
    fn an_adapter_that_worked_for_a_while_is_tried_from_the_start() {
        let mut tries = Tries::default();
        let mut now = Instant::now();
        let fail = |tries: &mut Tries, now: &mut Instant| {
            assert_eq!(tries.step(*now), Step::Wait);
            *now += Duration::from_secs(30);
            assert_eq!(tries.step(*now), Step::Try);
            tries.works(*now);
        };
        for _ in 0..PAUSES_S.len() {
            fail(&mut tries, &mut now);
        }
        now += HEALTHY;
        fail(&mut tries, &mut now);
        assert_eq!(tries.count, 1);
    }
}

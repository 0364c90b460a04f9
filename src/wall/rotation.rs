//! When scenes follow one another: each stays for its dwell, one that somebody chose for longer, and while the rotation
//! is paused the one shown stays.

use std::time::{Duration, Instant};

use super::tokens;

pub struct Rotation {
    /// When the scene on the wall came.
    since: Instant,
    /// Until when it stays whatever its dwell.
    held_until: Option<Instant>,
    paused: bool,
}

impl Rotation {
    pub fn new(now: Instant) -> Rotation {
        Rotation { since: now, held_until: None, paused: false }
    }

    /// Another scene came, or the one shown starts anew.
    pub fn begin(&mut self, now: Instant) {
        self.since = now;
    }

    /// Somebody chose what is shown.
    pub fn hold(&mut self, now: Instant) {
        self.held_until = Some(now + Duration::from_secs(tokens::HOLD_S));
    }

    pub fn is_paused(&self) -> bool {
        self.paused
    }

    /// The scene shown has its whole dwell again when the rotation goes on.
    pub fn pause(&mut self, paused: bool, now: Instant) {
        if self.paused && !paused {
            self.begin(now);
            self.held_until = None;
        }
        self.paused = paused;
    }

    /// The next scene should come.
    pub fn is_due(&self, dwell_s: f32, now: Instant) -> bool {
        let held = self.held_until.is_some_and(|until| now < until);
        !self.paused && !held && now.duration_since(self.since).as_secs_f32() >= dwell_s
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scene_stays_for_its_dwell_and_one_that_was_chosen_for_three_minutes() {
        let begin = Instant::now();
        let after = |seconds| begin + Duration::from_secs(seconds);
        let mut rotation = Rotation::new(begin);
        assert!(!rotation.is_due(30.0, after(29)) && rotation.is_due(30.0, after(30)));
        rotation.hold(after(10));
        assert!(!rotation.is_due(30.0, after(189)) && rotation.is_due(30.0, after(190)));
    }

    #[test]
    fn a_paused_rotation_stays_and_gives_the_scene_its_dwell_again_when_it_goes_on() {
        let begin = Instant::now();
        let after = |seconds| begin + Duration::from_secs(seconds);
        let mut rotation = Rotation::new(begin);
        rotation.hold(begin);
        rotation.pause(true, after(5));
        assert!(rotation.is_paused() && !rotation.is_due(30.0, after(86_400)));
        rotation.pause(false, after(100));
        assert!(!rotation.is_paused() && !rotation.is_due(30.0, after(129)) && rotation.is_due(30.0, after(130)));
        // Told twice, it begins no second time.
        rotation.pause(false, after(120));
        assert!(rotation.is_due(30.0, after(130)));
    }
}

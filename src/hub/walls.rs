//! The walls that are connected: what they are told to show, and the picture one of them gives while somebody looks.
//!
//! Pictures are asked of one wall, the one that connected last; of the others only when it goes. Nobody looks: it is told
//! 0 pictures a second and draws none for us. A picture is kept as the bytes that came, and only the newest.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::sync::{broadcast, watch};
use tokio::time::Instant;

use super::limits::FPS_MAX;
use crate::model::message::Control;

/// One picture of a wall.
#[derive(Debug)]
pub struct Picture {
    /// The binary frame as the wall sent it, sent on unchanged.
    pub frame: Bytes,
    /// The JPEG in it.
    pub jpeg: Bytes,
    pub width: u32,
    pub height: u32,
    pub scene: String,
    pub taken: Instant,
}

type WallId = u64;

struct State {
    /// Newest last; the value is how many pictures a second that wall is asked for.
    walls: BTreeMap<WallId, watch::Sender<u32>>,
    /// What each watcher wants.
    wanted: BTreeMap<u64, u32>,
}

pub struct Walls {
    state: Mutex<State>,
    next: AtomicU64,
    controls: broadcast::Sender<Control>,
    newest: watch::Sender<Option<Arc<Picture>>>,
    pictures: AtomicU64,
}

impl Walls {
    pub fn new() -> Arc<Walls> {
        Arc::new(Walls {
            state: Mutex::new(State { walls: BTreeMap::new(), wanted: BTreeMap::new() }),
            next: AtomicU64::new(1),
            controls: broadcast::channel(32).0,
            newest: watch::channel(None).0,
            pictures: AtomicU64::new(0),
        })
    }

    pub fn count(&self) -> usize {
        self.state.lock().walls.len()
    }

    pub fn watchers(&self) -> usize {
        self.state.lock().wanted.len()
    }

    /// Pictures received since the start.
    pub fn pictures(&self) -> u64 {
        self.pictures.load(Ordering::Relaxed)
    }

    /// A wall came: its place, until dropped.
    pub fn join(self: &Arc<Walls>) -> WallPlace {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let (sender, wanted) = watch::channel(0);
        let mut state = self.state.lock();
        state.walls.insert(id, sender);
        tell(&state);
        WallPlace { walls: self.clone(), id, wanted, controls: self.controls.subscribe() }
    }

    /// Somebody looks, at up to `fps` pictures a second, until dropped.
    pub fn look(self: &Arc<Walls>, fps: u32) -> Look {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let fps = fps.clamp(1, FPS_MAX);
        let mut state = self.state.lock();
        state.wanted.insert(id, fps);
        tell(&state);
        Look { walls: self.clone(), id, fps, newest: self.newest.subscribe() }
    }

    /// Sends a control to every wall; returns how many there are.
    pub fn control(&self, control: Control) -> usize {
        self.controls.send(control).unwrap_or(0)
    }
}

/// Tells the newest wall what is wanted, the others nothing.
fn tell(state: &State) {
    let fps = state.wanted.values().copied().max().unwrap_or(0);
    let chosen = state.walls.keys().next_back().copied();
    for (id, sender) in &state.walls {
        let fps = if Some(*id) == chosen { fps } else { 0 };
        sender.send_if_modified(|known| std::mem::replace(known, fps) != fps);
    }
}

pub struct WallPlace {
    walls: Arc<Walls>,
    id: WallId,
    /// Pictures a second wanted of this wall.
    pub wanted: watch::Receiver<u32>,
    pub controls: broadcast::Receiver<Control>,
}

/// What a wall's session needs to hand in pictures.
#[derive(Clone)]
pub struct PictureSlot {
    walls: Arc<Walls>,
    id: WallId,
}

impl WallPlace {
    pub fn slot(&self) -> PictureSlot {
        PictureSlot { walls: self.walls.clone(), id: self.id }
    }
}

impl PictureSlot {
    /// A picture came. One from a wall that is not asked is dropped.
    pub fn put(&self, picture: Picture) {
        let chosen = self.walls.state.lock().walls.keys().next_back() == Some(&self.id);
        if chosen {
            self.walls.pictures.fetch_add(1, Ordering::Relaxed);
            self.walls.newest.send_replace(Some(Arc::new(picture)));
        }
    }
}

impl Drop for WallPlace {
    fn drop(&mut self) {
        let mut state = self.walls.state.lock();
        let chosen = state.walls.keys().next_back() == Some(&self.id);
        state.walls.remove(&self.id);
        tell(&state);
        drop(state);
        if chosen {
            // A picture of a wall that is gone must not be shown as the wall's.
            self.walls.newest.send_replace(None);
        }
    }
}

pub struct Look {
    walls: Arc<Walls>,
    id: u64,
    pub fps: u32,
    pub newest: watch::Receiver<Option<Arc<Picture>>>,
}

impl Drop for Look {
    fn drop(&mut self) {
        let mut state = self.walls.state.lock();
        state.wanted.remove(&self.id);
        tell(&state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(scene: &str) -> Picture {
        Picture {
            frame: Bytes::new(),
            jpeg: Bytes::new(),
            width: 1,
            height: 1,
            scene: scene.to_owned(),
            taken: Instant::now(),
        }
    }

    #[tokio::test]
    async fn a_wall_draws_for_us_only_while_somebody_looks() {
        let walls = Walls::new();
        let wall = walls.join();
        assert_eq!(*wall.wanted.borrow(), 0);
        let slow = walls.look(2);
        let fast = walls.look(1000);
        assert_eq!(*wall.wanted.borrow(), FPS_MAX);
        drop(fast);
        assert_eq!(*wall.wanted.borrow(), 2);
        drop(slow);
        assert_eq!(*wall.wanted.borrow(), 0);
    }

    #[tokio::test]
    async fn the_newest_wall_is_asked_and_when_it_goes_the_one_before() {
        let walls = Walls::new();
        let (first, second) = (walls.join(), walls.join());
        let look = walls.look(5);
        assert_eq!((*first.wanted.borrow(), *second.wanted.borrow()), (0, 5));
        first.slot().put(picture("first"));
        assert!(look.newest.borrow().is_none());
        second.slot().put(picture("second"));
        assert_eq!(look.newest.borrow().as_ref().unwrap().scene, "second");
        drop(second);
        assert!(look.newest.borrow().is_none());
        assert_eq!(*first.wanted.borrow(), 5);
    }

    #[tokio::test]
    async fn every_wall_hears_a_control() {
        let walls = Walls::new();
        let (mut first, mut second) = (walls.join(), walls.join());
        let control = Control { scene: Some("overview".to_owned()), ..Control::default() };
        assert_eq!(walls.control(control.clone()), 2);
        assert_eq!(first.controls.recv().await.unwrap(), control);
        assert_eq!(second.controls.recv().await.unwrap(), control);
    }
}

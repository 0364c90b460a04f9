//! Watches a folder and calls back, at most a few times a second, when something below it changed.
//!
//! The queue between the notifier and the thread holds one mark: many changes are one. It ends when it is dropped or
//! the callback says so.

use std::path::Path;
use std::sync::mpsc::{RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::time::Duration;

use notify::{RecommendedWatcher, RecursiveMode, Watcher as _};

/// A save is often several changes; they are waited for this long.
const SETTLE: Duration = Duration::from_millis(120);

pub struct Watcher {
    _notifier: RecommendedWatcher,
}

impl Watcher {
    /// Calls `changed` on a thread of its own; it returns false to end.
    ///
    /// # Errors
    /// A sentence: the folder can't be watched, or the thread can't be started.
    pub fn start(folder: &Path, mut changed: impl FnMut() -> bool + Send + 'static) -> Result<Watcher, String> {
        let (mark, marks) = sync_channel::<()>(1);
        let mut notifier = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            if event.is_ok_and(|event| !event.kind.is_access()) {
                send(&mark);
            }
        })
        .map_err(|error| format!("changes of files can't be watched: {error}"))?;
        notifier
            .watch(folder, RecursiveMode::Recursive)
            .map_err(|error| format!("{} can't be watched: {error}", folder.display()))?;
        std::thread::Builder::new()
            .name("query-watch".to_owned())
            .spawn(move || {
                while marks.recv().is_ok() {
                    // Until it has been quiet for a moment.
                    loop {
                        match marks.recv_timeout(SETTLE) {
                            Ok(()) => {}
                            Err(RecvTimeoutError::Timeout) => break,
                            Err(RecvTimeoutError::Disconnected) => return,
                        }
                    }
                    if !changed() {
                        return;
                    }
                }
            })
            .map_err(|error| format!("the watching thread can't be started: {error}"))?;
        Ok(Watcher { _notifier: notifier })
    }
}

fn send(mark: &SyncSender<()>) {
    match mark.try_send(()) {
        // Full: a change is already waiting to be seen.
        Ok(()) | Err(TrySendError::Full(()) | TrySendError::Disconnected(())) => {}
    }
}

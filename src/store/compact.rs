//! Tidying segments: many small ones of a month become one, and months past keeping go.
//!
//! Only segments that a checkpoint covers are touched, since a start reads the others in the order they were sealed.
//! The manifest changes last; files go when no reader holds them any more.

use std::sync::Arc;

use crate::model::Stream;

use super::StoreError;
use super::columns::join;
use super::core::Sealed;
use super::seal::{Sealer, by_time};
use super::segment::{Segment, SegmentInfo};

/// A segment with fewer rows is small.
const SMALL_ROWS: u64 = 32 * 1024;
/// So many small ones side by side are joined, by default.
pub(super) const SMALL_COUNT: usize = 8;
/// What they are joined into has at most about this many rows.
const JOINED_ROWS: u64 = 128 * 1024;

impl Sealer {
    /// Does what tidying there is to do, one join at a time.
    ///
    /// # Errors
    /// The disk; then the segments stay as they are.
    pub fn tidy(&mut self) -> Result<Option<Sealed>, StoreError> {
        if let Some(removed) = self.drop_old()? {
            return Ok(Some(Sealed { log: 0, added: Vec::new(), removed }));
        }
        let Some(small) = self.small_ones() else { return Ok(None) };
        let Some(stream) = small.first().and_then(|info| Stream::from_name(&info.stream)) else { return Ok(None) };
        let mut batches = Vec::new();
        for info in &small {
            batches.extend(self.segment(stream, info.clone()).read(None)?);
        }
        let rows = by_time(&join(&stream.schema(), &batches)?)?;
        drop(batches);
        let logs = (
            small.iter().map(|info| info.logs.0).min().unwrap_or(0),
            small.iter().map(|info| info.logs.1).max().unwrap_or(0),
        );
        let mut manifest = self.manifest.clone();
        let removed: Vec<u64> = small.iter().map(|info| info.id).collect();
        // A reader may have seen what these were joined from, and not these.
        let before = removed.iter().filter_map(|id| self.made_of.get(id)).flatten();
        let made_of: Vec<u64> = removed.iter().chain(before).copied().collect();
        let joined: Arc<Segment> =
            self.write_segment(&mut manifest, stream, &rows, small[0].late, logs, made_of.clone())?;
        manifest.segments.retain(|info| !removed.contains(&info.id));
        manifest.segments.push(joined.info.clone());
        manifest.save(&*self.disk, &self.dir)?;
        self.manifest = manifest;
        self.made_of.retain(|id, _| !removed.contains(id));
        self.made_of.insert(joined.info.id, made_of);
        Ok(Some(Sealed { log: 0, added: vec![joined], removed }))
    }

    /// Small segments of one stream and month, the oldest first.
    fn small_ones(&self) -> Option<Vec<SegmentInfo>> {
        let covered = self.manifest.checkpoint.as_ref()?.log_from;
        let mut small: Vec<&SegmentInfo> =
            self.manifest.segments.iter().filter(|info| info.rows < SMALL_ROWS && info.logs.1 < covered).collect();
        // Folder: stream and month.
        let folder = |info: &SegmentInfo| info.file.rsplit_once('/').map(|(folder, _)| folder.to_owned());
        small.sort_by_key(|info| (folder(info), info.late, info.logs));
        small
            .chunk_by(|a, b| folder(a) == folder(b) && a.late == b.late)
            .find(|group| group.len() >= self.small_count)
            .map(|group| {
                let mut rows = 0;
                let fits = group.iter().take_while(|info| {
                    rows += info.rows;
                    rows <= JOINED_ROWS
                });
                fits.map(|info| (*info).clone()).collect()
            })
    }

    /// Takes segments out of the manifest whose rows are all too old; their ids.
    fn drop_old(&mut self) -> Result<Option<Vec<u64>>, StoreError> {
        let (Some(keep_us), Some(checkpoint)) = (self.keep_us, &self.manifest.checkpoint) else { return Ok(None) };
        // Not by the clock alone: one that is set far ahead would let everything go.
        let newest = self.manifest.segments.iter().map(|info| info.max_ts).max().unwrap_or(i64::MIN);
        let before_us = self.clock.now_us().min(newest).saturating_sub(keep_us);
        let old = |info: &&SegmentInfo| info.max_ts < before_us && info.logs.1 < checkpoint.log_from;
        let (removed, rows): (Vec<u64>, Vec<u64>) =
            self.manifest.segments.iter().filter(old).map(|info| (info.id, info.rows)).unzip();
        if removed.is_empty() {
            return Ok(None);
        }
        let mut manifest = self.manifest.clone();
        manifest.segments.retain(|info| !removed.contains(&info.id));
        manifest.dropped += rows.iter().sum::<u64>();
        manifest.save(&*self.disk, &self.dir)?;
        self.manifest = manifest;
        tracing::info!(segments = removed.len(), rows = rows.iter().sum::<u64>(), "rows past keeping left the store");
        Ok(Some(removed))
    }
}

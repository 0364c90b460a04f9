//! The rows of a stream as a tree of immutable sets, each knowing its least and greatest `ts`.
//!
//! What lands becomes a leaf; sixteen neighbours become a branch, and so on, so that a stream of any length is a handful
//! of nodes at each of a few levels. A sealed piece is a node too; its rows are looked at only when a window ends inside
//! it. When hot rows are sealed, the piece remembers the leaves it was made of, so that nothing is worked out twice.
//!
//! Reading a piece can fail (its file is gone or damaged); that is the caller's to show.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow::array::{Int64Array, RecordBatch, UInt32Array};
use arrow::compute::take_record_batch;
use parking_lot::Mutex;

use super::super::source::{Piece, StreamRows, View, range_of};
use crate::model::Stream;
use crate::store::columns::{compact, join};

/// Rows of a leaf of hot rows at most.
const HOT_LEAF_ROWS: usize = 2_048;
/// Rows of a leaf of a sealed piece: a window ends in one at a time, and is looked at at every tick.
pub const LEAF_ROWS: usize = 512;
/// A branch of no more hot rows than this becomes one leaf: rows that come one by one would else take many times their
/// own memory, in arrays for each look.
const SMALL_ROWS: usize = LEAF_ROWS;
/// Children of a branch.
const FAN: usize = 16;
/// Rows times columns of a stream's pieces that are kept at hand, about ten bytes each.
const CELLS_MAX: usize = 20_000_000;

/// An immutable set of rows.
pub struct Node {
    pub id: u64,
    pub ts_min: i64,
    pub ts_max: i64,
    seq_min: i64,
    seq_max: i64,
    rows: usize,
    /// Its number is the same after a restart.
    pub lasting: bool,
    pub rest: Rest,
}

pub enum Rest {
    Leaf(LeafRows),
    Branch(Vec<Arc<Node>>),
    /// A sealed piece, and its rows as nodes where they are at hand.
    Piece(Arc<Piece>, Mutex<Option<Parts>>),
}

/// Some rows, with all columns of their stream or some of them.
#[derive(Clone)]
pub struct LeafRows {
    pub batch: RecordBatch,
    /// Which columns, ascending; `None`: all.
    pub columns: Option<Arc<[usize]>>,
}

/// The rows of a piece as nodes.
#[derive(Clone)]
pub struct Parts {
    nodes: Arc<[Arc<Node>]>,
    /// The columns that are at hand; `None`: all.
    columns: Option<Arc<[usize]>>,
    cells: usize,
    /// When they were last looked at, in looks of the stream.
    used: u64,
}

impl Parts {
    fn of_forest(forest: &Forest, columns: Option<Arc<[usize]>>, cells: usize) -> Parts {
        Parts { nodes: forest.roots().cloned().collect::<Vec<_>>().into(), columns, cells, used: 0 }
    }

    fn have(&self, wanted: &[usize]) -> bool {
        let found = |columns: &Arc<[usize]>| wanted.iter().all(|column| columns.binary_search(column).is_ok());
        self.columns.as_ref().is_none_or(found)
    }
}

static NEXT_ID: AtomicU64 = AtomicU64::new(1);

fn fresh_id() -> u64 {
    // Even: fresh; odd: the hash of a sealed segment or of a branch's children. The two never meet.
    NEXT_ID.fetch_add(1, Ordering::Relaxed) << 1
}

impl Node {
    fn leaf(batch: RecordBatch) -> Option<Arc<Node>> {
        let ((ts_min, ts_max), (seq_min, seq_max)) = (range_of(&batch, "ts")?, range_of(&batch, "seq")?);
        let rows = batch.num_rows();
        let rest = Rest::Leaf(LeafRows { batch, columns: None });
        Some(Arc::new(Node { id: fresh_id(), ts_min, ts_max, seq_min, seq_max, rows, lasting: false, rest }))
    }

    /// Some rows of a piece; the same place in the same piece is the same leaf, whenever it is read.
    fn part(piece: &Node, place: usize, rows: LeafRows) -> Option<Arc<Node>> {
        let (ts_min, ts_max) = range_of(&rows.batch, "ts")?;
        let mut hasher = std::hash::DefaultHasher::new();
        (piece.id, place, "part").hash(&mut hasher);
        Some(Arc::new(Node {
            id: hasher.finish() | 1,
            ts_min,
            ts_max,
            seq_min: piece.seq_min,
            seq_max: piece.seq_max,
            rows: rows.batch.num_rows(),
            lasting: piece.lasting,
            rest: Rest::Leaf(rows),
        }))
    }

    fn piece(piece: Arc<Piece>) -> Arc<Node> {
        Arc::new(Node {
            id: piece.source.lasting_id().map_or_else(fresh_id, |id| id | 1),
            ts_min: piece.ts_min,
            ts_max: piece.ts_max,
            seq_min: piece.seq_min,
            seq_max: piece.seq_max,
            rows: piece.rows,
            lasting: piece.source.lasting_id().is_some(),
            rest: Rest::Piece(piece, Mutex::new(None)),
        })
    }

    /// The same children make the same branch.
    fn branch(children: Vec<Arc<Node>>) -> Arc<Node> {
        let lasting = children.iter().all(|child| child.lasting);
        let mut hasher = std::hash::DefaultHasher::new();
        for child in &children {
            child.id.hash(&mut hasher);
        }
        let of = |value: fn(&Node) -> i64| children.iter().map(move |child| value(child));
        Arc::new(Node {
            id: hasher.finish() | 1,
            ts_min: of(|node| node.ts_min).min().unwrap_or(i64::MAX),
            ts_max: of(|node| node.ts_max).max().unwrap_or(i64::MIN),
            seq_min: of(|node| node.seq_min).min().unwrap_or(i64::MAX),
            seq_max: of(|node| node.seq_max).max().unwrap_or(i64::MIN),
            rows: children.iter().map(|child| child.rows).sum(),
            lasting,
            rest: Rest::Branch(children),
        })
    }

    /// A branch of few hot rows as a leaf that holds a copy of them, under the same number: what is known of the one is
    /// known of the other.
    fn as_leaf(&self) -> Option<Arc<Node>> {
        if self.rows > SMALL_ROWS || !matches!(self.rest, Rest::Branch(_)) {
            return None;
        }
        let mut batches = Vec::new();
        if !self.whole_leaves(&mut batches) {
            return None;
        }
        let batch = join(&batches.first()?.schema(), &batches).ok()?;
        let rest = Rest::Leaf(LeafRows { batch, columns: None });
        let Node { id, ts_min, ts_max, seq_min, seq_max, rows, lasting, .. } = *self;
        Some(Arc::new(Node { id, ts_min, ts_max, seq_min, seq_max, rows, lasting, rest }))
    }

    /// Collects the rows below, in order; false where some of them are not at hand with all columns.
    fn whole_leaves(&self, batches: &mut Vec<RecordBatch>) -> bool {
        match &self.rest {
            Rest::Leaf(LeafRows { batch, columns: None }) => {
                batches.push(batch.clone());
                true
            }
            Rest::Branch(children) => children.iter().all(|child| child.whole_leaves(batches)),
            Rest::Leaf(_) | Rest::Piece(..) => false,
        }
    }

    /// Lets go of a piece's rows that are at hand as what it was sealed or joined from: by the next look at the pieces
    /// its own states are made, or its file is read.
    fn forget_origin(&self) {
        if let Rest::Piece(_, parts) = &self.rest {
            let mut parts = parts.lock();
            if parts.as_ref().is_some_and(|parts| parts.columns.is_none()) {
                *parts = None;
            }
        }
    }

    /// The nodes a piece's rows are at hand as, when they have these columns.
    pub fn at_hand_with(&self, wanted: &[usize]) -> Option<Arc<[Arc<Node>]>> {
        match &self.rest {
            Rest::Piece(_, parts) => {
                parts.lock().as_ref().filter(|parts| parts.have(wanted)).map(|parts| parts.nodes.clone())
            }
            _ => None,
        }
    }

    /// The nodes a piece's rows are at hand as.
    fn at_hand(&self) -> Option<Arc<[Arc<Node>]>> {
        match &self.rest {
            Rest::Piece(_, parts) => parts.lock().as_ref().map(|parts| parts.nodes.clone()),
            _ => None,
        }
    }

    fn visit(self: &Arc<Node>, seen: &mut impl FnMut(&Arc<Node>)) {
        seen(self);
        match &self.rest {
            Rest::Leaf(_) => {}
            Rest::Branch(children) => children.iter().for_each(|child| child.visit(seen)),
            Rest::Piece(..) => {
                if let Some(parts) = self.at_hand() {
                    parts.iter().for_each(|part| part.visit(seen));
                }
            }
        }
    }
}

/// Nodes in order, neighbours folded into branches.
#[derive(Clone, Default)]
struct Forest {
    /// Level 0 first; each level has fewer than [`FAN`] nodes, older ones first.
    levels: Vec<Vec<Arc<Node>>>,
}

impl Forest {
    fn push(&mut self, node: Arc<Node>) {
        let mut carry = Some(node);
        let mut level = 0;
        while let Some(node) = carry.take() {
            if self.levels.len() == level {
                self.levels.push(Vec::with_capacity(FAN));
            }
            let row = &mut self.levels[level];
            row.push(node);
            // Those before the last were seen as branches by whoever looks often.
            let full = row.len() == FAN;
            for node in row.iter_mut().rev().skip(usize::from(!full)).take(2) {
                if let Some(leaf) = node.as_leaf() {
                    *node = leaf;
                }
            }
            if full {
                carry = Some(Node::branch(std::mem::replace(row, Vec::with_capacity(FAN))));
            }
            level += 1;
        }
    }

    /// The roots, oldest first.
    fn roots(&self) -> impl Iterator<Item = &Arc<Node>> {
        self.levels.iter().rev().flatten()
    }

    fn leaves(&self) -> Vec<Arc<Node>> {
        let mut leaves = Vec::new();
        for root in self.roots() {
            root.visit(&mut |node| {
                if !matches!(node.rest, Rest::Branch(_)) {
                    leaves.push(node.clone());
                }
            });
        }
        leaves
    }
}

/// One stream, followed from view to view.
#[derive(Default)]
struct Follower {
    pieces: Vec<Arc<Node>>,
    sealed: Forest,
    hot: Forest,
    /// Hot rows below this sequence number are in the tree.
    next_seq: i64,
    opened: Arc<Opened>,
}

/// Pieces whose rows are at hand.
#[derive(Default)]
struct Opened {
    nodes: Mutex<Vec<Arc<Node>>>,
    looks: AtomicU64,
}

impl Opened {
    fn next_look(&self) -> u64 {
        self.looks.fetch_add(1, Ordering::Relaxed)
    }

    /// Adds a piece whose rows were just read, and lets go of those used longest ago.
    fn add(&self, node: &Arc<Node>) {
        let cells_and_use = |node: &Node| match &node.rest {
            Rest::Piece(_, parts) => parts.lock().as_ref().map_or((0, 0), |parts| (parts.cells, parts.used)),
            _ => (0, 0),
        };
        let mut nodes = self.nodes.lock();
        // Also those that nobody else holds any more: they were joined, or dropped for their age.
        nodes.retain(|held| !Arc::ptr_eq(held, node) && Arc::strong_count(held) > 1 && cells_and_use(held).0 > 0);
        nodes.push(node.clone());
        let mut sum: usize = nodes.iter().map(|node| cells_and_use(node).0).sum();
        while sum > CELLS_MAX && nodes.len() > 1 {
            let others = nodes[..nodes.len() - 1].iter().enumerate();
            let Some((oldest, _)) = others.min_by_key(|(_, node)| cells_and_use(node).1) else { break };
            let oldest = nodes.remove(oldest);
            sum -= cells_and_use(&oldest).0;
            if let Rest::Piece(_, parts) = &oldest.rest {
                *parts.lock() = None;
            }
        }
    }
}

/// The rows of all streams at one version, as nodes.
#[derive(Clone, Default)]
pub struct Rows {
    pub version: u64,
    streams: [StreamNodes; 6],
}

#[derive(Clone, Default)]
pub struct StreamNodes {
    roots: Arc<[Arc<Node>]>,
    /// From here on the roots are of hot rows.
    hot_from: usize,
    opened: Arc<Opened>,
}

impl StreamNodes {
    /// The sealed rows' roots.
    pub fn sealed(&self) -> &[Arc<Node>] {
        self.roots.get(..self.hot_from).unwrap_or_default()
    }

    /// The hot rows' roots.
    pub fn hot(&self) -> &[Arc<Node>] {
        self.roots.get(self.hot_from..).unwrap_or_default()
    }

    /// The rows of a piece as nodes with at least these columns (indexes into the stream's schema, `ts` among them), read
    /// now unless they are at hand.
    ///
    /// # Errors
    /// A sentence: the piece can't be read.
    pub fn open(&self, node: &Arc<Node>, wanted: &[usize]) -> Result<Arc<[Arc<Node>]>, String> {
        let Rest::Piece(piece, held) = &node.rest else { return Ok(Arc::new([])) };
        let known = {
            let mut held = held.lock();
            if let Some(parts) = held.as_mut().filter(|parts| parts.have(wanted)) {
                parts.used = self.opened.next_look();
                return Ok(parts.nodes.clone());
            }
            held.as_ref().and_then(|parts| parts.columns.clone())
        };
        let columns: BTreeSet<usize> =
            wanted.iter().chain(known.iter().flat_map(|known| known.iter())).copied().collect();
        let columns: Arc<[usize]> = columns.into_iter().collect();
        let mut forest = Forest::default();
        let batches = piece.source.columns(&columns)?;
        let slices = batches.iter().flat_map(|batch| split(batch, LEAF_ROWS));
        for (place, batch) in slices.enumerate() {
            let rows = LeafRows { batch, columns: Some(columns.clone()) };
            if let Some(leaf) = Node::part(node, place, rows) {
                forest.push(leaf);
            }
        }
        let cells = node.rows * columns.len();
        let made = Parts { used: self.opened.next_look(), ..Parts::of_forest(&forest, Some(columns), cells) };
        *held.lock() = Some(made.clone());
        self.opened.add(node);
        Ok(made.nodes)
    }

    /// The latest `ts` of all rows.
    pub fn newest(&self) -> i64 {
        self.roots.iter().map(|root| root.ts_max).max().unwrap_or(i64::MIN)
    }

    /// The earliest `ts` of all rows.
    pub fn oldest(&self) -> Option<i64> {
        self.roots.iter().map(|root| root.ts_min).min()
    }

    /// The ids of all nodes there are.
    pub fn ids(&self) -> HashSet<u64> {
        let mut ids = HashSet::new();
        for root in self.roots.iter() {
            root.visit(&mut |node| {
                ids.insert(node.id);
            });
        }
        ids
    }
}

impl StreamNodes {
    /// The sealed pieces, oldest first.
    pub fn pieces(&self) -> Vec<Arc<Node>> {
        let mut pieces = Vec::new();
        for root in self.roots.iter() {
            root.visit(&mut |node| {
                if matches!(node.rest, Rest::Piece(..)) {
                    pieces.push(node.clone());
                }
            });
        }
        pieces
    }
}

impl Rows {
    pub fn stream(&self, stream: Stream) -> &StreamNodes {
        &self.streams[stream as usize]
    }
}

/// Follows the views of a source.
#[derive(Default)]
pub struct Nodes {
    followers: [Follower; 6],
    latest: Arc<Rows>,
}

impl Nodes {
    /// The nodes of `view`; an older view than the last one gives the last one's.
    pub fn follow(&mut self, view: &View) -> Arc<Rows> {
        if view.version > self.latest.version || (view.version == 0 && self.latest.version == 0) {
            let mut rows = Rows { version: view.version, ..Rows::default() };
            for stream in Stream::ALL {
                let follower = &mut self.followers[stream as usize];
                follower.follow(view.stream(stream));
                rows.streams[stream as usize] = StreamNodes {
                    hot_from: follower.sealed.roots().count(),
                    roots: follower.sealed.roots().chain(follower.hot.roots()).cloned().collect::<Vec<_>>().into(),
                    opened: follower.opened.clone(),
                };
            }
            self.latest = Arc::new(rows);
        }
        self.latest.clone()
    }
}

impl Follower {
    fn follow(&mut self, rows: &StreamRows) {
        let same = self.pieces.len() == rows.pieces.len()
            && self.pieces.iter().zip(&rows.pieces).all(|(node, piece)| is_piece(node, piece));
        // Hot rows may be sealed, and their piece dropped again for its age, between two views.
        let hot_from = hot_from(rows);
        let left = self.hot.roots().any(|root| root.seq_min < hot_from);
        if !same || left {
            self.take_pieces(rows);
        }
        for batch in &rows.hot {
            let Some((first, last)) = seq_ends(batch) else { continue };
            if last < self.next_seq {
                continue;
            }
            let new = if first < self.next_seq { after_seq(batch, self.next_seq) } else { batch.clone() };
            for part in split(&new, HOT_LEAF_ROWS) {
                // Some rows of a batch that grows would hold all of it.
                let part = if part.num_rows() < batch.num_rows() { copy(&part) } else { part };
                if let Some(leaf) = Node::leaf(part) {
                    self.hot.push(leaf);
                }
            }
            self.next_seq = last + 1;
        }
    }

    /// Pieces came, and perhaps others went: by sealing, compaction or retention.
    fn take_pieces(&mut self, rows: &StreamRows) {
        let mut gone: HashMap<u64, Arc<Node>> = self.pieces.iter().map(|node| (piece_id(node), node.clone())).collect();
        let hot_from = hot_from(rows);
        let (sealed, kept): (Vec<_>, Vec<_>) = self.hot.leaves().into_iter().partition(|leaf| leaf.seq_max < hot_from);
        let mut pieces = Vec::with_capacity(rows.pieces.len());
        let mut fresh = Vec::new();
        for piece in &rows.pieces {
            match gone.remove(&piece.id) {
                Some(node) => {
                    node.forget_origin();
                    pieces.push(node);
                }
                None => {
                    fresh.push(pieces.len());
                    pieces.push(Node::piece(piece.clone()));
                }
            }
        }
        let mut gone: Vec<Arc<Node>> = gone.into_values().collect();
        gone.sort_by_key(|node| node.seq_min);
        for index in fresh {
            let node = &pieces[index];
            // Pieces of one sealing lie apart in time, those of different ones in number; so what lies inside in both is
            // part of this one, and where they begin and end with it and are as many rows they are all of them.
            let inside = |other: &&Arc<Node>| {
                let seq = other.seq_min >= node.seq_min && other.seq_max <= node.seq_max;
                seq && other.ts_min >= node.ts_min && other.ts_max <= node.ts_max
            };
            let leaves = |from: i64| sealed.iter().filter(inside).filter(move |leaf| leaf.seq_min > from).cloned();
            let as_many = |parts: &[Arc<Node>]| {
                let first = parts.iter().map(|part| part.seq_min).min();
                let last = parts.iter().map(|part| part.seq_max).max();
                let rows: usize = parts.iter().map(|part| part.rows).sum();
                (first, last, rows) == (Some(node.seq_min), Some(node.seq_max), node.rows)
            };
            let from_hot: Vec<_> = leaves(i64::MIN).collect();
            let (parts, cells) = if as_many(&from_hot) {
                let columns = from_hot.iter().find_map(|leaf| match &leaf.rest {
                    Rest::Leaf(rows) => Some(rows.batch.num_columns()),
                    _ => None,
                });
                (from_hot, node.rows * columns.unwrap_or(1))
            } else {
                let made_of = match &node.rest {
                    Rest::Piece(piece, _) => piece.source.made_of(),
                    _ => &[],
                };
                // What it was joined from, and what was sealed and joined to it since the last look.
                let mut parts: Vec<_> = match made_of {
                    [] => gone.iter().filter(inside).cloned().collect(),
                    ids => gone.iter().filter(|other| ids.contains(&piece_id(other))).cloned().collect(),
                };
                if parts.is_empty() || (made_of.is_empty() && parts.len() < gone.len()) {
                    continue;
                }
                let newest = parts.iter().map(|part| part.seq_max).max().unwrap_or(i64::MIN);
                parts.extend(leaves(newest));
                if !as_many(&parts) {
                    continue;
                }
                // Only what is known of them; their files are gone.
                (parts, 0)
            };
            let mut forest = Forest::default();
            parts.into_iter().for_each(|part| forest.push(part));
            if let Rest::Piece(_, held) = &node.rest {
                let used = self.opened.next_look();
                *held.lock() = Some(Parts { used, ..Parts::of_forest(&forest, None, cells) });
                self.opened.add(node);
            }
        }
        self.sealed = Forest::default();
        pieces.iter().for_each(|node| self.sealed.push(node.clone()));
        self.pieces = pieces;
        self.hot = Forest::default();
        for leaf in kept {
            let Rest::Leaf(rows) = &leaf.rest else { continue };
            let leaf = if leaf.seq_min < hot_from { Node::leaf(after_seq(&rows.batch, hot_from)) } else { Some(leaf) };
            if let Some(leaf) = leaf {
                self.hot.push(leaf);
            }
        }
        // Whatever was sealed before it was seen hot is in the pieces.
        let sealed_to = rows.pieces.iter().map(|piece| piece.seq_max).max().unwrap_or(i64::MIN);
        if hot_from < i64::MAX {
            self.next_seq = self.next_seq.max(hot_from);
        } else {
            self.next_seq = self.next_seq.max(sealed_to.saturating_add(1));
        }
    }
}

fn is_piece(node: &Node, piece: &Piece) -> bool {
    piece_id(node) == piece.id
}

fn piece_id(node: &Node) -> u64 {
    match &node.rest {
        Rest::Piece(piece, _) => piece.id,
        _ => 0,
    }
}

/// The sequence number from which on rows are hot.
fn hot_from(rows: &StreamRows) -> i64 {
    rows.hot.iter().find_map(seq_ends).map_or(i64::MAX, |(first, _)| first)
}

/// The first and the last sequence number; hot batches ascend.
fn seq_ends(batch: &RecordBatch) -> Option<(i64, i64)> {
    let seq = batch.column_by_name("seq")?.as_any().downcast_ref::<Int64Array>()?.values();
    Some((*seq.first()?, *seq.last()?))
}

fn after_seq(batch: &RecordBatch, from: i64) -> RecordBatch {
    let seq = batch.column_by_name("seq").and_then(|seq| seq.as_any().downcast_ref::<Int64Array>());
    let start = seq.map_or(0, |seq| seq.values().partition_point(|seq| *seq < from));
    batch.slice(start, batch.num_rows() - start)
}

/// The rows in memory of their own.
fn copy(batch: &RecordBatch) -> RecordBatch {
    let all = UInt32Array::from_iter_values(0..batch.num_rows() as u32);
    take_record_batch(batch, &all).map_or_else(|_| batch.clone(), |rows| compact(&rows))
}

fn split(batch: &RecordBatch, most: usize) -> impl Iterator<Item = RecordBatch> {
    let rows = batch.num_rows();
    (0..rows).step_by(most).map(move |start| batch.slice(start, most.min(rows - start)))
}

#[cfg(test)]
mod tests {
    use arrow::array::TimestampMicrosecondArray;

    use super::super::super::adapter::{MemorySource, Source, memory_piece};
    use super::*;

    fn rows(seqs: &[i64]) -> RecordBatch {
        let seq = Int64Array::from(seqs.to_vec());
        let ts = TimestampMicrosecondArray::from(seqs.to_vec());
        RecordBatch::try_from_iter([("ts", Arc::new(ts) as _), ("seq", Arc::new(seq) as _)]).unwrap()
    }

    fn seqs_of(node: &Arc<Node>) -> Vec<i64> {
        let mut seqs = Vec::new();
        node.visit(&mut |node| {
            if let Rest::Leaf(rows) = &node.rest {
                let seq = rows.batch.column_by_name("seq").unwrap();
                seqs.extend_from_slice(seq.as_any().downcast_ref::<Int64Array>().unwrap().values());
            }
        });
        seqs
    }

    #[test]
    fn a_piece_between_the_rows_of_others_is_not_taken_for_as_many_of_them() {
        let source = MemorySource::default();
        let mut nodes = Nodes::default();
        for seqs in [&[0, 1][..], &[2, 3], &[4, 5, 6, 7, 8, 9, 10, 11]] {
            source.land(Stream::Signals, rows(seqs));
            nodes.follow(&source.view());
        }
        // Rows 1 and 10 came late and are sealed apart; between them lies a leaf of two rows.
        let (late, others) = (vec![1, 10], vec![0, 2, 3, 4, 5, 6, 7, 8, 9, 11]);
        source.change(|view| {
            let stream = view.stream_mut(Stream::Signals);
            stream.hot.clear();
            for (id, seqs) in [(1, &others), (2, &late)] {
                stream.pieces.push(Arc::new(memory_piece(id, vec![rows(seqs)]).unwrap()));
            }
        });
        let followed = nodes.follow(&source.view());
        let stream = followed.stream(Stream::Signals);
        for (piece, expected) in stream.pieces().iter().zip([others, late]) {
            stream.open(piece, &[0, 1]).unwrap();
            assert_eq!(seqs_of(piece), expected);
        }
    }

    #[test]
    fn hot_rows_that_left_unseen_are_counted_no_more() {
        let source = MemorySource::default();
        let mut nodes = Nodes::default();
        source.land(Stream::Signals, rows(&[0, 1]));
        source.land(Stream::Signals, rows(&[2, 3]));
        nodes.follow(&source.view());
        // Rows 0 and 1 were sealed and dropped for their age before anybody looked.
        source.change(|view| drop(view.stream_mut(Stream::Signals).hot.remove(0)));
        let held = |rows: &Rows| rows.stream(Stream::Signals).hot().iter().flat_map(seqs_of).collect::<Vec<_>>();
        assert_eq!(held(&nodes.follow(&source.view())), [2, 3]);
        source.change(|view| view.stream_mut(Stream::Signals).hot.clear());
        assert_eq!(held(&nodes.follow(&source.view())), Vec::<i64>::new());
        source.land(Stream::Signals, rows(&[4]));
        assert_eq!(held(&nodes.follow(&source.view())), [4]);
    }

    #[test]
    fn rows_that_come_one_by_one_are_few_leaves_and_gone_when_others_were_sealed() {
        let source = MemorySource::default();
        let mut nodes = Nodes::default();
        let leaves = |rows: &Rows| {
            let mut leaves = 0;
            for root in rows.stream(Stream::Signals).roots.iter() {
                root.visit(&mut |node| leaves += usize::from(matches!(node.rest, Rest::Leaf(_))));
            }
            leaves
        };
        let mut next = 0;
        for round in 0..3 {
            for _ in 0..1_000 {
                source.land(Stream::Signals, rows(&[next]));
                next += 1;
                let followed = nodes.follow(&source.view());
                assert!(leaves(&followed) < 160, "{} leaves of {next} rows", leaves(&followed));
            }
            let followed = nodes.follow(&source.view());
            let hot: Vec<i64> = followed.stream(Stream::Signals).hot().iter().flat_map(seqs_of).collect();
            assert_eq!(hot, (round * 1_000..next).collect::<Vec<_>>());
            source.seal(Stream::Signals, 1_000);
            let followed = nodes.follow(&source.view());
            let pieces = followed.stream(Stream::Signals).pieces();
            let (last, before) = pieces.split_last().unwrap();
            assert!(last.at_hand().is_some() && before.iter().all(|piece| piece.at_hand().is_none()));
            assert_eq!(seqs_of(last), (round * 1_000..next).collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_leaf_does_not_hold_the_batch_that_it_is_some_rows_of() {
        let source = MemorySource::default();
        let mut nodes = Nodes::default();
        let all: Vec<i64> = (0..1_000).collect();
        source.land(Stream::Signals, rows(&all[..999]));
        nodes.follow(&source.view());
        source.change(|view| view.stream_mut(Stream::Signals).hot = vec![rows(&all)]);
        let followed = nodes.follow(&source.view());
        let Rest::Leaf(leaf) = &followed.stream(Stream::Signals).hot()[1].rest else { panic!("a leaf") };
        let seq = leaf.batch.column_by_name("seq").unwrap().to_data();
        assert!(seq.buffers()[0].capacity() < 1_000, "{} bytes for one number", seq.buffers()[0].capacity());
    }

    #[test]
    fn a_piece_of_all_the_hot_rows_keeps_their_leaves() {
        let source = MemorySource::default();
        let mut nodes = Nodes::default();
        source.land(Stream::Signals, rows(&[0, 1]));
        source.land(Stream::Signals, rows(&[2, 3]));
        let before: Vec<u64> =
            nodes.follow(&source.view()).stream(Stream::Signals).hot().iter().map(|n| n.id).collect();
        source.seal(Stream::Signals, 2);
        let followed = nodes.follow(&source.view());
        let pieces = followed.stream(Stream::Signals).pieces();
        let parts: Vec<u64> = pieces[0].at_hand().unwrap().iter().map(|part| part.id).collect();
        assert_eq!(parts, before);
    }
}

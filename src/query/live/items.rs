//! Which sets of rows matter at a clock, and under which key the state of each is known.

use std::sync::Arc;

use arrow::array::RecordBatch;

use super::cost::TickError;
use super::nodes::{LeafRows, Node, Rest, StreamNodes};
use super::window::{Outcome, Window};

pub struct Item<'a> {
    pub node: &'a Arc<Node>,
    pub key: u64,
    pub passing: bool,
}

/// A node's state among those merged, in order.
#[derive(PartialEq)]
pub struct Listed {
    pub node: u64,
    pub key: u64,
    /// The node is known by the same number after a restart.
    pub lasting: bool,
}

/// What `items` hold beyond the list merged before, when that list is their beginning: the same sets, or sets that have
/// become parts of a branch since.
pub fn grown(before: &[Listed], items: &[Item<'_>]) -> Option<Vec<(Arc<Node>, u64)>> {
    let (mut before, mut fresh) = (before.iter(), Vec::new());
    let mut stack: Vec<(&Arc<Node>, u64)> = items.iter().rev().map(|item| (item.node, item.key)).collect();
    while let Some((node, key)) = stack.pop() {
        let Some(next) = before.as_slice().first() else {
            fresh.push((node.clone(), key));
            continue;
        };
        if (next.node, next.key) == (node.id, key) {
            before.next();
        } else if let Rest::Branch(children) = &node.rest {
            stack.extend(children.iter().rev().map(|child| (child, key)));
        } else {
            return None;
        }
    }
    before.as_slice().is_empty().then_some(fresh)
}

/// Rows to be worked out together, and which columns they have (all without it).
pub type Together = (Vec<RecordBatch>, Option<Arc<[usize]>>);

/// The rows of a set's parts, when they are all leaves of the same columns and none is known: then they are worked out
/// together.
pub fn all_leaves(parts: &[Arc<Node>], missing: &[Arc<Node>]) -> Option<Together> {
    if missing.is_empty() || missing.len() < parts.len() {
        return None;
    }
    let leaf = |node: &Arc<Node>| match &node.rest {
        Rest::Leaf(rows) => Some(rows.clone()),
        _ => None,
    };
    let leaves: Vec<LeafRows> = parts.iter().map(leaf).collect::<Option<_>>()?;
    let columns = leaves.first()?.columns.clone();
    let same = leaves.iter().all(|rows| rows.columns == columns);
    same.then(|| (leaves.into_iter().map(|rows| rows.batch).collect(), columns))
}

/// The sets of rows that matter at these thresholds: node, key of its state, whether a window ends in it.
pub fn collect_items(
    window: &mut Window,
    columns: &[usize],
    nodes: &StreamNodes,
    node: &Arc<Node>,
    thresholds: &[Option<i64>],
    items: &mut Vec<(Arc<Node>, u64, bool)>,
) -> std::result::Result<(), TickError> {
    let truths = window.truths(thresholds, node.ts_min, node.ts_max);
    let (residue, atoms, finer) = match window.outcome(truths)? {
        Outcome::Empty => return Ok(()),
        Outcome::Rows { residue, atoms, finer } => (*residue, atoms.clone(), *finer),
    };
    if finer {
        match &node.rest {
            Rest::Leaf(_) => {}
            Rest::Branch(children) => {
                for child in children {
                    collect_items(window, columns, nodes, child, thresholds, items)?;
                }
                return Ok(());
            }
            Rest::Piece(..) => {
                for part in nodes.open(node, columns).map_err(TickError::Rows)?.iter() {
                    collect_items(window, columns, nodes, part, thresholds, items)?;
                }
                return Ok(());
            }
        }
    }
    let key = key_of(residue, &atoms, thresholds);
    // A leaf in which a window ends is another one soon; what hangs on a calendar day stays for the day.
    items.push((node.clone(), key, finer));
    Ok(())
}

/// What a state hangs on besides its rows: the specialised query, and the thresholds still in it.
pub fn key_of(residue: u64, atoms: &[usize], thresholds: &[Option<i64>]) -> u64 {
    atoms.iter().fold(residue, |key, index| {
        let threshold = thresholds.get(*index).copied().flatten();
        key.rotate_left(5) ^ mix(threshold.unwrap_or(i64::MIN) as u64 ^ ((*index as u64) << 56))
    })
}

/// A well-spread hash of one number (SplitMix64's finalizer).
fn mix(value: u64) -> u64 {
    let value = (value ^ (value >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    value ^ (value >> 31)
}

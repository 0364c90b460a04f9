//! A number for a row that has none of its own: a digest of what it says.
//!
//! It covers the columns the map makes events from, by name, so that it stays the same when the file is exported
//! again with its rows or columns in another order, or with more of either. Keyed columns go in as pseudonyms: a
//! digest of a phone number could be tried out.

use sha2::{Digest, Sha256};

use super::key::Key;
use super::map::Mapping;

/// 32 hexadecimal digits.
pub fn row(map: &Mapping, values: &[Option<&str>], key: Option<&Key>) -> String {
    use std::fmt::Write;
    let mut order: Vec<usize> = (0..map.columns.len()).filter(|at| map.columns[*at].content).collect();
    order.sort_by(|a, b| map.columns[*a].name.cmp(&map.columns[*b].name));
    let mut digest = Sha256::new();
    for at in order {
        let Some(value) = values[at] else { continue };
        let column = &map.columns[at];
        digest.update(column.name.as_bytes());
        digest.update([0x1f]);
        match key {
            Some(key) if column.keyed => digest.update(key.pseudonym(value).as_bytes()),
            _ => digest.update(value.as_bytes()),
        }
        digest.update([0x1e]);
    }
    digest.finalize()[..16].iter().fold(String::with_capacity(32), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

//! Which rows were seen before, by (`src`, `src_seq`).
//!
//! Numbers are kept as 64-bit words of a bitmap; a full word becomes part of a range, so a dense sequence costs a few
//! bytes however long it is. Anything else is kept as a 128-bit digest (two different keys meet with a chance of
//! 10⁻²⁴ in ten million, which is taken). Exact for numbers.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::digest::digest128;

#[derive(Debug, Default)]
pub struct Dedup {
    sources: HashMap<Box<str>, Keys, ahash::RandomState>,
}

#[derive(Debug, Default)]
pub struct Keys {
    /// Number / 64 → which of the 64 were seen; never all of them.
    words: HashMap<u64, u64, ahash::RandomState>,
    /// Runs of full words: first → last.
    full: BTreeMap<u64, u64>,
    digests: HashSet<u128, ahash::RandomState>,
}

/// A sequence number written the one usual way: digits without leading zeros.
pub fn number(text: &str) -> Option<u64> {
    let bytes = text.as_bytes();
    if bytes.is_empty() || bytes.len() > 19 || (bytes[0] == b'0' && bytes.len() > 1) {
        return None;
    }
    let mut value = 0_u64;
    for byte in bytes {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        value = value * 10 + u64::from(digit);
    }
    Some(value)
}

impl Dedup {
    /// The keys of one source.
    pub fn source(&mut self, src: &str) -> &mut Keys {
        if !self.sources.contains_key(src) {
            self.sources.insert(src.into(), Keys::default());
        }
        self.sources.entry(src.into()).or_default()
    }

    pub fn sources(&self) -> impl Iterator<Item = (&str, &Keys)> {
        self.sources.iter().map(|(src, keys)| (&**src, keys))
    }

    pub fn put(&mut self, src: &str, keys: Keys) {
        self.sources.insert(src.into(), keys);
    }
}

impl Keys {
    /// Notes the key; false when it was seen before.
    pub fn insert(&mut self, src_seq: &str) -> bool {
        match number(src_seq) {
            Some(number) => self.insert_number(number),
            None => self.digests.insert(digest128(src_seq.as_bytes())),
        }
    }

    #[cfg(test)]
    pub fn contains(&self, src_seq: &str) -> bool {
        match number(src_seq) {
            Some(number) => match self.words.get(&(number >> 6)) {
                Some(word) => word & (1 << (number & 63)) != 0,
                None => self.is_full(number >> 6),
            },
            None => self.digests.contains(&digest128(src_seq.as_bytes())),
        }
    }

    fn insert_number(&mut self, number: u64) -> bool {
        let (index, bit) = (number >> 6, 1_u64 << (number & 63));
        if let Some(word) = self.words.get_mut(&index) {
            if *word & bit != 0 {
                return false;
            }
            *word |= bit;
            if *word == u64::MAX {
                self.words.remove(&index);
                self.fill(index);
            }
            return true;
        }
        if self.is_full(index) {
            return false;
        }
        self.words.insert(index, bit);
        true
    }

    fn is_full(&self, index: u64) -> bool {
        self.full.range(..=index).next_back().is_some_and(|(_, last)| *last >= index)
    }

    fn fill(&mut self, index: u64) {
        let mut first = index;
        let mut last = index;
        if let Some((before, end)) = self.full.range(..index).next_back()
            && *end + 1 == index
        {
            first = *before;
        }
        if let Some(end) = self.full.remove(&(index + 1)) {
            last = end;
        }
        self.full.insert(first, last);
    }

    /// (full runs of words, words, digests): all there is to know, for a checkpoint.
    pub fn parts(
        &self,
    ) -> (impl Iterator<Item = (u64, u64)>, impl Iterator<Item = (u64, u64)>, impl Iterator<Item = u128>) {
        (
            self.full.iter().map(|(first, last)| (*first, *last)),
            self.words.iter().map(|(index, word)| (*index, *word)),
            self.digests.iter().copied(),
        )
    }

    pub fn from_parts(
        full: impl Iterator<Item = (u64, u64)>,
        words: impl Iterator<Item = (u64, u64)>,
        digests: impl Iterator<Item = u128>,
    ) -> Keys {
        Keys { full: full.collect(), words: words.collect(), digests: digests.collect() }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_dense_sequence_is_one_run_and_each_key_counts_once() {
        let mut keys = Keys::default();
        for n in (0..64_000_u64).rev() {
            assert!(keys.insert(&n.to_string()));
        }
        assert_eq!((keys.full.len(), keys.words.len()), (1, 0));
        assert!(!keys.insert("63999"));
        assert!(keys.insert("64000"));
        // Written otherwise it is another key.
        assert!(keys.insert("007"));
        assert!(!keys.insert("007"));
        assert!(keys.insert("99999999999999999999"));
        assert!(keys.contains("7") && keys.contains("007") && !keys.contains("08"));
    }

    proptest! {
        #[test]
        fn it_agrees_with_a_plain_set(numbers in prop::collection::vec(0_u64..400, 0..900)) {
            let mut keys = Keys::default();
            let mut plain = HashSet::new();
            for number in numbers {
                prop_assert_eq!(keys.insert(&number.to_string()), plain.insert(number));
            }
            let (full, words, digests) = keys.parts();
            let again = Keys::from_parts(full, words, digests);
            for number in 0..400 {
                prop_assert_eq!(again.contains(&number.to_string()), plain.contains(&number));
            }
        }
    }
}

//! What the fuzz targets share: good inputs, damaged.
//!
//! Pure noise hardly gets past the first check of a decoder, so each input is a good one with some bytes changed, cut
//! out, doubled, or replaced by words that mean something there. The targets stand beside what they attack, are called
//! `fuzz_*` and run a bounded number of inputs with the other tests; `docs/testing.md` says how to run them for longer.

/// Numbers at which code breaks.
const EDGES: [u64; 10] =
    [0, 1, 0x7f, 0xff, 0x7fff_ffff, 0xffff_ffff, 0x7fff_ffff_ffff_ffff, 0x8000_0000_0000_0000, u64::MAX - 1, u64::MAX];

/// Reads choices from the fuzzer's bytes; zeros when they are used up.
pub struct Choices<'a>(&'a [u8]);

impl<'a> Choices<'a> {
    pub fn new(bytes: &'a [u8]) -> Choices<'a> {
        Choices(bytes)
    }

    pub fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    /// A number below `end`; 0 when that is 0.
    pub fn below(&mut self, end: usize) -> usize {
        let number = u32::from_le_bytes([self.byte(), self.byte(), self.byte(), 0]) as usize;
        number.checked_rem(end).unwrap_or(0)
    }

    /// One of the seeds with a few changes.
    pub fn damaged(&mut self, seeds: &[Vec<u8>], words: &[&str]) -> Vec<u8> {
        let mut bytes = seeds[self.below(seeds.len())].clone();
        for _ in 0..=self.byte() % 6 {
            self.change(&mut bytes, seeds, words);
        }
        bytes
    }

    /// [`Choices::damaged`] of texts.
    pub fn damaged_text(&mut self, seeds: &[Vec<u8>], words: &[&str]) -> String {
        String::from_utf8_lossy(&self.damaged(seeds, words)).into_owned()
    }

    fn change(&mut self, bytes: &mut Vec<u8>, seeds: &[Vec<u8>], words: &[&str]) {
        let at = self.below(bytes.len() + 1);
        let run = |choices: &mut Self, bytes: &[u8]| {
            let length = if choices.byte() < 200 { choices.below(24) } else { choices.below(bytes.len() + 1) };
            at..(at + length).min(bytes.len())
        };
        match self.byte() % 10 {
            0 => bytes.truncate(at),
            1 => {
                let run = run(self, bytes);
                bytes.drain(run);
            }
            2 => {
                let run = run(self, bytes);
                let copy = bytes[run].to_vec();
                let to = self.below(bytes.len() + 1);
                bytes.splice(to..to, copy);
            }
            3 => {
                let edge = EDGES[self.below(EDGES.len())].to_le_bytes();
                let width = [1, 2, 4, 8][self.below(4)];
                let end = (at + width).min(bytes.len());
                bytes[at..end].copy_from_slice(&edge[..end - at]);
            }
            4 => {
                let other = &seeds[self.below(seeds.len())];
                let from = self.below(other.len() + 1);
                let length = self.below(64).min(other.len() - from);
                bytes.splice(at..at, other[from..from + length].iter().copied());
            }
            5 | 6 if !words.is_empty() => {
                let word = words[self.below(words.len())];
                let end = run(self, bytes).end;
                let end = if self.byte() < 128 { at } else { end };
                bytes.splice(at..end, word.bytes());
            }
            7 => {
                let byte = self.byte();
                bytes.insert(at, byte);
            }
            _ => {
                let byte = self.byte();
                if let Some(place) = bytes.get_mut(at) {
                    *place ^= byte | 1;
                }
            }
        }
    }
}

/// The contents of the files of a folder under the repository with this ending.
pub fn files(folder: &str, ending: &str) -> Vec<Vec<u8>> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == ending));
    paths.sort();
    paths.iter().map(|path| std::fs::read(path).unwrap()).collect()
}

#[test]
fn damage_is_drawn_from_the_bytes_and_touches_the_seed() {
    let seeds = vec![b"a good input of some length".to_vec()];
    let mut different = std::collections::HashSet::new();
    for n in 0..200_u8 {
        let bytes: Vec<u8> = (0..40).map(|i: u8| n.wrapping_mul(31).wrapping_add(i.wrapping_mul(17)) ^ n).collect();
        let damaged = Choices::new(&bytes).damaged(&seeds, &["word"]);
        assert_eq!(damaged, Choices::new(&bytes).damaged(&seeds, &["word"]));
        different.insert(damaged);
    }
    assert!(different.len() > 50, "{}", different.len());
}

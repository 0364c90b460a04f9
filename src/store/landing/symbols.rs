//! Texts that repeat (services, districts, units, topics), each kept once and named by a number.
//!
//! Bounded by what is in use: [`Symbols::wants_sweep`] says when to rebuild from the holders.

use std::collections::HashMap;
use std::sync::Arc;

use crate::store::slab::{Slab, View};

/// A text of [`Symbols`]; [`NONE`] is null.
pub type Symbol = u32;
pub const NONE: Symbol = 0;

#[derive(Debug)]
pub struct Symbols {
    numbers: HashMap<Arc<str>, Symbol, ahash::RandomState>,
    texts: Slab<Arc<str>>,
    /// Short texts seen last, by their Arrow view, which holds the whole text: most lookups end here.
    recent: Vec<(u128, Symbol)>,
    sweep_at: usize,
}

const RECENT: usize = 1024;
const SWEEP_MIN: usize = 100_000;

impl Default for Symbols {
    fn default() -> Self {
        let mut texts = Slab::default();
        // Slot 0 is null.
        texts.insert(Arc::from(""));
        Symbols { numbers: HashMap::default(), texts, recent: vec![(0, NONE); RECENT], sweep_at: SWEEP_MIN }
    }
}

impl Symbols {
    pub fn intern(&mut self, text: &str) -> Symbol {
        if let Some(number) = self.numbers.get(text) {
            return *number;
        }
        let text: Arc<str> = Arc::from(text);
        let number = self.texts.insert(text.clone());
        self.numbers.insert(text, number);
        number
    }

    /// [`Symbols::intern`] of a text that comes with its Arrow view.
    pub fn intern_view(&mut self, view: u128, text: &str) -> Symbol {
        // The length is the low 32 bits; up to 12 bytes the rest of the view is the text.
        if view as u32 > 12 {
            return self.intern(text);
        }
        let mixed = ((view >> 64) as u64 ^ view as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let place = (mixed >> 54) as usize % RECENT;
        let (known, number) = self.recent[place];
        if known == view && number != NONE {
            return number;
        }
        let number = self.intern(text);
        self.recent[place] = (view, number);
        number
    }

    pub fn intern_option(&mut self, text: Option<&str>) -> Symbol {
        text.map_or(NONE, |text| self.intern(text))
    }

    pub fn text(&self, symbol: Symbol) -> Option<&str> {
        if symbol == NONE { None } else { self.texts.get(symbol).map(|text| &**text) }
    }

    pub fn iter(&self) -> impl Iterator<Item = (Symbol, &str)> {
        self.texts.iter().filter(|(symbol, _)| *symbol != NONE).map(|(symbol, text)| (symbol, &**text))
    }

    pub fn view(&mut self) -> View<Arc<str>> {
        self.texts.view()
    }

    /// Many texts came since the last rebuild; the holders should move to a fresh table with [`Symbols::fresh`].
    pub fn wants_sweep(&self) -> bool {
        self.texts.len() > self.sweep_at
    }

    /// The texts that `visit` names again, in a new table; the old symbols are changed in place by the callers.
    pub fn moved(&mut self, from: &Symbols, symbol: &mut Symbol) {
        *symbol = self.intern_option(from.text(*symbol));
    }

    pub fn swept(&mut self) {
        self.sweep_at = SWEEP_MIN.max(self.texts.len() * 2);
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::StringViewArray;

    use super::*;

    #[test]
    fn a_text_has_one_number_whichever_way_it_comes() {
        let mut symbols = Symbols::default();
        let array = StringViewArray::from(vec!["life", "a text longer than twelve bytes", "life", ""]);
        for row in 0..4 {
            let number = symbols.intern_view(array.views()[row], array.value(row));
            assert_eq!(number, symbols.intern(array.value(row)));
            assert_eq!(symbols.text(number), Some(array.value(row)));
            assert_ne!(number, NONE);
        }
        assert_eq!(symbols.text(NONE), None);
    }
}

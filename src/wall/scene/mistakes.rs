//! Where a mistake in a scene file is, and what was probably meant.

use crate::model::text::nearest;

/// The line, counted from 1, in which a byte lies.
pub fn line_of(text: &str, offset: usize) -> usize {
    text[..offset.min(text.len())].bytes().filter(|byte| *byte == b'\n').count() + 1
}

/// The line between two offsets that sets `key` (or holds it, when it is quoted); the first line when none does.
pub fn line_of_key(text: &str, start: usize, end: usize, key: &str) -> usize {
    let mut offset = start;
    for line in text[start..end].split_inclusive('\n') {
        let holds = if key.starts_with('"') {
            line.contains(key)
        } else {
            !key.is_empty()
                && line.trim_start().strip_prefix(key).is_some_and(|rest| rest.trim_start().starts_with('='))
        };
        if holds {
            return line_of(text, offset);
        }
        offset += line.len();
    }
    line_of(text, start)
}

/// serde's "unknown field `metrc`, expected one of `metric`, …", with the nearest of them named.
pub fn with_suggestion(message: &str) -> String {
    let message = message.trim().replace('\n', "; ");
    let quoted: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    match quoted.split_first() {
        Some((wrong, known)) if message.starts_with("unknown field") => match nearest(wrong, known.iter().copied()) {
            Some(near) => format!("{message}; did you mean `{near}`?"),
            None => message,
        },
        _ => message,
    }
}

/// Which line of a text (from 0) holds all of these words in quotes, else the first of them; 0 where none does.
pub fn line_with(text: &str, words: &[&str]) -> usize {
    // A metric may be written with parameters: only its beginning is sure.
    let holds = |line: &str, word: &str| line.contains(&format!("\"{word}\"")) || line.contains(&format!("\"{word}?"));
    let position = |wanted: &[&str]| text.lines().position(|line| wanted.iter().all(|word| holds(line, word)));
    position(words).or_else(|| words.iter().find_map(|word| position(&[word]))).unwrap_or(0)
}

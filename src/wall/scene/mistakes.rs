//! Where a mistake in a scene file is, and what was probably meant.

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
        Some((wrong, known)) if message.starts_with("unknown field") => match nearest(wrong, known) {
            Some(near) => format!("{message}; did you mean `{near}`?"),
            None => message,
        },
        _ => message,
    }
}

/// The known word nearest to a misspelt one, if it is near at all.
pub fn nearest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    let distance = |other: &str| edit_distance(word, other);
    known
        .iter()
        .map(|other| (distance(other), *other))
        .min()
        .filter(|(distance, other)| *distance <= 2.max(other.chars().count() / 3))
        .map(|(_, other)| other)
}

fn edit_distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (above, from) in from.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = above + 1;
        for (index, to) in to.iter().enumerate() {
            let cost = diagonal + usize::from(from != *to);
            diagonal = row[index + 1];
            row[index + 1] = cost.min(row[index] + 1).min(diagonal + 1);
        }
    }
    row[to.len()]
}

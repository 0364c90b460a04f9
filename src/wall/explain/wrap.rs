//! Texts of several lines: where a line may end, in Chinese and in English.

use super::super::canvas::paint::is_wide;

/// No line begins with one of these.
const CLOSING: &str = "，。、；：？！）》」』】”’％%,.;:?!)]}>…";
/// No line ends with one of these.
const OPENING: &str = "（《「『【“‘([{<";

/// The lines of a text none of which is wider than `width`, as `measure` says; a word that is wider alone is broken.
pub fn wrap(text: &str, width: f32, mut measure: impl FnMut(&str) -> f32) -> Vec<&str> {
    let mut lines = Vec::new();
    // What is not yet in a line begins here; up to `fits` it fits.
    let (mut begin, mut fits) = (0, 0);
    for end in ends(text) {
        while measure(text[begin..end].trim()) > width {
            if fits <= begin {
                fits = broken(&text[begin..end], width, &mut measure) + begin;
                if fits >= end {
                    break;
                }
            }
            lines.push(text[begin..fits].trim());
            begin = fits;
        }
        fits = end;
    }
    lines.push(text[begin..].trim());
    lines.retain(|line| !line.is_empty());
    lines
}

/// How many bytes of a word fit: one character at least.
fn broken(word: &str, width: f32, measure: &mut impl FnMut(&str) -> f32) -> usize {
    let ends = word.char_indices().map(|(at, character)| at + character.len_utf8());
    let fitting = ends.clone().take_while(|end| measure(&word[..*end]) <= width).last();
    fitting.or_else(|| ends.clone().next()).unwrap_or(word.len())
}

/// The places of a text at which a line may end, the end of the text among them.
fn ends(text: &str) -> impl Iterator<Item = usize> {
    let pairs = text.char_indices().zip(text.chars().skip(1));
    let inside = pairs.filter_map(|((at, before), after)| may_part(before, after).then(|| at + before.len_utf8()));
    inside.chain([text.len()])
}

fn may_part(before: char, after: char) -> bool {
    if after == ' ' || CLOSING.contains(after) || OPENING.contains(before) {
        return false;
    }
    before == ' ' || is_wide(before) || is_wide(after)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A Chinese character is two wide, any other one.
    fn measure(text: &str) -> f32 {
        text.chars().map(|character| if is_wide(character) { 2.0 } else { 1.0 }).sum()
    }

    #[test]
    fn english_parts_between_words_and_chinese_between_characters() {
        assert_eq!(wrap("tickets with an open", 12.0, measure), ["tickets with", "an open"]);
        assert_eq!(wrap("今日零时起受理的工单", 8.0, measure), ["今日零时", "起受理的", "工单"]);
        assert_eq!(wrap("k: 60 秒内办结", 8.0, measure), ["k: 60 秒", "内办结"]);
        assert_eq!(wrap("", 8.0, measure), Vec::<&str>::new());
    }

    #[test]
    fn no_line_begins_with_closing_or_ends_with_opening_punctuation() {
        assert_eq!(wrap("今日受理，昨日", 8.0, measure), ["今日受", "理，昨日"]);
        assert_eq!(wrap("受理工单（含重办）", 10.0, measure), ["受理工单", "（含重办）"]);
    }

    #[test]
    fn a_word_wider_than_the_line_is_broken_and_nothing_is_lost() {
        assert_eq!(wrap("ab queries/x.sql", 6.0, measure), ["ab", "querie", "s/x.sq", "l"]);
        assert_eq!(wrap("口径", 1.0, measure), ["口", "径"], "one character at least");
    }
}

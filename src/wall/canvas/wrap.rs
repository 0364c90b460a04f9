//! A text in lines.
//!
//! Chinese breaks between any two characters, but no line begins with a mark that closes or pauses and none ends with one
//! that opens (避头尾, as in the W3C's Requirements for Chinese Text Layout, 3.1.3); words and figures of other scripts stay
//! whole. Of all ways to have as few lines as can be, the one whose lines are most alike is taken, and rather one that
//! breaks where the sentence pauses.

use super::paint::is_wide;

/// No line begins with these.
const CLOSING: &str = "，。、；：？！，．）》」』】〉〕”’…—～·％‰℃,.;:?!)]}%";
/// No line ends with these.
const OPENING: &str = "（《「『【〈〔“‘([{";
/// Behind these a sentence pauses.
const PAUSES: &str = "，。、；：？！…,.;:?!";
/// What a break inside a clause costs: as much as a line that is seven tenths too short. Behind 的 it costs less, since it
/// splits no word there.
const INSIDE: f32 = 0.5;
const BEHIND_DE: f32 = 0.4;
/// A last line may be shorter than the others.
const LAST: f32 = 0.5;

/// A part of the text that stays whole.
struct Piece {
    /// Where it ends, bytes.
    end: usize,
    /// With the spaces behind it, and without, in the unit of the advances.
    whole: f32,
    ink: f32,
}

/// The lines of a text, none wider than `width` unless a single character is; `advance` is how far a character moves the
/// pen. They are as few as can be, or up to `spare` more where a break inside a clause is saved. A text without
/// characters has no line.
pub fn wrap(text: &str, width: f32, spare: usize, advance: impl FnMut(char) -> f32) -> Vec<&str> {
    let pieces = pieces(text, width, advance);
    let most = fewest(&pieces, width) + spare;
    // What the text up to behind a piece costs in so many lines, and where the last of them begins.
    let mut best = vec![vec![(f32::INFINITY, 0_usize); most + 1]; pieces.len() + 1];
    best[0][0].0 = 0.0;
    for end in 1..=pieces.len() {
        let (mut before, last) = (0.0, &pieces[end - 1]);
        let inside = match &text[..last.end] {
            text if pauses(text) => 0.0,
            text if text.ends_with('的') => BEHIND_DE,
            _ => INSIDE,
        };
        for begin in (0..end).rev() {
            before += if begin + 1 < end { pieces[begin].whole } else { 0.0 };
            let wide = before + last.ink;
            if wide > width && begin + 1 < end {
                break;
            }
            let slack = (1.0 - wide / width.max(0.001)).powi(2);
            let line = if end == pieces.len() { slack * LAST } else { slack + inside };
            for lines in 1..=most {
                let cost = best[begin][lines - 1].0 + line;
                if cost < best[end][lines].0 {
                    best[end][lines] = (cost, begin);
                }
            }
        }
    }
    let mut end = pieces.len();
    let cheapest = (0..=most).min_by(|a, b| best[end][*a].0.total_cmp(&best[end][*b].0)).unwrap_or(0);
    let mut lines = Vec::with_capacity(cheapest);
    for count in (1..=cheapest).rev() {
        let begin = best[end][count].1;
        let from = if begin == 0 { 0 } else { pieces[begin - 1].end };
        lines.push(text[from..pieces[end - 1].end].trim());
        end = begin;
    }
    lines.reverse();
    lines
}

/// How many lines there are when each takes what it can.
fn fewest(pieces: &[Piece], width: f32) -> usize {
    let (mut lines, mut taken) = (0, f32::INFINITY);
    for piece in pieces {
        if taken + piece.ink > width {
            (lines, taken) = (lines + 1, 0.0);
        }
        taken += piece.whole;
    }
    lines
}

fn pieces(text: &str, width: f32, mut advance: impl FnMut(char) -> f32) -> Vec<Piece> {
    let mut pieces: Vec<Piece> = Vec::new();
    let mut before: Option<char> = None;
    for (at, character) in text.char_indices() {
        let wide = advance(character);
        let end = at + character.len_utf8();
        // A word wider than a line is broken anywhere.
        let joins = before.is_some_and(|before| !may_break(before, character));
        match pieces.last_mut().filter(|piece| joins && (piece.whole + wide <= width || character.is_whitespace())) {
            Some(piece) => {
                piece.whole += wide;
                piece.end = end;
                if !character.is_whitespace() {
                    piece.ink = piece.whole;
                }
            }
            None => pieces.push(Piece { end, whole: wide, ink: wide }),
        }
        before = Some(character);
    }
    pieces
}

/// The first of some lines, at most so many; where there are more the last one says so.
pub fn at_most(lines: &[&str], most: usize) -> Vec<String> {
    let cut = |index: usize| if index + 1 == most && most < lines.len() { "…" } else { "" };
    lines.iter().take(most).enumerate().map(|(index, line)| format!("{line}{}", cut(index))).collect()
}

/// The lines of a text each of which takes what it can and none of which is wider than `width`, as `measure` says; a word
/// that is wider alone is broken. For running text and code.
pub fn fill(text: &str, width: f32, mut measure: impl FnMut(&str) -> f32) -> Vec<&str> {
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
    let inside =
        pairs.filter(|((_, before), after)| may_break(*before, *after)).map(|((at, before), _)| at + before.len_utf8());
    inside.chain([text.len()])
}

fn may_break(before: char, after: char) -> bool {
    if after.is_whitespace() || CLOSING.contains(after) || OPENING.contains(before) {
        return false;
    }
    before.is_whitespace() || is_wide(before) || is_wide(after) || OPENING.contains(after) && is_mark(before)
}

fn is_mark(character: char) -> bool {
    CLOSING.contains(character) || OPENING.contains(character)
}

/// The sentence pauses at the end of this text, be it within quotation marks.
fn pauses(text: &str) -> bool {
    let text = text.trim_end().trim_end_matches(['”', '’', '」', '』', '）', '》', ')']);
    text.ends_with(|mark| PAUSES.contains(mark))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Chinese is one wide, other characters half.
    fn em(character: char) -> f32 {
        if is_wide(character) || is_mark(character) && !character.is_ascii() { 1.0 } else { 0.5 }
    }

    fn measured(text: &str) -> f32 {
        text.chars().map(em).sum()
    }

    #[test]
    fn no_line_begins_with_a_mark_that_closes_or_ends_with_one_that_opens() {
        assert_eq!(wrap("灯亮了，孩子笑", 3.0, 0, em), ["灯亮", "了，", "孩子笑"]);
        assert_eq!(wrap("他说：“好的。”走了", 5.0, 0, em), ["他说：“好", "的。”走了"]);
        assert_eq!(wrap("看《海的声音》去", 3.0, 0, em), ["看《海", "的声", "音》去"]);
    }

    #[test]
    fn lines_are_alike_and_rather_break_where_the_sentence_pauses() {
        assert_eq!(wrap("一二三四五六七八九十", 8.0, 0, em), ["一二三四五六", "七八九十"]);
        let story = "水管夜里漏水，周女士急得没了主意。师傅四十分钟赶到，修好水管，又帮着把地拖干。";
        let lines = wrap(story, 18.0, 0, em);
        assert_eq!(lines.len(), 3);
        assert!(lines.iter().all(|line| measured(line) <= 18.0 && pauses(line)), "{lines:?}");
        let story = "退休教师每天为社区的孩子辅导功课。开学那天，孩子们送来一张画，画的是她的老花镜。";
        assert!(wrap(story, 20.0, 0, em)[0].ends_with("开学那"), "two lines, if there may be no more");
        assert_eq!(wrap(story, 20.0, 1, em).len(), 3);
        assert!(wrap(story, 20.0, 1, em).iter().all(|line| pauses(line)));
        assert_eq!(wrap("志愿者陪视障的何先生", 7.0, 0, em), ["志愿者陪视障的", "何先生"]);
    }

    #[test]
    fn words_and_figures_stay_whole_and_spaces_at_an_end_are_gone() {
        assert_eq!(wrap("first film for the blind", 7.0, 0, em), ["first film for", "the blind"]);
        assert_eq!(wrap("共 18,264,913 件", 6.0, 0, em), ["共", "18,264,913", "件"]);
        assert_eq!(wrap("abcdefgh", 2.0, 0, em), ["abcd", "efgh"], "unless a line can't hold them");
        assert_eq!(wrap("", 6.0, 0, em), Vec::<&str>::new());
        assert_eq!(wrap("字", 0.0, 0, em), ["字"]);
    }

    /// A Chinese character is two wide, any other one.
    fn wide_of(text: &str) -> f32 {
        text.chars().map(|character| if is_wide(character) { 2.0 } else { 1.0 }).sum()
    }

    #[test]
    fn english_parts_between_words_and_chinese_between_characters() {
        assert_eq!(fill("tickets with an open", 12.0, wide_of), ["tickets with", "an open"]);
        assert_eq!(fill("今日零时起受理的工单", 8.0, wide_of), ["今日零时", "起受理的", "工单"]);
        assert_eq!(fill("k: 60 秒内办结", 8.0, wide_of), ["k: 60 秒", "内办结"]);
        assert_eq!(fill("", 8.0, wide_of), Vec::<&str>::new());
    }

    #[test]
    fn no_line_begins_with_closing_or_ends_with_opening_punctuation() {
        assert_eq!(fill("今日受理，昨日", 8.0, wide_of), ["今日受", "理，昨日"]);
        assert_eq!(fill("受理工单（含重办）", 10.0, wide_of), ["受理工单", "（含重办）"]);
    }

    #[test]
    fn a_word_wider_than_the_line_is_broken_and_nothing_is_lost() {
        assert_eq!(fill("ab queries/x.sql", 6.0, wide_of), ["ab", "querie", "s/x.sq", "l"]);
        assert_eq!(fill("口径", 1.0, wide_of), ["口", "径"], "one character at least");
    }

    proptest! {
        #[test]
        fn nothing_is_lost_and_no_line_is_too_wide(text in "[一二三，。（）《》“”a-c1-3 ]{0,60}", width in 2.0_f32..30.0, spare in 0_usize..3) {
            let lines = wrap(&text, width, spare, em);
            let bare = |text: &str| text.chars().filter(|letter| !letter.is_whitespace()).collect::<String>();
            prop_assert_eq!(bare(&lines.concat()), bare(&text));
            for line in &lines {
                prop_assert!(measured(line) <= width + 0.001, "{:?} in {}", line, width);
            }
        }
    }
}

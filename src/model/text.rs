//! Text files that people write: maps, scenes, cities, queries, dictionaries.
//!
//! They come from all sorts of editors: with a byte order mark, in GBK, with full-width signs of a Chinese keyboard. The
//! mark is dropped, the other two are told in words.

use std::path::Path;

/// Signs of a Chinese keyboard that are taken for those of TOML, and what TOML wants.
const FULL_WIDTH: [(char, &str); 12] = [
    ('＝', "="),
    ('：', "= (or : inside quotes)"),
    ('，', ","),
    ('“', "\""),
    ('”', "\""),
    ('‘', "'"),
    ('’', "'"),
    ('｛', "{"),
    ('｝', "}"),
    ('［', "["),
    ('］', "]"),
    ('＃', "#"),
];

/// Reads a text file as UTF-8, without its byte order mark.
///
/// # Errors
/// A sentence without the path: it cannot be read, or is not UTF-8.
pub fn read(path: &Path) -> Result<String, String> {
    decode(std::fs::read(path).map_err(|error| error.to_string())?)
}

fn decode(bytes: Vec<u8>) -> Result<String, String> {
    let mut text = String::from_utf8(bytes).map_err(|error| {
        let valid = error.utf8_error().valid_up_to();
        let bytes = error.as_bytes();
        if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
            return "it is UTF-16; save it as UTF-8".to_owned();
        }
        let line = bytes[..valid].iter().filter(|byte| **byte == b'\n').count() + 1;
        format!("line {line} is not UTF-8, it looks like GBK (GB18030); save the file as UTF-8")
    })?;
    if text.starts_with('\u{feff}') {
        text.drain(..'\u{feff}'.len_utf8());
    }
    Ok(text)
}

/// What to say after an error of a TOML parser at a byte of the text: that its line has a full-width sign outside quotes;
/// empty where it has none.
pub fn full_width_hint(text: &str, offset: usize) -> String {
    let start = text.get(..offset).map_or(0, |before| before.rfind('\n').map_or(0, |at| at + 1));
    let line = text[start..].lines().next().unwrap_or_default();
    let mut quote = None;
    for sign in line.chars() {
        match (quote, sign) {
            (None, '"' | '\'') => quote = Some(sign),
            (Some(open), sign) if open == sign => quote = None,
            (None, '#') => break,
            (None, sign) => {
                if let Some((_, wanted)) = FULL_WIDTH.iter().find(|(wide, _)| *wide == sign) {
                    return format!("; the line has a full-width {sign}, write {wanted}");
                }
            }
            _ => {}
        }
    }
    String::new()
}

/// The name that is probably meant by `word`, as a question; without one near enough, what `otherwise` says.
pub fn did_you_mean<'n>(
    word: &str,
    names: impl IntoIterator<Item = &'n str>,
    otherwise: impl FnOnce() -> String,
) -> String {
    nearest(word, names).map_or_else(otherwise, |near| format!("did you mean {near:?}?"))
}

/// The name nearest to `word`, when it is near enough to be a slip.
pub fn nearest<'n>(word: &str, names: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    let plain = |text: &str| text.to_lowercase().replace([' ', '-', '_'], "");
    let wanted = plain(word);
    names
        .into_iter()
        .map(|name| (distance(&wanted, &plain(name)), name))
        .min_by_key(|(distance, _)| *distance)
        .filter(|(distance, name)| *distance * 3 <= wanted.chars().count().max(name.chars().count()))
        .map(|(_, name)| name)
}

/// Levenshtein distance in characters.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, left) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, right) in b.iter().enumerate() {
            let change = diagonal + usize::from(left != *right);
            diagonal = row[j + 1];
            row[j + 1] = change.min(row[j] + 1).min(row[j + 1] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_dropped_and_another_encoding_is_named() {
        assert_eq!(decode("\u{feff}a = 1".into()), Ok("a = 1".to_owned()));
        // 工单 in GBK, on the second line.
        let gbk = decode(b"a = 1\nid = \"\xb9\xa4\xb5\xa5\"\n".to_vec()).unwrap_err();
        assert!(gbk.contains("line 2 is not UTF-8") && gbk.contains("GBK"), "{gbk}");
        assert!(decode(b"\xff\xfea\0".to_vec()).unwrap_err().contains("UTF-16"));
    }

    #[test]
    fn a_full_width_sign_outside_quotes_is_named() {
        let text = "a = 1\nsrc ＝ \"x\"\nb = \"：\" # ：\nid ： \"工单：编号\"";
        let hint = |word: &str| full_width_hint(text, text.find(word).unwrap());
        assert!(hint("src").contains("full-width ＝, write ="), "{}", hint("src"));
        assert!(hint("id").contains("full-width ："), "{}", hint("id"));
        assert_eq!((hint("a = 1"), hint("b = ")), (String::new(), String::new()));
        assert_eq!(full_width_hint("甬", 1), "", "an offset inside a character is no panic");
    }

    #[test]
    fn a_slip_finds_its_name_and_another_word_finds_none() {
        let names = ["closed_dt", "open_dt", "target_dt", "受理时间", "办结时间"];
        assert_eq!(nearest("close_dt", names), Some("closed_dt"));
        assert_eq!(nearest("Closed DT", names), Some("closed_dt"));
        assert_eq!(nearest("受理日间", names), Some("受理时间"));
        assert_eq!(nearest("banana", names), None);
    }
}

//! Finds phone numbers and identity numbers in a cell.
//!
//! A mainland mobile is `1[3-9]` and nine digits more, alone or after +86, written together or as 138-1234-5678; a
//! landline is an area code and seven or eight digits; an identity number is 18 characters with a true date and a
//! true check character (GB 11643). Each must stand alone: a longer run of digits (Boston's 12-digit case numbers,
//! a 14-digit time) is none, nor are the decimals of a coordinate, nor digits inside a digest or UUID.
//!
//! It is a net under the map, not a proof: names and addresses are not found, they are for `drop`.

/// What a cell seems to hold, in words; `None` when nothing personal was found.
pub fn find(cell: &str) -> Option<&'static str> {
    // Most cells have too few digits to hold anything; a full-width digit is three bytes.
    if cell.len() < 10 || cell.bytes().filter(|byte| byte.is_ascii_digit() || *byte == 0xef).count() < 10 {
        return None;
    }
    let text: Vec<char> = cell.chars().map(half_width).collect();
    let mut at = 0;
    while at < text.len() {
        if !text[at].is_ascii_digit() {
            at += 1;
            continue;
        }
        let end = text[at..].iter().position(|c| !c.is_ascii_digit()).map_or(text.len(), |length| at + length);
        if let Some(what) = number_at(&text, at, end) {
            return Some(what);
        }
        at = end;
    }
    None
}

fn half_width(c: char) -> char {
    match c {
        '０'..='９' => char::from(b'0' + (c as u32 - '０' as u32) as u8),
        '－' | '—' | '–' | '‐' | '‑' => '-',
        'Ｘ' | 'ｘ' | 'x' => 'X',
        other => other,
    }
}

/// Looks at the run of digits `at..end` and what is joined to it.
fn number_at(text: &[char], at: usize, end: usize) -> Option<&'static str> {
    let run: Vec<char> = text[at..end].to_vec();
    if is_decimals(text, at) || in_digest(text, at, end) {
        return None;
    }
    if run.len() == 18 && is_identity(&run) {
        return Some("an identity number");
    }
    if run.len() == 17 && text.get(end) == Some(&'X') && !text.get(end + 1).is_some_and(char::is_ascii_alphanumeric) {
        let whole: Vec<char> = run.iter().copied().chain(['X']).collect();
        if is_identity(&whole) {
            return Some("an identity number");
        }
    }
    // What stands before: a digit and a separator would make this a part of something longer.
    let alone = !joined_before(text, at);
    let (digits, groups) = grouped(text, at);
    let mobile = |digits: &[char]| matches!(digits, ['1', '3'..='9', ..]) && digits.len() == 11;
    let landline = |digits: &[char]| match digits {
        ['0', '1', '0', rest @ ..] | ['0', '2', '0'..='9', rest @ ..] => rest.len() == 8,
        ['0', '3'..='9', _, _, rest @ ..] => matches!(rest.len(), 7 | 8),
        _ => false,
    };
    let country = |digits: &[char]| match digits {
        ['8', '6', rest @ ..] | ['0', '0', '8', '6', rest @ ..] | ['0', rest @ ..] => mobile(rest),
        _ => false,
    };
    if mobile(&run) || country(&run) {
        return Some("a mobile phone number");
    }
    if !alone {
        return None;
    }
    // In groups, as people write them: 138-1234-5678, 86 138 1234 5678, (0574) 8765 4321.
    let split_as = |sizes: &[&[usize]]| sizes.contains(&groups.as_slice());
    if (mobile(&digits) && split_as(&[&[3, 4, 4], &[3, 8], &[4, 4, 3]]))
        || (country(&digits) && split_as(&[&[2, 11], &[2, 3, 4, 4], &[2, 3, 8], &[4, 11]]))
    {
        return Some("a mobile phone number");
    }
    let area_first = groups.first().is_some_and(|first| matches!(first, 3 | 4));
    if landline(&run)
        || (landline(&digits) && area_first && groups.len() <= 3 && groups[1..].iter().all(|size| *size >= 3))
    {
        return Some("a landline phone number");
    }
    None
}

/// The digits from `at` on, joined over single separators, and the sizes of their groups.
fn grouped(text: &[char], at: usize) -> (Vec<char>, Vec<usize>) {
    let (mut digits, mut groups, mut at) = (vec![], vec![], at);
    loop {
        let begin = at;
        while text.get(at).is_some_and(char::is_ascii_digit) {
            digits.push(text[at]);
            at += 1;
        }
        groups.push(at - begin);
        let mut next = at;
        while matches!(text.get(next), Some('-' | ' ' | ')' | '）')) && next - at < 2 {
            next += 1;
        }
        if next == at || !text.get(next).is_some_and(char::is_ascii_digit) || digits.len() > 18 {
            return (digits, groups);
        }
        at = next;
    }
}

fn joined_before(text: &[char], at: usize) -> bool {
    at >= 2 && matches!(text[at - 1], '-' | '/' | ':' | '.') && text[at - 2].is_ascii_digit()
}

/// The digits after a decimal point.
fn is_decimals(text: &[char], at: usize) -> bool {
    at >= 2 && text[at - 1] == '.' && text[at - 2].is_ascii_digit()
}

/// Inside a long hexadecimal token (a digest, a UUID) that has letters.
fn in_digest(text: &[char], at: usize, end: usize) -> bool {
    let part = |c: &char| c.is_ascii_hexdigit() || *c == '-';
    let begin = at - text[..at].iter().rev().take_while(|c| part(c)).count();
    let finish = end + text[end..].iter().take_while(|c| part(c)).count();
    let token = &text[begin..finish];
    token.iter().filter(|c| c.is_ascii_hexdigit()).count() >= 16 && token.iter().any(|c| c.is_ascii_alphabetic())
}

/// 18 characters with a true date and check character.
fn is_identity(text: &[char]) -> bool {
    const WEIGHTS: [u32; 17] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
    const CHECK: [char; 11] = ['1', '0', 'X', '9', '8', '7', '6', '5', '4', '3', '2'];
    let digits: Vec<u32> = text[..17].iter().filter_map(|c| c.to_digit(10)).collect();
    if digits.len() != 17 {
        return false;
    }
    let number = |range: std::ops::Range<usize>| digits[range].iter().fold(0, |sum, digit| sum * 10 + digit);
    let (year, month, day) = (number(6..10), number(10..12), number(12..14));
    let dated = (1900..2100).contains(&year) && chrono::NaiveDate::from_ymd_opt(year as i32, month, day).is_some();
    let region = (11..=91).contains(&number(0..2));
    let sum: u32 = digits.iter().zip(WEIGHTS).map(|(digit, weight)| digit * weight).sum();
    dated && region && CHECK[(sum % 11) as usize] == text[17]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phones_and_identity_numbers_are_found_however_they_are_written() {
        for cell in [
            "13812345678",
            "请回电13812345678，谢谢",
            "+8613812345678",
            "86-13812345678",
            "+86 138 1234 5678",
            "138-1234-5678",
            "138 1234 5678",
            "１３８１２３４５６７８",
            "013812345678",
            "tel:19912345678;",
            "008613812345678",
            "0574-87654321",
            "(0574)87654321",
            "（0574）87654321",
            "0574 8765 4321",
            "057487654321",
            "010-87654321",
            "02187654321",
            "11010519491231002X",
            "身份证11010519491231002x。",
            "330203198001010011",
        ] {
            // The last one's check character is computed below; all others are as they stand.
            let cell = if cell.starts_with("3302") { with_check("33020319800101001") } else { cell.to_owned() };
            assert!(find(&cell).is_some(), "{cell}");
        }
    }

    fn with_check(first: &str) -> String {
        let text = |check| first.chars().chain([check]).collect::<Vec<char>>();
        "0123456789X".chars().map(text).find(|text| is_identity(text)).unwrap().into_iter().collect()
    }

    #[test]
    fn case_numbers_times_codes_coordinates_and_digests_are_not() {
        for cell in [
            "101000295613",
            "101004143000",
            "2011-07-01 01:32:33",
            "20110701013233",
            "1313107953000",
            "1795415527000000",
            "330203001001",
            "GD20241123000123456",
            "113.81234567890",
            "-71.13812345678",
            "04.02.11",
            "2010-08-01-AA0204-43678",
            "9f86d081884c13812345678d659a2feaa0c55ad0",
            "6ba7b810-9dad-11d1-13812345678a-00c04fd430c8",
            "123456789012345678",
            "12345",
            "96012345",
            "110105194912310021",
            "2018-10-09 0:10:10",
            "10000000000",
            "12012345678",
            "40.8002938, -73.9415055",
            "7300 Washington St  Roslindale  MA  02131",
            "(40.8002938, -73.9415055)",
            "02131-1234",
            "",
        ] {
            assert_eq!(find(cell), None, "{cell}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_looked_at_without_a_panic(cell in ".{0,80}") {
            let _ = find(&cell);
        }

        #[test]
        fn digits_and_separators_of_any_kind_are_looked_at_without_a_panic(cell in "[0-9Xx０-９ ()+./:a-f-]{0,60}") {
            let _ = find(&cell);
        }

        #[test]
        fn a_mobile_number_is_found_in_any_chinese_sentence(rest in "[3-9][0-9]{9}", before in "[一-龥，。]{0,9}", after in "[一-龥，。]{0,9}") {
            let cell = format!("{before}1{rest}{after}");
            proptest::prop_assert!(find(&cell).is_some());
        }
    }
}

//! How definitions are set: in the largest of seven ways in which all of them have room.
//!
//! In the larger ones each metric is a small table with labels at the left; in the smallest its title runs into its
//! basis. Where even so not all have room, those that do stand, and the others are counted.

use super::super::canvas::wrap::fill;
use super::super::canvas::{Face, Paint, Style};
use super::super::options::Lang;
use super::super::tokens::{self, Colour, size};
use super::definition::Definition;

/// A piece of text and how far right it begins, design units.
pub struct Run {
    pub left: f32,
    pub text: String,
    pub style: Style,
}

/// One line.
pub struct Row {
    pub height: f32,
    pub runs: Vec<Run>,
}

/// What stands in a place of some width and height.
pub struct Setting {
    pub rows: Vec<Row>,
    /// Facts and files are told, too.
    pub in_full: bool,
    /// All is told, and as large as can be.
    pub largest: bool,
    /// Metrics that have no room.
    pub left_out: usize,
}

#[derive(Clone, Copy)]
struct Way {
    title: f32,
    basis: f32,
    facts: f32,
    /// Labels stand in a column of their own.
    labels: bool,
    in_full: bool,
    run_in: bool,
    /// Between two metrics.
    gap: f32,
}

/// From the largest to the smallest.
const WAYS: [Way; 7] = {
    use size::{BODY, CAPTION, NOTE, ROW_FIGURE};
    let largest =
        Way { title: ROW_FIGURE, basis: BODY, facts: CAPTION, labels: true, in_full: true, run_in: false, gap: 22.0 };
    [
        largest,
        Way { title: BODY, basis: BODY, facts: NOTE, gap: 16.0, ..largest },
        Way { title: BODY, basis: CAPTION, facts: NOTE, labels: false, gap: 12.0, ..largest },
        Way { title: BODY, basis: CAPTION, in_full: false, labels: false, gap: 8.0, ..largest },
        Way { title: BODY, basis: BODY, in_full: false, labels: false, run_in: true, gap: 8.0, ..largest },
        Way { title: CAPTION, basis: CAPTION, in_full: false, labels: false, run_in: true, gap: 5.0, ..largest },
        Way { title: NOTE, basis: NOTE, in_full: false, labels: false, run_in: true, gap: 3.0, ..largest },
    ]
};

/// A line is so much higher than its text.
const LEADING: f32 = 1.5;

impl Setting {
    pub fn of(definitions: &[Definition], [width, height]: [f32; 2], lang: Lang, paint: &mut Paint<'_>) -> Setting {
        let mut left = Vec::new();
        for (index, way) in WAYS.into_iter().enumerate() {
            let blocks: Vec<Vec<Row>> = definitions.iter().map(|one| way.block(one, width, lang, paint)).collect();
            let high: f32 = blocks.iter().map(|block| height_of(block)).sum();
            if high + way.gap * (blocks.len() as f32 - 1.0) <= height {
                return Setting {
                    rows: joined(blocks, way.gap),
                    in_full: way.in_full,
                    largest: index == 0,
                    left_out: 0,
                };
            }
            left = blocks;
        }
        let [.., smallest] = WAYS;
        let count = size::NOTE * LEADING;
        let mut room = height - count;
        let fitting = left.iter().take_while(|block| {
            room -= height_of(block);
            let fits = room >= 0.0;
            room -= smallest.gap;
            fits
        });
        let fitting = fitting.count();
        let left_out = left.len() - fitting;
        left.truncate(fitting);
        let mut rows = joined(left, smallest.gap);
        if count <= height {
            let style = Style::new(Face::Text, size::NOTE, tokens::TEXT_FAINT);
            rows.push(Row { height: count, runs: vec![Run { left: 0.0, text: more(left_out, fitting, lang), style }] });
        }
        Setting { rows, in_full: false, largest: false, left_out }
    }

    pub fn height(&self) -> f32 {
        height_of(&self.rows)
    }
}

/// How many are left out, and where they are told.
pub fn more(left_out: usize, shown: usize, lang: Lang) -> String {
    match (lang, shown) {
        (Lang::Zh, 0) => format!("{left_out} 项指标，见网页"),
        (Lang::Zh, _) => format!("另有 {left_out} 项，见网页"),
        (Lang::En, 0) if left_out == 1 => "1 metric, told on the page".to_owned(),
        (Lang::En, 0) => format!("{left_out} metrics, told on the page"),
        (Lang::En, _) => format!("{left_out} more on the page"),
    }
}

fn height_of(rows: &[Row]) -> f32 {
    rows.iter().map(|row| row.height).sum()
}

fn joined(blocks: Vec<Vec<Row>>, gap: f32) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    for block in blocks {
        if !rows.is_empty() {
            rows.push(Row { height: gap, runs: Vec::new() });
        }
        rows.extend(block);
    }
    rows
}

impl Way {
    fn block(self, one: &Definition, width: f32, lang: Lang, paint: &mut Paint<'_>) -> Vec<Row> {
        if self.run_in {
            return self.run_in(one, width, paint);
        }
        let mut rows = self.head(one, width, paint);
        let labels = [lang.pick("口径", "Basis"), lang.pick("来源", "Source"), lang.pick("文件", "File")];
        let label = Style::new(Face::Text, self.facts, tokens::TEXT_FAINT);
        let widest = labels.map(|text| paint.measure(text, &label)).into_iter().fold(0.0, f32::max);
        let indent = if self.labels { widest + 14.0 } else { 0.0 };
        let room = width - indent;
        let labelled = |rows: &mut Vec<Row>, which: usize, mut lines: Vec<Row>| {
            if let (true, Some(first)) = (self.labels, lines.first_mut()) {
                first.runs.push(Run { left: 0.0, text: labels[which].to_owned(), style: label });
            }
            rows.extend(lines);
        };
        let basis = Style::new(Face::Text, self.basis, tokens::TEXT_BODY);
        labelled(&mut rows, 0, lines(&one.basis, indent, room, &basis, paint));
        if self.in_full {
            let quiet = tokens::TEXT_QUIET;
            let mut facts: Vec<(&str, Colour)> = one.facts.iter().map(|fact| (fact.as_str(), quiet)).collect();
            facts.extend([(one.origin.as_str(), tokens::DEMO), (one.fault.as_str(), tokens::WARN)]);
            // The label says already what the first of them is.
            let source = format!("{} ", lang.pick("来源", "source"));
            if let (true, Some((first, _))) = (self.labels, facts.first_mut()) {
                *first = first.strip_prefix(source.as_str()).unwrap_or(*first);
            }
            let file = (one.file.as_str(), tokens::TEXT_FAINT);
            if self.labels {
                labelled(&mut rows, 1, flow(&facts, indent, room, self.facts, paint));
                labelled(&mut rows, 2, flow(&[file], indent, room, self.facts, paint));
            } else {
                facts.push(file);
                rows.extend(flow(&facts, indent, room, self.facts, paint));
            }
        }
        rows
    }

    /// Title, and at the right unit and window, below it where there is no room beside it.
    fn head(self, one: &Definition, width: f32, paint: &mut Paint<'_>) -> Vec<Row> {
        let title = Style::new(Face::Bold, self.title, tokens::TEXT);
        let window = Style::new(Face::Text, self.basis.min(self.title - 1.0), tokens::TEXT_QUIET);
        let mut rows = lines(&one.title, 0.0, width, &title, paint);
        let used = match rows.last().and_then(|row| row.runs.last()) {
            Some(last) => paint.measure(&last.text, &title),
            None => 0.0,
        };
        let wide = paint.measure(&one.window, &window);
        match rows.last_mut() {
            Some(last) if used + 18.0 + wide <= width => {
                let left = width - wide;
                last.runs.push(Run { left, text: one.window.clone(), style: window });
            }
            _ => rows.extend(lines(&one.window, 0.0, width, &window, paint)),
        }
        rows
    }

    /// The title runs into the basis.
    fn run_in(self, one: &Definition, width: f32, paint: &mut Paint<'_>) -> Vec<Row> {
        let title = Style::new(Face::Bold, self.title, tokens::TEXT);
        let basis = Style::new(Face::Text, self.basis, tokens::TEXT_BODY);
        let mut rows = lines(&one.title, 0.0, width, &title, paint);
        let Some(last) = rows.last_mut() else { return rows };
        let begin = last.runs.last().map_or(0.0, |run| paint.measure(&run.text, &title)) + 10.0;
        // As much of the basis as has room behind the title; where that is little it begins below.
        let first = fill(&one.basis, width - begin, |text| paint.measure(text, &basis)).first().copied();
        let behind = first.filter(|_| width - begin > self.basis * 5.0).unwrap_or_default();
        if !behind.is_empty() {
            last.runs.push(Run { left: begin, text: behind.to_owned(), style: basis });
        }
        let rest = one.basis.strip_prefix(behind).unwrap_or(&one.basis).trim_start();
        rows.extend(lines(rest, 0.0, width, &basis, paint));
        rows.iter_mut().for_each(|row| row.height = self.basis * 1.34);
        rows
    }
}

/// A text as lines of its own.
fn lines(text: &str, left: f32, width: f32, style: &Style, paint: &mut Paint<'_>) -> Vec<Row> {
    let lines = fill(text, width, |text| paint.measure(text, style));
    let row = |text: &str| Row {
        height: style.size * LEADING,
        runs: vec![Run { left, text: text.to_owned(), style: *style }],
    };
    lines.into_iter().map(row).collect()
}

/// Short texts behind one another; a line ends between two of them.
fn flow(parts: &[(&str, Colour)], left: f32, width: f32, size: f32, paint: &mut Paint<'_>) -> Vec<Row> {
    let style = Style::new(Face::Text, size, tokens::TEXT_FAINT);
    let between = paint.measure(" · ", &style) + 4.0;
    let mut rows: Vec<Row> = Vec::new();
    let mut pen = f32::MAX;
    for (text, colour) in parts.iter().filter(|(text, _)| !text.is_empty()) {
        let style = style.colour(*colour);
        let wide = paint.measure(text, &style);
        match rows.last_mut() {
            Some(last) if pen + between + wide <= left + width => {
                let dot = Run { left: pen + 2.0, text: " · ".to_owned(), style: style.colour(tokens::TEXT_FAINT) };
                last.runs.extend([dot, Run { left: pen + between, text: (*text).to_owned(), style }]);
                pen += between + wide;
            }
            _ => {
                rows.extend(lines(text, left, width, &style, paint));
                pen = left
                    + rows.last().and_then(|row| row.runs.last()).map_or(0.0, |run| paint.measure(&run.text, &style));
            }
        }
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::super::super::canvas::{DisplayList, Glyphs};
    use super::super::super::painter::pen;
    use super::*;

    fn definition(number: usize) -> Definition {
        Definition {
            title: format!("指标{number}"),
            window: "件 · 今日".into(),
            basis: "今日零时起受理的工单件数，退回重办的不重复计".into(),
            facts: vec!["来源 tickets".into(), "截至 14:32:07".into()],
            file: format!("queries/overview/metric_{number}.sql"),
            ..Definition::default()
        }
    }

    fn set(count: usize, room: [f32; 2]) -> Setting {
        let mut glyphs = Glyphs::load(64).unwrap();
        let mut list = DisplayList::default();
        let definitions: Vec<Definition> = (0..count).map(definition).collect();
        Setting::of(&definitions, room, Lang::Zh, &mut pen(&mut list, &mut glyphs, 1.0))
    }

    fn texts(setting: &Setting) -> Vec<&str> {
        setting.rows.iter().flat_map(|row| &row.runs).map(|run| run.text.as_str()).collect()
    }

    #[test]
    fn one_metric_with_room_is_told_in_full_and_large() {
        let setting = set(1, [400.0, 300.0]);
        assert!(setting.in_full && setting.left_out == 0 && setting.height() < 300.0);
        let texts = texts(&setting);
        for said in ["指标0", "件 · 今日", "口径", "来源", "tickets", "文件", "queries/overview/metric_0.sql"]
        {
            assert!(texts.contains(&said), "{said}: {texts:?}");
        }
    }

    #[test]
    fn many_metrics_are_compact_and_what_has_no_room_is_counted() {
        for height in [20, 60, 100, 140, 180, 260, 400, 700] {
            let setting = set(5, [400.0, height as f32]);
            assert!(setting.height() <= height as f32 + 0.1, "{height}: {}", setting.height());
            let told = texts(&setting).iter().filter(|text| text.starts_with("指标")).count();
            assert_eq!(told + setting.left_out, 5);
        }
        let setting = set(5, [400.0, 100.0]);
        assert!(setting.left_out > 0);
        assert_eq!(
            texts(&setting).last().copied(),
            Some(more(setting.left_out, 5 - setting.left_out, Lang::Zh).as_str())
        );
    }

    #[test]
    fn what_is_left_out_is_told_in_words() {
        assert_eq!([more(3, 2, Lang::Zh), more(3, 2, Lang::En)], ["另有 3 项，见网页", "3 more on the page"]);
        assert_eq!([more(1, 0, Lang::Zh), more(1, 0, Lang::En)], ["1 项指标，见网页", "1 metric, told on the page"]);
    }
}

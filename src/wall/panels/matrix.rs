//! Two dictionaries crossed: a field of cells, darker to lighter with their counts.

use serde::Deserialize;

use super::super::canvas::{Face, Rect, Style};
use super::super::format;
use super::super::scene::{Metric, Words};
use super::super::tokens::{self, size};
use super::{Calm, Cx, Panel, note};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Matrix {
    metric: Metric,
    row: Axis,
    column: Axis,
    #[serde(default = "n")]
    value: String,
    /// Written into a cell whose value is withheld.
    #[serde(default)]
    hidden: Words,
    #[serde(default = "most")]
    most_rows: usize,
    #[serde(default = "most")]
    most_columns: usize,
}

/// Columns of the names in both languages, or a code with words for it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Axis {
    code: String,
    #[serde(default)]
    zh: String,
    #[serde(default)]
    en: String,
    #[serde(default)]
    names: std::collections::BTreeMap<String, Words>,
}

fn n() -> String {
    "n".into()
}
fn most() -> usize {
    12
}

impl Axis {
    fn name<'a>(
        &'a self,
        cx: &Cx<'a, '_>,
        table: &super::super::data::Table<'a>,
        row: usize,
        code: &'a str,
    ) -> &'a str {
        if let Some(words) = self.names.get(code) {
            return words.pick(cx.lang);
        }
        let zh = if self.zh.is_empty() { None } else { table.text(row, &self.zh) };
        let en = if self.en.is_empty() { None } else { table.text(row, &self.en) };
        let name = cx.lang.pick(zh.unwrap_or_default(), en.unwrap_or_default());
        if name.is_empty() { code } else { name }
    }
}

/// Room for a count.
const CELL: f32 = 46.0;

/// Code, name and sum of a line of cells.
type Line<'a> = (&'a str, &'a str, f64);

fn ranked<'a>(mut lines: Vec<Line<'a>>, most: usize) -> Vec<Line<'a>> {
    lines.sort_by(|a, b| b.2.total_cmp(&a.2).then(a.0.cmp(b.0)));
    lines.truncate(most);
    lines
}

/// The lines of a name: in two, the brackets are on the second.
fn parts(name: &str, in_two: bool) -> [&str; 2] {
    match name.find(['（', '(']) {
        Some(at) if in_two && at > 0 => [name[..at].trim_end(), &name[at..]],
        _ => [name, ""],
    }
}

/// Whether a name above the columns is wider than its column.
fn is_long(cx: &mut Cx<'_, '_>, columns: &[Line<'_>], style: &Style, in_two: bool, width: f32) -> bool {
    let mut texts = columns.iter().flat_map(|column| parts(column.1, in_two));
    texts.any(|text| cx.paint.measure(text, style) > width - 4.0)
}

impl Panel for Matrix {
    fn metrics(&self) -> Vec<&Metric> {
        vec![&self.metric]
    }

    fn columns(&self) -> Vec<(&Metric, &str)> {
        let axes = [&self.row, &self.column].into_iter().flat_map(|axis| [&axis.code, &axis.zh, &axis.en]);
        axes.chain([&self.value]).map(|column| (&self.metric, column.as_str())).collect()
    }

    fn paint(&self, cx: &mut Cx<'_, '_>) {
        cx.heading_of_file();
        let inner = cx.inner();
        let table = cx.table(&self.metric);
        let (mut rows, mut columns): (Vec<Line<'_>>, Vec<Line<'_>>) = (Vec::new(), Vec::new());
        for row in 0..table.rows() {
            let value = table.number(row, &self.value).unwrap_or(0.0);
            for (axis, lines) in [(&self.row, &mut rows), (&self.column, &mut columns)] {
                let Some(code) = table.text(row, &axis.code) else { continue };
                match lines.iter_mut().find(|line| line.0 == code) {
                    Some(line) => line.2 += value,
                    None => lines.push((code, axis.name(cx, &table, row, code), value)),
                }
            }
        }
        if rows.is_empty() || columns.is_empty() {
            cx.empty(&table, Calm::Quiet, "这段时间没有数据", "nothing in this window");
            return;
        }
        let (rows, columns) = (ranked(rows, self.most_rows), ranked(columns, self.most_columns));
        let label = Style::new(Face::Text, size::CAPTION, tokens::TEXT_BODY);
        let names = rows.iter().map(|line| cx.paint.measure(line.1, &label)).collect::<Vec<_>>();
        // A quarter of the width, more where the cells still have room for their counts.
        let room = (inner.width() - CELL * columns.len() as f32).clamp(inner.width() * 0.26, inner.width() * 0.36);
        let label_width = names.into_iter().fold(0.0_f32, f32::max).min(room) + 12.0;
        let tracks = cx.columns([inner.left + label_width, inner.right], columns.len());
        let cell_width = tracks.iter().map(|[left, right]| right - left).fold(f32::MAX, f32::min);
        // A name too long for its column has what it says in brackets on a line of its own.
        let plain = note().colour(tokens::TEXT_QUIET);
        let has_brackets = columns.iter().any(|column| !parts(column.1, true)[1].is_empty());
        let in_two = has_brackets && is_long(cx, &columns, &plain, false, cell_width);
        // Names that are still too long keep a note's own size, however large the panel is drawn.
        let mut head = plain;
        if is_long(cx, &columns, &head, in_two, cell_width) {
            head.size /= cx.zoom;
        }
        // Still too long on one line: every other one a line higher, each with the room of two columns.
        let in_turn = !in_two && columns.len() > 2 && is_long(cx, &columns, &head, false, cell_width);
        let head_height = if in_two || in_turn { 44.0 } else { 26.0 };
        let field = Rect { left: inner.left + label_width, top: inner.top + head_height, ..inner };
        let row_tracks = cx.field_rows([field.top, field.bottom], rows.len(), [12.0, 150.0]);
        let cell_height = row_tracks.iter().map(|[top, bottom]| bottom - top).fold(f32::MAX, f32::min);
        let cells = |row_code: &str, column_code: &str| {
            (0..table.rows()).find(|row| {
                table.text(*row, &self.row.code) == Some(row_code)
                    && table.text(*row, &self.column.code) == Some(column_code)
            })
        };
        let most = (0..table.rows()).filter_map(|row| table.number(row, &self.value)).fold(0.0_f64, f64::max).max(1.0);
        for (index, (column, [from, to])) in columns.iter().zip(&tracks).enumerate() {
            let x = (from + to) * 0.5;
            let [first, second] = parts(column.1, in_two);
            let above = if in_two || (in_turn && index % 2 == 1) { 28.0 } else { 10.0 };
            let room = if in_turn { cell_width * 2.0 } else { to - from } - 4.0;
            for (text, above) in [(first, above), (second, 10.0)] {
                let width = cx.paint.measure(text, &head).min(room);
                let left = cx.off_seams((x - width * 0.5).min(inner.right - width), width);
                cx.paint.text_within(left, field.top - above, room, text, &head);
            }
        }
        for (row, [top, bottom]) in rows.iter().zip(row_tracks) {
            let middle = (top + bottom) * 0.5;
            cx.paint.text_within(inner.left, middle + 5.0, label_width - 10.0, row.1, &label);
            for (column, [left, right]) in columns.iter().zip(&tracks) {
                let place = Rect { left: *left, top, right: *right, bottom }.inset(1.0);
                let found = cells(row.0, column.0);
                let value = found.and_then(|row| table.number(row, &self.value));
                let share = (value.unwrap_or(0.0) / most).sqrt() as f32;
                let ink = tokens::TRACK.alpha(0.35).mix(tokens::BOARDS[2], share);
                cx.paint.rect(place, 3.0, ink);
                let text = match (found, value) {
                    (_, Some(value)) if value > 0.0 => format::short(Some(value), cx.lang),
                    (Some(_), None) => self.hidden.pick(cx.lang).to_owned(),
                    _ => continue,
                };
                let colour = match share {
                    full if full > 0.55 => tokens::TEXT,
                    half if half > 0.25 => tokens::TEXT_BODY,
                    _ => tokens::TEXT_QUIET,
                };
                let figure_size = match cell_height {
                    high if high > 80.0 => size::RING_FIGURE,
                    some if some > 52.0 => size::ROW_FIGURE,
                    _ => size::CAPTION,
                };
                let style = Style::new(Face::Figure, figure_size, colour).middle();
                if cell_height >= 18.0 && cx.paint.measure(&text, &style) <= cell_width - 4.0 {
                    cx.paint.text(place.middle_x(), middle + figure_size * 0.36, &text, &style);
                }
            }
        }
    }

    fn opens_at_seams(&self) -> bool {
        true
    }

    fn opens_at_upright_seams(&self) -> bool {
        true
    }

    fn least(&self) -> [f32; 2] {
        [320.0, 160.0]
    }

    fn ample(&self) -> Option<[f32; 2]> {
        Some([680.0, 440.0])
    }
}

//! Two dictionaries crossed: a field of cells, darker to lighter with their counts.

use serde::Deserialize;

use super::super::canvas::{Face, Rect, Style};
use super::super::format;
use super::super::scene::{Metric, Words};
use super::super::tokens::{self, size};
use super::{Cx, Panel, note};

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

/// Code, name and sum of a line of cells.
type Line<'a> = (&'a str, &'a str, f64);

fn ranked<'a>(mut lines: Vec<Line<'a>>, most: usize) -> Vec<Line<'a>> {
    lines.sort_by(|a, b| b.2.total_cmp(&a.2).then(a.0.cmp(b.0)));
    lines.truncate(most);
    lines
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
            cx.empty(&table, "这段时间没有数据", "nothing in this window");
            return;
        }
        let (rows, columns) = (ranked(rows, self.most_rows), ranked(columns, self.most_columns));
        let label = Style::new(Face::Text, size::CAPTION, tokens::TEXT_BODY);
        let names = rows.iter().map(|line| cx.paint.measure(line.1, &label)).collect::<Vec<_>>();
        let label_width = names.into_iter().fold(0.0_f32, f32::max).min(inner.width() * 0.26) + 12.0;
        let field = Rect { left: inner.left + label_width, top: inner.top + 26.0, ..inner };
        let cell = [field.width() / columns.len() as f32, (field.height() / rows.len() as f32).min(150.0)];
        let cells = |row_code: &str, column_code: &str| {
            (0..table.rows()).find(|row| {
                table.text(*row, &self.row.code) == Some(row_code)
                    && table.text(*row, &self.column.code) == Some(column_code)
            })
        };
        let most = (0..table.rows()).filter_map(|row| table.number(row, &self.value)).fold(0.0_f64, f64::max).max(1.0);
        // Long names above narrow columns keep a note's own size, however large the panel is drawn.
        let mut head = note().colour(tokens::TEXT_QUIET);
        if columns.iter().any(|column| cx.paint.measure(column.1, &head) > cell[0] - 4.0) {
            head.size /= cx.zoom;
        }
        for (index, column) in columns.iter().enumerate() {
            let x = field.left + cell[0] * (index as f32 + 0.5);
            let width = cx.paint.measure(column.1, &head).min(cell[0] - 4.0);
            cx.paint.text_within(x - width * 0.5, field.top - 10.0, cell[0] - 4.0, column.1, &head);
        }
        for (line, row) in rows.iter().enumerate() {
            let top = field.top + cell[1] * line as f32;
            let middle = top + cell[1] * 0.5;
            cx.paint.text_within(inner.left, middle + 5.0, label_width - 10.0, row.1, &label);
            for (index, column) in columns.iter().enumerate() {
                let place =
                    Rect::new(field.left + cell[0] * index as f32 + 1.0, top + 1.0, cell[0] - 2.0, cell[1] - 2.0);
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
                let style =
                    Style::new(Face::Figure, if cell[1] > 60.0 { size::ROW_FIGURE } else { size::CAPTION }, colour)
                        .middle();
                if cell[1] >= 18.0 && cx.paint.measure(&text, &style) <= cell[0] - 4.0 {
                    cx.paint.text(place.middle_x(), middle + 5.5, &text, &style);
                }
            }
        }
    }

    fn least(&self) -> [f32; 2] {
        [320.0, 160.0]
    }

    fn ample(&self) -> Option<[f32; 2]> {
        Some([680.0, 440.0])
    }
}

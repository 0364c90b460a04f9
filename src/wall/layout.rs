//! Where panels stand: columns from left to right, in them panels from top to bottom, or columns again.
//!
//! Lengths are design units. What is given keeps its length, the rest shares what is left. On a wall of several
//! displays the gaps between panels are moved onto the seams, as little as that takes; only a map may lie across one.
//! Columns beside one another that have one panel each have no gap for a level seam: they become one column, the panels
//! above one another. One that is left over opens at the seam, where its kind is made of rows. Which columns become one
//! is tried in every way until no seam goes through a panel.

use super::canvas::Rect;
use super::scene::PanelSpec;
use super::screen::SeamLines;
use super::tokens;

/// Heights of header and footer.
const HEADER: f32 = 98.0;
pub const FOOTER: f32 = 88.0;
pub const MARGIN: f32 = 36.0;
/// A wall narrower than this has its tabs in a line of their own.
pub const NARROW: f32 = 1400.0;
/// Height of that line.
pub const TABS: f32 = 48.0;

/// One part of a row or a pile: its length, or its share of what is left.
#[derive(Debug)]
pub struct Part<T> {
    pub what: T,
    pub length: Option<f32>,
    pub share: f32,
}

/// A column's panels, from top to bottom.
pub type Column = Part<Vec<Part<Cell>>>;

#[derive(Debug)]
pub enum Cell {
    /// Its position in the scene, and how much larger than usual it is drawn.
    Panel(usize, Option<f32>),
    /// Columns beside one another.
    Columns(Vec<Column>),
}

/// Where a panel stands.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Place {
    pub panel: usize,
    pub rect: Rect,
    /// What is in it (not its title) is drawn so much larger.
    pub zoom: f32,
    /// The scene file says how large.
    pub is_chosen: bool,
}

/// Everything the places depend on.
pub struct Ground<'a> {
    pub panels: &'a [PanelSpec],
    pub seams: &'a SeamLines,
    pub gap: f32,
    pub is_shown: &'a dyn Fn(usize) -> bool,
}

/// Room for panels between header and footer.
pub fn inner(wall: Rect, chrome: bool) -> Rect {
    let header = if wall.width() < NARROW { HEADER + TABS } else { HEADER };
    let (top, bottom) = if chrome { (header, FOOTER) } else { (MARGIN, MARGIN) };
    Rect { left: wall.left + MARGIN, top: wall.top + top, right: wall.right - MARGIN, bottom: wall.bottom - bottom }
}

impl Ground<'_> {
    /// Lays columns out in a box.
    pub fn columns(&self, columns: &[Column], room: Rect, places: &mut Vec<Place>) {
        // A column of which nothing is shown here leaves its place to the others; an empty one is meant.
        let shown: Vec<&Column> = columns.iter().filter(|column| self.shows_column(column)).collect();
        let mut best: Option<(usize, Vec<Place>)> = None;
        for piles in self.pilings(&shown, room) {
            let mut tried = Vec::new();
            for (pile, [left, right]) in piles.iter().zip(self.spread(&piles, room)) {
                let cells: Vec<&Part<Cell>> = pile.iter().flat_map(|column| &column.what).collect();
                self.cells(&cells, pile.len() > 1, Rect { left, right, ..room }, &mut tried);
            }
            let crossed = tried.iter().filter(|place| is_crossed(place, self.panels, self.seams)).count();
            if best.as_ref().is_none_or(|(least, _)| crossed < *least) {
                best = Some((crossed, tried));
            }
            if crossed == 0 {
                break;
            }
        }
        places.extend(best.into_iter().flat_map(|(_, tried)| tried));
    }

    /// The ways to pile columns up, at most [`PILINGS_MAX`]: as many as can be first, then none, then all the others.
    fn pilings<'c>(&self, columns: &[&'c Column], room: Rect) -> Vec<Vec<Vec<&'c Column>>> {
        let most = self.piles(columns, room, &|_| true);
        if most.len() == columns.len() {
            return vec![most];
        }
        let mut pilings = vec![most];
        for joined in 0..PILINGS_MAX {
            let piling = self.piles(columns, room, &|joint| joint < 5 && joined >> joint & 1 == 1);
            let like = |other: &Vec<Vec<&Column>>| other.iter().map(Vec::len).eq(piling.iter().map(Vec::len));
            if !pilings.iter().any(like) {
                pilings.push(piling);
            }
        }
        pilings
    }

    /// Left and right of each pile.
    fn spread(&self, piles: &[Vec<&Column>], room: Rect) -> Vec<[f32; 2]> {
        let parts = piles.iter().map(|pile| {
            let lengths: Option<f32> = pile.iter().map(|column| column.length).sum();
            Length {
                length: lengths.map(|sum| sum + self.gap * (pile.len() as f32 - 1.0)),
                share: pile.iter().map(|column| column.share).sum(),
                least: pile.iter().map(|column| self.least_of_column(column)[0]).fold(0.0, f32::max),
                crosses: pile.iter().all(|column| self.column_crosses(column)),
                opens: pile.iter().all(|column| self.column_opens(column)),
            }
        });
        let parts: Vec<Length> = parts.collect();
        lay_out(&parts, room.left, room.right, self.gap, &self.seams.xs, self.seams.strip)
    }

    /// Columns that stand one by one, or those beside one another whose single panels are piled up so that the level
    /// seams run between them; `joins` says of each joint between two columns whether it is one to try.
    fn piles<'c>(&self, columns: &[&'c Column], room: Rect, joins: &dyn Fn(usize) -> bool) -> Vec<Vec<&'c Column>> {
        let seams = self.seams.ys.iter().filter(|y| **y > room.top && **y < room.bottom).count();
        let high = (room.height() - self.gap * seams as f32) / (seams as f32 + 1.0);
        let may_pile = |column: &Column| {
            let mut shown = column.what.iter().filter(|cell| self.shows(&cell.what));
            let (Some(only), None) = (shown.next(), shown.next()) else { return false };
            matches!(only.what, Cell::Panel(..)) && !self.crosses(&only.what) && self.least(&only.what)[1] <= high
        };
        let mut piles: Vec<Vec<&Column>> = Vec::new();
        let mut open = false;
        for (index, &column) in columns.iter().enumerate() {
            let may = seams > 0 && may_pile(column);
            let joined = index > 0 && joins(index - 1);
            match piles.last_mut().filter(|pile| may && open && joined && pile.len() <= seams) {
                Some(pile) => pile.push(column),
                None => piles.push(vec![column]),
            }
            open = may;
        }
        piles
    }

    /// `alike`: the cells are of a pile, and neither height nor zoom is what the file says of each alone.
    fn cells(&self, cells: &[&Part<Cell>], alike: bool, room: Rect, places: &mut Vec<Place>) {
        let shown: Vec<&Part<Cell>> = cells.iter().copied().filter(|cell| self.shows(&cell.what)).collect();
        let parts = shown.iter().map(|cell| Length {
            length: cell.length.filter(|_| !alike),
            share: if alike { 1.0 } else { cell.share },
            least: self.least(&cell.what)[1],
            crosses: self.crosses(&cell.what),
            opens: false,
        });
        let spans =
            lay_out(&parts.collect::<Vec<_>>(), room.top, room.bottom, self.gap, &self.seams.ys, self.seams.strip);
        for (cell, [top, bottom]) in shown.iter().zip(spans) {
            let rect = Rect { top, bottom, ..room };
            match &cell.what {
                Cell::Panel(panel, zoom) => {
                    let own = zoom.filter(|_| !alike);
                    let zoom = own.unwrap_or_else(|| natural_zoom(&self.panels[*panel], rect));
                    places.push(Place { panel: *panel, rect, zoom, is_chosen: own.is_some() });
                }
                Cell::Columns(columns) => self.columns(columns, rect, places),
            }
        }
    }

    fn shows(&self, cell: &Cell) -> bool {
        match cell {
            Cell::Panel(panel, _) => (self.is_shown)(*panel),
            Cell::Columns(columns) => columns.iter().any(|column| self.shows_column(column)),
        }
    }

    fn shows_column(&self, column: &Column) -> bool {
        column.what.is_empty() || column.what.iter().any(|cell| self.shows(&cell.what))
    }

    fn least(&self, cell: &Cell) -> [f32; 2] {
        match cell {
            Cell::Panel(panel, _) => self.panels[*panel].panel.least(),
            Cell::Columns(columns) => {
                let shown = columns.iter().filter(|column| self.shows_column(column));
                shown
                    .map(|column| self.least_of_column(column))
                    .fold([-self.gap, 0.0], |sum, least| [sum[0] + least[0] + self.gap, sum[1].max(least[1])])
            }
        }
    }

    fn least_of_column(&self, column: &Column) -> [f32; 2] {
        let shown = column.what.iter().filter(|cell| self.shows(&cell.what));
        shown
            .map(|cell| self.least(&cell.what))
            .fold([0.0, -self.gap], |sum, least| [sum[0].max(least[0]), sum[1] + least[1] + self.gap])
    }

    /// Only ground and map may lie under a seam.
    fn crosses(&self, cell: &Cell) -> bool {
        match cell {
            Cell::Panel(panel, _) => self.panels[*panel].panel.may_cross_seams(),
            Cell::Columns(columns) => columns.iter().all(|column| self.column_crosses(column)),
        }
    }

    /// All of it opens at a seam between displays beside one another.
    fn column_opens(&self, column: &Column) -> bool {
        let mut shown = column.what.iter().filter(|cell| self.shows(&cell.what));
        shown
            .all(|cell| matches!(cell.what, Cell::Panel(panel, _) if self.panels[panel].panel.opens_at_upright_seams()))
    }

    fn column_crosses(&self, column: &Column) -> bool {
        column.what.iter().filter(|cell| self.shows(&cell.what)).all(|cell| self.crosses(&cell.what))
    }
}

/// So many ways to pile columns up are tried: all those of six columns.
const PILINGS_MAX: usize = 32;

/// A seam goes through the panel, and it neither opens there nor may lie across one.
pub fn is_crossed(place: &Place, panels: &[PanelSpec], seams: &SeamLines) -> bool {
    let (spec, rect) = (&panels[place.panel], place.rect);
    let panel = &spec.panel;
    let upright = seams.upright_crosses(&rect) && !panel.opens_at_upright_seams();
    let level = seams.level_crosses(&rect) && !panel.opens_at_seams();
    spec.framed && !panel.may_cross_seams() && (upright || level)
}

/// Steps by which what is in a panel grows with the panel.
const ZOOMS: [f32; 4] = [1.5, 1.35, 1.2, 1.1];

/// How much larger titles are where most of what stands below them is.
pub fn heading_zoom(places: &[Place], panels: &[PanelSpec]) -> f32 {
    let zooms: Vec<f32> = places.iter().filter(|place| panels[place.panel].framed).map(|place| place.zoom).collect();
    match zooms.iter().sum::<f32>() / (zooms.len() as f32).max(1.0) {
        large if large >= 1.3 => 1.25,
        some if some >= 1.15 => 1.12,
        _ => 1.0,
    }
}

/// How much larger than titles, against what is usual, panels are drawn at most: a list's names do not outrank its title.
const OVER_TITLES: f32 = 1.21;

/// Draws panels smaller that would be much larger than the titles; not those of which the scene file says how large.
pub fn keep_below_titles(places: &mut [Place], heading: f32) {
    let most = ZOOMS.into_iter().find(|zoom| *zoom <= heading * OVER_TITLES).unwrap_or(1.0);
    for place in places.iter_mut().filter(|place| !place.is_chosen) {
        place.zoom = place.zoom.min(most);
    }
}

/// The largest step at which what a panel shows has the room it wants.
fn natural_zoom(spec: &PanelSpec, rect: Rect) -> f32 {
    let Some(ample) = spec.panel.ample() else { return 1.0 };
    let room = content_room(spec, rect);
    let least = spec.panel.least();
    ZOOMS
        .into_iter()
        .find(|zoom| {
            room[0] >= ample[0] * zoom
                && room[1] >= ample[1] * zoom
                && rect.width() >= least[0] * zoom
                && rect.height() >= least[1] * zoom
        })
        .unwrap_or(1.0)
}

/// Width and height below the title, within the padding.
fn content_room(spec: &PanelSpec, rect: Rect) -> [f32; 2] {
    let top = if spec.title.is_empty() { tokens::PANEL_PADDING * 0.6 } else { tokens::PANEL_HEAD };
    [rect.width() - 2.0 * tokens::PANEL_PADDING, rect.height() - top - tokens::PANEL_PADDING * 0.7]
}

/// One of the parts that share a length.
struct Length {
    length: Option<f32>,
    share: f32,
    least: f32,
    crosses: bool,
    /// A seam may go through, and its surface opens there.
    opens: bool,
}

/// Begin and end of each part between `from` and `to`, the gaps on the seams where there are any.
fn lay_out(parts: &[Length], from: f32, to: f32, gap: f32, seams: &[f32], strip: f32) -> Vec<[f32; 2]> {
    if parts.is_empty() {
        return Vec::new();
    }
    let gaps = gap * (parts.len() as f32 - 1.0);
    let fixed: f32 = parts.iter().filter_map(|part| part.length).sum();
    let shares: f32 = parts.iter().filter(|part| part.length.is_none()).map(|part| part.share).sum();
    let free = (to - from - fixed - gaps).max(0.0);
    // Parts that are all of fixed length share what is left over.
    let stretch = if shares > 0.0 { 1.0 } else { (to - from - gaps) / fixed.max(1.0) };
    let wanted: Vec<f32> = parts
        .iter()
        .map(|part| part.length.map_or_else(|| free * part.share / shares.max(0.001), |length| length * stretch))
        .collect();
    let seams: Vec<f32> = seams.iter().copied().filter(|seam| *seam > from + gap && *seam < to - gap).collect();
    let seams = if parts.len() > PARTS_MAX { &[] } else { &seams[..seams.len().min(SEAMS_MAX)] };
    let mut search = Search { parts, wanted: &wanted, from, to, gap, seams, strip, best: None };
    search.try_gaps(&mut Vec::with_capacity(seams.len()), 0);
    match search.best {
        Some((_, spans)) => spans,
        None => search.spans(&[]).unwrap_or_default(),
    }
}

/// So many seams and parts are tried in every way; of more seams, as of an LED wall's cabinets, only the first count.
const SEAMS_MAX: usize = 8;
const PARTS_MAX: usize = 10;

/// Looks for the assignment of seams to gaps that changes the wanted lengths least.
struct Search<'a> {
    parts: &'a [Length],
    wanted: &'a [f32],
    from: f32,
    to: f32,
    gap: f32,
    seams: &'a [f32],
    strip: f32,
    best: Option<(f32, Vec<[f32; 2]>)>,
}

impl Search<'_> {
    /// `taken` says for each seam so far which gap it lies in, `None` for one that is crossed.
    fn try_gaps(&mut self, taken: &mut Vec<Option<usize>>, first: usize) {
        if taken.len() == self.seams.len() {
            let Some(spans) = self.spans(taken) else { return };
            let cost = self.cost(&spans);
            if self.best.as_ref().is_none_or(|(least, _)| cost < *least) {
                self.best = Some((cost, spans));
            }
            return;
        }
        for gap in first..self.parts.len().saturating_sub(1) {
            taken.push(Some(gap));
            self.try_gaps(taken, gap + 1);
            taken.pop();
        }
        taken.push(None);
        self.try_gaps(taken, first);
        taken.pop();
    }

    /// The parts' places when these seams lie in these gaps; `None` when that leaves no room for one of them.
    fn spans(&self, taken: &[Option<usize>]) -> Option<Vec<[f32; 2]>> {
        let half = self.gap.max(self.strip) * 0.5;
        let mut spans = Vec::with_capacity(self.parts.len());
        let mut begin = self.from;
        let ends = taken.iter().zip(self.seams).filter_map(|(gap, seam)| Some(((*gap)?, *seam)));
        let last = (self.parts.len() - 1, self.to + half);
        for (end, at) in ends.chain([last]) {
            let first = spans.len();
            let stop = at - half;
            let room = stop - begin - self.gap * (end - first) as f32;
            let (wanted, parts) = (&self.wanted[first..=end], &self.parts[first..=end]);
            let least = |part: usize| if taken.is_empty() { f32::NEG_INFINITY } else { parts[part].least };
            for length in shared(wanted, room, &least)? {
                spans.push([begin, begin + length]);
                begin += length + self.gap;
            }
            begin = at + half;
        }
        Some(spans)
    }

    /// How far the parts are from what was wanted; more for a seam at which a part opens; much for one that lies in a
    /// gap but not in its middle, so that panels beside one another end alike; very much for one that goes through.
    fn cost(&self, spans: &[[f32; 2]]) -> f32 {
        let apart = self.gap.max(self.strip) - 0.1;
        let seam_cost = |seam: f32| {
            let reached = |strip: f32| {
                let reaches = move |[from, to]: [f32; 2]| from < seam + strip * 0.5 && to > seam - strip * 0.5;
                self.parts.iter().zip(spans).find(move |(part, span)| !part.crosses && reaches(**span))
            };
            match reached(self.strip) {
                // Room for a name and a column on both sides.
                Some((part, [from, to])) if part.opens && (seam - from).min(to - seam) > (to - from) * 0.3 => OPENED,
                Some(_) => 100.0,
                None if reached(apart).is_some() => 2.0,
                None => 0.0,
            }
        };
        let off = spans.iter().zip(self.wanted).map(|([from, to], wanted)| ((to - from) / wanted.max(1.0)).ln().abs());
        self.seams.iter().map(|seam| seam_cost(*seam)).sum::<f32>() + off.sum::<f32>()
    }
}

/// What a seam costs at which a part opens: rather this than columns much wider and narrower than wanted.
const OPENED: f32 = 0.8;

/// Shares a room as wanted, but gives none less than its least; `None` when that is more than there is.
pub fn shared(wanted: &[f32], room: f32, least: &dyn Fn(usize) -> f32) -> Option<Vec<f32>> {
    let mut lengths: Vec<Option<f32>> = vec![None; wanted.len()];
    loop {
        let taken: f32 = lengths.iter().flatten().sum();
        let open: f32 =
            wanted.iter().zip(&lengths).filter(|(_, length)| length.is_none()).map(|(wanted, _)| wanted).sum();
        if taken > room + 0.5 {
            return None;
        }
        let scale = (room - taken) / open.max(1.0);
        let short = (0..wanted.len()).find(|&part| lengths[part].is_none() && wanted[part] * scale + 0.5 < least(part));
        match short {
            Some(part) => lengths[part] = Some(least(part)),
            None => {
                return Some(
                    lengths.iter().zip(wanted).map(|(length, wanted)| length.unwrap_or(wanted * scale)).collect(),
                );
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(length: Option<f32>, least: f32, crosses: bool) -> Length {
        Length { length, share: 1.0, least, crosses, opens: false }
    }

    #[test]
    fn what_has_no_length_shares_what_is_left() {
        let parts = [part(Some(400.0), 0.0, false), part(None, 0.0, false), part(None, 0.0, false)];
        let spans = lay_out(&parts, 0.0, 1040.0, 20.0, &[], 8.0);
        assert_eq!(spans, [[0.0, 400.0], [420.0, 720.0], [740.0, 1040.0]]);
    }

    #[test]
    fn gaps_move_onto_the_seams_and_a_map_may_lie_across_one() {
        // Five columns of a 3840 wide wall of two displays: the seam is in the middle of the third.
        let five = |crosses| -> Vec<Length> { (0..5).map(|at| part(None, 300.0, crosses && at == 2)).collect() };
        let through = |spans: &[[f32; 2]]| spans.iter().any(|[from, to]| *from < 1920.0 && *to > 1920.0);
        let plain = lay_out(&five(false), 36.0, 3804.0, 24.0, &[1920.0], 8.0);
        assert!(!through(&plain) && plain.iter().any(|span| span[1] == 1908.0), "{plain:?}");
        assert!(plain.iter().all(|[from, to]| to - from > 500.0), "the columns stay as alike as they can: {plain:?}");
        let with_map = lay_out(&five(true), 36.0, 3804.0, 24.0, &[1920.0], 8.0);
        assert!(through(&with_map) && (with_map[2][0] + with_map[2][1] - 3840.0).abs() < 0.01, "{with_map:?}");
    }

    #[test]
    fn single_panels_beside_one_another_are_piled_up_where_a_level_seam_runs() {
        let file = |kind: &str| {
            let panel = |id: &str| format!("[[panel]]\nid = \"{id}\"\nkind = \"{kind}\"\nmetric = \"m\"\n");
            format!(
                "title = {{ zh = \"一\" }}\n{}{}{}[[layout]]\nshape = \"16:9\"\nsize = [1920, 1080]\ncolumns = [{{ panels = [\
                 {{ id = \"a\" }}] }}, {{ panels = [{{ id = \"b\" }}] }}, {{ panels = [{{ id = \"c\" }}] }}]\n",
                panel("a"),
                panel("b"),
                panel("c")
            )
        };
        let scene = crate::wall::scene::Scene::parse("x.toml", "x", &file("bars")).unwrap();
        let city = crate::model::City::load("ningbo").unwrap();
        let fit = |rows: u16| {
            let seams = crate::wall::screen::Seams { columns: 1, rows, strip: 0.0 };
            let fitted = scene.fit([1920, 1080], seams, &city, crate::wall::options::Mode::Ops);
            fitted.places.iter().map(|place| place.rect).collect::<Vec<_>>()
        };
        assert!(fit(1).iter().all(|rect| rect.top == fit(1)[0].top), "side by side without a seam");
        let [a, b, c] = fit(2)[..] else { panic!("three panels") };
        assert!(a.bottom <= 540.0 && b.top >= 540.0 && a.left == b.left, "{a:?} {b:?}");
        assert!(c.top < 540.0 && c.bottom > 540.0, "the third is alone, and opens: {c:?}");
        assert!((a.width() - 2.0 * c.width()).abs() < 21.0, "two columns in one are as wide as two: {a:?} {c:?}");
    }

    #[test]
    fn a_panel_keeps_its_least_where_a_seam_leaves_little_room() {
        // The seam comes after the second, and takes a third of the first two's room.
        let parts = [part(Some(220.0), 200.0, false), part(Some(200.0), 120.0, false), part(None, 100.0, false)];
        let spans = lay_out(&parts, 0.0, 720.0, 20.0, &[355.0], 8.0);
        assert_eq!(spans, [[0.0, 200.0], [220.0, 345.0], [365.0, 720.0]]);
        // One that lies in a gap, but not in its middle, is moved there.
        let spans = lay_out(&parts[..2], 0.0, 440.0, 20.0, &[233.0], 8.0);
        assert_eq!((spans[0][1], spans[1][0]), (223.0, 243.0));
    }

    #[test]
    fn a_part_that_opens_does_so_rather_than_columns_become_uneven() {
        // Three columns on two displays, the middle one twice as wide.
        let three = |opens| {
            let mut parts: Vec<Length> = (0..3).map(|_| part(None, 100.0, false)).collect();
            (parts[1].share, parts[1].opens) = (2.0, opens);
            lay_out(&parts, 0.0, 1000.0, 20.0, &[500.0], 8.0)
        };
        assert!(three(false).iter().all(|[from, to]| *from >= 500.0 || *to <= 500.0), "{:?}", three(false));
        assert_eq!(three(true), [[0.0, 240.0], [260.0, 740.0], [760.0, 1000.0]]);
    }

    #[test]
    fn which_columns_are_piled_up_is_tried_in_every_way() {
        // Bars open at a level seam, a curve does not: of five columns on four displays the curves share one.
        let kinds = ["bars", "bars", "curve", "curve", "bars"];
        let mut file = "title = { zh = \"一\" }\n".to_owned();
        for (index, kind) in kinds.iter().enumerate() {
            file += &format!("[[panel]]\nid = \"p{index}\"\nkind = \"{kind}\"\nmetric = \"m\"\n");
        }
        let columns: Vec<String> = (0..5).map(|at| format!("{{ panels = [{{ id = \"p{at}\" }}] }}")).collect();
        file += &format!("[[layout]]\nshape = \"32:9\"\nsize = [3840, 1080]\ncolumns = [{}]\n", columns.join(", "));
        let scene = crate::wall::scene::Scene::parse("x.toml", "x", &file).unwrap();
        let city = crate::model::City::load("ningbo").unwrap();
        let seams = crate::wall::screen::Seams { columns: 4, rows: 2, strip: 0.0 };
        let fitted = scene.fit([7680, 2160], seams, &city, crate::wall::options::Mode::Ops);
        let crossed = fitted.places.iter().filter(|place| is_crossed(place, &scene.panels, &fitted.seams)).count();
        assert_eq!(crossed, 0, "{:?}", fitted.places);
        let [.., third, fourth, _] = &fitted.places[..] else { panic!("five panels") };
        assert!(third.rect.bottom < 540.0 && fourth.rect.top > 540.0 && third.rect.left == fourth.rect.left);
    }

    #[test]
    fn a_seam_that_no_gap_can_take_leaves_the_rest_as_it_was() {
        let parts = [part(None, 900.0, false)];
        assert_eq!(lay_out(&parts, 0.0, 1000.0, 20.0, &[500.0], 8.0), [[0.0, 1000.0]]);
    }
}

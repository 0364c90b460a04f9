//! The light of all requests: counted into a field, or as a cloud of points that move, which take in each new request
//! as it comes. Both are scattered by the same dice, so that the cloud at rest is the field.

use std::sync::Arc;

use super::super::super::canvas::tone::BOARDS;
use super::super::super::canvas::{Cloud, Field, LOOP_S, Motion, POINTS_MAX, Point, Rect};
use super::super::super::density::Density;
use super::super::super::map::{Map, MapArea, area_position};
use super::super::super::scatter::Scatter;
use super::super::super::scene::Metric;
use super::super::super::tokens::{self, Colour};
use super::super::map::Fit;
use super::{Cx, Sky};

/// Points drawn as stars over the light of all.
const STARS: usize = 2_600;
/// How much brighter or darker a star is at most than at rest.
const TWINKLE: f32 = 0.3;
/// Columns of the field of light at most; a larger sky gets one texel for several pixels.
const FIELD_WIDE: f32 = 3840.0;
/// So many pixels high the whole map is as bright as its points make it. A larger one has fewer of them on a pixel, and
/// would be darker: there each counts for more.
const MAP_HIGH: f32 = 918.0;
/// Points that begin to shine in one picture at most: some hundredths of a second.
const NEW_MAX: u64 = 200_000;

/// Shares of known things, summed up to 1.
type Sums = Vec<(usize, f64)>;

/// What the light depends on: place and size of the sky in pixels, requests, shares, and whether it moves.
#[derive(Debug, PartialEq)]
struct LightKey {
    rect: Rect,
    scale: f32,
    total: u64,
    areas: Sums,
    boards: Sums,
    moves: bool,
}

#[derive(Debug)]
pub struct Light {
    key: LightKey,
    made: Made,
    stars: Vec<Star>,
    /// How many points one of them shines as.
    shine: f32,
}

#[derive(Debug)]
enum Made {
    Field(Arc<Field>),
    Cloud(Box<Rain>),
}

/// A cloud and how more points fall into it.
struct Rain {
    cloud: Arc<Cloud>,
    scatter: Scatter,
    /// Requests a point stands for: 1, but where there are more than a cloud takes.
    weight: f64,
    /// Points that fell, also those beside the picture.
    fallen: u64,
}

impl std::fmt::Debug for Rain {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Rain({:?})", self.cloud)
    }
}

impl Sky {
    /// What all requests shine with, and a few of them as stars. What moves is only made ready here.
    pub fn lights(&self, cx: &mut Cx<'_, '_>, map: &Map, fit: &Fit) {
        let total = cx.table(&self.metric).number(0, "value").unwrap_or(0.0);
        let mut kept = self.light.lock();
        if total < 1.0 {
            *kept = None;
            return;
        }
        let key = self.key(cx, map, total);
        let light = match kept.take() {
            Some(light) if light.serves(&key) => light,
            _ => Light::make(map, fit, key),
        };
        if let Made::Field(field) = &light.made {
            cx.paint.field(cx.rect, field);
            paint_stars(cx, &light.stars, None);
        }
        *kept = Some(light);
    }

    /// Requests as points that move, and the stars over them; those that came since the last picture fall in.
    pub fn moving_lights(&self, cx: &mut Cx<'_, '_>, map: &Map) {
        let mut kept = self.light.lock();
        let Some(light) = &mut *kept else { return };
        if light.is_gone() {
            let fit = self.fit(map, cx.rect);
            let total = cx.table(&self.metric).number(0, "value").unwrap_or(0.0);
            *light = Light::make(map, &fit, self.key(cx, map, total));
        }
        let Light { key, made: Made::Cloud(rain), stars, shine } = light else { return };
        let total = cx.table(&self.metric).number(0, "value").unwrap_or(0.0);
        rain.follow(total, key, map.areas.len());
        let motion = Motion { at_s: cx.motion_s, weight: rain.weight as f32 * *shine };
        cx.paint.cloud(cx.rect, &rain.cloud, &motion);
        paint_stars(cx, stars, cx.motion_s);
        *cx.moving |= !cx.settled;
    }

    fn key(&self, cx: &Cx<'_, '_>, map: &Map, total: f64) -> LightKey {
        let areas = residents(cx, map).unwrap_or_else(|| {
            shares(cx, &self.areas, "area", |code| {
                let position = area_position(cx.city, code)?;
                map.areas.iter().position(|area| area.area == position)
            })
        });
        let boards =
            shares(cx, &self.boards, "board", |code| cx.city.boards.iter().position(|board| board.code == code));
        // A thousandth more or less is not seen, and not worth a second of scattering.
        let grain = 10.0_f64.powf(total.log10().floor() - 2.0).max(1.0);
        let total = ((total / grain).floor() * grain) as u64;
        LightKey { rect: cx.rect, scale: cx.paint.scale, total, areas, boards, moves: cx.paint.points_move }
    }
}

impl Light {
    /// The light of so many requests, shared out among districts and boards.
    fn make(map: &Map, fit: &Fit, key: LightKey) -> Light {
        let rect = key.rect;
        let pixels = [rect.width() * key.scale, rect.height() * key.scale];
        let coarse = (pixels[0] / FIELD_WIDE).ceil().max(1.0);
        let size = pixels.map(|side| (side / coarse).round().max(1.0) as usize);
        let scale = key.scale / coarse;
        let place = |point: [f32; 2]| {
            let [x, y] = fit.point(point);
            [(x - rect.left) * scale, (y - rect.top) * scale]
        };
        let high = (map.bounds[3] - map.bounds[1]) * fit.scale * scale;
        let shine = (high / MAP_HIGH).powi(2).max(1.0);
        let boards = if key.boards.is_empty() { vec![(0, 1.0)] } else { parted(&key.boards) };
        let stars = stars(map, fit, &key);
        let mut parts = Vec::new();
        for (area, area_share) in parted(&key.areas) {
            let requests = key.total as f64 * area_share;
            parts.extend(boards.iter().map(|(board, share)| (area, *board, requests * share)));
        }
        if !key.moves {
            let mut density = Density::new(map, size, fit.scale * scale, place);
            for (area, board, points) in parts {
                density.scatter(area, board, points.round() as u64);
            }
            let mut rgba = Vec::new();
            density.light(shine, &mut rgba);
            return Light { key, made: Made::Field(Arc::new(Field::new(density.size(), rgba))), stars, shine };
        }
        let mut scatter = Scatter::new(map, size, fit.scale * scale, place);
        let weight = (key.total as f64 / POINTS_MAX as f64).max(1.0);
        let mut points: Vec<Point> = Vec::with_capacity((key.total as f64 / weight) as usize);
        let mut fallen = 0;
        for (area, board, requests) in parts {
            let count = (requests / weight).round() as u64;
            points.extend((0..count).filter_map(|_| scatter.point(area, board % BOARDS)));
            fallen += count;
        }
        let cloud = Arc::new(Cloud::new(scatter.size(), points));
        Light { key, made: Made::Cloud(Box::new(Rain { cloud, scatter, weight, fallen })), stars, shine }
    }

    /// It is still what this key asks for. Points that move are not scattered anew for a few more requests or other
    /// shares of the boards: what comes falls in.
    fn serves(&self, key: &LightKey) -> bool {
        if !key.moves || !self.key.moves {
            return self.key == *key;
        }
        let same_place = (self.key.rect, self.key.scale, &self.key.areas) == (key.rect, key.scale, &key.areas);
        let grown = self.key.total..=self.key.total + self.key.total / 10;
        same_place && grown.contains(&key.total) && !self.is_gone()
    }

    fn is_gone(&self) -> bool {
        matches!(&self.made, Made::Cloud(rain) if rain.cloud.is_gone())
    }
}

impl Rain {
    /// Lets points fall until there are as many as requests.
    fn follow(&mut self, total: f64, key: &LightKey, areas: usize) {
        let wanted = (total / self.weight) as u64;
        for _ in 0..wanted.saturating_sub(self.fallen).min(NEW_MAX) {
            let (area, board) = spot(self.fallen, key, areas);
            self.fallen += 1;
            if let Some(point) = self.scatter.point(area, board % BOARDS) {
                self.cloud.add(point);
            }
        }
    }
}

/// District and board of the point of this number: a golden-ratio sequence spreads the shares evenly without dice.
fn spot(number: u64, key: &LightKey, areas: usize) -> (usize, usize) {
    let area = pick(&key.areas, (number as f64 * 0.618_033_988_75).fract()).unwrap_or(number as usize % areas);
    (area, pick(&key.boards, (number as f64 * 0.754_877_666_2).fract()).unwrap_or(0))
}

/// A point that shines more than the others, so that an eye can hold on to it.
#[derive(Debug)]
struct Star {
    x: f32,
    y: f32,
    glow: f32,
    core: f32,
    colour: Colour,
    /// How bright it is at rest, 0 to 1.
    bright: f32,
}

fn stars(map: &Map, fit: &Fit, key: &LightKey) -> Vec<Star> {
    let mut id = String::with_capacity(16);
    let star = |star: usize| {
        use std::fmt::Write as _;
        id.clear();
        write!(id, "sky-{star}").ok();
        let (area, board) = spot(star as u64, key, map.areas.len());
        let [x, y] = fit.point(map.areas[area].scattered(&id, 0.030));
        if x < key.rect.left || x > key.rect.right || y < key.rect.top || y > key.rect.bottom {
            return None;
        }
        let (glow, core, bright) = if star.is_multiple_of(12) { (9.0, 1.4, 0.75) } else { (4.2, 0.8, 0.42) };
        let colour = tokens::board(board).mix(tokens::TEXT, 0.16);
        Some(Star { x, y, glow, core, colour, bright })
    };
    (0..STARS).filter_map(star).collect()
}

/// The stars; at a moment each of them twinkles in its own time.
fn paint_stars(cx: &mut Cx<'_, '_>, stars: &[Star], at_s: Option<f64>) {
    let share = at_s.map(|at_s| at_s.rem_euclid(LOOP_S) / LOOP_S);
    for (number, Star { x, y, glow, core, colour, bright }) in stars.iter().enumerate() {
        let twinkle = share.map_or(0.0, |share| {
            let turns = 16 + number % 23;
            (std::f64::consts::TAU * (share * turns as f64 + number as f64 * 0.618_033_988_75)).sin() as f32
        });
        cx.paint.spark(*x, *y, *glow, *core, colour.alpha(bright * (1.0 + TWINKLE * twinkle)));
    }
}

/// Each one's own share.
fn parted(sums: &[(usize, f64)]) -> Sums {
    let mut before = 0.0;
    sums.iter().map(|(known, upto)| (*known, upto - std::mem::replace(&mut before, *upto))).collect()
}

/// Shares of the city's residents among the districts of the map; `None` where the city file does not give them all.
fn residents(cx: &Cx<'_, '_>, map: &Map) -> Option<Sums> {
    let count = |area: &MapArea| cx.city.areas.get(area.area)?.residents;
    let counts: Vec<f64> = map.areas.iter().map(|area| count(area).map(|count| count as f64)).collect::<Option<_>>()?;
    let total: f64 = counts.iter().sum();
    let mut upto = 0.0;
    let sums = counts.iter().enumerate().map(|(area, count)| {
        upto += count / total.max(1.0);
        (area, upto)
    });
    Some(sums.collect())
}

/// Shares of a metric's rows among known things, in hundredths: smaller changes are not worth a new light.
fn shares(cx: &Cx<'_, '_>, metric: &Metric, column: &str, find: impl Fn(&str) -> Option<usize>) -> Sums {
    let table = cx.table(metric);
    let mut sums = Vec::new();
    let mut total = 0.0;
    for row in 0..table.rows() {
        let (Some(known), Some(n)) = (table.text(row, column).and_then(&find), table.number(row, "n")) else {
            continue;
        };
        total += n.max(0.0);
        sums.push((known, total));
    }
    for sum in &mut sums {
        sum.1 = (sum.1 / total.max(1.0) * 100.0).round() / 100.0;
    }
    if total > 0.0 { sums } else { Vec::new() }
}

fn pick(sums: &[(usize, f64)], share: f64) -> Option<usize> {
    sums.iter().find(|(_, upto)| share < *upto).or(sums.last()).map(|(known, _)| *known)
}

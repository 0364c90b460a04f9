//! The city's map: districts as polygons, where their labels stand, and where in them a spark may fall.
//!
//! Read from a GeoJSON file under `assets/map/` and, beside it, `NAME_places.csv` (area code, longitude, latitude of
//! known places, whose density weights the sparks). Coordinates here are degrees, longitude narrowed by the cosine of
//! the city's latitude, y down. Rings may run either way. Fails with a sentence; a wall without a map shows a list.

use std::collections::HashMap;

use i_overlay::core::fill_rule::FillRule;
use i_overlay::core::overlay_rule::OverlayRule;
use i_overlay::float::single::SingleFloatOverlay;
use serde_json::Value as Json;

use crate::model::City;

use super::options::WallError;

pub struct MapArea {
    /// Position in the city file's `areas`.
    pub area: usize,
    /// Outer rings first in each polygon, holes after it.
    pub polygons: Vec<Vec<Vec<[f32; 2]>>>,
    /// Corners of triangles, three at a time.
    pub triangles: Vec<[f32; 2]>,
    pub label: [f32; 2],
    /// Left, top, right, bottom.
    bounds: [f32; 4],
    /// Known places inside it.
    places: Vec<[f32; 2]>,
}

pub struct Map {
    pub areas: Vec<MapArea>,
    /// Lines along the sea or a neighbouring city.
    pub coast: Vec<Vec<[f32; 2]>>,
    /// Lines between two districts, each once.
    pub borders: Vec<Vec<[f32; 2]>>,
    pub bounds: [f32; 4],
    /// Longitude is narrowed by this.
    narrowing: f64,
}

impl Map {
    /// Reads the city's map; `None` when the city has none.
    ///
    /// # Errors
    /// The file can't be read or is no GeoJSON of polygons.
    pub fn load(city: &City) -> Result<Option<Map>, WallError> {
        let Some(file) = &city.map else { return Ok(None) };
        let path = crate::model::assets::path(format!("map/{}", file.trim_start_matches("map/")));
        let fail = |message: String| WallError::Read { path: path.display().to_string(), message };
        let text = std::fs::read_to_string(&path).map_err(|error| fail(error.to_string()))?;
        let json: Json = serde_json::from_str(&text).map_err(|error| fail(error.to_string()))?;
        let mut map = Map::parse(&json, city).ok_or_else(|| fail("no district of the city file is in it".into()))?;
        let places = path.with_file_name(format!(
            "{}_places.csv",
            path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default()
        ));
        if let Ok(text) = std::fs::read_to_string(&places) {
            map.read_places(&text, city);
        }
        Ok(Some(map))
    }

    fn parse(json: &Json, city: &City) -> Option<Map> {
        let features = json.get("features")?.as_array()?;
        let first_latitude = first_number(features.first()?.get("geometry")?.get("coordinates")?, 1)?;
        let mut map = Map {
            areas: Vec::new(),
            coast: Vec::new(),
            borders: Vec::new(),
            bounds: [f32::MAX, f32::MAX, f32::MIN, f32::MIN],
            narrowing: first_latitude.to_radians().cos(),
        };
        for feature in features {
            let Some(area) = feature_area(feature, city) else { continue };
            let geometry = feature.get("geometry")?;
            let coordinates = geometry.get("coordinates")?.as_array()?;
            let polygons: Vec<Vec<Vec<[f32; 2]>>> = match geometry.get("type")?.as_str()? {
                "Polygon" => vec![map.rings(coordinates)],
                "MultiPolygon" => coordinates.iter().filter_map(Json::as_array).map(|rings| map.rings(rings)).collect(),
                _ => continue,
            };
            let label = feature
                .get("properties")
                .and_then(|properties| properties.get("label"))
                .and_then(|label| map.point(label));
            map.add(area, polygons, label);
        }
        map.trace();
        if map.areas.is_empty() { None } else { Some(map) }
    }

    fn add(&mut self, area: usize, polygons: Vec<Vec<Vec<[f32; 2]>>>, label: Option<[f32; 2]>) {
        let mut bounds = [f32::MAX, f32::MAX, f32::MIN, f32::MIN];
        for [x, y] in polygons.iter().flatten().flatten() {
            bounds = [bounds[0].min(*x), bounds[1].min(*y), bounds[2].max(*x), bounds[3].max(*y)];
        }
        let triangles = triangles_of(&polygons);
        let middle = [(bounds[0] + bounds[2]) * 0.5, (bounds[1] + bounds[3]) * 0.5];
        self.bounds = [
            self.bounds[0].min(bounds[0]),
            self.bounds[1].min(bounds[1]),
            self.bounds[2].max(bounds[2]),
            self.bounds[3].max(bounds[3]),
        ];
        let label = label.unwrap_or(middle);
        self.areas.push(MapArea { area, polygons, triangles, label, bounds, places: Vec::new() });
    }

    /// Parts the outlines into coast and borders: a stretch that two districts share is a border.
    fn trace(&mut self) {
        let key = |point: [f32; 2]| point.map(|value| (value * 20_000.0).round() as i64);
        let edge = |a: [f32; 2], b: [f32; 2]| {
            let (a, b) = (key(a), key(b));
            if a < b { (a, b) } else { (b, a) }
        };
        let rings: Vec<&Vec<[f32; 2]>> = self.areas.iter().flat_map(|area| area.polygons.iter().flatten()).collect();
        let pairs = |ring: &[[f32; 2]]| -> Vec<([f32; 2], [f32; 2])> {
            ring.iter().copied().zip(ring.iter().copied().cycle().skip(1)).collect()
        };
        let mut owners: HashMap<_, u32> = HashMap::new();
        for ring in &rings {
            for (a, b) in pairs(ring) {
                *owners.entry(edge(a, b)).or_default() += 1;
            }
        }
        let (mut coast, mut borders) = (Vec::new(), Vec::new());
        for ring in &rings {
            // Begin where the kind of line changes, so that no stretch is cut in two.
            let mut steps = pairs(ring);
            let shared =
                |step: &([f32; 2], [f32; 2])| owners.get(&edge(step.0, step.1)).is_some_and(|count| *count > 1);
            let turn = (1..steps.len()).find(|index| shared(&steps[*index]) != shared(&steps[*index - 1])).unwrap_or(0);
            steps.rotate_left(turn);
            let mut line: Vec<[f32; 2]> = Vec::new();
            let mut line_shared = false;
            for step in &steps {
                if line.is_empty() || shared(step) != line_shared {
                    flush(std::mem::take(&mut line), line_shared, &mut coast, &mut borders);
                    line_shared = shared(step);
                    line.push(step.0);
                }
                line.push(step.1);
            }
            flush(line, line_shared, &mut coast, &mut borders);
        }
        // A border was walked from both sides.
        let mut seen = std::collections::HashSet::new();
        borders.retain(|line: &Vec<[f32; 2]>| {
            let (first, last) = (key(line[0]), key(line[line.len() - 1]));
            seen.insert((first.min(last), first.max(last), line.len()))
        });
        (self.coast, self.borders) = (coast, borders);
    }

    fn point(&self, json: &Json) -> Option<[f32; 2]> {
        let pair = json.as_array()?;
        let (longitude, latitude) = (pair.first()?.as_f64()?, pair.get(1)?.as_f64()?);
        Some(self.place(longitude, latitude))
    }

    fn place(&self, longitude: f64, latitude: f64) -> [f32; 2] {
        [(longitude * self.narrowing) as f32, -latitude as f32]
    }

    fn rings(&self, rings: &[Json]) -> Vec<Vec<[f32; 2]>> {
        rings
            .iter()
            .filter_map(Json::as_array)
            .map(|ring| {
                let mut points: Vec<[f32; 2]> = ring.iter().filter_map(|point| self.point(point)).collect();
                // GeoJSON repeats the first point at the end.
                if points.len() > 1 && points.first() == points.last() {
                    points.pop();
                }
                points
            })
            .filter(|ring| ring.len() >= 3)
            .collect()
    }

    fn read_places(&mut self, text: &str, city: &City) {
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let mut fields = line.split(',');
            let (Some(area), Some(longitude), Some(latitude)) = (fields.next(), fields.next(), fields.next()) else {
                continue;
            };
            let (Ok(longitude), Ok(latitude)) = (longitude.trim().parse(), latitude.trim().parse()) else { continue };
            let place = self.place(longitude, latitude);
            let Some(area) = area_position(city, area.trim()) else { continue };
            if let Some(area) = self.areas.iter_mut().find(|known| known.area == area)
                && area.contains(place)
            {
                area.places.push(place);
            }
        }
    }

    /// What of the land, moved by so much, lies beyond the land itself: corners of triangles, three at a time.
    pub fn beyond(&self, [x, y]: [f32; 2]) -> Vec<[f32; 2]> {
        let land: Vec<Vec<[f32; 2]>> =
            self.areas.iter().flat_map(|area| area.polygons.iter().flatten().cloned()).collect();
        let move_ring = |ring: &Vec<[f32; 2]>| ring.iter().map(|point| [point[0] + x, point[1] + y]).collect();
        let moved: Vec<Vec<[f32; 2]>> = land.iter().map(move_ring).collect();
        triangles_of(&moved.overlay(&land, OverlayRule::Difference, FillRule::EvenOdd))
    }

    /// Degrees to map coordinates.
    pub fn at(&self, longitude: f64, latitude: f64) -> [f32; 2] {
        self.place(longitude, latitude)
    }

    /// How far down the middle of all known places lies; `None` where none is known.
    pub fn midst(&self) -> Option<f32> {
        let mut ys: Vec<f32> = self.areas.iter().flat_map(|area| area.places()).map(|[_, y]| *y).collect();
        let middle = ys.len() / 2;
        (!ys.is_empty()).then(|| *ys.select_nth_unstable_by(middle, f32::total_cmp).1)
    }

    pub fn area(&self, area: usize) -> Option<&MapArea> {
        self.areas.iter().find(|known| known.area == area)
    }
}

/// Triangles that fill polygons, each of them an outer ring and the holes in it.
fn triangles_of(polygons: &[Vec<Vec<[f32; 2]>>]) -> Vec<[f32; 2]> {
    let mut triangles = Vec::new();
    let mut earcut = earcut::Earcut::new();
    let mut indices: Vec<u32> = Vec::new();
    for rings in polygons {
        let mut corners: Vec<[f32; 2]> = Vec::new();
        let mut holes: Vec<u32> = Vec::new();
        for (position, ring) in rings.iter().enumerate() {
            if position > 0 {
                holes.push(corners.len() as u32);
            }
            corners.extend_from_slice(ring);
        }
        earcut.earcut(corners.iter().copied(), &holes, &mut indices);
        triangles.extend(indices.iter().filter_map(|index| corners.get(*index as usize).copied()));
    }
    triangles
}

impl MapArea {
    /// Known places inside it, map coordinates.
    pub fn places(&self) -> &[[f32; 2]] {
        &self.places
    }

    pub fn contains(&self, [x, y]: [f32; 2]) -> bool {
        self.polygons.iter().any(|rings| {
            let mut inside = false;
            for ring in rings {
                let mut before = ring[ring.len() - 1];
                for point in ring {
                    if (point[1] > y) != (before[1] > y)
                        && x < (before[0] - point[0]) * (y - point[1]) / (before[1] - point[1]) + point[0]
                    {
                        inside = !inside;
                    }
                    before = *point;
                }
            }
            inside
        })
    }

    /// Where the spark of ticket `id` stands: always inside the area, the same for the same id, denser where there are
    /// more known places. It is no address.
    pub fn spark_place(&self, id: &str) -> [f32; 2] {
        self.scattered(id, 0.014)
    }

    /// As [`MapArea::spark_place`], around known places within about `reach` degrees.
    pub fn scattered(&self, id: &str, reach: f32) -> [f32; 2] {
        let mut dice = Dice::new(id);
        // One in six anywhere, the others around a known place, about 1.6 km wide.
        let around =
            if self.places.is_empty() || dice.share() < 0.17 { None } else { Some(dice.below(self.places.len())) };
        for tries in 0..24 {
            let place = match around {
                Some(place) if tries < 8 => {
                    let (distance, turn) =
                        ((-(1.0 - dice.share()).ln()).sqrt() * reach, dice.share() * std::f32::consts::TAU);
                    [self.places[place][0] + distance * turn.cos(), self.places[place][1] + distance * turn.sin()]
                }
                _ => [
                    self.bounds[0] + dice.share() * (self.bounds[2] - self.bounds[0]),
                    self.bounds[1] + dice.share() * (self.bounds[3] - self.bounds[1]),
                ],
            };
            if self.contains(place) {
                return place;
            }
        }
        // A sliver that chance missed: the middle of one of its triangles.
        let count = self.triangles.len() / 3;
        match self.triangles.chunks_exact(3).nth(dice.below(count.max(1))) {
            Some([a, b, c]) => [(a[0] + b[0] + c[0]) / 3.0, (a[1] + b[1] + c[1]) / 3.0],
            _ => self.label,
        }
    }
}

fn flush(line: Vec<[f32; 2]>, shared: bool, coast: &mut Vec<Vec<[f32; 2]>>, borders: &mut Vec<Vec<[f32; 2]>>) {
    if line.len() > 1 {
        if shared { borders.push(line) } else { coast.push(line) }
    }
}

/// A repeatable sequence of numbers from a text (FNV-1a, then splitmix64).
struct Dice(u64);

impl Dice {
    fn new(text: &str) -> Dice {
        Dice(
            text.bytes()
                .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)),
        )
    }
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
    fn share(&mut self) -> f32 {
        (self.next() >> 40) as f32 / (1_u32 << 24) as f32
    }
    fn below(&mut self, count: usize) -> usize {
        (self.next() % count.max(1) as u64) as usize
    }
}

/// Position in the city's `areas` of an area given as code, name, alias or the code of a street in it.
pub fn area_position(city: &City, text: &str) -> Option<usize> {
    if let Some(position) = city.areas.iter().position(|area| {
        area.code == text || area.zh == text || area.en == text || area.aliases.iter().any(|alias| alias == text)
    }) {
        return Some(position);
    }
    let digits = text.len() >= 9 && text.bytes().all(|byte| byte.is_ascii_digit());
    if digits { city.areas.iter().position(|area| text.starts_with(&area.code)) } else { None }
}

fn feature_area(feature: &Json, city: &City) -> Option<usize> {
    let properties = feature.get("properties")?;
    ["adcode", "code", "name"].into_iter().find_map(|key| match properties.get(key)? {
        Json::Number(number) => area_position(city, &number.to_string()),
        Json::String(text) => area_position(city, text),
        _ => None,
    })
}

fn first_number(json: &Json, position: usize) -> Option<f64> {
    let array = json.as_array()?;
    match array.get(position) {
        Some(Json::Number(number)) => number.as_f64(),
        _ => first_number(array.first()?, position),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn city() -> City {
        City::parse(
            "test",
            r#"
            code = "t"
            zh = "试"
            en = "Test"
            title_zh = "试"
            title_en = "Test"
            tz = "Asia/Shanghai"
            map = "ningbo.geojson"
            boards = []
            services = []
            areas = [
              { code = "330203", zh = "海曙区", en = "Haishu" }, { code = "330225", zh = "象山县", en = "Xiangshan" },
            ]
            "#,
        )
        .unwrap()
    }

    #[test]
    fn a_spark_falls_inside_its_district_and_always_at_the_same_place() {
        let map = Map::load(&city()).unwrap().unwrap();
        for area in &map.areas {
            for number in 0..500 {
                let id = format!("T-{number}");
                let place = area.spark_place(&id);
                assert!(area.contains(place), "{id}");
                assert_eq!(place, area.spark_place(&id));
            }
        }
    }

    #[test]
    fn what_lies_beyond_the_land_is_land_that_moved_and_no_land_now() {
        let map = Map::load(&city()).unwrap().unwrap();
        let [x, y] = [-0.01, 0.03];
        let on_land = |point: [f32; 2]| map.areas.iter().any(|area| area.contains(point));
        let triangles = map.beyond([x, y]);
        assert!(triangles.len() > 300, "{}", triangles.len());
        let middles =
            triangles.chunks_exact(3).map(|t| [0, 1].map(|axis| (t[0][axis] + t[1][axis] + t[2][axis]) / 3.0));
        let (mut right, mut all) = (0, 0);
        for middle in middles {
            all += 1;
            right += usize::from(!on_land(middle) && on_land([middle[0] - x, middle[1] - y]));
        }
        // Slivers along a border that two districts do not share exactly may be either.
        assert!(right * 100 >= all * 98, "{right} of {all}");
        assert!(map.beyond([0.0, 0.0]).len() < 30, "land that did not move lies nowhere else");
    }

    #[test]
    fn triangles_cover_what_the_polygons_enclose() {
        let map = Map::load(&city()).unwrap().unwrap();
        for area in &map.areas {
            let ring_area = |ring: &[[f32; 2]]| {
                let pairs = ring.iter().zip(ring.iter().cycle().skip(1));
                pairs
                    .map(|(a, b)| f64::from(a[0]) * f64::from(b[1]) - f64::from(b[0]) * f64::from(a[1]))
                    .sum::<f64>()
                    .abs()
                    / 2.0
            };
            let enclosed: f64 = area.polygons.iter().flatten().map(|ring| ring_area(ring)).sum();
            let covered: f64 = area.triangles.chunks_exact(3).map(ring_area).sum();
            assert!((enclosed - covered).abs() < enclosed * 0.01, "{enclosed} {covered}");
        }
    }

    #[test]
    fn a_street_belongs_to_its_district() {
        assert_eq!(area_position(&city(), "330225101"), Some(1));
        assert_eq!(area_position(&city(), "象山县"), Some(1));
        assert_eq!(area_position(&city(), "9"), None);
    }
}

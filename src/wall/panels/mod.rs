//! The panel kinds, one file each: what a scene file may name as `kind`.
//!
//! A kind reads its part of the scene file, names its metrics, and paints itself from what the wall knows. It paints
//! the same picture for the same data, clock and place; it never fails: what is missing is shown as missing.

mod alerts;
mod bars;
mod boards;
mod bullets;
mod curve;
mod cx;
mod diverging;
mod facts;
mod feeds;
mod figures;
mod flows;
mod funnel;
mod hero;
mod histogram;
mod labels;
mod map;
mod map_flows;
mod map_labels;
mod marks;
mod matrix;
mod milestones;
mod multiples;
mod ranges;
mod rings;
mod seats;
mod sky;
mod story;
mod strip;
mod table;
mod ticker;
mod tiers;
mod tiles;
mod timeline;
mod trend;
mod waffle;
mod warnings;

use super::canvas::Rect;
use super::options::Mode;
use super::scene::Metric;
use super::tokens::Colour;

pub use cx::{Calm, Cx, body, caption, figure, note, row_figure};

pub trait Panel: Send + Sync {
    /// Every metric it shows.
    fn metrics(&self) -> Vec<&Metric>;

    /// Those of them whose numbers it shows in a mode: what is told when it is turned over.
    fn explained(&self, mode: Mode) -> Vec<&Metric> {
        let _ = mode;
        self.metrics()
    }

    /// The columns it reads, each with its metric; what a metric may lack is left out.
    fn columns(&self) -> Vec<(&Metric, &str)> {
        Vec::new()
    }

    /// What of it changes rarely: drawn under the panels' text, kept until the layout or [`Panel::back_version`]
    /// changes.
    fn paint_back(&self, cx: &mut Cx<'_, '_>) {
        let _ = cx;
    }

    /// Changes when [`Panel::paint_back`] would paint something else.
    fn back_version(&self, data: &super::data::Data) -> u64 {
        let _ = data;
        0
    }

    /// What came to rest on the back: drawn over it, kept until [`Panel::settled_version`] changes.
    fn paint_settled(&self, cx: &mut Cx<'_, '_>) {
        let _ = cx;
    }

    /// Changes when [`Panel::paint_settled`] would paint something else.
    fn settled_version(&self, data: &super::data::Data) -> u64 {
        let _ = data;
        0
    }

    /// What moves all the time, below the texts: painted for every picture, so it must not allocate.
    fn paint_moving(&self, cx: &mut Cx<'_, '_>) {
        let _ = cx;
    }

    /// Texts and charts; painted again when a metric, the second or the place changed, or while something in it moves.
    fn paint(&self, cx: &mut Cx<'_, '_>);

    /// Smallest width and height in which it can be read, design units.
    fn least(&self) -> [f32; 2] {
        [220.0, 120.0]
    }

    /// Width and height below the title that what it shows fills well; in more room it is drawn larger. `None`: it
    /// fills any room as it is.
    fn ample(&self) -> Option<[f32; 2]> {
        None
    }

    /// Where it stands alone in its column and a level seam goes through, its surface opens there and its rows keep
    /// off (by [`Cx::rows`]).
    fn opens_at_seams(&self) -> bool {
        false
    }

    /// The same for a seam between displays beside one another: its columns keep off (by [`Cx::columns`]).
    fn opens_at_upright_seams(&self) -> bool {
        false
    }

    /// It shows the city's map, whose sources are then named in the footer.
    fn shows_map(&self) -> bool {
        false
    }

    /// The seam between two displays may go through it: it is a picture and no text.
    fn may_cross_seams(&self) -> bool {
        false
    }
}

/// A bar with round ends from the left of its track. One shorter than its round ends is as long as its value says, and
/// thinner, as the end of the track is there.
fn round_bar(cx: &mut Cx<'_, '_>, bar: Rect, colour: Colour) {
    let (width, thick) = (bar.width().max(2.0), bar.height());
    let height = thick * (0.4 + 0.6 * (width / thick).min(1.0));
    let place = Rect::new(bar.left, bar.middle_y() - height * 0.5, width, height);
    cx.paint.rect(place, height * 0.5, colour);
}

type Make = fn(toml::Table) -> Result<Box<dyn Panel>, toml::de::Error>;

/// Every kind a scene file may name.
pub const KINDS: &[(&str, Make)] = &[
    ("hero", make::<hero::Hero>),
    ("curve", make::<curve::Curve>),
    ("rings", make::<rings::Rings>),
    ("funnel", make::<funnel::Funnel>),
    ("map", make::<map::MapPanel>),
    ("boards", make::<boards::Boards>),
    ("figures", make::<figures::Figures>),
    ("bars", make::<bars::Bars>),
    ("seats", make::<seats::Seats>),
    ("ticker", make::<ticker::Ticker>),
    ("bullets", make::<bullets::Bullets>),
    ("histogram", make::<histogram::Histogram>),
    ("table", make::<table::Table>),
    ("alerts", make::<alerts::Alerts>),
    ("feeds", make::<feeds::Feeds>),
    ("matrix", make::<matrix::Matrix>),
    ("diverging", make::<diverging::Diverging>),
    ("waffle", make::<waffle::Waffle>),
    ("ranges", make::<ranges::Ranges>),
    ("flows", make::<flows::Flows>),
    ("sky", make::<sky::Sky>),
    ("trend", make::<trend::Trend>),
    ("tiers", make::<tiers::Tiers>),
    ("tiles", make::<tiles::Tiles>),
    ("multiples", make::<multiples::Multiples>),
    ("strip", make::<strip::Strip>),
    ("story", make::<story::Story>),
    ("timeline", make::<timeline::Timeline>),
    ("warnings", make::<warnings::Warnings>),
];

fn make<P: Panel + serde::de::DeserializeOwned + 'static>(
    table: toml::Table,
) -> Result<Box<dyn Panel>, toml::de::Error> {
    Ok(Box::new(toml::Value::Table(table).try_into::<P>()?))
}

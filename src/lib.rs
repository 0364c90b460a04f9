//! 灵屏 Lingping: the live data wall of a city help line. `ARCHITECTURE.md` shows the rooms.

pub mod model;

#[cfg(feature = "hub")]
pub mod feed;
#[cfg(feature = "hub")]
pub mod hub;
#[cfg(feature = "hub")]
pub mod query;
#[cfg(feature = "hub")]
pub mod store;
#[cfg(feature = "wall")]
pub mod wall;

pub mod allocations;
pub mod bench;
pub mod cli;

#[cfg(all(feature = "hub", feature = "wall"))]
pub mod check;
#[cfg(all(feature = "hub", feature = "wall"))]
pub mod demo;

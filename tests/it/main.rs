//! The whole-program tests, in one binary so that Bevy and DataFusion are linked once.
//! Each module tests one room from outside, over real sockets, files and windows.

#![allow(clippy::unwrap_used, clippy::expect_used)]

#[cfg(all(feature = "hub", feature = "wall"))]
mod browser;
#[cfg(all(feature = "hub", feature = "wall"))]
mod crowd;
#[cfg(feature = "wall")]
mod fixture_hub;
#[cfg(all(feature = "hub", feature = "wall"))]
mod gather;
#[cfg(feature = "hub")]
mod hub;
#[cfg(feature = "hub")]
mod import;
#[cfg(feature = "hub")]
mod logic;
#[cfg(feature = "wall")]
mod pictures;
#[cfg(all(feature = "hub", feature = "wall"))]
mod program;
#[cfg(all(feature = "hub", feature = "wall"))]
mod scenes;
#[cfg(feature = "hub")]
mod simulate;
#[cfg(all(feature = "hub", feature = "wall"))]
mod sky;
#[cfg(all(feature = "hub", feature = "wall"))]
mod soak;
#[cfg(feature = "hub")]
mod store;
#[cfg(all(feature = "hub", feature = "wall"))]
mod times;
#[cfg(feature = "wall")]
mod window;

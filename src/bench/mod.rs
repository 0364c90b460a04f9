//! The benchmarks: ordinary subcommands (`lingping bench NAME --json`) that print one JSON object a line.

#[cfg(feature = "hub")]
pub mod crash;
#[cfg(feature = "hub")]
pub mod fanout;
#[cfg(feature = "hub")]
mod fill;
#[cfg(feature = "hub")]
pub mod ingest;
#[cfg(all(feature = "hub", feature = "wall"))]
pub mod latency;
#[cfg(feature = "hub")]
pub mod live;
#[cfg(feature = "hub")]
pub(crate) mod measure;
#[cfg(feature = "hub")]
mod peers;
#[cfg(feature = "hub")]
pub mod recover;
#[cfg(all(feature = "hub", feature = "wall"))]
pub mod render;
#[cfg(feature = "hub")]
pub mod scan;

#[cfg(feature = "hub")]
pub mod table;

/// A failure in one sentence.
#[cfg(feature = "hub")]
type Failed = String;
#[cfg(all(feature = "hub", feature = "wall"))]
pub mod process;
#[cfg(all(feature = "hub", feature = "wall"))]
pub mod soak;

//! The benchmarks: ordinary subcommands (`lingping bench NAME --json`) that print one JSON object a line.

#[cfg(feature = "hub")]
pub mod crash;
#[cfg(feature = "hub")]
pub mod fanout;
#[cfg(feature = "hub")]
mod fill;
#[cfg(feature = "hub")]
pub mod ingest;
#[cfg(feature = "hub")]
pub mod live;
#[cfg(feature = "hub")]
mod measure;
#[cfg(feature = "hub")]
mod peers;
#[cfg(feature = "hub")]
pub mod recover;
#[cfg(feature = "hub")]
pub mod scan;

/// A failure in one sentence.
type Failed = String;

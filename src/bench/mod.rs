//! The benchmarks: ordinary subcommands (`lingping bench NAME --json`) that print one JSON object a line.

#[cfg(feature = "hub")]
pub mod crash;
#[cfg(feature = "hub")]
pub mod fanout;
#[cfg(feature = "hub")]
pub mod ingest;
#[cfg(feature = "hub")]
pub mod live;
#[cfg(feature = "hub")]
pub mod scan;

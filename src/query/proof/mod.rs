//! Proofs over the whole room: every file in `queries/` on real stores.

mod files;
mod lab;
mod oracle;

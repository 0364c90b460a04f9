//! Proofs over the whole room: every file in `queries/` and generated SQL on real stores.

mod compare;
mod files;
mod generated;
mod history;
mod lab;
mod maker;
mod metamorphic;
mod oracle;

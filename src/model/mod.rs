//! What an event is: streams, kinds, columns, the ticket machine, the city's dictionaries, the clock and the messages
//! of the wire. Uses nothing else of this crate.

pub mod assets;
pub mod check;
pub mod city;
pub mod clock;
pub mod column_builder;
pub mod event;
pub mod machine;
pub mod message;
pub mod row_reader;
pub mod stream;
pub mod text;
pub mod time;

pub use city::City;
pub use clock::Clock;
pub use event::{Event, RowError, Value};
pub use stream::{Column, ColumnType, Stream};

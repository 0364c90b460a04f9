//! The canvas: what panels draw with. Panels speak in design units; the display list holds pixels.
//!
//! `list` is the picture as bytes, `cloud` points that move on the graphics card, `crowd` very many sparks without one,
//! `tone` how many of them look, `damage` what of it differs from the last one, `glyphs` the fonts and their atlas,
//! `paint` the pen, `wrap` texts in lines, `gpu` the render plugin that turns lists into pixels with the shaders in
//! `shaders/` (`pipelines`, `textures`, `buffers`), `readback` pictures as bytes.

mod buffers;
mod cloud;
mod crowd;
pub mod damage;
pub mod glyphs;
pub mod gpu;
pub mod list;
pub mod paint;
mod pipelines;
mod readback;
mod textures;
pub mod tone;
pub mod wrap;

pub use cloud::{Cloud, LOOP_S, Motion, POINTS_MAX, Point};
pub use glyphs::{Face, Glyphs};
pub use list::{DisplayList, Field, Rect, TextBox};
pub use paint::{Align, CAP, Paint, Style};

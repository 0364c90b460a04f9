//! Pictures for those who watch from afar: captures become JPEG on a thread of their own and go out over the link.
//!
//! A picture that comes while the last one is still being packed is dropped, so watching never slows the wall.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use image::codecs::jpeg::JpegEncoder;

use crate::model::message::{ClientMessage, pack_frame};

use super::canvas::gpu::{Capture, Shown};
use super::link::FrameSender;
use super::options::WallError;

const QUALITY: u8 = 82;
/// The hub takes pictures up to 4 MiB.
const BYTES_MAX: usize = 4 << 20;

/// Starts the thread; captures are sent into what it returns.
///
/// # Errors
/// The thread can't be started.
pub fn start(frames: FrameSender) -> Result<SyncSender<Capture>, WallError> {
    let (sender, receiver) = sync_channel(1);
    std::thread::Builder::new()
        .name("wall-jpeg".into())
        .spawn(move || pack(&receiver, &frames))
        .map_err(|error| WallError::Setup(format!("the wall's pictures cannot be packed: {error}")))?;
    Ok(sender)
}

fn pack(captures: &Receiver<Capture>, frames: &FrameSender) {
    while let Ok(capture) = captures.recv() {
        let (width, height) = (capture.width, capture.height);
        let mut jpeg = encode(&capture, QUALITY);
        if jpeg.len() > BYTES_MAX {
            jpeg = encode(&capture, QUALITY / 2);
        }
        let Shown { scene, mode, lang, frozen, explained, paused } = capture.shown;
        let (mode, lang) = (Some(mode.to_owned()), Some(lang.to_owned()));
        let (freeze, explain, pause) = (Some(frozen), Some(explained), Some(paused));
        let header = ClientMessage::Frame { width, height, scene, mode, lang, freeze, explain, pause };
        match pack_frame(&header, &jpeg) {
            Ok(frame) => frames.send(frame),
            Err(error) => tracing::warn!("a picture of the wall was left out: {error}"),
        }
    }
}

fn encode(capture: &Capture, quality: u8) -> Vec<u8> {
    let rgb: Vec<u8> = capture.rgba.chunks_exact(4).flat_map(|pixel| [pixel[0], pixel[1], pixel[2]]).collect();
    let mut jpeg = Vec::with_capacity(rgb.len() / 8);
    let mut encoder = JpegEncoder::new_with_quality(&mut jpeg, quality);
    if let Err(error) = encoder.encode(&rgb, capture.width, capture.height, image::ExtendedColorType::Rgb8) {
        tracing::warn!("a picture of the wall could not be packed: {error}");
        jpeg.clear();
    }
    jpeg
}

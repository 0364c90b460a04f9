//! From the bytes of a text file to UTF-8: compression and encoding, both found by looking.

use std::io::{BufRead, BufReader, Read};

use encoding_rs::{Encoding, GB18030, UTF_8};

use super::read_full;

pub type Bytes = Box<dyn Read>;

/// How much of a file is looked at to tell encoding, delimiter and kind.
const SAMPLE_BYTES: usize = 64 << 10;

/// Unpacks gzip, zstd and zlib; other bytes pass. Gives the words for what was found.
///
/// # Errors
/// The file cannot be read.
pub fn decompress(file: impl Read + 'static) -> Result<(Vec<String>, Bytes), String> {
    let mut file = BufReader::with_capacity(SAMPLE_BYTES, file);
    let magic = file.fill_buf().map_err(|error| format!("cannot be read: {error}"))?;
    Ok(match magic {
        [0x1f, 0x8b, ..] => (vec!["gzip".into()], Box::new(flate2::bufread::MultiGzDecoder::new(file))),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => {
            let decoder = zstd::Decoder::with_buffer(file).map_err(|error| format!("is no zstd file: {error}"))?;
            (vec!["zstd".into()], Box::new(decoder))
        }
        // 0x78 is the letter x, so the second byte must be one that no header of text has.
        [0x78, 0x01 | 0x9c | 0xda, ..] => (vec!["zlib".into()], Box::new(flate2::bufread::ZlibDecoder::new(file))),
        _ => (vec![], Box::new(file)),
    })
}

/// Decodes to UTF-8. Without a wish for one, the encoding is that of the byte order mark, else UTF-8 when the
/// beginning is, else GB18030. Bytes that do not decode become U+FFFD, which marks their row as broken later.
///
/// # Errors
/// The beginning is neither UTF-8 nor GB18030.
pub fn decode(mut reader: Bytes, wish: Option<&'static Encoding>) -> Result<(&'static str, Bytes), String> {
    let mut sample = vec![0; SAMPLE_BYTES];
    let read = read_full(&mut reader, &mut sample).map_err(|error| format!("cannot be read: {error}"))?;
    let whole = read < SAMPLE_BYTES;
    sample.truncate(read);
    let encoding = match (wish, Encoding::for_bom(&sample)) {
        (Some(encoding), _) => encoding,
        (None, Some((encoding, _))) => encoding,
        (None, None) if decodes(UTF_8, &sample, whole) => UTF_8,
        (None, None) if decodes(GB18030, &sample, whole) => GB18030,
        (None, None) => {
            return Err(
                "is neither UTF-8 nor GB18030 text; name its encoding in the map: [file] encoding = \"…\"".into()
            );
        }
    };
    let decoder = Decoded {
        inner: std::io::Cursor::new(sample).chain(reader),
        decoder: encoding.new_decoder_with_bom_removal(),
        raw: vec![0; 32 << 10],
        raw_range: 0..0,
        ended: false,
        out: vec![0; 128 << 10],
        out_range: 0..0,
    };
    Ok((encoding.name(), Box::new(decoder)))
}

fn decodes(encoding: &'static Encoding, sample: &[u8], whole: bool) -> bool {
    let mut decoder = encoding.new_decoder_without_bom_handling();
    let mut out = vec![0; decoder.max_utf8_buffer_length(sample.len()).unwrap_or(sample.len() * 3 + 16)];
    // Without `last`, a character cut at the end of the sample is no error.
    let (_, _, _, had_errors) = decoder.decode_to_utf8(sample, &mut out, whole);
    !had_errors
}

/// The first part of the text, and a reader that starts at its beginning all the same.
///
/// # Errors
/// The file cannot be read.
pub fn peek(mut reader: Bytes) -> Result<(String, Bytes), String> {
    let mut sample = vec![0; SAMPLE_BYTES];
    let read = read_full(&mut reader, &mut sample).map_err(|error| format!("cannot be read: {error}"))?;
    sample.truncate(read);
    let text = String::from_utf8_lossy(&sample).into_owned();
    Ok((text, Box::new(std::io::Cursor::new(sample).chain(reader))))
}

struct Decoded<R> {
    inner: R,
    decoder: encoding_rs::Decoder,
    raw: Vec<u8>,
    raw_range: std::ops::Range<usize>,
    ended: bool,
    out: Vec<u8>,
    out_range: std::ops::Range<usize>,
}

impl<R: Read> Decoded<R> {
    fn fill(&mut self) -> std::io::Result<()> {
        while self.out_range.is_empty() {
            if self.raw_range.is_empty() {
                if self.ended {
                    return Ok(());
                }
                let read = read_full(&mut self.inner, &mut self.raw)?;
                self.raw_range = 0..read;
                self.ended = read < self.raw.len();
            }
            let raw = &self.raw[self.raw_range.clone()];
            let (_, read, written, _) = self.decoder.decode_to_utf8(raw, &mut self.out, self.ended);
            self.raw_range.start += read;
            self.out_range = 0..written;
            if self.ended && self.raw_range.is_empty() && written == 0 {
                return Ok(());
            }
        }
        Ok(())
    }
}

impl<R: Read> Read for Decoded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.fill()?;
        let count = buffer.len().min(self.out_range.len());
        buffer[..count].copy_from_slice(&self.out[self.out_range.start..self.out_range.start + count]);
        self.out_range.start += count;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_all(bytes: &[u8], wish: Option<&'static Encoding>) -> (String, String) {
        let (name, mut reader) = decode(Box::new(std::io::Cursor::new(bytes.to_vec())), wish).unwrap();
        let mut text = String::new();
        reader.read_to_string(&mut text).unwrap();
        (name.to_owned(), text)
    }

    #[test]
    fn utf8_gb18030_and_marks_are_found_by_looking() {
        let text = "工单编号,街道\n1,石碶街道 澥浦 深甽 坣 — ·\n".repeat(3000);
        assert_eq!(read_all(text.as_bytes(), None), ("UTF-8".into(), text.clone()));
        let (gb, _, _) = GB18030.encode(&text);
        assert_eq!(read_all(&gb, None), ("gb18030".into(), text.clone()));
        let marked = [b"\xef\xbb\xbf", text.as_bytes()].concat();
        assert_eq!(read_all(&marked, None), ("UTF-8".into(), text.clone()));
        let utf16: Vec<u8> = [0xff, 0xfe].into_iter().chain(text.encode_utf16().flat_map(u16::to_le_bytes)).collect();
        assert_eq!(read_all(&utf16, None), ("UTF-16LE".into(), text));
    }

    #[test]
    fn a_broken_byte_late_in_the_file_does_not_end_it() {
        let mut bytes = "a,b\n".repeat(40_000).into_bytes();
        bytes.push(0xff);
        bytes.extend_from_slice(b"c\n");
        let (_, text) = read_all(&bytes, None);
        assert!(text.ends_with("\u{fffd}c\n"));
    }

    #[test]
    fn compressed_bytes_come_back_as_they_were() {
        let plain = b"id,at\n1,2\n".repeat(100);
        let gz = {
            use std::io::Write;
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            encoder.write_all(&plain).unwrap();
            let one = encoder.finish().unwrap();
            // Two members one after the other, as log rotation leaves them.
            [one.clone(), one].concat()
        };
        for (packed, times) in [(gz, 2), (zstd::encode_all(&plain[..], 1).unwrap(), 1), (plain.clone(), 1)] {
            let (_, mut reader) = decompress(std::io::Cursor::new(packed)).unwrap();
            let mut out = Vec::new();
            reader.read_to_end(&mut out).unwrap();
            assert_eq!(out, plain.repeat(times));
        }
    }
}

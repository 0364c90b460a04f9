//! Reading a log file back, one commit at a time.
//!
//! A file ends well after its last commit, also with zeros behind it (room set aside). A broken commit with no frame of
//! a later commit behind it is a torn tail: the crash came while it was written, in whatever order the disk took its
//! parts, so it was never acknowledged. A later commit is written only after the one before was synced: a broken commit
//! with one behind it is damage, and told, never skipped.

use std::io::{ErrorKind, Read};

use super::frame::{COMMIT, Content, HEADER_BYTES, Header, MAGIC};
use super::{FILE_HEADER_BYTES, FILE_MAGIC};

/// What comes next in a log file.
#[derive(Debug)]
pub enum Next {
    Commit(Vec<(Header, Content)>),
    /// The end. `good` bytes are commits; what follows them, if anything, is a torn tail.
    End {
        good: u64,
        torn: Option<String>,
    },
    /// Damage at this offset.
    Damaged {
        offset: u64,
        message: String,
    },
}

pub struct LogReader<R> {
    read: R,
    offset: u64,
    /// End of the last whole commit.
    good: u64,
    /// Number of the last whole commit.
    commit: u32,
    begun: bool,
}

enum Found {
    Frame(Header, Vec<u8>),
    /// Broken here; the bytes of the broken place that were read.
    Broken(String, Vec<u8>),
    /// Nothing more.
    Nothing,
}

impl<R: Read> LogReader<R> {
    pub fn new(read: R) -> LogReader<R> {
        LogReader { read, offset: 0, good: 0, commit: 0, begun: false }
    }

    /// Reads as many bytes as there are, up to the length of the buffer.
    fn fill(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let mut filled = 0;
        while filled < buffer.len() {
            match self.read.read(&mut buffer[filled..]) {
                Ok(0) => break,
                Ok(more) => filled += more,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(filled)
    }

    fn frame(&mut self) -> std::io::Result<Found> {
        let mut bytes = [0; HEADER_BYTES];
        let filled = self.fill(&mut bytes)?;
        if filled == 0 {
            return Ok(Found::Nothing);
        }
        if filled < HEADER_BYTES {
            return Ok(Found::Broken("the file ends inside a frame's header".to_owned(), bytes[..filled].to_vec()));
        }
        let header = match Header::read(&bytes) {
            Ok(header) => header,
            Err(message) => return Ok(Found::Broken(message, bytes.to_vec())),
        };
        // The length may be nonsense: take memory only as bytes really come.
        let mut payload = Vec::new();
        let read = (&mut self.read).take(header.length as u64).read_to_end(&mut payload)?;
        if read < header.length || !header.matches(&payload) {
            let mut broken = bytes.to_vec();
            broken.extend_from_slice(&payload);
            let message =
                if read < header.length { "the file ends inside a frame" } else { "the frame's sum is wrong" };
            return Ok(Found::Broken(message.to_owned(), broken));
        }
        self.offset += (HEADER_BYTES + header.length) as u64;
        Ok(Found::Frame(header, payload))
    }

    /// The next commit, or how the file ends.
    ///
    /// # Errors
    /// The disk cannot be read.
    pub fn next(&mut self) -> std::io::Result<Next> {
        if !self.begun {
            let mut bytes = [0; FILE_HEADER_BYTES];
            let filled = self.fill(&mut bytes)?;
            if filled < FILE_HEADER_BYTES || &bytes[..8] != FILE_MAGIC {
                let message = "this is no log file".to_owned();
                // The name was synced before the first commit: any commit behind it means damage.
                return self.ending(message, bytes[..filled].to_vec(), 0, 0);
            }
            self.begun = true;
            self.offset = FILE_HEADER_BYTES as u64;
            self.good = self.offset;
        }
        let mut frames = Vec::new();
        loop {
            let at = self.offset;
            match self.frame()? {
                Found::Nothing if frames.is_empty() => return Ok(Next::End { good: self.good, torn: None }),
                Found::Nothing => {
                    return Ok(Next::End { good: self.good, torn: Some("the last commit is not whole".to_owned()) });
                }
                Found::Broken(message, bytes) => return self.ending(message, bytes, at, self.commit + 1),
                Found::Frame(header, payload) => {
                    if header.commit != self.commit + 1 {
                        let message = format!("commit {} follows commit {}", header.commit, self.commit);
                        return Ok(Next::Damaged { offset: at, message });
                    }
                    match header.content(&payload) {
                        Ok(content) => frames.push((header, content)),
                        // The sum is right, so this is what was written: not a torn tail.
                        Err(message) => return Ok(Next::Damaged { offset: at, message }),
                    }
                    if header.flags & COMMIT != 0 {
                        self.good = self.offset;
                        self.commit += 1;
                        return Ok(Next::Commit(frames));
                    }
                }
            }
        }
    }

    /// Looks behind a broken place at `at`, of which `bytes` were read: a commit later than `unfinished` means damage.
    fn ending(&mut self, message: String, mut bytes: Vec<u8>, at: u64, unfinished: u32) -> std::io::Result<Next> {
        self.read.read_to_end(&mut bytes)?;
        let good = self.good;
        if bytes.iter().all(|byte| *byte == 0) {
            // Room set aside. A commit begun before it is not whole, which is a torn tail too.
            let torn = (at > good || good == 0).then_some(message);
            return Ok(Next::End { good, torn });
        }
        let later = (1..bytes.len()).any(|place| commit_at(&bytes[place..]).is_some_and(|commit| commit > unfinished));
        if later {
            return Ok(Next::Damaged { offset: at, message: format!("{message}, and later commits follow") });
        }
        Ok(Next::End { good, torn: Some(message) })
    }
}

/// The commit of the whole frame that begins here, if one does.
fn commit_at(bytes: &[u8]) -> Option<u32> {
    if !bytes.starts_with(&MAGIC) {
        return None;
    }
    let (header, rest) = bytes.split_first_chunk::<HEADER_BYTES>()?;
    let header = Header::read(header).ok()?;
    rest.get(..header.length).filter(|payload| header.matches(payload)).map(|_| header.commit)
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use proptest::prelude::*;

    use super::super::frame::Commit;
    use super::*;
    use crate::model::Stream;
    use crate::model::event::{Event, batch};
    use crate::store::columns::null_array;

    /// A log file of commits with so many rows each.
    fn log(rows: &[usize]) -> Vec<u8> {
        let mut bytes = FILE_MAGIC.to_vec();
        bytes.extend_from_slice(&1_u64.to_le_bytes());
        let mut seq = 1;
        for (number, rows) in rows.iter().enumerate() {
            let events: Vec<Event> =
                (0..*rows).map(|n| Event::new(Stream::Signals, n as i64, "note", "甬", "s", &n.to_string())).collect();
            let source = batch(Stream::Signals, &events).unwrap();
            let columns = Stream::Signals
                .columns()
                .map(|column| match column.name {
                    "recv" => source.column_by_name("ts").unwrap().clone(),
                    "seq" => std::sync::Arc::new(arrow::array::Int64Array::from_iter_values(0..*rows as i64)),
                    name => source.column_by_name(name).cloned().unwrap_or(null_array(column.column_type, *rows)),
                })
                .collect();
            let landed = arrow::array::RecordBatch::try_new(Stream::Signals.schema(), columns).unwrap();
            let mut commit = Commit::default();
            commit.rows(Stream::Signals, &landed, seq, 7).unwrap();
            commit.held(&[], seq + *rows as i64, 7).unwrap();
            seq += *rows as i64;
            bytes.extend_from_slice(&commit.finish(number as u32 + 1));
        }
        bytes
    }

    /// Rows of each whole commit, and how the file ended.
    fn read(bytes: &[u8]) -> (Vec<usize>, Next) {
        let mut reader = LogReader::new(Cursor::new(bytes));
        let mut rows = Vec::new();
        loop {
            match reader.next().unwrap() {
                Next::Commit(frames) => {
                    let count = frames.iter().map(|(_, content)| match content {
                        Content::Rows(_, batch) => batch.num_rows(),
                        Content::Held(held) => held.len(),
                    });
                    rows.push(count.sum());
                }
                end => return (rows, end),
            }
        }
    }

    #[test]
    fn a_log_cut_anywhere_gives_its_whole_commits_and_a_torn_tail() {
        let commits = [3, 1, 5];
        let bytes = log(&commits);
        assert!(matches!(read(&bytes), (rows, Next::End { torn: None, .. }) if rows == commits));
        let mut seen = 0;
        for cut in (16..bytes.len()).step_by(7) {
            let (rows, end) = read(&bytes[..cut]);
            assert_eq!(rows, commits[..rows.len()]);
            let Next::End { good, torn } = end else { panic!("cut at {cut} reads as damage") };
            assert_eq!(torn.is_some(), cut as u64 > good, "cut at {cut}");
            // With room set aside behind it, the same.
            let mut zeros = bytes[..cut].to_vec();
            zeros.resize(cut + 5000, 0);
            assert!(matches!(read(&zeros), (again, Next::End { .. }) if again == rows));
            seen = seen.max(rows.len());
        }
        assert_eq!(seen, 2);
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..400), named in any::<bool>()) {
            let mut file = if named { [FILE_MAGIC.as_slice(), &1_u64.to_le_bytes()].concat() } else { Vec::new() };
            file.extend(bytes);
            read(&file);
        }

        #[test]
        fn changed_bytes_never_read_as_other_rows(changes in prop::collection::vec((any::<prop::sample::Index>(), 1_u8..), 1..4)) {
            let commits = [3, 1, 5];
            let mut bytes = log(&commits);
            for (place, change) in changes {
                let place = place.index(bytes.len());
                bytes[place] ^= change;
            }
            let (rows, _) = read(&bytes);
            prop_assert!(rows.len() <= commits.len());
            prop_assert_eq!(&rows[..], &commits[..rows.len()]);
        }
    }
}

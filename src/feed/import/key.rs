//! The key for personal columns: HMAC-SHA256, cut to 64 bits, as 16 hexadecimal digits.
//!
//! The same person under the same key is the same pseudonym in every file, so that callers can be counted; without
//! the key nobody can try numbers until one fits. The key comes from `LINGPING_KEY`, or from a key file that only
//! its owner may read. Losing the key makes old and new pseudonyms different; it does not lose data.

use std::io::Write;
use std::path::{Path, PathBuf};

use hmac::{Hmac, Mac};
use sha2::Sha256;

use crate::feed::FeedError;

pub const VARIABLE: &str = "LINGPING_KEY";
pub const FILE_NAME: &str = "lingping.key";
/// A shorter key could be tried out.
const KEY_BYTES_MIN: usize = 16;

#[derive(Clone)]
pub struct Key {
    mac: Hmac<Sha256>,
}

impl std::fmt::Debug for Key {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Key(…)")
    }
}

impl Key {
    /// # Errors
    /// The key is too short.
    pub fn new(secret: &[u8]) -> Result<Key, FeedError> {
        if secret.len() < KEY_BYTES_MIN {
            return Err(FeedError::Key(format!(
                "it has {} bytes, at least {KEY_BYTES_MIN} are needed; `head -c 32 /dev/urandom | base64` makes one",
                secret.len()
            )));
        }
        let mac = Hmac::new_from_slice(secret).map_err(|error| FeedError::Key(error.to_string()))?;
        Ok(Key { mac })
    }

    /// A key that ends with this process, for a dry run.
    ///
    /// # Errors
    /// The key is too short, which it is not.
    pub fn passing() -> Result<Key, FeedError> {
        Key::new(&rand::random::<[u8; 32]>())
    }

    /// 16 hexadecimal digits for a value.
    pub fn pseudonym(&self, value: &str) -> String {
        use std::fmt::Write;
        let mut mac = self.mac.clone();
        mac.update(value.as_bytes());
        let digest = mac.finalize().into_bytes();
        digest[..8].iter().fold(String::with_capacity(16), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        })
    }
}

/// Where the key was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    Variable,
    File(PathBuf),
    /// Made just now: to be kept, and said aloud.
    Made(PathBuf),
}

/// The key from the environment, else from `file`, which is made (readable by its owner alone) when it is not there.
///
/// # Errors
/// The key is too short, or the file can be neither read nor written.
pub fn load(variable: Option<&str>, file: &Path) -> Result<(Key, Origin), FeedError> {
    if let Some(secret) = variable.map(str::trim).filter(|secret| !secret.is_empty()) {
        return Ok((Key::new(secret.as_bytes())?, Origin::Variable));
    }
    match std::fs::read_to_string(file) {
        Ok(secret) => Ok((Key::new(secret.trim().as_bytes())?, Origin::File(file.to_path_buf()))),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let secret = rand::random::<[u8; 32]>().iter().map(|byte| format!("{byte:02x}")).collect::<String>();
            create(file, &secret).map_err(|error| {
                FeedError::Key(format!(
                    "{} cannot be written ({error}); set {VARIABLE}, or name a file with --key-file",
                    file.display()
                ))
            })?;
            Ok((Key::new(secret.as_bytes())?, Origin::Made(file.to_path_buf())))
        }
        Err(error) => Err(FeedError::Key(format!("{} cannot be read: {error}", file.display()))),
    }
}

fn create(path: &Path, secret: &str) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    let mut file = options.open(path)?;
    writeln!(file, "{secret}")?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_value_is_the_same_pseudonym_under_one_key_and_another_under_another() {
        let key = Key::new(b"0123456789abcdef").unwrap();
        assert_eq!(key.pseudonym("13812345678"), key.pseudonym("13812345678"));
        assert_ne!(key.pseudonym("13812345678"), key.pseudonym("13812345679"));
        let other = Key::new(b"0123456789abcdeF").unwrap();
        assert_ne!(key.pseudonym("13812345678"), other.pseudonym("13812345678"));
        assert_eq!(key.pseudonym("a").len(), 16);
        assert!(Key::new(b"short").is_err());
    }

    #[test]
    fn pseudonyms_are_hmac_sha256() {
        // RFC 4231, test case 2, has a key of 4 bytes; this is its text under a longer key, computed elsewhere.
        let key = Key::new(b"JefeJefeJefeJefe").unwrap();
        assert_eq!(key.pseudonym("what do ya want for nothing?"), "2ccd85dfc8d18cb5");
    }

    #[test]
    fn a_key_file_is_made_once_for_its_owner_alone_and_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(FILE_NAME);
        let (made, origin) = load(None, &path).unwrap();
        assert_eq!(origin, Origin::Made(path.clone()));
        let (read, origin) = load(Some(" "), &path).unwrap();
        assert_eq!(origin, Origin::File(path.clone()));
        assert_eq!(made.pseudonym("x"), read.pseudonym("x"));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
        let (given, origin) = load(Some("0123456789abcdef"), &path).unwrap();
        assert_eq!(origin, Origin::Variable);
        assert_ne!(given.pseudonym("x"), read.pseudonym("x"));
    }
}

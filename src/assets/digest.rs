//! SHA-256 (FIPS 180-4) of bytes and of files, in the lower-case hexadecimal form in which checksums are pinned.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use sha2::{Digest, Sha256};

/// Bytes read at a time: large enough that the system calls do not show, small enough for the stack's sake to be boxed.
pub(super) const CHUNK: usize = 256 * 1024;

/// A sum being taken, and how many bytes went into it.
#[derive(Default)]
pub(super) struct Sum {
    state: Sha256,
    size: u64,
}

impl Sum {
    /// Takes in `bytes`.
    pub(super) fn update(&mut self, bytes: &[u8]) {
        self.state.update(bytes);
        self.size += u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    }

    /// Bytes taken in so far.
    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// The 64 hexadecimal digits.
    pub(super) fn finish(self) -> String {
        hex(&self.state.finalize())
    }
}

/// A reader that takes the sum of what is read through it.
pub(super) struct Summing<R> {
    inner: R,
    sum: Sum,
}

impl<R: Read> Summing<R> {
    /// Around `inner`, nothing taken in yet.
    pub(super) fn new(inner: R) -> Self {
        Self {
            inner,
            sum: Sum::default(),
        }
    }

    /// The sum of all bytes, those that nobody read included.
    pub(super) fn finish(mut self) -> io::Result<String> {
        let mut rest = vec![0; CHUNK];
        loop {
            match self.read(&mut rest) {
                Ok(0) => return Ok(self.sum.finish()),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}

impl<R: Read> Read for Summing<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.sum.update(&buffer[..count]);
        Ok(count)
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        // Writing into a String cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// The SHA-256 of `bytes`: 64 lower-case hexadecimal digits.
pub fn sha256_hex(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// The SHA-256 of the file at `path` and its size in bytes, read once in chunks.
///
/// # Errors
/// When the file cannot be opened or read.
pub fn sha256_file(path: &Path) -> io::Result<(String, u64)> {
    let mut file = File::open(path)?;
    let mut sum = Sum::default();
    let mut buffer = vec![0; CHUNK];
    loop {
        match file.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => sum.update(&buffer[..count]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    let size = sum.size();
    Ok((sum.finish(), size))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The one-block example of FIPS 180-4 and the empty message.
    #[test]
    fn known_answers() {
        assert_eq!(
            sha256_hex(b"abc"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
        assert_eq!(
            sha256_hex(b""),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        );
    }

    #[test]
    fn a_file_sums_like_its_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("f");
        let bytes = vec![7_u8; CHUNK * 2 + 3];
        std::fs::write(&path, &bytes).unwrap();
        let (sum, size) = sha256_file(&path).unwrap();
        assert_eq!(sum, sha256_hex(&bytes));
        assert_eq!(size, 2 * 256 * 1024 + 3);
    }
}

//! Is this file the pinned one? By its size first, which costs nothing, then by the SHA-256 of all of its bytes.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::assets::digest::{Summing, sha256_file};
use crate::assets::error::{AssetError, file_lines};
use crate::assets::manifest::{AssetSpec, FileSpec};

/// Why a file is not the pinned one. Displays as a clause whose subject is the file.
#[derive(Debug)]
pub(super) enum Fault {
    Missing,
    NotAFile,
    Size { found: u64, pinned: u64 },
    Sum { found: String, pinned: &'static str },
    Unreadable(io::Error),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str("does not exist"),
            Self::NotAFile => f.write_str("is not a file"),
            Self::Size { found, pinned } => write!(f, "has {found} bytes, not the pinned {pinned}"),
            Self::Sum { found, pinned } => write!(f, "has sha256 {found}, not the pinned {pinned}"),
            Self::Unreadable(error) => write!(f, "cannot be read: {error}"),
        }
    }
}

impl Fault {
    fn from_io(error: io::Error) -> Self {
        match error.kind() {
            // NotADirectory: a parent of the path is a file, so the path is not there either.
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Self::Missing,
            _ => Self::Unreadable(error),
        }
    }
}

/// Whether a regular file of the pinned size is there; reads no content.
pub(super) fn glance(path: &Path, spec: &FileSpec) -> Result<(), Fault> {
    let meta = fs::metadata(path).map_err(Fault::from_io)?;
    if !meta.is_file() {
        return Err(Fault::NotAFile);
    }
    if meta.len() != spec.size {
        return Err(Fault::Size {
            found: meta.len(),
            pinned: spec.size,
        });
    }
    Ok(())
}

/// Whether the pinned file is there, by the sum of its bytes.
pub(super) fn check(path: &Path, spec: &FileSpec) -> Result<(), Fault> {
    glance(path, spec)?;
    let (found, _) = sha256_file(path).map_err(Fault::from_io)?;
    compare(found, spec)
}

/// The bytes of the pinned file: those that were summed, so what is used is what was checked.
pub(super) fn read(path: &Path, spec: &FileSpec) -> Result<Vec<u8>, Fault> {
    read_with(path, spec, |file| {
        let mut bytes = Vec::with_capacity(usize::try_from(spec.size).unwrap_or(0));
        file.read_to_end(&mut bytes)?;
        Ok(bytes)
    })
}

/// What `make` makes of the pinned file. Its bytes are summed as `make` reads them, so what is used is what was checked; a file
/// that is not the pinned one is that fault, whatever `make` thought of it.
pub(super) fn read_with<T>(
    path: &Path,
    spec: &FileSpec,
    make: impl FnOnce(&mut dyn Read) -> io::Result<T>,
) -> Result<T, Fault> {
    glance(path, spec)?;
    let file = File::open(path).map_err(Fault::from_io)?;
    // One byte beyond the pin is enough to know that the file grew meanwhile.
    let mut summing = Summing::new(file.take(spec.size.saturating_add(1)));
    let made = make(&mut summing);
    compare(summing.finish().map_err(Fault::from_io)?, spec)?;
    made.map_err(Fault::from_io)
}

fn compare(found: String, spec: &FileSpec) -> Result<(), Fault> {
    if found == spec.sha256 {
        Ok(())
    } else {
        Err(Fault::Sum {
            found,
            pinned: spec.sha256,
        })
    }
}

/// The folder of `spec`'s files inside the explicit folder: the sub-folder of its name where there is one.
pub(super) fn model_folder(explicit: &Path, spec: &AssetSpec) -> PathBuf {
    let inner = explicit.join(spec.name);
    if inner.is_dir() { inner } else { explicit.to_path_buf() }
}

/// The explicit runtime library, absolute. It is the user's own build, so only its being a file is asked.
pub(super) fn explicit_runtime(path: &Path, origin: &str) -> Result<PathBuf, AssetError> {
    let problem = match fs::metadata(path) {
        Ok(meta) if meta.is_file() => {
            return Ok(std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf()));
        }
        Ok(_) => "is a folder, not the library file in it".to_owned(),
        Err(error) => Fault::from_io(error).to_string(),
    };
    Err(AssetError::Explicit {
        path: path.to_path_buf(),
        origin: origin.to_owned(),
        problem,
        remedy: format!(
            "give {origin} the full path of an ONNX Runtime library, or leave it out to have one installed"
        ),
    })
}

/// What an explicit model folder with a wrong or missing file leads to.
pub(super) fn explicit_model_error(path: &Path, origin: &str, fault: &Fault, spec: &AssetSpec) -> AssetError {
    let remedy = format!(
        "give {origin} a folder with the files of {}, or leave it out to have them installed:{}",
        spec.name,
        file_lines(spec.files)
    );
    AssetError::Explicit {
        path: path.to_path_buf(),
        origin: origin.to_owned(),
        problem: fault.to_string(),
        remedy,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The sum of `abc`.
    const SPEC: FileSpec = FileSpec {
        name: "f",
        sha256: "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        size: 3,
        member: "f",
    };

    #[test]
    fn each_fault_is_told_apart() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("f");
        assert!(matches!(check(&path, &SPEC), Err(Fault::Missing)));
        assert!(matches!(check(folder.path(), &SPEC), Err(Fault::NotAFile)));
        fs::write(&path, b"ab").unwrap();
        assert!(matches!(read(&path, &SPEC), Err(Fault::Size { found: 2, pinned: 3 })));
        assert!(matches!(check(&path.join("under-a-file"), &SPEC), Err(Fault::Missing)));
        fs::write(&path, b"abd").unwrap();
        assert!(matches!(check(&path, &SPEC), Err(Fault::Sum { .. })));
        assert!(matches!(read(&path, &SPEC), Err(Fault::Sum { .. })));
        glance(&path, &SPEC).unwrap();
        fs::write(&path, b"abc").unwrap();
        check(&path, &SPEC).unwrap();
        assert_eq!(read(&path, &SPEC).unwrap(), b"abc");
    }

    #[test]
    fn what_is_made_of_a_file_is_used_only_if_it_is_the_pinned_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("f");
        let first = |file: &mut dyn Read| {
            let mut byte = [0];
            file.read_exact(&mut byte).map(|()| byte[0])
        };
        fs::write(&path, b"abc").unwrap();
        // Bytes that nobody asked for count too.
        assert_eq!(read_with(&path, &SPEC, first).unwrap(), b'a');
        let refuse = |_: &mut dyn Read| Err::<(), _>(io::ErrorKind::InvalidData.into());
        assert!(matches!(read_with(&path, &SPEC, refuse), Err(Fault::Unreadable(_))));
        fs::write(&path, b"abd").unwrap();
        assert!(matches!(read_with(&path, &SPEC, first), Err(Fault::Sum { .. })));
        assert!(matches!(read_with(&path, &SPEC, refuse), Err(Fault::Sum { .. })));
    }

    #[test]
    fn an_explicit_library_must_be_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let error = explicit_runtime(folder.path(), "--onnxruntime").unwrap_err();
        assert!(error.to_string().contains("is a folder"), "{error}");
        let error = explicit_runtime(&folder.path().join("x"), "ORT_DYLIB_PATH").unwrap_err();
        assert!(
            error.to_string().ends_with("(from ORT_DYLIB_PATH) does not exist"),
            "{error}"
        );
    }
}

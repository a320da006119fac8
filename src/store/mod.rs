//! Files: written whole or not at all, and the only place that knows the folder layout.

mod error;
mod parquet;

pub use error::StoreError;
pub use parquet::{ScoredCell, sweep_parquet, vectors_parquet};

use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde::Serialize;

/// Writes a file through a temporary one beside it: write, fsync, rename. Whoever reads the path sees the old content or
/// the new, whenever the program is killed.
///
/// # Errors
/// [`StoreError::Write`] with the path; nothing is left behind.
pub fn write_atomically(path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    let fail = |source: std::io::Error| StoreError::Write {
        path: path.to_owned(),
        source,
    };
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    std::fs::create_dir_all(folder).map_err(fail)?;
    let mut file = tempfile::Builder::new()
        .prefix(".routecal-")
        .suffix(".tmp")
        .tempfile_in(folder)
        .map_err(fail)?;
    file.write_all(bytes).map_err(fail)?;
    keep_permissions(path, file.as_file()).map_err(fail)?;
    file.as_file().sync_all().map_err(fail)?;
    file.persist(path).map_err(|e| fail(e.error))?;
    Ok(())
}

/// A replaced file keeps its permissions; a new one gets the usual ones rather than the private ones of a temporary file.
#[cfg(unix)]
fn keep_permissions(path: &Path, file: &std::fs::File) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    let permissions = match std::fs::metadata(path) {
        Ok(metadata) => metadata.permissions(),
        Err(_) => std::fs::Permissions::from_mode(0o644),
    };
    file.set_permissions(permissions)
}

#[cfg(not(unix))]
fn keep_permissions(_path: &Path, _file: &std::fs::File) -> std::io::Result<()> {
    Ok(())
}

/// A document as JSON text: two spaces of indentation, a newline at the end.
///
/// # Panics
/// Never for the documents of this crate, which are plain data with string keys.
pub fn json<T: Serialize>(document: &T) -> String {
    let mut text = serde_json::to_string_pretty(document).expect("plain data with string keys serialises");
    text.push('\n');
    text
}

/// A folder of results.
#[derive(Debug, Clone)]
pub struct OutputFolder {
    root: PathBuf,
    written: Vec<PathBuf>,
}

impl OutputFolder {
    /// Creates the folder if need be and checks that files can be made in it, before any long work.
    ///
    /// # Errors
    /// [`StoreError::Write`].
    pub fn open(root: &Path) -> Result<Self, StoreError> {
        let fail = |source| StoreError::Write {
            path: root.to_owned(),
            source,
        };
        std::fs::create_dir_all(root).map_err(fail)?;
        // Dropping the probe removes it.
        tempfile::Builder::new()
            .prefix(".routecal-")
            .tempfile_in(root)
            .map_err(fail)?;
        Ok(Self {
            root: root.to_owned(),
            written: Vec::new(),
        })
    }

    /// Writes one file below the folder.
    ///
    /// # Errors
    /// [`StoreError::Write`].
    pub fn write(&mut self, name: &str, bytes: impl AsRef<[u8]>) -> Result<(), StoreError> {
        let path = self.root.join(name);
        write_atomically(&path, bytes.as_ref())?;
        self.written.push(path);
        Ok(())
    }

    /// Writes a figure in both formats, as `plots/NAME.svg` and `plots/NAME.png`.
    ///
    /// # Errors
    /// [`StoreError::Write`].
    pub fn write_plot(&mut self, name: &str, svg: &str, png: &[u8]) -> Result<(), StoreError> {
        self.write(&format!("plots/{name}.svg"), svg)?;
        self.write(&format!("plots/{name}.png"), png)
    }

    /// What was written so far.
    pub fn written(&self) -> &[PathBuf] {
        &self.written
    }

    /// The folder.
    pub fn root(&self) -> &Path {
        &self.root
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_that_fails_leaves_the_old_content_and_no_debris() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.json");
        write_atomically(&path, b"old").unwrap();
        write_atomically(&path, b"new").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"new");
        // A folder of the same name cannot be replaced by a file.
        let taken = folder.path().join("taken");
        std::fs::create_dir(&taken).unwrap();
        std::fs::write(taken.join("x"), b"x").unwrap();
        assert!(write_atomically(&taken, b"new").is_err());
        let names: Vec<_> = std::fs::read_dir(folder.path())
            .unwrap()
            .map(|e| e.unwrap().file_name())
            .collect();
        assert_eq!(names.len(), 2, "{names:?}");
    }
}

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
    write(path, bytes, keep_permissions)
}

/// As [`write_atomically`], for the owner's eyes alone.
///
/// # Errors
/// As [`write_atomically`].
pub fn write_privately(path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    // A temporary file is private as it is.
    write(path, bytes, |_, _| Ok(()))
}

fn write(
    path: &Path,
    bytes: &[u8],
    permissions: impl FnOnce(&Path, &std::fs::File) -> std::io::Result<()>,
) -> Result<(), StoreError> {
    let fail = |source: std::io::Error| StoreError::Write {
        path: path.to_owned(),
        source,
    };
    // A symbolic link stays one: the file that it names is replaced.
    let target = if path.is_symlink() {
        std::fs::canonicalize(path).map_err(fail)?
    } else {
        path.to_owned()
    };
    let folder = folder_of(&target);
    std::fs::create_dir_all(folder).map_err(fail)?;
    let mut file = tempfile::Builder::new()
        .prefix(".routecal-")
        .suffix(".tmp")
        .tempfile_in(folder)
        .map_err(|e| fail(unplaced(&e)))?;
    // Through the file itself: the wrapper's errors name the temporary file, which means nothing to the user.
    file.as_file_mut().write_all(bytes).map_err(fail)?;
    permissions(&target, file.as_file()).map_err(fail)?;
    file.as_file().sync_all().map_err(fail)?;
    file.persist(&target).map_err(|e| fail(e.error))?;
    Ok(())
}

/// An error of `tempfile` without the random name that it puts into the message.
fn unplaced(error: &std::io::Error) -> std::io::Error {
    error.kind().into()
}

fn folder_of(file: &Path) -> &Path {
    match file.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
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

/// A folder of results. A folder that was made for results that never came is removed again.
#[derive(Debug)]
pub struct OutputFolder {
    root: PathBuf,
    written: Vec<PathBuf>,
    /// Folders that were not there before, the outermost first.
    created: Vec<PathBuf>,
}

impl Drop for OutputFolder {
    fn drop(&mut self) {
        for folder in self.created.iter().rev() {
            // Refused, as it should be, where anything is in it.
            if std::fs::remove_dir(folder).is_err() {
                break;
            }
        }
    }
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
        let mut created: Vec<PathBuf> = root
            .ancestors()
            .take_while(|folder| !folder.as_os_str().is_empty() && !folder.exists())
            .map(Path::to_owned)
            .collect();
        created.reverse();
        std::fs::create_dir_all(root).map_err(fail)?;
        let folder = Self {
            root: root.to_owned(),
            written: Vec::new(),
            created,
        };
        // Dropping the probe removes it.
        tempfile::Builder::new()
            .prefix(".routecal-")
            .tempfile_in(root)
            .map_err(|e| fail(unplaced(&e)))?;
        Ok(folder)
    }

    /// The folder that `file` will stand in, opened as [`OutputFolder::open`] does.
    ///
    /// # Errors
    /// [`StoreError::Write`].
    pub fn of_file(file: &Path) -> Result<Self, StoreError> {
        Self::open(folder_of(file))
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

    #[cfg(unix)]
    #[test]
    fn a_symbolic_link_stays_one() {
        let folder = tempfile::tempdir().unwrap();
        let (real, link) = (folder.path().join("real.json"), folder.path().join("link.json"));
        std::fs::write(&real, b"old").unwrap();
        std::os::unix::fs::symlink(&real, &link).unwrap();
        write_atomically(&link, b"new").unwrap();
        assert!(link.is_symlink());
        assert_eq!(std::fs::read(&real).unwrap(), b"new");
    }

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

    #[test]
    fn a_folder_made_for_nothing_is_removed_and_one_in_use_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("a/b");
        drop(OutputFolder::open(&root).unwrap());
        assert!(!folder.path().join("a").exists());

        let mut out = OutputFolder::open(&root).unwrap();
        out.write("x", "x").unwrap();
        drop(out);
        drop(OutputFolder::open(&root).unwrap());
        assert!(root.join("x").is_file());
    }
}

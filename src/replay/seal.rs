//! Checksums of what a run writes: a digit of a cost that turned into another digit would otherwise be another cost.
//!
//! A line ends with `"sum"`, the first 16 hexadecimal digits of the SHA-256 of the line without it. A manifest has the SHA-256 of its
//! content, so that it may be formatted anew. Neither keeps anybody from changing a file on purpose.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::assets::sha256_hex;

/// Version of a line, and of a manifest, from which on it has a checksum.
const SINCE: u64 = 2;

const BEGIN: &[u8] = b",\"sum\":\"";
const DIGITS: usize = 16;
const END: &[u8] = b"\"}";

/// Name of a manifest's checksum.
const CONTENT: &str = "content_sha256";

/// A JSON object with members as a line with its checksum and its end.
pub(super) fn line(item: &impl Serialize) -> serde_json::Result<Vec<u8>> {
    let mut line = serde_json::to_vec(item)?;
    let sum = sha256_hex(&line);
    line.pop();
    for part in [BEGIN, &sum.as_bytes()[..DIGITS], END, b"\n"] {
        line.extend_from_slice(part);
    }
    Ok(line)
}

/// A line without checksum and end.
///
/// # Errors
/// What is wrong with the checksum. A line of the first version has none.
pub(super) fn unseal(line: &[u8]) -> Result<Cow<'_, [u8]>, &'static str> {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    let sealed = line
        .strip_suffix(END)
        .and_then(|line| line.split_last_chunk::<DIGITS>());
    let sealed = sealed.and_then(|(line, sum)| Some((line.strip_suffix(BEGIN)?, sum)));
    let Some((line_before, sum)) = sealed else {
        return if version(line) == Some(SINCE) {
            Err("its checksum is missing: the line was damaged or changed")
        } else {
            Ok(line.into())
        };
    };
    let whole = [line_before, b"}"].concat();
    if sha256_hex(&whole).as_bytes().starts_with(sum) {
        Ok(whole.into())
    } else {
        Err("its checksum does not fit: the line was damaged or changed")
    }
}

/// The version that a line says it has.
pub(super) fn version(line: &[u8]) -> Option<u64> {
    #[derive(Deserialize)]
    struct Version {
        v: Option<u64>,
    }
    serde_json::from_slice::<Version>(line).ok()?.v
}

/// A manifest with its checksum.
pub(super) fn seal_manifest(mut manifest: Value) -> Value {
    let sum = sum_of(&manifest);
    if let Value::Object(members) = &mut manifest {
        members.insert(CONTENT.into(), sum.into());
    }
    manifest
}

/// Takes the checksum off a manifest; `None` where it does not fit, or is missing.
pub(super) fn unseal_manifest(mut manifest: Value) -> Option<Value> {
    let version = manifest["schema_version"].as_u64();
    let sum = manifest
        .as_object_mut()
        .and_then(|members| members.shift_remove(CONTENT));
    let fits = match sum {
        Some(sum) => sum == sum_of(&manifest),
        None => version.is_some_and(|version| version < SINCE),
    };
    fits.then_some(manifest)
}

fn sum_of(manifest: &Value) -> String {
    sha256_hex(manifest.to_string().as_bytes())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_bit_of_a_line_counts() {
        let record = json!({ "v": 2, "key": "k", "cost_usd": 0.1, "content": "a \"sum\":\"0123456789abcdef\"}" });
        let sealed = line(&record).unwrap();
        assert_eq!(unseal(&sealed).unwrap().as_ref(), record.to_string().as_bytes());
        assert_eq!(serde_json::from_slice::<Value>(&sealed).unwrap()["key"], "k");
        // The end of the line is not the line's: a file without it has a torn last line.
        for bit in 0..(sealed.len() - 1) * 8 {
            let mut damaged = sealed.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            // Where it is no longer seen that there is a checksum, the line is no JSON.
            let refused = unseal(&damaged).map_or(true, |line| serde_json::from_slice::<Value>(&line).is_err());
            assert!(refused, "bit {bit}: {}", String::from_utf8_lossy(&damaged));
        }
        let first = br#"{"v":1,"key":"k"}"#;
        assert_eq!(unseal(first).unwrap().as_ref(), first);
    }

    #[test]
    fn a_manifest_may_be_formatted_but_not_changed() {
        let manifest = json!({ "schema_version": 2, "seed": 3, "price": 0.15, "models": { "b": 1e-9, "a": null } });
        let sealed = seal_manifest(manifest.clone());
        let formatted = serde_json::to_string_pretty(&sealed).unwrap();
        assert_eq!(
            unseal_manifest(serde_json::from_str(&formatted).unwrap()),
            Some(manifest.clone())
        );
        for (from, to) in [
            ("0.15", "0.16"),
            ("\"seed\": 3", "\"seed\": 2"),
            ("content_sha256", "content_sha257"),
        ] {
            let changed = formatted.replace(from, to);
            assert_ne!(changed, formatted);
            assert_eq!(unseal_manifest(serde_json::from_str(&changed).unwrap()), None, "{to}");
        }
        // One of the first version has none.
        assert_eq!(unseal_manifest(manifest.clone()), None);
        let old = json!({ "schema_version": 1, "seed": 3 });
        assert_eq!(unseal_manifest(old.clone()), Some(old));
    }
}

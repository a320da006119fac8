//! The published weights as tensors, in one pass over the file.
//!
//! A safetensors file is eight bytes that give the length of a header, the header (JSON: of each tensor its type, shape and
//! place), and the numbers. The crate of that name wants the whole file in memory; it reads and checks the header here. Whoever
//! reads the file may take a checksum of the same bytes on the way, so that 90 MB lie in memory once and are touched once.

use std::io::{self, Read};

use safetensors::Dtype;
use safetensors::tensor::Metadata;

/// Bytes read at a time; they stay in the processor's cache while they are summed and converted.
const CHUNK: usize = 256 * 1024;
/// A longer header is none: those of the models here have 10 to 30 KB.
const LONGEST_HEADER: u64 = 1 << 20;

/// A tensor of f32 numbers, row-major.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Weight {
    pub(super) name: String,
    pub(super) shape: Vec<usize>,
    pub(super) numbers: Vec<f32>,
}

/// Reads all f32 tensors of a safetensors file, in the order of their places; tensors of other types are passed over.
///
/// # Errors
/// Those of `file`; [`io::ErrorKind::InvalidData`] where it is no safetensors file.
pub(super) fn read(file: &mut dyn Read) -> io::Result<Vec<Weight>> {
    let mut length = [0; 8];
    file.read_exact(&mut length)?;
    let length = u64::from_le_bytes(length);
    if length > LONGEST_HEADER {
        return Err(invalid(format!("a header of {length} bytes")));
    }
    let mut header = Vec::new();
    file.take(length).read_to_end(&mut header)?;
    // That the places follow one another and fit the shapes is seen to where the header is read.
    let header: Metadata = serde_json::from_slice(&header).map_err(invalid)?;

    let mut numbers = Numbers {
        file,
        at: 0,
        buffer: vec![0; CHUNK],
    };
    let mut weights = Vec::new();
    for name in header.offset_keys() {
        let Some(tensor) = header.info(&name) else { continue };
        let (start, end) = tensor.data_offsets;
        if tensor.dtype != Dtype::F32 {
            continue;
        }
        numbers.skip_to(start)?;
        weights.push(Weight {
            name,
            shape: tensor.shape.clone(),
            numbers: numbers.take(end - start)?,
        });
    }
    Ok(weights)
}

/// The numbers of the file, from the first byte after the header.
struct Numbers<'a> {
    file: &'a mut dyn Read,
    at: usize,
    buffer: Vec<u8>,
}

impl Numbers<'_> {
    fn skip_to(&mut self, place: usize) -> io::Result<()> {
        while self.at < place {
            self.fill(place - self.at)?;
        }
        Ok(())
    }

    fn take(&mut self, bytes: usize) -> io::Result<Vec<f32>> {
        let mut numbers = Vec::new();
        // A damaged header may name any size.
        numbers.try_reserve_exact(bytes / 4).map_err(invalid)?;
        let end = self.at + bytes;
        while self.at < end {
            // A chunk is a multiple of four bytes, and so is what is left of a tensor.
            let read = self.fill(end - self.at)?;
            let (of_four, _) = self.buffer[..read].as_chunks::<4>();
            numbers.extend(of_four.iter().map(|b| f32::from_le_bytes(*b)));
        }
        Ok(numbers)
    }

    /// Reads a chunk, or `most` bytes if these are fewer, to the start of the buffer.
    fn fill(&mut self, most: usize) -> io::Result<usize> {
        let count = most.min(CHUNK);
        self.file.read_exact(&mut self.buffer[..count])?;
        self.at += count;
        Ok(count)
    }
}

fn invalid(problem: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, problem)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(header: &str, numbers: &[f32]) -> Vec<u8> {
        let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
        bytes.extend(header.bytes());
        bytes.extend(numbers.iter().flat_map(|x| x.to_le_bytes()));
        bytes
    }

    #[test]
    fn tensors_come_in_the_order_of_their_places() {
        let header = r#"{"__metadata__": {"format": "pt"},
            "a": {"dtype": "F32", "shape": [2, 2], "data_offsets": [16, 32]},
            "ids": {"dtype": "I64", "shape": [1], "data_offsets": [8, 16]},
            "b": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}"#;
        let weights = read(&mut &file(header, &[1.0, 2.0, 0.0, 0.0, 3.0, 4.0, 5.0, 6.0])[..]).unwrap();
        let seen: Vec<_> = weights
            .iter()
            .map(|w| (w.name.as_str(), &w.shape[..], &w.numbers[..]))
            .collect();
        assert_eq!(
            seen,
            [
                ("b", &[2][..], &[1.0, 2.0][..]),
                ("a", &[2, 2][..], &[3.0, 4.0, 5.0, 6.0][..])
            ]
        );
    }

    #[test]
    fn numbers_beyond_a_chunk_are_whole() {
        let count = CHUNK / 4 * 2 + 3;
        let numbers: Vec<f32> = (0..count)
            .map(|i| f32::from(u16::try_from(i % 1000).unwrap()))
            .collect();
        let header = format!(
            r#"{{"a": {{"dtype": "F32", "shape": [{count}], "data_offsets": [0, {}]}}}}"#,
            4 * count
        );
        assert_eq!(read(&mut &file(&header, &numbers)[..]).unwrap()[0].numbers, numbers);
    }

    #[test]
    fn what_is_no_such_file_is_refused() {
        let wrong = [
            vec![255; 64],
            file("{}", &[])[..9].to_vec(),
            file("[1]", &[]),
            file(
                r#"{"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 4]}}"#,
                &[1.0],
            ),
            file(
                r#"{"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}"#,
                &[1.0],
            ),
        ];
        for bytes in wrong {
            assert!(read(&mut &bytes[..]).is_err(), "{bytes:?}");
        }
    }
}

//! Texts of one batch as the two inputs of a graph: token ids and a mask, the shorter texts filled up to the longest.

use ort::session::{Session, SessionOutputs};
use ort::value::Tensor;

/// See the module. Both are texts × width, row-major.
pub(super) struct Padded {
    texts: usize,
    width: usize,
    ids: Vec<i64>,
    mask: Vec<i64>,
}

impl Padded {
    /// Of the token ids of each text.
    pub(super) fn of(texts: &[&[u32]], padding: u32) -> Self {
        let width = texts.iter().map(|text| text.len()).max().unwrap_or(0);
        let mut ids = Vec::with_capacity(texts.len() * width);
        let mut mask = Vec::with_capacity(texts.len() * width);
        for text in texts {
            let fill = width - text.len();
            ids.extend(text.iter().map(|id| i64::from(*id)));
            ids.extend(std::iter::repeat_n(i64::from(padding), fill));
            mask.extend(std::iter::repeat_n(1, text.len()));
            mask.extend(std::iter::repeat_n(0, fill));
        }
        Self {
            texts: texts.len(),
            width,
            ids,
            mask,
        }
    }

    /// Tokens of the longest text.
    pub(super) fn width(&self) -> usize {
        self.width
    }

    /// What a graph makes of them.
    pub(super) fn run(self, session: &mut Session) -> ort::Result<SessionOutputs<'_>> {
        let shape = [self.texts, self.width];
        session.run(ort::inputs![
            "input_ids" => Tensor::from_array((shape, self.ids))?,
            "attention_mask" => Tensor::from_array((shape, self.mask))?,
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shorter_text_is_filled_up() {
        let padded = Padded::of(&[&[7, 8, 9], &[5]], 1);
        assert_eq!(padded.width(), 3);
        assert_eq!(padded.ids, [7, 8, 9, 5, 1, 1]);
        assert_eq!(padded.mask, [1, 1, 1, 1, 0, 0]);
    }
}

//! From the published weights to the tensors of the int8 graph: `quantise` of `graphs/int8_model.py`, byte for byte.
//!
//! Single precision throughout, one IEEE operation at a time and no library function but rounding, so that every processor
//! makes the same file, whose sha256 is pinned.
//!
//! The order of the tensors is that of the reference, each begins at a multiple of [`ALIGNMENT`] bytes, and the graph finds
//! them by their places.

use safetensors::{Dtype, SafeTensors};

use super::table::{Input, Table};

const LAYERS: usize = 6;
const WIDTH: usize = 384;
/// Positions of the longest text that is read.
const POSITIONS: usize = 256;
const ALIGNMENT: usize = 64;

/// The largest weight, and the largest sum of two neighbours of one sign.
///
/// A processor without VNNI multiplies activations of up to 255 with the weights of two neighbouring rows and adds the two
/// products in 16 bits: 255 · 128 still fits. `MOST_PAIR` is what the unrounded sums are brought to.
const MOST: f32 = 127.0;
const MOST_PAIR: f32 = 127.4;
/// What a scale grows by until the rounded weights keep that limit too.
const GROWTH: f32 = 1.002;

/// The file of tensors, made of the bytes of `model.safetensors`. About 0.2 s and 150 MB on top of the weights.
///
/// # Errors
/// A sentence where the weights are not those of the model, or the table is of others.
pub(super) fn tensors(weights: &[u8], table: &Table) -> Result<Vec<u8>, String> {
    let source = Source(SafeTensors::deserialize(weights).map_err(|e| e.to_string())?);
    if table.layers.len() != LAYERS {
        return Err(format!("a table of {} layers", table.layers.len()));
    }
    let mut file = File::default();
    let words = source.get("embeddings.word_embeddings.weight")?;
    let rows: Vec<(Vec<i8>, f32)> = words.chunks_exact(WIDTH).map(int8_row).collect();
    file.put(rows.iter().flat_map(|(row, _)| row).map(|q| q.to_le_bytes()));
    file.put_f32(rows.iter().map(|(_, scale)| *scale));
    let positions = source.get("embeddings.position_embeddings.weight")?;
    let segment = source.get("embeddings.token_type_embeddings.weight")?;
    let seen = positions.iter().take(POSITIONS * WIDTH);
    file.put_f32(seen.zip(segment[..WIDTH].iter().cycle()).map(|(a, b)| a + b));
    file.put_norm(&source, "embeddings.LayerNorm")?;
    for (number, layer) in table.layers.iter().enumerate() {
        let at = format!("encoder.layer.{number}");
        let names = ["query", "key", "value"].map(|n| format!("{at}.attention.self.{n}"));
        let mut qkv = Product::read(&source, &names)?;
        // The smoothing of the attention's output is divided out of the values that it mixes.
        for (channel, smooth) in layer.o.smooth.iter().enumerate() {
            let value = 2 * WIDTH + channel;
            qkv.bias[value] /= smooth;
            qkv.columns[value].iter_mut().for_each(|w| *w /= smooth);
        }
        file.put_smoothing(&layer.qkv);
        file.put_product(&qkv.smoothed(&layer.qkv), &layer.qkv, names.len());
        let output = Product::read(&source, &[format!("{at}.attention.output.dense")])?;
        file.put_product(&output.smoothed(&layer.o), &layer.o, 1);
        file.put_norm(&source, &format!("{at}.attention.output.LayerNorm"))?;

        let mut inner = Product::read(&source, &[format!("{at}.intermediate.dense")])?;
        let mut outer = Product::read(&source, &[format!("{at}.output.dense")])?;
        file.put_units(&mut inner, &mut outer, &layer.f2.fp32_units);
        file.put_smoothing(&layer.f1);
        file.put_product(&inner.smoothed(&layer.f1), &layer.f1, 1);
        file.put_product(&outer, &layer.f2, 1);
        file.put_norm(&source, &format!("{at}.output.LayerNorm"))?;
    }
    Ok(file.bytes)
}

/// The published tensors.
struct Source<'a>(SafeTensors<'a>);

impl Source<'_> {
    fn get(&self, name: &str) -> Result<Vec<f32>, String> {
        let tensor = self.0.tensor(name).map_err(|e| format!("{name}: {e}"))?;
        if tensor.dtype() != Dtype::F32 {
            return Err(format!("{name} is {:?}, not F32", tensor.dtype()));
        }
        let (numbers, _) = tensor.data().as_chunks::<4>();
        Ok(numbers.iter().map(|b| f32::from_le_bytes(*b)).collect())
    }
}

/// A linear layer, or several with one input side by side.
struct Product {
    /// The weights of each output, one an input.
    columns: Vec<Vec<f32>>,
    bias: Vec<f32>,
}

impl Product {
    fn read(source: &Source<'_>, names: &[String]) -> Result<Self, String> {
        let mut product = Self {
            columns: Vec::new(),
            bias: Vec::new(),
        };
        for name in names {
            let (weight, bias) = (
                source.get(&format!("{name}.weight"))?,
                source.get(&format!("{name}.bias"))?,
            );
            let inputs = weight.len() / bias.len();
            product.columns.extend(weight.chunks_exact(inputs).map(<[f32]>::to_vec));
            product.bias.extend(bias);
        }
        Ok(product)
    }

    /// The same for an input that was divided by the smoothing factors.
    fn smoothed(mut self, input: &Input) -> Self {
        for column in &mut self.columns {
            column.iter_mut().zip(&input.smooth).for_each(|(w, s)| *w *= s);
        }
        self
    }
}

/// The file as it grows.
#[derive(Default)]
struct File {
    bytes: Vec<u8>,
}

impl File {
    /// A tensor, after zeros up to the next aligned place.
    fn put<const N: usize>(&mut self, numbers: impl Iterator<Item = [u8; N]>) {
        self.bytes.resize(self.bytes.len().next_multiple_of(ALIGNMENT), 0);
        for number in numbers {
            self.bytes.extend_from_slice(&number);
        }
    }

    fn put_f32(&mut self, numbers: impl Iterator<Item = f32>) {
        self.put(numbers.map(f32::to_le_bytes));
    }

    fn put_norm(&mut self, source: &Source<'_>, name: &str) -> Result<(), String> {
        self.put_f32(source.get(&format!("{name}.weight"))?.into_iter());
        self.put_f32(source.get(&format!("{name}.bias"))?.into_iter());
        Ok(())
    }

    /// What the graph multiplies the input with.
    fn put_smoothing(&mut self, input: &Input) {
        self.put_f32(input.smooth.iter().map(|s| 1.0 / s));
    }

    /// How the input becomes uint8; then, for each of `parts` equal parts of the outputs, the weights with an input's weights
    /// side by side, and a scale an output; then the bias.
    fn put_product(&mut self, product: &Product, input: &Input, parts: usize) {
        self.put_f32(std::iter::once(input.scale));
        self.put(std::iter::once([input.zero_point]));
        let columns: Vec<(Vec<i8>, f32)> = product.columns.iter().map(|c| int8_column(c)).collect();
        for part in columns.chunks_exact(columns.len() / parts) {
            let inputs = part[0].0.len();
            self.put((0..inputs).flat_map(|i| part.iter().map(move |(column, _)| column[i].to_le_bytes())));
            self.put_f32(part.iter().map(|(_, scale)| *scale));
        }
        self.put_f32(product.bias.iter().copied());
    }

    /// Takes the units that stay fp32 out of the two products and puts them: weights in, biases, weights out.
    fn put_units(&mut self, inner: &mut Product, outer: &mut Product, units: &[usize]) {
        let inputs = inner.columns[0].len();
        self.put_f32((0..inputs).flat_map(|i| units.iter().map(|u| inner.columns[*u][i]).collect::<Vec<_>>()));
        self.put_f32(units.iter().map(|u| inner.bias[*u]));
        self.put_f32(units.iter().flat_map(|u| outer.columns.iter().map(|column| column[*u])));
        for unit in units {
            inner.columns[*unit].fill(0.0);
            inner.bias[*unit] = 0.0;
            outer.columns.iter_mut().for_each(|column| column[*unit] = 0.0);
        }
    }
}

/// A row of a table of embeddings as whole numbers, and their scale.
fn int8_row(row: &[f32]) -> (Vec<i8>, f32) {
    let scale = or_one(largest(row) / MOST);
    (row.iter().map(|x| whole(*x, scale)).collect(), scale)
}

/// The weights of one output as whole numbers, and the least scale at which no sum of two products can saturate.
fn int8_column(weights: &[f32]) -> (Vec<i8>, f32) {
    let pairs = weights.as_chunks::<2>().0;
    let same_sign = |[a, b]: &&[f32; 2]| a.is_sign_negative() == b.is_sign_negative();
    let largest_pair = pairs
        .iter()
        .filter(same_sign)
        .map(|[a, b]| a.abs() + b.abs())
        .fold(0.0, f32::max);
    let mut scale = or_one((largest(weights) / MOST).max(largest_pair / MOST_PAIR));
    loop {
        let numbers: Vec<i8> = weights.iter().map(|w| whole(*w, scale)).collect();
        if numbers.as_chunks::<2>().0.iter().copied().all(fits) {
            return (numbers, scale);
        }
        scale *= GROWTH;
    }
}

/// Whether 255 times either weight, or times both, stays within 16 bits.
fn fits([a, b]: [i8; 2]) -> bool {
    let (a, b) = (i16::from(a), i16::from(b));
    a * b <= 0 || (a + b).abs() <= 128
}

fn largest(numbers: &[f32]) -> f32 {
    numbers.iter().fold(0.0, |most, x| most.max(x.abs()))
}

/// Nothing but zeros has any scale.
fn or_one(scale: f32) -> f32 {
    if scale == 0.0 { 1.0 } else { scale }
}

#[expect(clippy::cast_possible_truncation, reason = "brought into range just before")]
fn whole(x: f32, scale: f32) -> i8 {
    (x / scale).round_ties_even().clamp(-MOST, MOST) as i8
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_pair_of_products_can_saturate(weights in prop::collection::vec(-3.0_f32..3.0, 1..40).prop_map(|mut w| {
            // Rows come in pairs in every model here.
            w.extend_from_within(..);
            w
        })) {
            let (numbers, scale) = int8_column(&weights);
            for [a, b] in numbers.as_chunks::<2>().0 {
                for (x, y) in [(255, 255), (255, 0), (0, 255)] {
                    let sum = x * i32::from(*a) + y * i32::from(*b);
                    prop_assert!(i16::try_from(sum).is_ok(), "{a} {b}");
                }
            }
            for (w, q) in weights.iter().zip(&numbers) {
                prop_assert!((w - f32::from(*q) * scale).abs() <= 0.501 * scale);
            }
            // No coarser than twice what the largest weight alone would need.
            prop_assert!(scale <= 2.0 * GROWTH * or_one(largest(&weights) / MOST));
        }
    }

    #[test]
    fn by_hand() {
        // The pair 1, 1 sets the scale; the largest weight alone would have set 1/127.
        let (numbers, scale) = int8_column(&[1.0, 1.0, -0.5, 0.25]);
        assert_eq!(numbers, [64, 64, -32, 16]);
        assert_eq!(scale.to_bits(), (2.0_f32 / 127.4).to_bits());
        assert_eq!(int8_column(&[1.0, -1.0]), (vec![127, -127], 1.0 / 127.0));
        assert_eq!(int8_column(&[0.0, -0.0]), (vec![0, 0], 1.0));
        assert_eq!(int8_row(&[2.0, 2.0, -1.0]), (vec![127, 127, -64], 2.0 / 127.0));
    }

    #[test]
    fn other_weights_are_refused() {
        let table = super::super::table::shipped().unwrap();
        assert!(tensors(b"no safetensors", &table).is_err());
    }
}

//! The number format of an encoder's weights, as it is written in a name: `all-MiniLM-L6-v2@int8`.
//!
//! Only bundled encoders have a choice; what other encoders compute with is their own affair. The name without a precision
//! is the fp32 encoder.

use std::fmt;
use std::path::Path;

use super::EncodeError;
use crate::assets::BundledModel;

/// A number format of weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Precision {
    /// As published.
    Fp32,
    /// Weights and the inputs of the large products in 8 bits: faster, and nearly the same vectors.
    Int8,
}

impl Precision {
    /// Every precision.
    pub const ALL: [Self; 2] = [Self::Fp32, Self::Int8];

    /// As it is written in names, flags and documents.
    pub fn name(self) -> &'static str {
        match self {
            Self::Fp32 => "fp32",
            Self::Int8 => "int8",
        }
    }

    /// Whether `model` has such weights here.
    pub fn is_of(self, model: BundledModel) -> bool {
        self == Self::Fp32 || model == BundledModel::MiniLm
    }
}

impl fmt::Display for Precision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The bundled model and the precision that an encoder's name asks for; `None` where it names no bundled model.
///
/// # Errors
/// [`EncodeError::Precision`] where the model has no such precision.
pub fn bundled_model(name: &str) -> Result<Option<(BundledModel, Precision)>, EncodeError> {
    let (bare, asked) = name.split_once('@').map_or((name, None), |(b, p)| (b, Some(p)));
    let Some(model) = BundledModel::from_name(bare) else {
        return Ok(None);
    };
    let of_model = |p: &Precision| p.is_of(model);
    let precision = match asked {
        None => Some(Precision::Fp32),
        Some(asked) => Precision::ALL
            .into_iter()
            .find(|p| p.name().eq_ignore_ascii_case(asked)),
    };
    match precision.filter(of_model) {
        Some(precision) => Ok(Some((model, precision))),
        None => Err(EncodeError::Precision {
            name: model.name().into(),
            precision: asked.unwrap_or_default().into(),
            there_are: Precision::ALL
                .into_iter()
                .filter(of_model)
                .map(Precision::name)
                .collect(),
        }),
    }
}

/// The name of the encoder `name` in another precision: `all-MiniLM-L6-v2` and `Int8` make `all-MiniLM-L6-v2@int8`.
///
/// # Errors
/// [`EncodeError::Precision`] where it has no such precision, or where there is no choice.
pub fn in_precision(name: &str, precision: Precision) -> Result<String, EncodeError> {
    // A precision in the name itself is replaced, so it need not be one that exists.
    let bare = name.split('@').next().unwrap_or(name);
    // A folder may have any name.
    if BundledModel::from_name(bare).is_none() || Path::new(name).is_dir() {
        return Err(EncodeError::Precision {
            name: name.into(),
            precision: precision.name().into(),
            there_are: Vec::new(),
        });
    }
    let full = format!("{bare}@{precision}");
    bundled_model(&full)?;
    Ok(match precision {
        Precision::Fp32 => bare.into(),
        Precision::Int8 => full,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Hint as _;

    #[test]
    fn names_with_and_without_a_precision() {
        let of = |name| bundled_model(name).unwrap();
        assert_eq!(of("all-MiniLM-L6-v2"), Some((BundledModel::MiniLm, Precision::Fp32)));
        assert_eq!(
            of("all-MiniLM-L6-v2@int8"),
            Some((BundledModel::MiniLm, Precision::Int8))
        );
        assert_eq!(
            of("sentence-transformers/all-minilm-l6-v2@INT8"),
            Some((BundledModel::MiniLm, Precision::Int8))
        );
        assert_eq!(
            of("all-mpnet-base-v2@fp32"),
            Some((BundledModel::Mpnet, Precision::Fp32))
        );
        assert_eq!(of("hashing"), None);
        assert_eq!(of("./models@int8"), None);
    }

    #[test]
    fn a_precision_that_is_not_there_says_which_are() {
        for (name, there_are) in [
            ("all-MiniLM-L6-v2@int4", "fp32 and int8"),
            ("all-MiniLM-L6-v2@", "fp32 and int8"),
            ("all-mpnet-base-v2@int8", "fp32 alone"),
        ] {
            let error = bundled_model(name).unwrap_err();
            assert!(error.to_string().contains(there_are), "{error}");
        }
    }

    #[test]
    fn a_flag_goes_before_a_name() {
        let of = |name, precision| in_precision(name, precision).unwrap();
        assert_eq!(of("all-MiniLM-L6-v2", Precision::Int8), "all-MiniLM-L6-v2@int8");
        assert_eq!(of("all-MiniLM-L6-v2@int8", Precision::Int8), "all-MiniLM-L6-v2@int8");
        assert_eq!(of("all-MiniLM-L6-v2@int8", Precision::Fp32), "all-MiniLM-L6-v2");
        assert_eq!(of("all-mpnet-base-v2", Precision::Fp32), "all-mpnet-base-v2");
        for name in ["hashing", "openai:x", "BAAI/bge-small-en-v1.5", "all-mpnet-base-v2"] {
            let error = in_precision(name, Precision::Int8).unwrap_err();
            assert!(error.to_string().contains(name), "{error}");
            assert!(error.hint().is_some());
        }
    }
}

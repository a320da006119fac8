//! Parquet tables, through polars.

use polars::prelude::{
    Column, DataFrame, IntoColumn, ListChunked, NamedFrom, ParquetCompression, ParquetWriter, PlSmallStr, Series,
    StatisticsOptions,
};

use super::StoreError;
use crate::dataset::{Label, Row};
use crate::encode::Vectors;

/// One line of the sweep's table.
#[derive(Debug, Clone, PartialEq)]
pub struct ScoredCell {
    /// Split the figures are of.
    pub split: String,
    /// The point and its figures.
    pub cell: crate::calibrate::Cell,
    /// Mean price of a prompt, where prices are known.
    pub mean_price: Option<f64>,
}

fn fail(what: &'static str) -> impl Fn(polars::error::PolarsError) -> StoreError {
    move |e| StoreError::Encode {
        what,
        message: e.to_string(),
    }
}

fn encode(columns: Vec<Column>, what: &'static str) -> Result<Vec<u8>, StoreError> {
    let height = columns.first().map_or(0, Column::len);
    let mut frame = DataFrame::new(height, columns).map_err(fail(what))?;
    let mut bytes = Vec::new();
    ParquetWriter::new(&mut bytes)
        .with_compression(ParquetCompression::Zstd(None))
        .with_statistics(StatisticsOptions::default())
        .finish(&mut frame)
        .map_err(fail(what))?;
    Ok(bytes)
}

/// Columns prompt, label (null where the file has none) and vector (list of f32), one row a prompt in order.
///
/// # Errors
/// [`StoreError::Encode`].
pub fn vectors_parquet(rows: &[Row], vectors: &Vectors) -> Result<Vec<u8>, StoreError> {
    let prompts: Vec<&str> = rows.iter().map(|r| r.prompt.as_str()).collect();
    let labels: Vec<Option<&str>> = rows.iter().map(|r| r.label.as_ref().map(Label::as_str)).collect();
    let lists: ListChunked = vectors
        .rows()
        .map(|row| Some(Series::new(PlSmallStr::EMPTY, row)))
        .collect();
    let mut lists = lists.into_column();
    lists.rename(PlSmallStr::from_static("vector"));
    encode(
        vec![
            Column::new(PlSmallStr::from_static("prompt"), prompts),
            Column::new(PlSmallStr::from_static("label"), labels),
            lists,
        ],
        "the vectors",
    )
}

/// The sweep's table: split, threshold, gap, counts and figures.
///
/// # Errors
/// [`StoreError::Encode`].
pub fn sweep_parquet(cells: &[ScoredCell]) -> Result<Vec<u8>, StoreError> {
    let column = |name: &'static str, value: fn(&ScoredCell) -> Option<f64>| {
        let values: Vec<Option<f64>> = cells.iter().map(value).collect();
        Column::new(PlSmallStr::from_static(name), values)
    };
    let count = |name: &'static str, value: fn(&ScoredCell) -> u64| {
        let values: Vec<u64> = cells.iter().map(value).collect();
        Column::new(PlSmallStr::from_static(name), values)
    };
    let splits: Vec<&str> = cells.iter().map(|c| c.split.as_str()).collect();
    encode(
        vec![
            Column::new(PlSmallStr::from_static("split"), splits),
            column("threshold", |c| Some(c.cell.threshold)),
            column("gap", |c| Some(c.cell.gap)),
            count("accepted", |c| c.cell.tally.accepted()),
            count("right", |c| c.cell.tally.right),
            count("wrong", |c| c.cell.tally.wrong),
            count("out_of_domain", |c| c.cell.tally.out_of_domain),
            column("system_accuracy", |c| c.cell.system_accuracy),
            column("coverage", |c| c.cell.coverage),
            column("selective_accuracy", |c| c.cell.selective_accuracy),
            column("false_accept_rate", |c| c.cell.false_accept_rate),
            column("mean_price", |c| c.mean_price),
        ],
        "the sweep",
    )
}

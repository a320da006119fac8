//! Columns of a Parquet file by their Arrow arrays, for what polars has no type for without features that lengthen its build: lists of
//! structs, dates, times, and numbers of 8 and 16 bits.

use std::io::Cursor;

use chrono::{DateTime, NaiveDate, SecondsFormat, TimeDelta};
use polars::error::{PolarsError, PolarsResult, polars_err};
use polars_arrow::array::{
    Array, BooleanArray, DictionaryArray, DictionaryKey, ListArray, PrimitiveArray, StructArray, Utf8Array,
    Utf8ViewArray,
};
use polars_arrow::datatypes::{ArrowDataType, Field, IntegerType, TimeUnit};
use polars_arrow::types::NativeType;
use polars_buffer::Buffer;
use polars_parquet::read::{
    BasicDecompressor, PageReader, RowGroupMetadata, column_iter_to_arrays, infer_schema, read_metadata,
};
use serde_json::{Map, Value};

/// Lists and structs within each other, at most: a chat has four levels. What lies deeper is null.
const DEEPEST: usize = 8;

/// What `of` makes of the values of a column, one a row: lists are arrays and structs objects, a time is RFC 3339 in UTC (of a time without a zone, as if it
/// were UTC), a date is YYYY-MM-DD, and what JSON has no like of is null.
pub(super) fn read<T>(file: &Buffer<u8>, column: &str, of: impl Fn(Value) -> T) -> PolarsResult<Vec<T>> {
    let metadata = read_metadata(&mut Cursor::new(file))?;
    let schema = infer_schema(&metadata)?;
    let field = schema.get(column).ok_or_else(|| damaged("a column is not there"))?;
    let mut made = Vec::new();
    for group in &metadata.row_groups {
        let before = made.len();
        for array in arrays(file, group, field)? {
            made.extend((0..array.len()).map(|row| of(value(array.as_ref(), row, DEEPEST))));
        }
        if made.len() - before != group.num_rows() {
            return Err(damaged("a column has another number of rows than the file"));
        }
    }
    Ok(made)
}

fn damaged(what: &'static str) -> PolarsError {
    polars_err!(ComputeError: what)
}

/// The arrays of a column in one group of rows.
fn arrays(file: &Buffer<u8>, group: &RowGroupMetadata, field: &Field) -> PolarsResult<Vec<Box<dyn Array>>> {
    let parts = group.columns_under_root_iter(&field.name);
    let (mut pages, mut types) = (Vec::new(), Vec::new());
    for part in parts.into_iter().flatten() {
        let range = part.byte_range();
        let place = |at: u64| usize::try_from(at).ok().filter(|at| *at <= file.len());
        let (Some(from), Some(to)) = (place(range.start), place(range.end)) else {
            return Err(damaged("a column lies beyond the end of the file"));
        };
        if from > to {
            return Err(damaged("a column ends before it begins"));
        }
        let bytes = Cursor::new(file.clone().sliced(from..to));
        pages.push(BasicDecompressor::new(
            PageReader::new(bytes, part, Vec::new(), usize::MAX),
            Vec::new(),
        ));
        types.push(&part.descriptor().descriptor.primitive_type);
    }
    if pages.is_empty() {
        return Err(damaged("a column is missing from a group of rows"));
    }
    Ok(column_iter_to_arrays(pages, types, field.clone(), None)?.0)
}

/// The number at a place.
fn number<T: NativeType>(array: &dyn Array, row: usize) -> Option<T> {
    Some(array.as_any().downcast_ref::<PrimitiveArray<T>>()?.value(row))
}

fn value(array: &dyn Array, row: usize, depth: usize) -> Value {
    if array.is_null(row) {
        return Value::Null;
    }
    let any = array.as_any();
    let found: Option<Value> = match array.dtype() {
        ArrowDataType::Boolean => any.downcast_ref::<BooleanArray>().map(|all| all.value(row).into()),
        ArrowDataType::Int8 => number::<i8>(array, row).map(Value::from),
        ArrowDataType::Int16 => number::<i16>(array, row).map(Value::from),
        ArrowDataType::Int32 => number::<i32>(array, row).map(Value::from),
        ArrowDataType::Int64 => number::<i64>(array, row).map(Value::from),
        ArrowDataType::UInt8 => number::<u8>(array, row).map(Value::from),
        ArrowDataType::UInt16 => number::<u16>(array, row).map(Value::from),
        ArrowDataType::UInt32 => number::<u32>(array, row).map(Value::from),
        ArrowDataType::UInt64 => number::<u64>(array, row).map(Value::from),
        ArrowDataType::Float32 => number::<f32>(array, row).map(Value::from),
        ArrowDataType::Float64 => number::<f64>(array, row).map(Value::from),
        ArrowDataType::Utf8View => any.downcast_ref::<Utf8ViewArray>().map(|all| all.value(row).into()),
        ArrowDataType::Utf8 => any.downcast_ref::<Utf8Array<i32>>().map(|all| all.value(row).into()),
        ArrowDataType::LargeUtf8 => any.downcast_ref::<Utf8Array<i64>>().map(|all| all.value(row).into()),
        ArrowDataType::Date32 => number::<i32>(array, row).map(|days| date(days).into()),
        ArrowDataType::Timestamp(unit, _) => number::<i64>(array, row).map(|since| time(since, *unit).into()),
        ArrowDataType::List(_) if depth > 0 => any
            .downcast_ref::<ListArray<i32>>()
            .map(|all| list(all.value(row).as_ref(), depth)),
        ArrowDataType::LargeList(_) if depth > 0 => any
            .downcast_ref::<ListArray<i64>>()
            .map(|all| list(all.value(row).as_ref(), depth)),
        ArrowDataType::Struct(fields) if depth > 0 => any.downcast_ref::<StructArray>().map(|all| {
            let members = fields.iter().zip(all.values());
            let members =
                members.map(|(field, member)| (field.name.to_string(), value(member.as_ref(), row, depth - 1)));
            Value::Object(members.collect::<Map<_, _>>())
        }),
        ArrowDataType::Dictionary(key, ..) => match key {
            IntegerType::Int8 => coded::<i8>(array, row, depth),
            IntegerType::Int16 => coded::<i16>(array, row, depth),
            IntegerType::Int32 => coded::<i32>(array, row, depth),
            IntegerType::Int64 => coded::<i64>(array, row, depth),
            IntegerType::UInt8 => coded::<u8>(array, row, depth),
            IntegerType::UInt16 => coded::<u16>(array, row, depth),
            IntegerType::UInt32 => coded::<u32>(array, row, depth),
            IntegerType::UInt64 => coded::<u64>(array, row, depth),
            IntegerType::Int128 | IntegerType::UInt128 => None,
        },
        _ => None,
    };
    found.unwrap_or_default()
}

/// What the key at a place stands for in the dictionary.
fn coded<K: DictionaryKey>(array: &dyn Array, row: usize, depth: usize) -> Option<Value> {
    let all = array.as_any().downcast_ref::<DictionaryArray<K>>()?;
    Some(value(all.values().as_ref(), all.key_value(row), depth))
}

fn list(items: &dyn Array, depth: usize) -> Value {
    (0..items.len()).map(|row| value(items, row, depth - 1)).collect()
}

/// A date from its days since 1970; what is beyond the calendar stays a number.
fn date(days: i32) -> String {
    let date = NaiveDate::default().checked_add_signed(TimeDelta::days(days.into()));
    date.map_or_else(|| days.to_string(), |date| date.to_string())
}

/// A time from its units since 1970.
fn time(since: i64, unit: TimeUnit) -> String {
    let time = match unit {
        TimeUnit::Second => DateTime::from_timestamp(since, 0),
        TimeUnit::Millisecond => DateTime::from_timestamp_millis(since),
        TimeUnit::Microsecond => DateTime::from_timestamp_micros(since),
        TimeUnit::Nanosecond => Some(DateTime::from_timestamp_nanos(since)),
    };
    time.map_or_else(
        || since.to_string(),
        |time| time.to_rfc3339_opts(SecondsFormat::AutoSi, true),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_those_of_utc_and_what_is_beyond_the_calendar_stays_a_number() {
        assert_eq!(date(0), "1970-01-01");
        assert_eq!(date(-1), "1969-12-31");
        assert_eq!(date(i32::MAX), i32::MAX.to_string());
        assert_eq!(time(86_399, TimeUnit::Second), "1970-01-01T23:59:59Z");
        assert_eq!(time(-1, TimeUnit::Millisecond), "1969-12-31T23:59:59.999Z");
        assert_eq!(time(1_500_000, TimeUnit::Microsecond), "1970-01-01T00:00:01.500Z");
        assert_eq!(time(i64::MIN, TimeUnit::Nanosecond), "1677-09-21T00:12:43.145224192Z");
        assert_eq!(time(i64::MAX, TimeUnit::Second), i64::MAX.to_string());
    }

    #[test]
    fn what_lies_too_deep_is_null() {
        let nested = |depth: usize| {
            let mut array: Box<dyn Array> = PrimitiveArray::from_vec(vec![7_u8]).boxed();
            for _ in 0..depth {
                let data = ListArray::<i64>::default_datatype(array.dtype().clone());
                let offsets = vec![0_i64, 1].try_into().expect("offsets");
                array = ListArray::<i64>::new(data, offsets, array, None).boxed();
            }
            value(array.as_ref(), 0, DEEPEST).to_string()
        };
        assert_eq!(nested(2), "[[7]]");
        assert_eq!(nested(DEEPEST), "[[[[[[[[7]]]]]]]]");
        assert_eq!(nested(DEEPEST + 1), "[[[[[[[[null]]]]]]]]");
    }
}

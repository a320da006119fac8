//! polars panics over some damaged files: where metadata or the parts of a struct do not agree in their lengths.

use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;

use crate::dataset::DatasetError;

thread_local! {
    static QUIET: Cell<bool> = const { Cell::new(false) };
}

/// What `of` gives, or that the file is damaged where it panics. Nothing is printed of that panic; the hook stays what it was for every
/// other.
pub(super) fn as_damage<T>(source: &str, of: impl FnOnce() -> Result<T, DatasetError>) -> Result<T, DatasetError> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !QUIET.get() {
                before(info);
            }
        }));
    });
    QUIET.set(true);
    let done = panic::catch_unwind(AssertUnwindSafe(of));
    QUIET.set(false);
    done.unwrap_or_else(|_| {
        Err(DatasetError::Parquet {
            source_name: source.to_owned(),
            message: "its parts do not agree".to_owned(),
        })
    })
}

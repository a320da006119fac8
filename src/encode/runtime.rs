//! ONNX Runtime, of which a process has one.

use std::path::Path;
use std::sync::{Mutex, OnceLock, PoisonError};

use ort::environment::Environment;

use super::EncodeError;

/// The one ONNX Runtime environment of the process, from the library that was asked for first.
pub(super) fn environment(library: &Path) -> Result<Environment, EncodeError> {
    static ENVIRONMENT: OnceLock<Mutex<Option<Environment>>> = OnceLock::new();
    let cell = ENVIRONMENT.get_or_init(|| Mutex::new(None));
    // A panic elsewhere leaves an environment or none: both can be used.
    let mut guard = cell.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(environment) = guard.as_ref() {
        return Ok(environment.clone());
    }
    let fail = |message: String| EncodeError::Runtime {
        path: library.to_owned(),
        message,
    };
    let environment = ort::init_from(library)
        .map_err(|e| fail(e.to_string()))?
        .with_telemetry(false)
        .build()
        .map_err(|e| fail(e.to_string()))?;
    *guard = Some(environment.clone());
    Ok(environment)
}

//! How long work is told to whoever watches: the assets module draws nothing itself.

/// Receives what an install is doing. Every method may be called often and must be cheap.
///
/// Stages do not nest: each [`begin`](Progress::begin) is followed by any number of [`advance`](Progress::advance) and one
/// [`end`](Progress::end), also when the stage fails.
pub trait Progress {
    /// A stage starts: `what` names it, `total` is its size in bytes where known.
    fn begin(&self, what: &str, total: Option<u64>);

    /// `bytes` more are done.
    fn advance(&self, bytes: u64);

    /// Something the user should know, one line, such as a damaged file in the cache.
    fn note(&self, text: &str);

    /// The stage is over.
    fn end(&self);

    /// True once the user wants to stop. It is asked between chunks; the install then cleans up and returns
    /// [`AssetError::Interrupted`](crate::assets::AssetError::Interrupted).
    fn cancelled(&self) -> bool {
        false
    }
}

/// Tells nobody.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoProgress;

impl Progress for NoProgress {
    fn begin(&self, _what: &str, _total: Option<u64>) {}
    fn advance(&self, _bytes: u64) {}
    fn note(&self, _text: &str) {}
    fn end(&self) {}
}

/// A running stage; ends it when dropped, so that an early return leaves no bar behind.
pub(super) struct Stage<'a>(&'a dyn Progress);

impl<'a> Stage<'a> {
    /// Begins the stage.
    pub(super) fn begin(progress: &'a dyn Progress, what: &str, total: Option<u64>) -> Self {
        progress.begin(what, total);
        Self(progress)
    }
}

impl Drop for Stage<'_> {
    fn drop(&mut self) {
        self.0.end();
    }
}

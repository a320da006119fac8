//! How sure the token counts, and with them the costs, are.

use serde::{Deserialize, Serialize};

/// Where the token counts of an answer come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UsageSource {
    /// The server's own count, which is what is billed.
    Api,
    /// Estimated from the text.
    Estimated,
    /// Taken over from recorded data.
    Recorded,
    /// There are none.
    None,
}

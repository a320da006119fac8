//! The integration tests: one binary, one module a topic.

mod golden_metrics;
mod metric_properties;

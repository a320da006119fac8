//! The integration tests: one binary, one module a topic.

mod bad_input;
mod golden_metrics;
mod metric_properties;
mod support;

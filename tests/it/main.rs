//! The integration tests: one binary, one module a topic.

mod bad_input;
mod cache;
mod encoder;
mod golden_metrics;
mod interrupt;
mod metric_properties;
mod real_model;
mod support;

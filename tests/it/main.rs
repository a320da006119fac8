//! The integration tests: one binary, one module a topic.

mod bad_input;
mod calibrate;
mod calibrate_write;
mod centroids;
mod classify;
mod dataset;
mod disk;
mod embed;
mod eval;
mod golden_metrics;
mod metric_properties;
mod routes;
mod schema;
mod support;

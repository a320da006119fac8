//! The integration tests: one binary, one module a topic.

mod bad_input;
mod cache;
mod calibrate;
mod calibrate_write;
mod centroids;
mod check;
mod check_power;
mod classify;
mod dataset;
mod disk;
mod embed;
mod encoder;
mod eval;
mod golden_metrics;
mod golden_stats;
mod interrupt;
mod metric_properties;
mod real_model;
mod remote;
mod routes;
mod schema;
mod support;

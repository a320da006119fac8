//! The integration tests: one binary, one module a topic.

mod bad_input;
mod cache;
mod calibrate;
mod calibrate_write;
mod centroids;
mod certify;
mod certify_simulation;
mod classify;
mod clinc150;
mod dataset;
mod disk;
mod embed;
mod encoder;
mod eval;
mod golden_certify;
mod golden_metrics;
mod interrupt;
mod metric_properties;
mod real_model;
mod remote;
mod router_encoder;
mod routes;
mod schema;
mod support;

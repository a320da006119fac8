//! The JSON Schema of routes.json, made from the types that read it.

/// JSON Schema (2020-12) of the full shape of routes.json.
pub fn routes_schema() -> serde_json::Value {
    schemars::schema_for!(super::shape::RoutesFile).to_value()
}

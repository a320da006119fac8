//! What is asked of each figure: gates.json, the flags, the defaults.

use std::collections::BTreeMap;

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{CheckError, Metric};
use crate::error::nearest;
use crate::routes::locate::{Locator, Step};

/// What is asked of a figure.
#[derive(Debug, Clone, Copy, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "gate")]
pub struct Gate {
    /// The figure must be at least this.
    #[serde(default)]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub min: Option<f64>,
    /// The figure must be at most this.
    #[serde(default)]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub max: Option<f64>,
    /// How much worse than the baseline it may be; with none of the three, the margin of `--margin`.
    #[serde(default)]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub margin: Option<f64>,
}

impl Gate {
    /// The margin of the comparison with the baseline; `None` where only limits are asked for.
    pub fn margin(&self, default: f64) -> Option<f64> {
        match (self.margin, self.min, self.max) {
            (Some(margin), ..) => Some(margin),
            (None, None, None) => Some(default),
            (None, ..) => None,
        }
    }

    /// Whether `value` is within the limits.
    pub fn met(&self, value: f64) -> bool {
        self.min.is_none_or(|min| value >= min) && self.max.is_none_or(|max| value <= max)
    }

    fn problem(&self) -> Option<String> {
        for (name, value) in [("min", self.min), ("max", self.max), ("margin", self.margin)] {
            if let Some(value) = value
                && !(0.0..=1.0).contains(&value)
            {
                return Some(format!("{name} {value} is not within 0 and 1"));
            }
        }
        match (self.min, self.max) {
            (Some(min), Some(max)) if min > max => Some(format!("min {min} is above max {max}")),
            _ => None,
        }
    }
}

/// Gates by the name that was written, not yet held against the routes, and where each was written.
#[derive(Debug, Clone, PartialEq)]
pub struct Gates(IndexMap<String, (Gate, String)>);

impl Default for Gates {
    /// Accuracy and false accepts: a router that accepts everything, or nothing, can satisfy one of them, not both.
    fn default() -> Self {
        let gate = |name: &str| (name.to_owned(), (Gate::default(), "the default gates".to_owned()));
        Self(
            [gate("system_accuracy"), gate("false_accept_rate")]
                .into_iter()
                .collect(),
        )
    }
}

/// The serde shape of one gates file.
type GatesFile = IndexMap<String, Gate>;

const FIELDS: [&str; 3] = ["min", "max", "margin"];
const SHAPE: &str = "write \"METRIC\": { \"min\": 0.6, \"margin\": 0.02 }; routecal schema gates prints the shape";

impl Gates {
    /// Reads the text of a gates file; `file` is only named in errors. Names are held against the metrics by
    /// [`Gates::resolve`], which knows the routes.
    ///
    /// # Errors
    /// [`CheckError::Gates`] with file and line.
    pub fn parse(text: &str, file: &str) -> Result<Self, CheckError> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let fail = |place: String, message: String, hint: &str| CheckError::Gates {
            place,
            message,
            hint: Some(hint.to_owned()),
        };
        let mut root: serde_json::Value = serde_json::from_str(text).map_err(|e| {
            fail(
                format!("{file}:{}:{}", e.line(), e.column()),
                "not valid JSON".into(),
                SHAPE,
            )
        })?;
        let locator = Locator::new(text);
        if let Some((key, line)) = locator.duplicate_key() {
            let message = format!("the key {key:?} stands twice in one object");
            return Err(fail(format!("{file}:{line}"), message, "delete one of them"));
        }
        let Some(object) = root.as_object_mut() else {
            return Err(fail(format!("{file}:1"), "it is not a JSON object".into(), SHAPE));
        };
        object.shift_remove("$schema");
        let line = |name: &str| locator.line(&[Step::Key(name)]);
        for (name, gate) in object.iter() {
            let unknown = (gate.as_object().into_iter())
                .flat_map(serde_json::Map::keys)
                .find(|key| !FIELDS.contains(&key.as_str()));
            if let Some(key) = unknown {
                let line = locator.line(&[Step::Key(name), Step::Key(key)]);
                let hint = nearest(key, FIELDS).map_or(SHAPE.to_owned(), |near| format!("did you mean {near:?}?"));
                return Err(fail(
                    format!("{file}:{line}"),
                    format!("{name}: unknown key {key:?}"),
                    &hint,
                ));
            }
        }
        let gates: GatesFile = serde_path_to_error::deserialize(root).map_err(|e| {
            let path = e.path().to_string();
            let name = path.split('.').next().unwrap_or_default();
            fail(
                format!("{file}:{}", line(name)),
                format!("{path}: {}", e.inner()),
                SHAPE,
            )
        })?;
        if gates.is_empty() {
            return Err(fail(format!("{file}:1"), "there is no gate in it".into(), SHAPE));
        }
        let mut all = IndexMap::new();
        for (name, gate) in gates {
            let place = format!("{file}:{}", line(&name));
            if let Some(problem) = gate.problem() {
                return Err(fail(place, format!("{name}: {problem}"), SHAPE));
            }
            all.insert(name, (gate, place));
        }
        Ok(Self(all))
    }

    /// Reads `METRIC[:min=X,max=Y,margin=Z]`, as `--gate` takes it.
    ///
    /// ```
    /// use routecal::check::Gates;
    ///
    /// assert!(Gates::parse_flag("system_accuracy:min=0.6,margin=0.02").is_ok());
    /// assert!(Gates::parse_flag("coverage").is_ok());
    /// assert!(Gates::parse_flag("coverage:least=0.6").is_err());
    /// ```
    ///
    /// # Errors
    /// A sentence that says what cannot be read.
    pub fn parse_flag(text: &str) -> Result<(String, Gate), String> {
        // A route's name may hold a colon; a number may not.
        let (name, terms) = match text.rsplit_once(':') {
            Some((name, terms)) if terms.contains('=') => (name, terms),
            _ => (text, ""),
        };
        if name.is_empty() {
            return Err("write METRIC:min=X,max=Y,margin=Z, such as system_accuracy:min=0.6".into());
        }
        let mut gate = Gate::default();
        for term in terms.split(',').filter(|t| !t.is_empty()) {
            let (key, value) = term.split_once('=').ok_or(format!("\"{term}\" is not KEY=NUMBER"))?;
            let value: f64 = value.parse().map_err(|_| format!("\"{value}\" is no number"))?;
            match key.trim() {
                "min" => gate.min = Some(value),
                "max" => gate.max = Some(value),
                "margin" => gate.margin = Some(value),
                other => return Err(format!("\"{other}\" is none of min, max, margin")),
            }
        }
        gate.problem().map_or(Ok((name.to_owned(), gate)), Err)
    }

    /// Adds a gate of the command line; it goes before one of the same name.
    pub fn set(&mut self, name: String, gate: Gate) {
        self.0.insert(name, (gate, "--gate".into()));
    }

    /// The gates by metric, in the order in which they were written; `recall` becomes one gate a route, and a route's own
    /// gate goes before it. `current` are the routes of the router, `former` those of the baseline.
    ///
    /// # Errors
    /// [`CheckError::Gates`] where a name is no metric, with the nearest one.
    pub fn resolve(&self, current: &[String], former: &[String]) -> Result<Vec<(Metric, Gate)>, CheckError> {
        let gone = former.iter().filter(|r| !current.contains(r));
        let routes: Vec<String> = current.iter().chain(gone).cloned().collect();
        let mut all: IndexMap<Metric, Gate> = IndexMap::new();
        for (name, (gate, place)) in &self.0 {
            let metrics = Metric::named(name, &routes).map_err(|near| CheckError::Gates {
                place: place.clone(),
                message: format!("\"{name}\" names no metric"),
                hint: Some(near.map_or_else(
                    || {
                        let names: Vec<&str> = Metric::NAMES.into_iter().chain(["recall.ROUTE"]).collect();
                        format!("the metrics are {}", names.join(", "))
                    },
                    |near| format!("did you mean \"{near}\"?"),
                )),
            })?;
            for metric in metrics {
                if name == "recall" {
                    all.entry(metric).or_insert(*gate);
                } else {
                    all.insert(metric, *gate);
                }
            }
        }
        Ok(all.into_iter().collect())
    }
}

/// JSON Schema (2020-12) of gates.json.
pub fn gates_schema() -> serde_json::Value {
    let mut schema = schemars::schema_for!(Gate).to_value();
    let definition = schema.as_object_mut().map(std::mem::take).unwrap_or_default();
    let mut gate = definition;
    let dialect = gate.shift_remove("$schema");
    gate.shift_remove("title");
    let properties: BTreeMap<&str, serde_json::Value> = Metric::NAMES
        .into_iter()
        .map(|name| (name, serde_json::json!({ "$ref": "#/$defs/gate" })))
        .chain([("$schema", serde_json::json!({ "type": "string" }))])
        .collect();
    serde_json::json!({
        "$schema": dialect,
        "title": "gates.json",
        "description": "What `routecal check` asks of each figure.",
        "type": "object",
        "properties": properties,
        "patternProperties": { "^recall\\..+$": { "$ref": "#/$defs/gate" } },
        "additionalProperties": false,
        "$defs": { "gate": gate },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn routes() -> Vec<String> {
        ["coding", "creative"].map(str::to_owned).to_vec()
    }

    #[test]
    fn one_route_can_have_its_own_gate() {
        let text = r#"{ "recall.coding": { "min": 0.5 }, "recall": { "margin": 0.1 } }"#;
        let gates = Gates::parse(text, "g.json").unwrap().resolve(&routes(), &[]).unwrap();
        let of = |route: &str| {
            gates
                .iter()
                .find(|(m, _)| *m == Metric::Recall(route.into()))
                .unwrap()
                .1
        };
        assert_eq!((of("coding").min, of("coding").margin(0.02)), (Some(0.5), None));
        assert_eq!(of("creative").margin(0.02), Some(0.1));
        // A route that is gone can still be asked for: its figure is missing, which fails.
        let former = ["coding".to_owned()];
        let asked = Gates::parse(r#"{ "recall.coding": {} }"#, "g.json").unwrap();
        assert_eq!(asked.resolve(&[], &former).unwrap().len(), 1);
        assert!(asked.resolve(&[], &[]).is_err());
    }

    #[test]
    fn mistakes_are_named_with_their_line() {
        let message = |text: &str| {
            let error = Gates::parse(text, "g.json")
                .and_then(|g| g.resolve(&routes(), &[]))
                .unwrap_err();
            format!("{error} | {}", crate::error::Hint::hint(&error).unwrap_or_default())
        };
        assert_eq!(
            message("{\n  \"system_acuracy\": {}\n}"),
            "g.json:2: \"system_acuracy\" names no metric | did you mean \"system_accuracy\"?"
        );
        assert!(message("{\n \"coverage\": { \"mn\": 1 } }").starts_with("g.json:2: coverage: unknown key \"mn\""));
        assert!(message("{ \"coverage\": { \"min\": 2 } }").contains("min 2 is not within 0 and 1"));
        assert!(message("{ \"coverage\": { \"min\": 0.9, \"max\": 0.1 } }").contains("above max"));
        assert!(message("{ \"coverage\": {}, \"coverage\": {} }").contains("stands twice"));
        assert!(message("{ \"coverage\": 1 }").contains("coverage"));
        assert!(message("[]").contains("not a JSON object") && message("{").contains("not valid JSON"));
        assert!(message("{}").contains("no gate"));
    }
}

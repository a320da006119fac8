//! From the serde shape of routes.json to validated routes.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use serde::Deserialize;

use super::error::{RoutesError, RoutesWarning};
use super::locate::{Locator, Step};
use super::shape::{FallbackFile, RouteFile, RoutesFile, ThresholdsFile};
use super::{FEW_EXAMPLES, RESERVED_NAMES, Route, Routes, Scoring, Target, Thresholds};
use crate::error::nearest;

const TOP_LEVEL: [&str; 8] = [
    "$schema",
    "encoder",
    "scoring",
    "fallback",
    "thresholds",
    "prices",
    "routes",
    "out_of_domain",
];

/// Parses and validates; see [`Routes::load`].
pub(super) fn parse(text: &str, path: &Path) -> Result<(Routes, Vec<RoutesWarning>), RoutesError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let root: serde_json::Value = serde_json::from_str(text).map_err(|e| syntax(path, &e))?;
    let checker = Checker {
        locator: Locator::new(text),
        path,
    };
    if !root.is_object() {
        return Err(checker.invalid(
            &[],
            "it is not a JSON object".into(),
            Some("`routecal schema routes` prints the shape".into()),
        ));
    }
    if let Some((key, line)) = checker.locator.duplicate_key() {
        return Err(RoutesError::Invalid {
            path: path.to_owned(),
            line,
            at: key.clone(),
            message: format!("the key \"{key}\" stands twice in one object"),
            hint: Some("rename or delete one of them".into()),
        });
    }
    let bare = is_bare_mapping(&root);
    let file = if bare {
        RoutesFile {
            schema: None,
            encoder: None,
            scoring: None,
            fallback: FallbackFile::default(),
            thresholds: None,
            prices: BTreeMap::new(),
            routes: deserialize(text, &checker)?,
            out_of_domain: Vec::new(),
        }
    } else {
        deserialize(text, &checker)?
    };
    checker.validate(file, bare)
}

/// A mapping of names to `{model, system_prompt, examples}`, with none of the keys of the full shape.
fn is_bare_mapping(root: &serde_json::Value) -> bool {
    root.as_object().is_some_and(|object| {
        let route_like = |v: &serde_json::Value| v.get("examples").is_some_and(|e| e.is_array() || !e.is_object());
        !object.is_empty()
            && (object.values().all(route_like)
                || (!object.keys().any(|k| TOP_LEVEL.contains(&k.as_str()))
                    && object.values().all(serde_json::Value::is_object)))
    })
}

fn syntax(path: &Path, error: &serde_json::Error) -> RoutesError {
    RoutesError::Syntax {
        path: path.to_owned(),
        line: error.line(),
        column: error.column(),
        message: without_position(&error.to_string()),
    }
}

/// `serde_json` ends its messages with a position that the error states already.
fn without_position(message: &str) -> String {
    message
        .rsplit_once(" at line ")
        .map_or(message, |(head, _)| head)
        .to_owned()
}

fn deserialize<'de, T: Deserialize<'de>>(text: &'de str, checker: &Checker<'_>) -> Result<T, RoutesError> {
    let mut json = serde_json::Deserializer::from_str(text);
    serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let at = match error.path().to_string().as_str() {
            "." => "the file".to_owned(),
            path => path.to_owned(),
        };
        let message = without_position(&error.inner().to_string());
        let hint = unknown_key_hint(&message);
        RoutesError::Invalid {
            path: checker.path.to_owned(),
            line: error.inner().line().max(1),
            at,
            message,
            hint,
        }
    })
}

/// The valid key nearest to an unknown one, or all that are valid there; serde's message names them.
fn unknown_key_hint(message: &str) -> Option<String> {
    // unknown field `typed`, expected one of `a`, `b`
    let mut quoted = message.strip_prefix("unknown field ")?.split('`').skip(1).step_by(2);
    let typed = quoted.next()?;
    let valid: Vec<&str> = quoted.collect();
    Some(nearest(typed, valid.iter().copied()).map_or_else(
        || format!("the keys here are {}", valid.join(", ")),
        |name| format!("did you mean \"{name}\"?"),
    ))
}

struct Checker<'a> {
    locator: Locator<'a>,
    path: &'a Path,
}

impl Checker<'_> {
    fn invalid(&self, steps: &[Step<'_>], message: String, hint: Option<String>) -> RoutesError {
        let mut at = String::new();
        for step in steps {
            match step {
                Step::Key(key) if at.is_empty() => at.push_str(key),
                Step::Key(key) => {
                    at.push('.');
                    at.push_str(key);
                }
                Step::Index(i) => {
                    at.push('[');
                    at.push_str(&i.to_string());
                    at.push(']');
                }
            }
        }
        RoutesError::Invalid {
            path: self.path.to_owned(),
            line: self.locator.line(steps),
            at: if at.is_empty() { "the file".into() } else { at },
            message,
            hint,
        }
    }

    fn place(&self, steps: &[Step<'_>]) -> String {
        format!("{}:{}", self.path.display(), self.locator.line(steps))
    }

    fn thresholds(&self, steps: &[Step<'_>], file: ThresholdsFile) -> Result<Thresholds, RoutesError> {
        Thresholds::new(file.threshold, file.gap).map_err(|message| self.invalid(steps, message, None))
    }

    fn validate(&self, file: RoutesFile, bare: bool) -> Result<(Routes, Vec<RoutesWarning>), RoutesError> {
        let prefix: &[Step<'_>] = if bare { &[] } else { &[Step::Key("routes")] };
        let at = |rest: &[Step<'static>]| -> Vec<Step<'static>> { rest.to_vec() };
        if file.routes.is_empty() {
            return Err(self.invalid(
                prefix,
                "there is no route".into(),
                Some("add a route: \"name\": {\"model\": \"…\", \"examples\": [\"…\"]}".into()),
            ));
        }
        for (model, price) in &file.prices {
            if !(price.is_finite() && *price >= 0.0) {
                return Err(self.invalid(
                    &[Step::Key("prices"), Step::Key(model)],
                    format!("a price is a number of at least 0, not {price}"),
                    None,
                ));
            }
        }
        let thresholds = match file.thresholds {
            Some(t) => self.thresholds(&at(&[Step::Key("thresholds")]), t)?,
            None => Thresholds::default(),
        };
        let scoring = match &file.scoring {
            Some(rule) => rule
                .parse::<Scoring>()
                .map_err(|message| self.invalid(&[Step::Key("scoring")], message, None))?,
            None => Scoring::default(),
        };
        self.out_of_domain(&file, scoring)?;
        if matches!(scoring, Scoring::Logistic(_)) && file.routes.len() < 2 {
            return Err(self.invalid(
                &[Step::Key("scoring")],
                "a logistic regression needs two routes to tell apart".into(),
                Some("leave it out: the score is the cosine to the centroid then".into()),
            ));
        }
        let mut routes = Vec::with_capacity(file.routes.len());
        for (name, route) in file.routes {
            let mut steps = prefix.to_vec();
            steps.push(Step::Key(&name));
            let checked = self.route(&name, route, &steps)?;
            routes.push(checked);
        }
        self.refuse_identical(&routes, prefix)?;
        let mut warnings = self.warnings(&routes, prefix);
        if !file.out_of_domain.is_empty() && !scoring.needs_out_of_domain() {
            warnings.push(RoutesWarning::UnusedOutOfDomain {
                place: self.place(&[Step::Key("out_of_domain")]),
                scoring: scoring.to_string(),
            });
        }
        let routes = Routes {
            encoder: file.encoder,
            scoring,
            fallback: Target {
                model: file.fallback.model,
                system_prompt: file.fallback.system_prompt,
            },
            thresholds,
            routes,
            out_of_domain: file.out_of_domain,
            prices: file.prices,
        };
        Ok((routes, warnings))
    }

    fn route(&self, name: &str, file: RouteFile, steps: &[Step<'_>]) -> Result<Route, RoutesError> {
        if RESERVED_NAMES.contains(&name.trim().to_lowercase().as_str()) {
            return Err(self.invalid(
                steps,
                format!("\"{name}\" cannot be a route's name: it stands for \"no route\""),
                Some("give the route another name".into()),
            ));
        }
        if file.examples.is_empty() {
            return Err(self.invalid(
                steps,
                format!("route \"{name}\" has no examples, so it has no centroid"),
                Some("give it five or more example prompts, or delete it".into()),
            ));
        }
        let mut steps_of_examples = steps.to_vec();
        steps_of_examples.push(Step::Key("examples"));
        self.texts(&file.examples, &steps_of_examples)?;
        let thresholds = file
            .thresholds
            .map(|t| {
                let mut steps = steps.to_vec();
                steps.push(Step::Key("thresholds"));
                self.thresholds(&steps, t)
            })
            .transpose()?;
        Ok(Route {
            name: name.to_owned(),
            target: Target {
                model: file.model,
                system_prompt: file.system_prompt,
            },
            examples: file.examples,
            thresholds,
        })
    }

    /// Refuses an example that no encoder could make anything of.
    fn texts(&self, examples: &[String], steps: &[Step<'_>]) -> Result<(), RoutesError> {
        for (i, example) in examples.iter().enumerate() {
            let what = if example.contains('\0') {
                "holds a NUL character"
            } else if example.trim().is_empty() {
                "is empty"
            } else {
                continue;
            };
            let mut steps = steps.to_vec();
            steps.push(Step::Index(i));
            return Err(self.invalid(&steps, format!("the example {what}"), None));
        }
        Ok(())
    }

    /// The examples of no route: there where the rule learns from them, and none of them a route's as well.
    fn out_of_domain(&self, file: &RoutesFile, scoring: Scoring) -> Result<(), RoutesError> {
        let key = Step::Key("out_of_domain");
        if scoring.needs_out_of_domain() && file.out_of_domain.is_empty() {
            return Err(self.invalid(
                &[Step::Key("scoring")],
                format!("{scoring} learns from prompts that no route should take, and the file has none"),
                Some("add \"out_of_domain\": [\"…\"], twenty prompts or more".into()),
            ));
        }
        self.texts(&file.out_of_domain, &[key])?;
        for (i, example) in file.out_of_domain.iter().enumerate() {
            let owner = file.routes.iter().find(|(_, route)| route.examples.contains(example));
            if let Some((name, _)) = owner {
                return Err(self.invalid(
                    &[key, Step::Index(i)],
                    format!("it is an example of route \"{name}\" as well"),
                    Some("take it out of one of the two".into()),
                ));
            }
        }
        Ok(())
    }

    /// Two routes with the same examples have one centroid: every prompt would tie.
    fn refuse_identical(&self, routes: &[Route], prefix: &[Step<'_>]) -> Result<(), RoutesError> {
        let mut seen: HashMap<Vec<&str>, &str> = HashMap::new();
        for route in routes {
            let mut examples: Vec<&str> = route.examples.iter().map(String::as_str).collect();
            examples.sort_unstable();
            if let Some(first) = seen.insert(examples, &route.name) {
                let mut steps = prefix.to_vec();
                steps.push(Step::Key(&route.name));
                return Err(self.invalid(
                    &steps,
                    format!(
                        "routes \"{first}\" and \"{}\" have the same examples: no prompt could tell them apart",
                        route.name
                    ),
                    Some("merge the two routes, or give them examples of their own".into()),
                ));
            }
        }
        Ok(())
    }

    fn warnings(&self, routes: &[Route], prefix: &[Step<'_>]) -> Vec<RoutesWarning> {
        let mut warnings = Vec::new();
        let mut owner: HashMap<&str, usize> = HashMap::new();
        for (r, route) in routes.iter().enumerate() {
            let mut steps = prefix.to_vec();
            steps.push(Step::Key(&route.name));
            if route.examples.len() < FEW_EXAMPLES {
                warnings.push(RoutesWarning::FewExamples {
                    place: self.place(&steps),
                    route: route.name.clone(),
                    count: route.examples.len(),
                });
            }
            steps.push(Step::Key("examples"));
            for (i, example) in route.examples.iter().enumerate() {
                let Some(first) = owner.insert(example, r) else {
                    continue;
                };
                let mut steps = steps.clone();
                steps.push(Step::Index(i));
                let place = self.place(&steps);
                let example = example.clone();
                warnings.push(if first == r {
                    RoutesWarning::RepeatedExample {
                        place,
                        route: route.name.clone(),
                        example,
                    }
                } else {
                    RoutesWarning::SharedExample {
                        place,
                        routes: (routes[first].name.clone(), route.name.clone()),
                        example,
                    }
                });
            }
        }
        if let [only] = routes {
            warnings.push(RoutesWarning::OneRoute {
                route: only.name.clone(),
            });
        }
        warnings
    }
}

//! Every figure of the metrics module against scikit-learn, scipy, and literal transcriptions of the definitions, to 1e-9.
//! The values were made by `tests/it/golden/make_metric_goldens.py`, which says which came from where.

#![expect(
    clippy::unwrap_used,
    reason = "a golden file that does not hold what is asked for is a failed test"
)]

use routecal::metrics::classification::{Averages, Confusion, rank_of, top_k};
use routecal::metrics::detection::Detection;
use routecal::metrics::histogram::{Histogram, Summary};
use routecal::metrics::reliability::{BINS, Isotonic, Platt, Reliability, Temperature, ece};
use routecal::metrics::selective::Selective;
use serde_json::Value;

const TOLERANCE: f64 = 1e-9;

/// One case of the golden file, with its place for messages.
struct Case(Value);

/// All cases of one kind; there must be some.
fn cases(kind: &str) -> Vec<Case> {
    let golden: Value = serde_json::from_str(include_str!("golden/metrics.json")).unwrap();
    let cases = golden[kind].as_array().unwrap();
    assert!(!cases.is_empty());
    cases.iter().cloned().map(Case).collect()
}

impl Case {
    fn get(&self, key: &str) -> &Value {
        self.0.get(key).unwrap_or_else(|| panic!("{self}: no {key}"))
    }

    fn array(&self, key: &str) -> &[Value] {
        self.get(key).as_array().unwrap()
    }

    fn numbers(&self, key: &str) -> Vec<f64> {
        self.array(key).iter().map(score).collect()
    }

    fn counts(&self, key: &str) -> Vec<u64> {
        self.array(key).iter().map(|v| v.as_u64().unwrap()).collect()
    }

    fn indices(&self, key: &str) -> Vec<usize> {
        self.array(key).iter().map(index).collect()
    }

    fn marks(&self, key: &str) -> Vec<bool> {
        self.array(key).iter().map(|v| v.as_bool().unwrap()).collect()
    }

    fn rows(&self, score: &str, mark: &str) -> impl Iterator<Item = (f64, bool)> + use<> {
        let scores = self.numbers(score);
        let marks = self.marks(mark);
        assert_eq!(scores.len(), marks.len());
        scores.into_iter().zip(marks)
    }

    fn score_rows(&self) -> Vec<(Vec<f64>, usize)> {
        let rows = self.array("scores").iter();
        let rows = rows.map(|row| row.as_array().unwrap().iter().map(score).collect());
        rows.zip(self.indices("truth")).collect()
    }

    /// Holds a figure against the golden value under `key`; null is `None`.
    fn check(&self, key: &str, figure: Option<f64>) {
        self.check_value(key, figure, self.get(key));
    }

    fn check_value(&self, what: &str, figure: Option<f64>, golden: &Value) {
        match (figure, golden.as_f64()) {
            (None, None) => assert!(golden.is_null(), "{self}: {what} is {golden}"),
            (Some(figure), Some(golden)) => assert!(
                (figure - golden).abs() <= TOLERANCE * golden.abs().max(1.0),
                "{self}: {what} is {figure}, not {golden}"
            ),
            _ => panic!("{self}: {what} is {figure:?}, not {golden}"),
        }
    }

    /// Holds a list of figures against the golden list under `key`.
    fn check_all(&self, key: &str, figures: impl IntoIterator<Item = Option<f64>>) {
        let figures: Vec<_> = figures.into_iter().collect();
        assert_eq!(figures.len(), self.array(key).len(), "{self}: {key}");
        for (figure, golden) in figures.into_iter().zip(self.array(key)) {
            self.check_value(key, figure, golden);
        }
    }
}

impl std::fmt::Display for Case {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0["name"].as_str().unwrap_or("a case without a name"))
    }
}

fn score(value: &Value) -> f64 {
    match value {
        Value::String(text) if text == "inf" => f64::INFINITY,
        value => value.as_f64().unwrap(),
    }
}

fn index(value: &Value) -> usize {
    usize::try_from(value.as_u64().unwrap()).unwrap()
}

#[test]
fn classification() {
    for case in cases("classification") {
        let pairs = case.indices("truth").into_iter().zip(case.indices("decision"));
        let confusion = Confusion::from_pairs(index(case.get("classes")), pairs);
        assert_eq!(confusion.counts(), case.counts("counts"), "{case}");
        let supports: Vec<u64> = confusion.per_class().map(|c| c.support).collect();
        assert_eq!(supports, case.counts("support"), "{case}");
        case.check_all("precision", confusion.per_class().map(|c| c.precision.value()));
        case.check_all("recall", confusion.per_class().map(|c| c.recall.value()));
        case.check_all("f1", confusion.per_class().map(|c| c.f1));
        case.check("accuracy", confusion.accuracy().value());
        case.check("balanced_accuracy", confusion.balanced_accuracy());
        case.check("mcc", confusion.matthews_correlation());
        case.check("kappa", confusion.cohen_kappa());
        let list = |a: Averages| [a.precision, a.recall, a.f1];
        case.check_all("macro", list(confusion.macro_average()));
        case.check_all("micro", list(confusion.micro_average()));
        case.check_all("weighted", list(confusion.weighted_average()));
    }
}

#[test]
fn top_k_accuracy() {
    for case in cases("top_k") {
        for (k, golden) in case.get("top").as_object().unwrap() {
            let k: usize = k.parse().unwrap();
            let rankings = case.score_rows().into_iter().map(|(scores, truth)| {
                let mut ranking: Vec<usize> = (0..scores.len()).collect();
                ranking.sort_by_key(|&class| rank_of(&scores, class));
                (truth, ranking)
            });
            case.check_value("top-k accuracy", top_k(k, rankings).value(), golden);
        }
    }
}

#[test]
fn detection() {
    for case in cases("detection") {
        let detection = Detection::new(case.numbers("in_domain"), case.numbers("out_of_domain"));
        case.check("auroc", detection.auroc());
        case.check("average_precision_in", detection.average_precision_in());
        case.check("average_precision_out", detection.average_precision_out());
        let point = detection.fpr_at_tpr(0.95);
        let mirror = detection.fpr_at_tpr_out(0.95);
        case.check("fpr_at_95_tpr", point.and_then(|p| p.false_positive.value()));
        case.check("fpr_at_95_tpr_out", mirror.and_then(|p| p.false_positive.value()));
        if case.0.get("threshold").is_some() {
            case.check("threshold", point.map(|p| p.threshold));
            case.check("threshold_out", mirror.map(|p| p.threshold));
        }
    }
}

#[test]
fn selective() {
    for case in cases("selective") {
        let selective = Selective::new(case.rows("confidence", "wrong"));
        case.check("aurc", selective.aurc());
        case.check("e_aurc", selective.e_aurc());
        case.check("augrc", selective.augrc());
        let curve = selective.curve();
        assert_eq!(curve.len(), case.array("curve").len(), "{case}");
        for (point, golden) in curve.iter().zip(case.array("curve")) {
            case.check_value("threshold", Some(point.threshold), &golden[0]);
            case.check_value("coverage", Some(point.coverage), &golden[1]);
            case.check_value("risk", Some(point.risk), &golden[2]);
            assert_eq!(Some(point.accepted), golden[3].as_u64(), "{case}");
        }
    }
}

#[test]
fn reliability() {
    for case in cases("reliability") {
        let reliability = Reliability::new(case.rows("confidence", "right"));
        let width = reliability.equal_width_bins(BINS);
        let mass = reliability.equal_mass_bins(BINS);
        let sizes = |bins: &[routecal::metrics::reliability::Bin]| -> Vec<u64> {
            bins.iter().map(|bin| bin.accuracy.n()).collect()
        };
        assert_eq!(sizes(&width), case.counts("width_counts"), "{case}");
        assert_eq!(sizes(&mass), case.counts("mass_counts"), "{case}");
        case.check("ece_equal_width", ece(&width));
        case.check("ece_equal_mass", ece(&mass));
        case.check("brier", reliability.brier());
        case.check("log_loss", reliability.log_loss());
    }
}

#[test]
fn mappings() {
    for case in cases("mapping") {
        let platt = Platt::fit(case.rows("score", "right")).unwrap();
        case.check("slope", Some(platt.slope()));
        case.check("intercept", Some(platt.intercept()));
        let at = case.numbers("at");
        case.check_all("platt", at.iter().map(|&s| Some(platt.predict(s))));

        let isotonic = Isotonic::fit(case.rows("score", "right")).unwrap();
        case.check_all("isotonic_x", isotonic.points().iter().map(|p| Some(p.0)));
        case.check_all("isotonic_y", isotonic.points().iter().map(|p| Some(p.1)));
        case.check_all("isotonic", at.iter().map(|&s| Some(isotonic.predict(s))));
    }
}

#[test]
fn temperature() {
    for case in cases("temperature") {
        let rows = case.score_rows();
        let temperature = Temperature::fit(rows.iter().map(|(s, truth)| (s, *truth))).unwrap();
        case.check("t", Some(temperature.t()));
        case.check_all("confidence", rows.iter().map(|(s, _)| Some(temperature.predict(s))));
    }
}

#[test]
fn distribution() {
    for case in cases("distribution") {
        let number = |key: &str| case.get(key).as_f64().unwrap();
        let values = case.numbers("values");
        let bins = index(case.get("bins"));
        let histogram = Histogram::new(number("lower"), number("upper"), bins, values.iter().copied());
        assert_eq!(histogram.counts(), case.counts("counts"), "{case}");
        assert_eq!(Some(histogram.below()), case.get("below").as_u64(), "{case}");
        assert_eq!(Some(histogram.above()), case.get("above").as_u64(), "{case}");
        case.check_all("edges", histogram.edges().iter().map(|&edge| Some(edge)));

        let summary = Summary::new(values);
        case.check("mean", summary.mean());
        case.check("min", summary.min());
        case.check("max", summary.max());
        let quantiles = case.numbers("q").into_iter().map(|q| summary.quantile(q));
        case.check_all("quantiles", quantiles);
    }
}

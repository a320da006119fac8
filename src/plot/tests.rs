//! What every figure promises: a well-formed SVG with its words, a PNG of twice the size, the same bytes again, no panic.

use resvg::tiny_skia::Pixmap;
use resvg::usvg::roxmltree::{Document, Node};

use super::*;
use crate::error::{ErrorClass, Hint};

fn names(list: &[&str]) -> Vec<String> {
    list.iter().map(|name| (*name).to_owned()).collect()
}

fn confusion(labels: &[&str], counts: &[&[u64]]) -> ConfusionFigure {
    let mut columns = names(labels);
    columns.pop();
    columns.push("fallback".to_owned());
    ConfusionFigure {
        labels: names(labels),
        columns,
        counts: counts.iter().map(|row| row.to_vec()).collect(),
        title: "Where prompts went · test split, n = 30".to_owned(),
        subtitle: String::new(),
    }
}

fn small() -> ConfusionFigure {
    confusion(&["coding", "creative", "none"], &[&[9, 1, 0], &[0, 0, 0], &[2, 3, 15]])
}

fn confidence(right: Vec<f64>, n: u64) -> ConfidenceFigure {
    ConfidenceFigure {
        panels: vec![ConfidencePanel {
            name: "all prompts".to_owned(),
            right,
            ..ConfidencePanel::default()
        }],
        threshold: Some(0.35),
        split: "test".to_owned(),
        n,
    }
}

fn threshold(count: u32) -> ThresholdFigure {
    let point = |i: u32| {
        let t = f64::from(i) / f64::from(count);
        ThresholdPoint {
            threshold: t,
            system_accuracy: Shown {
                value: 0.5 + t / 4.0,
                span: Some((0.45 + t / 4.0, 0.55 + t / 4.0)),
            },
            coverage: (1.0 - t).into(),
            selective_accuracy: (t < 0.9).then_some((0.6 + t / 3.0).into()),
            false_accept_rate: None,
        }
    };
    ThresholdFigure {
        points: (0..count).map(point).collect(),
        marks: vec![ThresholdMark {
            name: "chosen".to_owned(),
            threshold: 0.4,
        }],
        gap: 0.02,
        n: count.into(),
        split: "calibration".to_owned(),
    }
}

fn heatmap() -> HeatmapFigure {
    HeatmapFigure {
        thresholds: vec![0.2, 0.3, 0.4],
        gaps: vec![0.0, 0.1],
        values: vec![vec![Some(0.5), Some(0.7), None], vec![Some(0.6), Some(0.9), Some(0.8)]],
        value_name: "system accuracy".to_owned(),
        marks: vec![HeatmapMark {
            name: "chosen".to_owned(),
            threshold: 0.31,
            gap: 0.5,
            span: Some((0.4, 0.6)),
        }],
        n: 30,
        split: "calibration".to_owned(),
    }
}

fn risk() -> RiskCoverageFigure {
    RiskCoverageFigure {
        curve: [(0.2, 1.0), (0.6, 0.1), (1.0, 0.2)]
            .map(|(coverage, value)| {
                let span = Some((value * 0.9, value));
                (coverage, Shown { value, span })
            })
            .to_vec(),
        marks: vec![RiskMark {
            name: "chosen".to_owned(),
            coverage: 0.6.into(),
            risk: 0.1.into(),
        }],
        full_coverage_error: 0.2.into(),
        aurc: 0.1.into(),
        augrc: 0.05.into(),
        n: 5,
        split: "test".to_owned(),
    }
}

fn reliability() -> ReliabilityFigure {
    let bin = |lower: f64, n: u64, accuracy: Option<f64>| ReliabilityBin {
        lower,
        upper: lower + 0.5,
        n,
        mean_confidence: if n == 0 { f64::NAN } else { lower + 0.2 },
        accuracy: accuracy.map(Shown::from),
    };
    ReliabilityFigure {
        bins: vec![bin(0.0, 0, None), bin(0.5, 7, Some(0.8))],
        ece: 0.1.into(),
        method: "Platt scaling".to_owned(),
        n: 7,
        split: "test".to_owned(),
    }
}

/// One of each kind.
fn each() -> Vec<(&'static str, Box<dyn Figure>)> {
    vec![
        ("confusion", Box::new(small())),
        ("confidence", Box::new(confidence(vec![0.2, 0.5, 0.6], 3))),
        ("threshold", Box::new(threshold(40))),
        ("heatmap", Box::new(heatmap())),
        ("risk–coverage", Box::new(risk())),
        ("reliability", Box::new(reliability())),
    ]
}

/// One of each kind without rows.
fn empty() -> Vec<(&'static str, Box<dyn Figure>)> {
    let mut heat = heatmap();
    (heat.thresholds, heat.gaps, heat.values, heat.n) = (Vec::new(), Vec::new(), Vec::new(), 0);
    let mut risk = risk();
    (risk.curve, risk.n, risk.full_coverage_error, risk.aurc) = (Vec::new(), 0, f64::NAN.into(), f64::NAN.into());
    let mut reliable = reliability();
    (reliable.bins, reliable.n, reliable.ece) = (Vec::new(), 0, f64::NAN.into());
    vec![
        ("confusion", Box::new(confusion(&["a", "b"], &[&[0, 0], &[0, 0]]))),
        ("confidence", Box::new(confidence(Vec::new(), 0))),
        ("threshold", Box::new(threshold(0))),
        ("heatmap", Box::new(heat)),
        ("risk–coverage", Box::new(risk)),
        ("reliability", Box::new(reliable)),
    ]
}

fn child_text(root: Node<'_, '_>, name: &str) -> String {
    let found = root.children().find(|node| node.has_tag_name(name));
    found.and_then(|node| node.text()).unwrap_or("").to_owned()
}

fn check(name: &str, drawing: &Drawing) {
    let document = Document::parse(&drawing.svg).unwrap();
    let root = document.root_element();
    assert_eq!(root.attribute("role"), Some("img"), "{name}");
    assert_eq!(child_text(root, "title"), drawing.title, "{name}");
    assert!(child_text(root, "desc").len() > 20, "{name}");
    let tags = ["text", "image", "script", "style", "use", "a"];
    let odd = document
        .descendants()
        .find(|node| tags.contains(&node.tag_name().name()));
    assert!(odd.is_none(), "{name}: {odd:?}");
    let size = |side: &str| -> u32 { root.attribute(side).unwrap().parse().unwrap() };
    let pixels = Pixmap::decode_png(&drawing.png).unwrap();
    assert_eq!(
        (pixels.width(), pixels.height()),
        (2 * size("width"), 2 * size("height")),
        "{name}"
    );
    let inked = pixels.pixels().iter().filter(|p| p.red() < 128).count();
    assert!(inked > 1000, "{name}: {inked} dark pixels");
    let corner = pixels.pixels()[0];
    assert_eq!(
        (corner.red(), corner.green(), corner.blue(), corner.alpha()),
        (255, 255, 255, 255)
    );
}

#[test]
fn every_figure_is_a_whole_picture_of_moderate_size() {
    for (name, figure) in each().into_iter().chain(empty()) {
        let drawing = figure.draw().unwrap();
        check(name, &drawing);
        assert!(drawing.svg.len() < 300_000, "{name}: {}", drawing.svg.len());
    }
}

#[test]
fn the_same_figure_gives_the_same_bytes() {
    for (name, figure) in each() {
        assert!(figure.draw().unwrap() == figure.draw().unwrap(), "{name}");
    }
}

#[test]
fn nothing_of_the_margin_is_drawn_on() {
    for (name, figure) in each().into_iter().chain(empty()) {
        let pixels = Pixmap::decode_png(&figure.draw().unwrap().png).unwrap();
        let (width, height) = (pixels.width() as usize, pixels.height() as usize);
        let paper = |x: usize, y: usize| pixels.pixels()[y * width + x].red() == 255;
        // A text that is cut would reach the edge.
        assert!((0..width).all(|x| paper(x, 4) && paper(x, height - 5)), "{name}");
        assert!((0..height).all(|y| paper(4, y) && paper(width - 5, y)), "{name}");
    }
}

#[test]
fn names_from_outside_cannot_break_the_document() {
    let odd = "<b onload=\"x\">&amp;\u{0}\u{7}]]>'\u{ffff}";
    let mut figure = confusion(&[odd, "编码", "الكتابة 🙂"], &[&[1, 2, 3], &[4, 5, 6], &[7, 8, 9]]);
    figure.title = format!("{odd} {odd}");
    figure.subtitle = odd.to_owned();
    check("confusion", &figure.draw().unwrap());
    let mut marked = threshold(20);
    marked.marks[0].name = odd.repeat(30);
    marked.split = odd.to_owned();
    check("threshold", &marked.draw().unwrap());
}

#[test]
fn numbers_that_cannot_be_drawn_are_named() {
    let mut figure = threshold(5);
    figure.points[3].coverage = f64::NAN.into();
    let error = figure.draw().unwrap_err();
    assert_eq!(
        error.to_string(),
        "threshold figure: coverage of points[3] is NaN, which cannot be drawn"
    );
    assert_eq!(error.class(), ErrorClass::Input);
    assert!(confidence(vec![0.1, f64::INFINITY], 2).draw().is_err());
    let mut heat = heatmap();
    heat.values[1][2] = Some(f64::NAN);
    assert!(heat.draw().unwrap_err().to_string().contains("values[1][2]"));
    let mut curve = risk();
    curve.aurc = f64::NAN.into();
    assert!(matches!(curve.draw(), Err(PlotError::NotFinite { .. })));
    let mut bins = reliability();
    bins.bins[1].mean_confidence = f64::NEG_INFINITY;
    assert!(matches!(bins.draw(), Err(PlotError::NotFinite { .. })));
}

#[test]
fn parts_that_do_not_fit_are_refused() {
    let mut ragged = small();
    ragged.counts[1].pop();
    let error = ragged.draw().unwrap_err().to_string();
    assert_eq!(error, "confusion figure: columns of counts[1]: expected 3, found 2");
    let mut falling = heatmap();
    falling.gaps = vec![0.1, 0.0];
    assert!(matches!(falling.draw(), Err(PlotError::Shape { .. })));
    let mut short = heatmap();
    short.thresholds.pop();
    assert!(matches!(short.draw(), Err(PlotError::Shape { .. })));
    let labels: Vec<String> = (0..1001).map(|i| i.to_string()).collect();
    let large = ConfusionFigure {
        counts: vec![vec![0; 1001]; 1001],
        columns: labels.clone(),
        labels,
        title: String::new(),
        subtitle: String::new(),
    };
    assert!(matches!(large.draw(), Err(PlotError::TooLarge { found: 1001, .. })));
}

#[test]
fn few_and_equal_and_many_values_are_drawn() {
    check("one score", &confidence(vec![0.5], 1).draw().unwrap());
    check("equal scores", &confidence(vec![0.5; 90], 90).draw().unwrap());
    check("one point", &threshold(1).draw().unwrap());
    let drawing = threshold(100_000).draw().unwrap();
    check("many points", &drawing);
    assert!(drawing.svg.len() < 300_000, "{}", drawing.svg.len());
    let mut one = heatmap();
    (one.thresholds, one.gaps, one.values) = (vec![0.3], vec![0.1], vec![vec![Some(0.5)]]);
    check("one cell", &one.draw().unwrap());
    one.values = vec![vec![None]];
    check("no value", &one.draw().unwrap());
    let mut sure = risk();
    (sure.curve, sure.full_coverage_error, sure.marks) = (vec![(1.0, 0.0.into())], 0.0.into(), Vec::new());
    check("never wrong", &sure.draw().unwrap());
    check(
        "huge counts",
        &confusion(&["a", "b"], &[&[u64::MAX, 1], &[3, u64::MAX]])
            .draw()
            .unwrap(),
    );
    let alone = confusion(&["a"], &[&[3]]);
    check("one column", &alone.draw().unwrap());
}

#[test]
fn a_matrix_of_151_labels_is_drawn_without_cell_texts() {
    let labels: Vec<String> = (0..151).map(|i| format!("a route with number {i}")).collect();
    let counts = (0..151)
        .map(|row| (0..151).map(|c| u64::from(c == row)).collect())
        .collect();
    let figure = ConfusionFigure {
        columns: labels.clone(),
        labels,
        counts,
        title: "Where prompts went · validation split, n = 151".to_owned(),
        subtitle: String::new(),
    };
    let drawing = figure.draw().unwrap();
    check("151 labels", &drawing);
    assert!(drawing.svg.len() < 400_000, "{}", drawing.svg.len());
}

//! Thresholds chosen for cost and quality: of every point (threshold, gap) of a router the cheapest whose answers are good
//! enough.
//!
//! The answers of every model are there ([`Complete`]), so each point's mean cost and mean quality are known without a call,
//! and the search is the exact one of [`calibrate`](crate::calibrate): every distinct score with every distinct gap at which a
//! decision changes. What it finds is flattered by the rows that found it; [`calibrate`] judges it on others.
//!
//! # Ties
//! Sums are whole numbers (of 10⁻¹⁵ dollars and of 10⁻¹⁵ of a score), so they do not depend on the order of the prompts; means are
//! compared to 10⁻¹². Of points that are equally cheap the better one is taken, then the one that accepts more, then the smaller
//! gap, then the smaller threshold. As everywhere, the two numbers are then put into the middle of the room in which no decision changes.

mod error;
mod figures;
mod judge;

pub use error::OperatingPointError;
pub use judge::{Calibrated, Input, Options, calibrate};

use std::cmp::Reverse;
use std::str::FromStr;

use crate::calibrate::{Found, Placed, Plateau, Search, edges, search, settle};
use crate::num::f64_from_usize;
use crate::replay::matrix::Complete;
use crate::replay::policies::Routing;
use crate::routes::Thresholds;

/// Units in which dollars and scores are added up.
const UNITS: f64 = 1e15;
/// Units that a mean is compared to: rounding must not decide. By so much a quality may fall short of what is wanted.
const SLACK: i128 = 1_000;

/// The least mean quality that is wanted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum MinQuality {
    /// A mean score, 0 to 1.
    Mean(f64),
    /// A share of the strong model's mean score on the same prompts, such as 0.95. It may be above 1: a router that sends each
    /// prompt to the right model can beat every model.
    ShareOfStrong(f64),
}

impl MinQuality {
    /// The mean score that is wanted where the strong model has `strong`.
    ///
    /// ```
    /// use routecal::replay::operating_point::MinQuality;
    ///
    /// let (mean, share): (MinQuality, MinQuality) = ("0.85".parse().unwrap(), "95%".parse().unwrap());
    /// assert_eq!(mean.of(0.9), 0.85);
    /// assert!((share.of(0.9) - 0.855).abs() < 1e-12);
    /// assert!("85".parse::<MinQuality>().is_err());
    /// ```
    pub fn of(self, strong: f64) -> f64 {
        match self {
            Self::Mean(quality) => quality,
            Self::ShareOfStrong(share) => share * strong,
        }
    }
}

impl FromStr for MinQuality {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (number, percent) = match text.trim().strip_suffix('%') {
            Some(number) => (number.trim_end(), true),
            None => (text.trim(), false),
        };
        let value: f64 = number.parse().map_err(|_| {
            "write a mean quality such as 0.85, or a share of the strong model's such as 95%".to_owned()
        })?;
        match (percent, value) {
            (true, v) if (0.0..=1000.0).contains(&v) => Ok(Self::ShareOfStrong(v / 100.0)),
            (true, _) => Err("a share of the strong model's quality is at least 0%, such as 95%".into()),
            (false, v) if (0.0..=1.0).contains(&v) => Ok(Self::Mean(v)),
            (false, v) if (0.0..=100.0).contains(&v) => Err(format!(
                "a mean quality lies within 0 and 1: write {} for one, or {v}% for a share of the strong model's",
                v / 100.0
            )),
            (false, _) => Err("a mean quality lies within 0 and 1".into()),
        }
    }
}

/// The chosen thresholds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Choice {
    /// The same for every route.
    pub at: Thresholds,
    /// Points (threshold, gap) looked at.
    pub points: u64,
    /// Whether these were all that matter; with more than about 45,000 prompts the thresholds are thinned.
    pub exact: bool,
}

/// The cheapest thresholds at which the mean quality of `complete` is at least `floor`; `cost` has a dollar amount a prompt
/// and model, as the tables of `complete` do. `routing` holds these prompts in this order. O(prompts²), in parallel.
///
/// # Errors
/// [`OperatingPointError::Unreachable`] where no point is as good, with the best there is and what it costs.
///
/// # Panics
/// If `routing` and `complete` are not of the same number of prompts.
///
/// ```
/// use routecal::replay::matrix::{Cell, Matrix, PromptInfo};
/// use routecal::replay::operating_point::choose;
/// use routecal::replay::policies::{RoutedPrompt, Routing};
/// use routecal::routes::Thresholds;
///
/// // The cheap model is right on the two prompts that the router is surer of.
/// let prompts = ["a", "b", "c"].map(|id| PromptInfo { id: id.into(), ..PromptInfo::default() });
/// let mut matrix = Matrix::new(vec!["dear".into(), "cheap".into()], prompts.to_vec(), 1);
/// for (prompt, right) in [1.0, 1.0, 0.0].into_iter().enumerate() {
///     matrix.cells_mut(prompt, 0)[0] = Cell::scored(1.0, 0.02);
///     matrix.cells_mut(prompt, 1)[0] = Cell::scored(right, 0.001);
/// }
/// let routed = |score| RoutedPrompt {
///     route: "easy".into(),
///     model: 1,
///     score,
///     gap: 0.2,
///     current: Thresholds::default(),
/// };
/// let routing = Routing {
///     prompts: [0.8, 0.6, 0.3].map(routed).to_vec(),
///     fallback: 0,
///     gap: 0.0,
///     usd_per_prompt: 0.0,
/// };
/// let complete = matrix.complete();
/// let chosen = choose(&complete, &routing, &complete.list, 1.0)?.at;
/// assert!(0.3 < chosen.threshold() && chosen.threshold() <= 0.6);
/// # Ok::<(), routecal::replay::operating_point::OperatingPointError>(())
/// ```
pub fn choose(complete: &Complete, routing: &Routing, cost: &[f64], floor: f64) -> Result<Choice, OperatingPointError> {
    let table = Table::new(complete, routing, cost);
    let floor = table.floor(floor);
    let Found { best, points, exact } = search(
        &table.rows,
        &table.nothing,
        &Cheapest {
            floor,
            compared: table.compared(),
        },
    );
    let Some(best) = best else {
        return Err(table.unreachable(floor, routing.usd_per_prompt));
    };
    Ok(Choice {
        at: settle(&table.rows, best.threshold, best.gap),
        points,
        exact,
    })
}

/// How far each number can move, the other held, with the quality at least `floor` and a cost at most `tolerance` (a share)
/// above that of the choice; `None` where the choice itself is not good enough. O(prompts²) at worst.
///
/// # Panics
/// As [`choose`].
pub fn plateau(
    complete: &Complete,
    routing: &Routing,
    cost: &[f64],
    floor: f64,
    (at, tolerance): (Thresholds, f64),
) -> Option<Plateau> {
    let table = Table::new(complete, routing, cost);
    let floor = table.floor(floor);
    let chosen = table.sums(at);
    if chosen.quality < floor {
        return None;
    }
    let most = chosen.cost + units(tolerance * dollars(chosen.cost));
    let holds = |threshold: f64, gap: f64| {
        Thresholds::new(threshold, gap).is_ok_and(|at| {
            let sums = table.sums(at);
            sums.quality >= floor && sums.cost <= most
        })
    };
    let gaps = table.rows.iter().map(|r| r.gap).filter(|g| g.is_finite());
    Some(Plateau {
        tolerance,
        threshold: edges(
            table.rows.iter().map(|r| r.score),
            at.threshold(),
            (-1.0, 1.0),
            |threshold| holds(threshold, at.gap()),
        ),
        gap: edges(gaps, at.gap(), (0.0, 2.0), |gap| holds(at.threshold(), gap)),
    })
}

/// A prompt: where it lies, and what accepting it changes against the fallback, in [`UNITS`].
#[derive(Debug, Clone, Copy)]
struct Row {
    score: f64,
    gap: f64,
    quality: i128,
    cost: i128,
}

impl Placed for Row {
    fn score(&self) -> f64 {
        self.score
    }

    fn gap(&self) -> f64 {
        self.gap
    }
}

/// What a point costs and earns over all prompts, in [`UNITS`].
#[derive(Debug, Clone, Copy)]
struct Sums {
    quality: i128,
    cost: i128,
    accepted: u64,
}

impl Sums {
    fn add(&mut self, row: &Row) {
        self.quality += row.quality;
        self.cost += row.cost;
        self.accepted += 1;
    }
}

struct Table {
    rows: Vec<Row>,
    /// Every prompt to the fallback.
    nothing: Sums,
}

impl Table {
    fn new(complete: &Complete, routing: &Routing, cost: &[f64]) -> Self {
        assert_eq!(routing.prompts.len(), complete.n(), "one routed prompt a row");
        let mut nothing = Sums {
            quality: 0,
            cost: 0,
            accepted: 0,
        };
        let rows = (0..complete.n())
            .map(|i| {
                let (scores, costs) = (complete.row(&complete.score, i), complete.row(cost, i));
                let prompt = &routing.prompts[i];
                let fallback = (units(scores[routing.fallback]), units(costs[routing.fallback]));
                nothing.quality += fallback.0;
                nothing.cost += fallback.1;
                Row {
                    score: prompt.score,
                    gap: prompt.gap,
                    quality: units(scores[prompt.model]) - fallback.0,
                    cost: units(costs[prompt.model]) - fallback.1,
                }
            })
            .collect();
        Self { rows, nothing }
    }

    /// The least sum of scores whose mean is `floor`.
    fn floor(&self, floor: f64) -> i128 {
        (units(floor) - SLACK) * self.rows.len() as i128
    }

    /// See [`rounded`].
    fn compared(&self) -> i128 {
        SLACK * self.rows.len().max(1) as i128
    }

    fn sums(&self, at: Thresholds) -> Sums {
        let mut sums = self.nothing;
        for row in self.rows.iter().filter(|r| at.accept(r.score, r.gap)) {
            sums.add(row);
        }
        sums
    }

    fn unreachable(&self, floor: i128, router_usd: f64) -> OperatingPointError {
        let n = f64_from_usize(self.rows.len());
        let wanted = dollars(floor) / n + dollars(SLACK);
        let best = search(
            &self.rows,
            &self.nothing,
            &Best {
                compared: self.compared(),
            },
        )
        .best;
        let sums = best.map_or(self.nothing, |best| {
            self.sums(settle(&self.rows, best.threshold, best.gap))
        });
        OperatingPointError::Unreachable {
            wanted,
            best: dollars(sums.quality) / n,
            usd_per_1k: 1000.0 * (dollars(sums.cost) / n + router_usd),
            n: self.rows.len(),
        }
    }
}

/// The cheapest point that is good enough; among equals the better one, then the one that accepts more.
struct Cheapest {
    floor: i128,
    compared: i128,
}

impl Search for Cheapest {
    type Row = Row;
    type Counts = Sums;
    type Key = (Reverse<i128>, i128, u64);

    fn add(&self, sums: &mut Sums, row: &Row) {
        sums.add(row);
    }

    fn key(&self, sums: &Sums) -> Option<Self::Key> {
        (sums.quality >= self.floor).then_some((
            Reverse(rounded(sums.cost, self.compared)),
            rounded(sums.quality, self.compared),
            sums.accepted,
        ))
    }
}

/// The best point, and of equals the cheapest: what there is where nothing is good enough.
struct Best {
    compared: i128,
}

impl Search for Best {
    type Row = Row;
    type Counts = Sums;
    type Key = (i128, Reverse<i128>, u64);

    fn add(&self, sums: &mut Sums, row: &Row) {
        sums.add(row);
    }

    fn key(&self, sums: &Sums) -> Option<Self::Key> {
        Some((
            rounded(sums.quality, self.compared),
            Reverse(rounded(sums.cost, self.compared)),
            sums.accepted,
        ))
    }
}

/// A sum as a multiple of `to`: two that are the same number, added up from other parts, are equal.
fn rounded(sum: i128, to: i128) -> i128 {
    (sum + to / 2).div_euclid(to)
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "scores are at most 1 and dollars of a prompt far below 10^18"
)]
fn units(value: f64) -> i128 {
    (value * UNITS).round() as i128
}

#[expect(clippy::cast_precision_loss, reason = "a figure to be shown, or a tolerance")]
fn dollars(units: i128) -> f64 {
    units as f64 / UNITS
}

#[cfg(test)]
mod tests;

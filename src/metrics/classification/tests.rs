//! Edges of the confusion matrix; the values themselves are held against scikit-learn in the golden tests.

use super::{Confusion, rank_of, top_k};
use crate::metrics::Rate;

#[test]
fn no_rows_have_no_figures() {
    let none = Confusion::new(3);
    assert_eq!(none.n(), 0);
    assert_eq!(none.accuracy().value(), None);
    assert_eq!(none.balanced_accuracy(), None);
    for average in [none.macro_average(), none.micro_average(), none.weighted_average()] {
        assert_eq!(average.precision, None);
        assert_eq!(average.recall, None);
        assert_eq!(average.f1, None);
    }
    assert_eq!(none.matthews_correlation(), None);
    assert_eq!(none.cohen_kappa(), None);
    assert_eq!(none.class(2).f1, None);
    assert_eq!(top_k::<[usize; 2]>(2, []).value(), None);
}

#[test]
fn a_weighted_figure_without_weight_is_none() {
    // Only class 1 has a precision, and it has no support. scikit-learn would say 0.0.
    let confusion = Confusion::from_pairs(2, [(0, 1)]);
    assert_eq!(confusion.weighted_average().precision, None);
    assert_eq!(confusion.weighted_average().recall, Some(0.0));
}

#[test]
fn correlation_needs_two_classes_on_either_side() {
    assert_eq!(Confusion::from_pairs(2, [(0, 0), (1, 0)]).matthews_correlation(), None);
    assert_eq!(Confusion::from_pairs(2, [(0, 0), (0, 1)]).matthews_correlation(), None);
    // Kappa is 0 there: agreement is what the margins give.
    assert_eq!(Confusion::from_pairs(2, [(0, 0), (1, 0)]).cohen_kappa(), Some(0.0));
    assert_eq!(Confusion::from_pairs(2, [(0, 0), (0, 0)]).cohen_kappa(), None);
}

#[test]
fn ties_go_to_the_earlier_route() {
    let scores = [0.5, 0.5, 0.5];
    assert_eq!([0, 1, 2].map(|class| rank_of(&scores, class)), [0, 1, 2]);
    let rows = [(2, [0, 1, 2])];
    assert_eq!(top_k(2, rows), Rate::new(0, 1));
    assert_eq!(top_k(3, rows), Rate::new(1, 1));
}

#[test]
#[should_panic(expected = "truth 2, decision 0")]
fn a_class_out_of_range_is_refused() {
    Confusion::new(2).add(2, 0);
}

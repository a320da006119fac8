//! The figures of a router as deployed: thresholds and fallback in force, all prompts counted.
//!
//! Every prompt is in-domain (some route is right) or out-of-domain (fallback is right), and is accepted (sent to a
//! route) or sent to fallback. Five counts say it all:
//!
//! | | accepted, right route | accepted, wrong route | fallback |
//! |---|---|---|---|
//! | in-domain | `accepted_right` | `accepted_wrong` | false fallback |
//! | out-of-domain | impossible | `accepted_out_of_domain` | right |
//!
//! | figure | numerator | denominator |
//! |---|---|---|
//! | system accuracy | accepted right + out-of-domain in fallback | all |
//! | coverage | accepted | all |
//! | selective accuracy | accepted right | accepted |
//! | selective risk | accepted wrong + accepted out-of-domain | accepted |
//! | misroute rate | accepted wrong | in-domain |
//! | false-accept rate | accepted out-of-domain | out-of-domain |
//! | false-fallback rate | in-domain in fallback | in-domain |
//!
//! System accuracy is the accuracy of the confusion matrix as deployed. Taking the router for a detector of in-domain
//! prompts, the false-accept rate is its false-positive rate and the false-fallback rate one minus its true-positive
//! rate. Selective risk is that of El-Yaniv & Wiener (JMLR 2010) with an accepted out-of-domain prompt as an error.

use super::{Rate, classification::Confusion};

/// The five counts, and the rates made of them. All methods are O(1).
///
/// ```
/// use routecal::metrics::{Rate, deployed::Deployed};
///
/// // 8 in-domain prompts: 5 right, 1 misrouted, 2 to fallback. 4 out-of-domain: 1 accepted, 3 to fallback.
/// let deployed = Deployed::new(8, 4, 5, 1, 1);
/// assert_eq!(deployed.system_accuracy(), Rate::new(5 + 3, 12));
/// assert_eq!(deployed.coverage(), Rate::new(7, 12));
/// assert_eq!(deployed.selective_accuracy(), Rate::new(5, 7));
/// assert_eq!(deployed.selective_risk(), Rate::new(2, 7));
/// assert_eq!(deployed.misroute_rate(), Rate::new(1, 8));
/// assert_eq!(deployed.false_accept_rate(), Rate::new(1, 4));
/// assert_eq!(deployed.false_fallback_rate(), Rate::new(2, 8));
///
/// // Nothing accepted: no selective accuracy.
/// assert_eq!(Deployed::new(8, 0, 0, 0, 0).selective_accuracy().value(), None);
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Deployed {
    in_domain: u64,
    out_of_domain: u64,
    accepted_right: u64,
    accepted_wrong: u64,
    accepted_out_of_domain: u64,
}

impl Deployed {
    /// The counts of one set of prompts at one operating point.
    ///
    /// # Panics
    ///
    /// If more are accepted than there are: `accepted_right + accepted_wrong > in_domain` or
    /// `accepted_out_of_domain > out_of_domain`.
    pub fn new(
        in_domain: u64,
        out_of_domain: u64,
        accepted_right: u64,
        accepted_wrong: u64,
        accepted_out_of_domain: u64,
    ) -> Self {
        assert!(
            accepted_right + accepted_wrong <= in_domain,
            "{accepted_right} right and {accepted_wrong} wrong accepted of {in_domain} in-domain rows"
        );
        assert!(
            accepted_out_of_domain <= out_of_domain,
            "{accepted_out_of_domain} accepted of {out_of_domain} out-of-domain rows"
        );
        Self {
            in_domain,
            out_of_domain,
            accepted_right,
            accepted_wrong,
            accepted_out_of_domain,
        }
    }

    /// The counts held in a confusion matrix as deployed, whose last class is out-of-domain as a truth and fallback
    /// as a decision. O(classes²).
    ///
    /// ```
    /// use routecal::metrics::{classification::Confusion, deployed::Deployed};
    ///
    /// // Routes 0 and 1; class 2 is out-of-domain / fallback.
    /// let confusion = Confusion::from_pairs(3, [(0, 0), (0, 1), (1, 2), (2, 2), (2, 0)]);
    /// let deployed = Deployed::from_confusion(&confusion);
    /// assert_eq!(deployed, Deployed::new(3, 2, 1, 1, 1));
    /// assert_eq!(deployed.system_accuracy(), confusion.accuracy());
    /// ```
    pub fn from_confusion(confusion: &Confusion) -> Self {
        let fallback = confusion.classes() - 1;
        let mut counts = Self::default();
        for (truth, row) in confusion.rows().enumerate() {
            let all: u64 = row.iter().sum();
            let accepted = all - row[fallback];
            if truth == fallback {
                counts.out_of_domain += all;
                counts.accepted_out_of_domain += accepted;
            } else {
                counts.in_domain += all;
                counts.accepted_right += row[truth];
                counts.accepted_wrong += accepted - row[truth];
            }
        }
        counts
    }

    /// All prompts.
    pub fn n(self) -> u64 {
        self.in_domain + self.out_of_domain
    }

    /// Prompts for which some route is right.
    pub fn in_domain(self) -> u64 {
        self.in_domain
    }

    /// Prompts for which fallback is right.
    pub fn out_of_domain(self) -> u64 {
        self.out_of_domain
    }

    /// Prompts sent to their route.
    pub fn accepted_right(self) -> u64 {
        self.accepted_right
    }

    /// In-domain prompts sent to another route.
    pub fn accepted_wrong(self) -> u64 {
        self.accepted_wrong
    }

    /// Out-of-domain prompts sent to a route.
    pub fn accepted_out_of_domain(self) -> u64 {
        self.accepted_out_of_domain
    }

    /// Prompts sent to any route.
    pub fn accepted(self) -> u64 {
        self.accepted_right + self.accepted_wrong + self.accepted_out_of_domain
    }

    /// Prompts treated as they should be, of all: the right route, or fallback for an out-of-domain prompt.
    pub fn system_accuracy(self) -> Rate {
        let rejected = self.out_of_domain - self.accepted_out_of_domain;
        Rate::new(self.accepted_right + rejected, self.n())
    }

    /// Accepted prompts, of all.
    pub fn coverage(self) -> Rate {
        Rate::new(self.accepted(), self.n())
    }

    /// Prompts sent to their route, of those accepted.
    pub fn selective_accuracy(self) -> Rate {
        Rate::new(self.accepted_right, self.accepted())
    }

    /// Prompts sent to a route that is not theirs, of those accepted: 1 − selective accuracy.
    pub fn selective_risk(self) -> Rate {
        self.selective_accuracy().complement()
    }

    /// In-domain prompts sent to another route, of the in-domain ones.
    pub fn misroute_rate(self) -> Rate {
        Rate::new(self.accepted_wrong, self.in_domain)
    }

    /// Out-of-domain prompts sent to a route, of the out-of-domain ones.
    pub fn false_accept_rate(self) -> Rate {
        Rate::new(self.accepted_out_of_domain, self.out_of_domain)
    }

    /// In-domain prompts sent to fallback, of the in-domain ones.
    pub fn false_fallback_rate(self) -> Rate {
        let accepted = self.accepted_right + self.accepted_wrong;
        Rate::new(self.in_domain - accepted, self.in_domain)
    }
}

#[cfg(test)]
mod tests {
    use super::Deployed;

    #[test]
    fn no_rows_have_no_rates() {
        let none = Deployed::default();
        for rate in [
            none.system_accuracy(),
            none.coverage(),
            none.selective_accuracy(),
            none.selective_risk(),
            none.misroute_rate(),
            none.false_accept_rate(),
            none.false_fallback_rate(),
        ] {
            assert_eq!(rate.value(), None);
        }
    }

    #[test]
    fn a_set_without_out_of_domain_rows_has_no_false_accept_rate() {
        let deployed = Deployed::new(3, 0, 2, 1, 0);
        assert_eq!(deployed.false_accept_rate().value(), None);
        assert_eq!(deployed.coverage().value(), Some(1.0));
        assert_eq!(deployed.false_fallback_rate().value(), Some(0.0));
    }

    #[test]
    #[should_panic(expected = "in-domain rows")]
    fn more_accepted_than_there_are_is_refused() {
        let _ = Deployed::new(2, 2, 2, 1, 0);
    }

    #[test]
    #[should_panic(expected = "out-of-domain rows")]
    fn more_out_of_domain_accepted_than_there_are_is_refused() {
        let _ = Deployed::new(2, 2, 2, 0, 3);
    }
}

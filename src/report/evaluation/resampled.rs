//! Which figures of the document have an interval from resampling.

use super::{AsDeployed, DetectionReport, ForcedChoice, ReliabilityReport, SelectiveReport};
use crate::report::{Estimate, Resampled};

impl Resampled for ForcedChoice {
    fn each(&mut self, visit: &mut dyn FnMut(&mut Estimate)) {
        visit(&mut self.balanced_accuracy);
        visit(&mut self.macro_f1);
        visit(&mut self.weighted_f1);
        visit(&mut self.mcc);
        visit(&mut self.kappa);
        self.routes.iter_mut().for_each(|route| visit(&mut route.f1));
    }
}

impl Resampled for AsDeployed {
    fn each(&mut self, visit: &mut dyn FnMut(&mut Estimate)) {
        visit(&mut self.macro_f1);
        self.routes.iter_mut().for_each(|route| visit(&mut route.f1));
    }
}

impl Resampled for DetectionReport {
    fn each(&mut self, visit: &mut dyn FnMut(&mut Estimate)) {
        for figures in [&mut self.by_score, &mut self.by_gap] {
            visit(&mut figures.auroc);
            visit(&mut figures.average_precision_in);
            visit(&mut figures.average_precision_out);
            // Rates at a threshold that the rows themselves chose: Wilson's interval would leave that out.
            visit(&mut figures.fpr_at_95_tpr);
            visit(&mut figures.fpr_at_95_tpr_out);
        }
    }
}

impl Resampled for SelectiveReport {
    fn each(&mut self, visit: &mut dyn FnMut(&mut Estimate)) {
        for figures in [&mut self.all, &mut self.in_domain] {
            visit(&mut figures.aurc);
            visit(&mut figures.e_aurc);
            visit(&mut figures.augrc);
        }
    }
}

impl Resampled for ReliabilityReport {
    fn each(&mut self, visit: &mut dyn FnMut(&mut Estimate)) {
        visit(&mut self.ece_equal_width);
        visit(&mut self.ece_equal_mass);
        visit(&mut self.brier);
        visit(&mut self.log_loss);
    }
}

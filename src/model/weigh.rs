//! How much the loss of each row counts: by weights that the dataset brings, or by the row's class.

use super::heads::Head;
use super::network::Network;
use super::plan::Plan;
use crate::data::Dataset;
use crate::error::{Error, Result, check_setting};
use crate::metrics::argmax;
use crate::shape::Shape;
use std::borrow::Cow;

/// What the loss of a row is multiplied by.
pub(super) enum Weigh {
    /// Nothing.
    Alike,
    /// Its weight in the dataset.
    Rows,
    /// The weight of its class: Keras' `class_weight`.
    Classes(Vec<f32>),
}

impl Weigh {
    pub(super) fn new(data: &dyn Dataset) -> Weigh {
        if data.has_sample_weight() { Weigh::Rows } else { Weigh::Alike }
    }

    /// The same by these classes, where there are any. Other classes count 1.
    ///
    /// # Errors
    /// A class that is not one, a weight that is not finite, weights of rows beside these, several outputs, and targets
    /// that name no class.
    pub(super) fn by_classes(
        self,
        classes: &[(usize, f32)],
        network: &Network,
        heads: &[Head],
        targets: &[Shape],
    ) -> Result<Weigh> {
        if classes.is_empty() {
            return Ok(self);
        }
        let ([head], [target]) = (heads, targets) else {
            return wrong("it is for models of which one output is trained; give each row a weight instead");
        };
        if let Weigh::Rows = self {
            return wrong("the dataset's rows have weights already; leave one of both out");
        }
        if target.rank() > 1 {
            return wrong("it is for targets of one class a row; give each row a weight instead");
        }
        // A single output tells two classes apart.
        let known = network.output(head.output).last().max(2);
        let mut weights = vec![1.0; known];
        for (class, weight) in classes {
            if *class >= known {
                return wrong(format!("there is no class {class}; classes are 0 to {}", known - 1));
            }
            check_setting(weight.is_finite(), "class_weight", "weight", f64::from(*weight), "finite numbers")?;
            weights[*class] = *weight;
        }
        Ok(Weigh::Classes(weights))
    }

    /// Whether rows count differently.
    pub(super) fn differs(&self) -> bool {
        !matches!(self, Weigh::Alike)
    }

    /// Writes the rows' weights into a plan whose targets are filled in.
    pub(super) fn fill(&self, data: &dyn Dataset, rows: &[usize], plan: &mut Plan) {
        let Some(id) = plan.weights else { return };
        match self {
            Weigh::Alike => plan.tape.input_slice(id).fill(1.0),
            Weigh::Rows => data.gather_sample_weight(rows, plan.tape.input_slice(id)),
            Weigh::Classes(classes) => {
                let [targets, weights] = plan.tape.input_slices(plan.targets[0], id);
                let targets = targets.chunks_exact(targets.len() / rows.len());
                weights.iter_mut().zip(targets).for_each(|(weight, target)| *weight = of_class(classes, target));
            }
        }
    }

    /// The weights of rows, or of classes: what training depends on.
    pub(super) fn values(&self, data: &dyn Dataset, rows: &[usize]) -> Vec<f32> {
        match self {
            Weigh::Alike => Vec::new(),
            Weigh::Rows => {
                let mut weights = vec![0.0; rows.len()];
                data.gather_sample_weight(rows, &mut weights);
                weights
            }
            Weigh::Classes(classes) => classes.clone(),
        }
    }
}

fn wrong<T>(problem: impl Into<Cow<'static, str>>) -> Result<T> {
    Err(Error::Graph { place: "class_weight".into(), problem: problem.into() })
}

/// The weight of the class that a label, or a row of one for each class, names.
fn of_class(classes: &[f32], target: &[f32]) -> f32 {
    let class = match target {
        [label] => usize::try_from(label.round_ties_even() as i64).ok(),
        _ => Some(argmax(target)),
    };
    class.and_then(|class| classes.get(class)).copied().unwrap_or(1.0)
}

//! Which class a name in a file stands for.

use crate::error::Result;
use crate::initializers::Initializer;
use crate::layers::{Frozen, Layer};
use crate::losses::Loss;
use crate::metrics::Metric;
use crate::optimizers::Optimizer;
use crate::optimizers::schedules::Schedule;
use crate::preprocessing::Preprocessing;
use crate::registry::{BUILT_IN, Known, Make, Part};
use crate::regularizers::Regularizer;
use crate::settings::FromSpec;
use crate::spec::Spec;

/// The parts that a model in a file may be made of: the library's, and those of your own that are added.
///
/// ```
/// use gradus::{FromSpec, Result, Settings, Shape, Spec, layers::*, save::Registry, tape::Var};
///
/// #[derive(Debug)]
/// struct Double;
///
/// impl Layer for Double {
///     fn build(&self, inputs: &[Shape], _: &mut Weights<'_>) -> Result<Vec<Shape>> {
///         Ok(vec![inputs[0]])
///     }
///     fn record<'r>(&self, _: &mut Cursor<'_, 'r>, inputs: &[Var<'r>]) -> Vec<Var<'r>> {
///         vec![inputs[0] * 2.0]
///     }
///     fn spec(&self) -> Spec {
///         Spec::new(Double::CLASS)
///     }
/// }
///
/// impl FromSpec for Double {
///     const CLASS: &'static str = "Double";
///     fn from_spec(_: &mut Settings<'_>) -> Result<Double> {
///         Ok(Double)
///     }
/// }
///
/// let registry = Registry::new().layer::<Double>(); // for Model::load_with
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Registry {
    known: Known,
}

impl Default for Registry {
    fn default() -> Registry {
        Registry::new()
    }
}

impl Registry {
    /// The library's own parts.
    pub fn new() -> Registry {
        Registry { known: BUILT_IN.clone() }
    }

    /// Adds an initialiser; one of the same class is replaced, here and below.
    pub fn initializer<T: Initializer + FromSpec + 'static>(self) -> Registry {
        self.with::<dyn Initializer>(T::CLASS, |spec, known| Ok(Box::new(spec.make_of::<T>(known)?)))
    }

    /// Adds a layer.
    pub fn layer<T: Layer + FromSpec + 'static>(self) -> Registry {
        self.with::<dyn Layer>(T::CLASS, |spec, known| Ok(Box::new(spec.make_of::<T>(known)?)))
    }

    /// Adds a loss.
    pub fn loss<T: Loss + FromSpec + 'static>(self) -> Registry {
        self.with::<dyn Loss>(T::CLASS, |spec, known| Ok(Box::new(spec.make_of::<T>(known)?)))
    }

    /// Adds a metric.
    pub fn metric<T: Metric + FromSpec + 'static>(self) -> Registry {
        self.with::<dyn Metric>(T::CLASS, |spec, known| Ok(Box::new(spec.make_of::<T>(known)?)))
    }

    /// Adds an optimizer.
    pub fn optimizer<T: Optimizer + FromSpec + 'static>(self) -> Registry {
        self.with::<dyn Optimizer>(T::CLASS, |spec, known| Ok(Box::new(spec.make_of::<T>(known)?)))
    }

    /// Adds a part that turns strings into numbers.
    pub fn preprocessing<T: Preprocessing + FromSpec + 'static>(self) -> Registry {
        self.with::<dyn Preprocessing>(T::CLASS, |spec, known| Ok(Box::new(spec.make_of::<T>(known)?)))
    }

    /// Adds a regularizer.
    pub fn regularizer<T: Regularizer + FromSpec + 'static>(self) -> Registry {
        self.with::<dyn Regularizer>(T::CLASS, |spec, known| Ok(Box::new(spec.make_of::<T>(known)?)))
    }

    /// Adds a schedule of learning rates.
    pub fn schedule<T: Schedule + FromSpec + 'static>(self) -> Registry {
        self.with::<dyn Schedule>(T::CLASS, |spec, known| Ok(Box::new(spec.make_of::<T>(known)?)))
    }

    fn with<T: Part + ?Sized>(mut self, class: &'static str, make: Make<T>) -> Registry {
        self.known.add(class, make);
        self
    }

    /// Whether a class was added; `kind` is the method that adds such classes, as in `registry.adds("layer", "Scaling")`.
    /// The library's own classes are not added.
    pub fn adds(&self, kind: &str, class: &str) -> bool {
        self.known.adds(kind, class)
    }

    /// Makes the layer that a spec describes, of the library's classes and those that were added.
    ///
    /// # Errors
    /// A class that is not known, and settings that it does not have or that are of another kind.
    pub fn make_layer(&self, spec: &Spec) -> Result<Box<dyn Layer>> {
        Frozen::read(spec, |spec| self.known.make(spec))
    }

    /// Makes the loss that a spec describes, of the library's classes and those that were added.
    ///
    /// # Errors
    /// A class that is not known, and settings that it does not have or that are of another kind.
    pub fn make_loss(&self, spec: &Spec) -> Result<Box<dyn Loss>> {
        self.known.make(spec)
    }

    /// Makes the metric that a spec describes, of the library's classes and those that were added.
    ///
    /// # Errors
    /// A class that is not known, and settings that it does not have or that are of another kind.
    pub fn make_metric(&self, spec: &Spec) -> Result<Box<dyn Metric>> {
        self.known.make(spec)
    }

    /// Makes the preprocessing part that a spec describes, of a class of the library or an added class.
    ///
    /// ```
    /// use gradus::{Shape, preprocessing::{Preprocessing, StringLookup}, save::Registry};
    /// use ndarray::arr1;
    /// let spec = StringLookup::new().adapt(&arr1(&["good", "bad"]))?.spec();
    /// let lookup = Registry::new().make_preprocessing(&spec)?;
    /// assert_eq!(lookup.spec(), spec);
    /// assert_eq!(lookup.output_shape(Shape::from(2))?, Shape::from(2));
    /// # Ok::<(), gradus::Error>(())
    /// ```
    ///
    /// # Errors
    /// An unknown class; settings that are missing, unknown or of another type.
    pub fn make_preprocessing(&self, spec: &Spec) -> Result<Box<dyn Preprocessing>> {
        self.known.make(spec)
    }

    /// Makes the optimizer that a spec describes, of the library's classes and those that were added.
    ///
    /// # Errors
    /// A class that is not known, and settings that it does not have or that are of another kind.
    pub fn make_optimizer(&self, spec: &Spec) -> Result<Box<dyn Optimizer>> {
        self.known.make(spec)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_unknown_is_told_with_the_remedy() {
        let message = Registry::new().make_loss(&Spec::new("Wasserstein")).unwrap_err().to_string();
        let (start, end) =
            ("Wasserstein: unknown loss; available: BinaryCrossentropy, ", "; add custom ones with Registry::loss");
        assert!(message.starts_with(start) && message.ends_with(end), "{message}");
    }
}

//! The classes of parts that model files may contain.

use crate::constraints::Constraint;
use crate::error::Result;
use crate::initializers::Initializer;
use crate::layers::{Frozen, Layer};
use crate::losses::Loss;
use crate::metrics::Metric;
use crate::optimizers::Optimizer;
use crate::optimizers::schedules::Schedule;
use crate::preprocessing::Preprocessing;
use crate::registry::{BUILT_IN, ClassRegistry, Constructor, Part};
use crate::regularizers::Regularizer;
use crate::settings::FromSpec;
use crate::spec::Spec;

/// The classes of parts that model files may contain: the built-in classes and added custom classes.
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
    classes: ClassRegistry,
}

impl Default for Registry {
    fn default() -> Registry {
        Registry::new()
    }
}

impl Registry {
    /// Creates a registry with the built-in parts.
    pub fn new() -> Registry {
        Registry { classes: BUILT_IN.clone() }
    }

    /// Adds a constraint class. It replaces one with the same class name.
    pub fn constraint<T: Constraint + FromSpec + 'static>(self) -> Registry {
        self.with::<dyn Constraint>(T::CLASS, |spec, classes| Ok(Box::new(spec.make_with::<T>(classes)?)))
    }

    /// Adds an initializer class. It replaces one with the same class name.
    pub fn initializer<T: Initializer + FromSpec + 'static>(self) -> Registry {
        self.with::<dyn Initializer>(T::CLASS, |spec, classes| Ok(Box::new(spec.make_with::<T>(classes)?)))
    }

    /// Adds a layer class. It replaces one with the same class name.
    pub fn layer<T: Layer + FromSpec + 'static>(self) -> Registry {
        self.with::<dyn Layer>(T::CLASS, |spec, classes| Ok(Box::new(spec.make_with::<T>(classes)?)))
    }

    /// Adds a loss class. It replaces one with the same class name.
    pub fn loss<T: Loss + FromSpec + 'static>(self) -> Registry {
        self.with::<dyn Loss>(T::CLASS, |spec, classes| Ok(Box::new(spec.make_with::<T>(classes)?)))
    }

    /// Adds a metric class. It replaces one with the same class name.
    pub fn metric<T: Metric + FromSpec + 'static>(self) -> Registry {
        self.with::<dyn Metric>(T::CLASS, |spec, classes| Ok(Box::new(spec.make_with::<T>(classes)?)))
    }

    /// Adds an optimizer class. It replaces one with the same class name.
    pub fn optimizer<T: Optimizer + FromSpec + 'static>(self) -> Registry {
        self.with::<dyn Optimizer>(T::CLASS, |spec, classes| Ok(Box::new(spec.make_with::<T>(classes)?)))
    }

    /// Adds a preprocessing class. It replaces one with the same class name.
    pub fn preprocessing<T: Preprocessing + FromSpec + 'static>(self) -> Registry {
        self.with::<dyn Preprocessing>(T::CLASS, |spec, classes| Ok(Box::new(spec.make_with::<T>(classes)?)))
    }

    /// Adds a regularizer class. It replaces one with the same class name.
    pub fn regularizer<T: Regularizer + FromSpec + 'static>(self) -> Registry {
        self.with::<dyn Regularizer>(T::CLASS, |spec, classes| Ok(Box::new(spec.make_with::<T>(classes)?)))
    }

    /// Adds a learning rate schedule class. It replaces one with the same class name.
    pub fn schedule<T: Schedule + FromSpec + 'static>(self) -> Registry {
        self.with::<dyn Schedule>(T::CLASS, |spec, classes| Ok(Box::new(spec.make_with::<T>(classes)?)))
    }

    /// Sets the memory in bytes that the values of an ONNX graph in a model file may take. Such a graph is part of a model that
    /// was imported from an ONNX file, and needs this if the import needed a higher
    /// [`MemoryLimit`](crate::formats::MemoryLimit). Defaults to 256 MiB, plus 256 times the memory of a row of the inputs.
    pub fn memory_limit(mut self, bytes: u64) -> Registry {
        self.classes.memory_limit = Some(bytes);
        self
    }

    fn with<T: Part + ?Sized>(mut self, class: &'static str, make: Constructor<T>) -> Registry {
        self.classes.add(class, make);
        self
    }

    /// Whether a custom class was added. `kind` is the method that adds such classes, as in `registry.adds("layer",
    /// "Scaling")`. Built-in classes do not count.
    pub fn adds(&self, kind: &str, class: &str) -> bool {
        self.classes.adds(kind, class)
    }

    /// Creates a layer from a spec of a built-in or added class. If the spec has `trainable=false`, the layer is
    /// [`Frozen`], and with `activity_regularizer` it
    /// is [`Regularized`](crate::layers::Regularized).
    ///
    /// # Errors
    /// The class is unknown, or a setting is missing, unknown or of another type.
    pub fn make_layer(&self, spec: &Spec) -> Result<Box<dyn Layer>> {
        Frozen::read(spec, &self.classes)
    }

    /// Creates a constraint from a spec of a built-in or added class.
    ///
    /// ```
    /// use gradus::{constraints::{Constraint, MaxNorm}, save::Registry};
    /// let spec = MaxNorm::new(2.0).spec();
    /// assert_eq!(Registry::new().make_constraint(&spec)?.spec(), spec);
    /// # Ok::<(), gradus::Error>(())
    /// ```
    ///
    /// # Errors
    /// The class is unknown, or a setting is missing, unknown or of another type.
    pub fn make_constraint(&self, spec: &Spec) -> Result<Box<dyn Constraint>> {
        self.classes.make(spec)
    }

    /// Creates an initializer from a spec of a built-in or added class.
    ///
    /// ```
    /// use gradus::{initializers::{HeNormal, Initializer}, save::Registry};
    /// let spec = HeNormal.spec();
    /// assert_eq!(Registry::new().make_initializer(&spec)?.spec(), spec);
    /// # Ok::<(), gradus::Error>(())
    /// ```
    ///
    /// # Errors
    /// The class is unknown, or a setting is missing, unknown or of another type.
    pub fn make_initializer(&self, spec: &Spec) -> Result<Box<dyn Initializer>> {
        self.classes.make(spec)
    }

    /// Creates a regularizer from a spec of a built-in or added class.
    ///
    /// ```
    /// use gradus::{regularizers::{L2, Regularizer}, save::Registry};
    /// let spec = L2::new(0.01).spec();
    /// assert_eq!(Registry::new().make_regularizer(&spec)?.spec(), spec);
    /// # Ok::<(), gradus::Error>(())
    /// ```
    ///
    /// # Errors
    /// The class is unknown, or a setting is missing, unknown or of another type.
    pub fn make_regularizer(&self, spec: &Spec) -> Result<Box<dyn Regularizer>> {
        self.classes.make(spec)
    }

    /// Creates a learning rate schedule from a spec of a built-in or added class.
    ///
    /// ```
    /// use gradus::{optimizers::schedules::{ExponentialDecay, Schedule}, save::Registry};
    /// let schedule = ExponentialDecay::new(0.1, 100, 0.5);
    /// let again = Registry::new().make_schedule(&schedule.spec())?;
    /// assert_eq!(again.rate(100), schedule.rate(100));
    /// # Ok::<(), gradus::Error>(())
    /// ```
    ///
    /// # Errors
    /// The class is unknown, or a setting is missing, unknown or of another type.
    pub fn make_schedule(&self, spec: &Spec) -> Result<Box<dyn Schedule>> {
        self.classes.make(spec)
    }

    /// Creates a loss from a spec of a built-in or added class.
    ///
    /// # Errors
    /// The class is unknown, or a setting is missing, unknown or of another type.
    pub fn make_loss(&self, spec: &Spec) -> Result<Box<dyn Loss>> {
        self.classes.make(spec)
    }

    /// Creates a metric from a spec of a built-in or added class.
    ///
    /// # Errors
    /// The class is unknown, or a setting is missing, unknown or of another type.
    pub fn make_metric(&self, spec: &Spec) -> Result<Box<dyn Metric>> {
        self.classes.make(spec)
    }

    /// Creates a preprocessing layer from a spec of a built-in or added class.
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
    /// The class is unknown, or a setting is missing, unknown or of another type.
    pub fn make_preprocessing(&self, spec: &Spec) -> Result<Box<dyn Preprocessing>> {
        self.classes.make(spec)
    }

    /// Creates an optimizer from a spec of a built-in or added class.
    ///
    /// # Errors
    /// The class is unknown, or a setting is missing, unknown or of another type.
    pub fn make_optimizer(&self, spec: &Spec) -> Result<Box<dyn Optimizer>> {
        self.classes.make(spec)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_class_is_an_error_with_a_remedy() {
        let message = Registry::new().make_loss(&Spec::new("Wasserstein")).unwrap_err().to_string();
        let (start, end) =
            ("Wasserstein: unknown loss; available: BinaryCrossentropy, ", "; add custom ones with Registry::loss");
        assert!(message.starts_with(start) && message.ends_with(end), "{message}");
    }
}

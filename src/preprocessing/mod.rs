//! Preprocessing layers, which convert strings to numbers for the inputs of a model, with the names, defaults and definitions
//! of Keras.
//!
//! Tapes compute only with numbers, so text is converted before [`fit`](crate::Model::fit) and
//! [`predict`](crate::Model::predict). A model can [store a preprocessing layer](crate::Model::set_preprocessing) for each
//! of its inputs. Its files then contain the layer with the state that was adapted to data:
//!
//! ```
//! use gradus::data::Arrays;
//! use gradus::preprocessing::StringLookup;
//! use gradus::{Compile, Fit, Model, Progress, Sequential};
//! use gradus::{layers::*, losses::SparseCategoricalCrossentropy, optimizers::Adam};
//! use ndarray::{arr1, arr2};
//!
//! let words = arr2(&[["good", "film"], ["bad", "film"], ["good", "plot"], ["bad", "plot"]]);
//! let lookup = StringLookup::new().adapt(&words)?;
//! let network = Sequential::new([2])
//!     .add(Embedding::new(lookup.vocabulary_size(), 4))
//!     .add(Flatten)
//!     .add(Dense::new(2).activation(Activation::Softmax));
//! let mut model = network.compile(Compile::new(Adam::new(0.1), SparseCategoricalCrossentropy::new()))?;
//! model.set_preprocessing("input", lookup)?;
//!
//! let data = Arrays::new(model.preprocess("input", &words)?, arr1(&[1u8, 0, 1, 0]))?;
//! model.fit(&data, Fit::new().epochs(30).progress(Progress::Quiet))?;
//! let unseen = arr2(&[["good", "actors"]]); // a word outside the vocabulary
//! let predicted = model.predict(&model.preprocess("input", &unseen)?)?;
//!
//! let path = std::env::temp_dir().join(format!("gradus-doc-preprocessing-{}.safetensors", std::process::id()));
//! model.save(&path)?;
//! let loaded = Model::load(&path)?;
//! assert_eq!(loaded.predict(&loaded.preprocess("input", &unseen)?)?, predicted);
//! # std::fs::remove_file(path).unwrap();
//! # Ok::<(), gradus::Error>(())
//! ```

mod contract;

pub use contract::Preprocessing;

use crate::registry::{Constructor, Part};
use crate::settings::FromSpec;

/// Every preprocessing layer. To add one, add a file and a line here.
macro_rules! preprocessing {
    ($($file:ident::$Preprocessing:ident),* $(,)?) => {
        $(mod $file; pub use $file::$Preprocessing;)*

        impl Part for dyn Preprocessing {
            const NAME: &'static str = "preprocessing";

            fn built_in() -> Vec<(&'static str, Constructor<dyn Preprocessing>)> {
                vec![$(($Preprocessing::CLASS, |spec, classes| Ok(Box::new(spec.make_with::<$Preprocessing>(classes)?)))),*]
            }
        }

        /// Samples of every preprocessing layer, each with the strings of a row.
        #[cfg(test)]
        fn samples() -> Vec<(Box<dyn Preprocessing>, Vec<&'static str>)> {
            [$($file::tests::samples()),*].into_iter().flatten().collect()
        }
    };
}

preprocessing! {
    string_lookup::StringLookup,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::BUILT_IN;
    use crate::settings::check_options::check_options;
    use crate::shape::Shape;
    use crate::spec::Spec;
    use std::sync::Arc;

    fn written(part: &dyn Preprocessing, strings: &[&str]) -> Vec<f32> {
        let shape = part.output_shape(Shape::from([strings.len()])).unwrap();
        let mut numbers = vec![f32::NAN; shape.len()];
        part.write(strings, &mut numbers).unwrap();
        numbers
    }

    #[test]
    fn every_layer_is_made_again_from_its_spec() {
        let samples = samples();
        for (class, _) in <dyn Preprocessing>::built_in() {
            assert!(samples.iter().any(|(part, _)| part.spec().class() == class), "{class} has no sample");
        }
        for (part, strings) in samples {
            part.check().unwrap();
            let again = BUILT_IN.make::<dyn Preprocessing>(&part.spec()).unwrap();
            assert_eq!(again.spec(), part.spec());
            let numbers = written(&again, &strings);
            let shared: Arc<dyn Preprocessing> = Arc::from(part);
            assert_eq!(numbers, written(&shared, &strings));
            assert!(numbers.iter().all(|number| number.is_finite()), "{again:?} writes every number");
        }
    }

    #[test]
    fn options_are_stored_and_default_if_missing_and_unknown_ones_are_errors() {
        let specs: Vec<Spec> = samples().iter().map(|(part, _)| part.spec()).collect();
        check_options::<dyn Preprocessing>(&specs, |part| part.spec());
    }
}

//! Preprocessing of strings for a model's inputs.

use super::Model;
use crate::architecture::ValueInfo;
use crate::error::{Error, Result};
use crate::preprocessing::Preprocessing;
use crate::save::Registry;
use crate::shape::Shape;
use crate::spec::Spec;
use ndarray::{ArrayD, ArrayRef, Dimension, IxDyn};
use std::sync::Arc;

impl Model {
    /// Sets the preprocessing that converts strings to numbers for an input. The input of a `Sequential` is named
    /// `input`. The part is used by [`preprocess`](Model::preprocess) and saved in files of this library, but not in
    /// files of other programs.
    ///
    /// # Errors
    /// The input does not exist, or settings of the part are out of range.
    pub fn set_preprocessing(&mut self, input: &str, part: impl Preprocessing + 'static) -> Result<()> {
        part.check()?;
        self.input_named(input)?;
        self.preprocessing.insert(input.into(), Arc::new(part));
        Ok(())
    }

    /// The preprocessing of an input, or `None`.
    pub fn preprocessing(&self, input: &str) -> Option<&dyn Preprocessing> {
        self.preprocessing.get(input).map(|part| part.as_ref() as &dyn Preprocessing)
    }

    /// Converts strings of shape rows × the shape of one sample to numbers of shape rows × the shape of the input, for
    /// [`predict`](Model::predict) and datasets. The module [`preprocessing`](crate::preprocessing) has an example.
    ///
    /// # Errors
    /// The input has no [preprocessing](Model::set_preprocessing), the part does not accept the strings, or its output
    /// does not have the shape of the input.
    pub fn preprocess<S: AsRef<str>, D: Dimension>(
        &self,
        input: &str,
        strings: &ArrayRef<S, D>,
    ) -> Result<ArrayD<f32>> {
        let model = self.input_named(input)?;
        let place = || format!("strings for input \"{input}\"");
        let Some(part) = self.preprocessing(input) else {
            let problem = "it has no preprocessing; add it with Model::set_preprocessing";
            return Err(Error::Graph { place: format!("input \"{input}\""), problem: problem.into() });
        };
        let shape = Shape::new(strings.shape()).map_err(|error| error.at(place, &[]))?;
        if shape.rank() == 0 {
            return Err(Error::expected("rows of strings").at(place, &[shape]));
        }
        let row = part.output_shape(shape.sample())?;
        if !model.takes(row) {
            let expected = format!("{}, the model's input, as the output of {}", model.shape(), part.spec().class());
            return Err(Error::expected(expected).at(place, &[row]));
        }
        let (length, numbers) = (shape.sample().len(), row.len());
        let strings: Vec<&str> = strings.iter().map(AsRef::as_ref).collect();
        let mut values = vec![0.0; shape.axis(0) * numbers];
        for (strings, values) in strings.chunks(length.max(1)).zip(values.chunks_mut(numbers.max(1))) {
            part.write(strings, values)?;
        }
        let shape = row.batch(shape.axis(0))?;
        ArrayD::from_shape_vec(IxDyn(shape.sizes()), values).map_err(Error::other)
    }

    fn input_named(&self, input: &str) -> Result<&ValueInfo> {
        let inputs = self.architecture.inputs();
        inputs.iter().find(|info| info.name() == input).ok_or_else(|| Error::Unknown {
            kind: "input",
            name: input.into(),
            known: inputs.iter().map(|info| info.name().to_owned()).collect(),
        })
    }

    /// The specs of the parts with the names of their inputs.
    pub(super) fn preprocessing_specs(&self) -> Vec<(String, Spec)> {
        self.preprocessing.iter().map(|(input, part)| (input.clone(), part.spec())).collect()
    }

    /// Adds the preprocessing that a file describes.
    pub(super) fn with_preprocessing(mut self, specs: &[(String, Spec)], registry: &Registry) -> Result<Model> {
        for (input, spec) in specs {
            self.set_preprocessing(input, registry.make_preprocessing(spec)?)?;
        }
        Ok(self)
    }
}

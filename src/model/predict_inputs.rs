//! Arrays for the inputs of a model.

use super::column_names::ColumnNames;
use crate::data::{Columns, Dataset, Target};
use crate::error::{Error, Result};
use crate::shape::Shape;
use ndarray::{ArrayBase, ArrayViewD, Axis, Data, Dimension};

/// Arrays for the inputs of a model: a single array, or arrays with the names of the inputs. Each has the shape rows ×
/// that of one sample, in any memory layout. It is the argument of
/// [`Model::predict_outputs`](crate::Model::predict_outputs).
///
/// ```
/// use gradus::PredictInputs;
/// use ndarray::{arr2, arr3};
/// let (image, height) = (arr3(&[[[0.0f32, 0.25], [0.5, 1.0]]]), arr2(&[[1.75f32]]));
/// let one = PredictInputs::from(&image); // the only input of a model
/// let several = PredictInputs::new().with("image", &image).with("height", &height);
/// let views = PredictInputs::from([("image", image.view().into_dyn()), ("height", height.view().into_dyn())]);
/// let equal_axes = PredictInputs::from([("left", &height), ("right", &height)]);
/// ```
#[derive(Clone, Debug, Default)]
pub struct PredictInputs<'a>(Vec<(Option<String>, ArrayViewD<'a, f32>)>);

impl<'a> PredictInputs<'a> {
    /// Creates a value without arrays. Add them with [`with`](PredictInputs::with).
    pub fn new() -> PredictInputs<'a> {
        PredictInputs::default()
    }

    /// Adds an array for the input with this name.
    #[must_use]
    pub fn with<S: Data<Elem = f32>, D: Dimension>(
        mut self,
        name: impl Into<String>,
        array: &'a ArrayBase<S, D>,
    ) -> PredictInputs<'a> {
        self.0.push((Some(name.into()), array.view().into_dyn()));
        self
    }
}

impl<'a, S: Data<Elem = f32>, D: Dimension> From<&'a ArrayBase<S, D>> for PredictInputs<'a> {
    /// Uses the array for the only input.
    fn from(samples: &'a ArrayBase<S, D>) -> PredictInputs<'a> {
        PredictInputs(vec![(None, samples.view().into_dyn())])
    }
}

impl<'a, N: Into<String>, S: Data<Elem = f32>, D: Dimension, const K: usize> From<[(N, &'a ArrayBase<S, D>); K]>
    for PredictInputs<'a>
{
    /// Uses arrays with the same number of axes for the inputs with these names.
    fn from(arrays: [(N, &'a ArrayBase<S, D>); K]) -> PredictInputs<'a> {
        let named = arrays.map(|(name, array)| (Some(name.into()), array.view().into_dyn()));
        PredictInputs(named.into())
    }
}

impl<'a, N: Into<String>, const K: usize> From<[(N, ArrayViewD<'a, f32>); K]> for PredictInputs<'a> {
    /// Uses arrays with any numbers of axes for the inputs with these names.
    fn from(arrays: [(N, ArrayViewD<'a, f32>); K]) -> PredictInputs<'a> {
        PredictInputs(arrays.map(|(name, array)| (Some(name.into()), array)).into())
    }
}

impl<'a, N: Into<String>> From<Vec<(N, ArrayViewD<'a, f32>)>> for PredictInputs<'a> {
    /// Uses arrays with any numbers of axes for the inputs with these names.
    fn from(arrays: Vec<(N, ArrayViewD<'a, f32>)>) -> PredictInputs<'a> {
        PredictInputs(arrays.into_iter().map(|(name, array)| (Some(name.into()), array)).collect())
    }
}

/// The arrays as a dataset without targets.
pub(super) struct ArrayRows<'a> {
    rows: usize,
    columns: Vec<(String, Shape, ArrayViewD<'a, f32>)>,
}

impl<'a> ArrayRows<'a> {
    /// Creates the dataset. `names` are the names of the model's inputs. A single array without a name is for the only input.
    ///
    /// # Errors
    /// [`Error::Names`] if the names are not those of the inputs, [`Error::Graph`] for an array without a name and a model
    /// with several inputs, [`Error::Empty`] without rows, and [`Error::Shape`] if numbers of rows differ, or an array has
    /// no axes or more than six.
    pub(super) fn new(inputs: PredictInputs<'a>, names: &[&str]) -> Result<ArrayRows<'a>> {
        let mut named = Vec::new();
        for (name, array) in inputs.0 {
            let name = match (name, names) {
                (Some(name), _) => name,
                (None, [only]) => (*only).to_owned(),
                (None, _) => {
                    let problem = format!(
                        "it got one array without a name, but the model has the inputs {}; give an array for each, as in \
                         PredictInputs::new().with(name, &array)",
                        names.join(", ")
                    );
                    return Err(Error::Graph { place: "predict_outputs".into(), problem: problem.into() });
                }
            };
            named.push((name, array));
        }
        let found: Vec<String> = named.iter().map(|(name, _)| name.clone()).collect();
        ColumnNames { place: "inputs of predict_outputs", expected: names, found: &found }.check_all()?;
        let mut columns: Vec<(String, Shape, ArrayViewD<'a, f32>)> = Vec::new();
        let mut counted: Option<usize> = None;
        for (name, array) in named {
            let place = || format!("input \"{name}\"");
            let shape = Shape::new(array.shape()).map_err(|error| error.at(place, &[]))?;
            if shape.rank() == 0 {
                return Err(Error::expected("an axis of rows").at(place, &[shape]));
            }
            let rows = *counted.get_or_insert(shape.axis(0));
            if shape.axis(0) != rows {
                let first = columns.first().map_or("", |(first, ..)| first);
                let unit = if rows == 1 { "row" } else { "rows" };
                return Err(Error::expected(format!("{rows} {unit}, like input \"{first}\"")).at(place, &[shape]));
            }
            columns.push((name, shape.sample(), array));
        }
        match counted {
            None | Some(0) => Err(Error::Empty { what: "the array of samples".into() }),
            Some(rows) => Ok(ArrayRows { rows, columns }),
        }
    }
}

impl Dataset for ArrayRows<'_> {
    fn len(&self) -> usize {
        self.rows
    }

    fn input_shape(&self) -> Shape {
        self.columns[0].1
    }

    fn target(&self) -> Target {
        Target::Values(Shape::SCALAR)
    }

    fn gather(&self, rows: &[usize], inputs: &mut [f32], _targets: &mut [f32]) {
        self.gather_input(0, rows, inputs);
    }

    fn columns(&self) -> Option<&dyn Columns> {
        Some(self)
    }
}

impl Columns for ArrayRows<'_> {
    fn input_columns(&self) -> Vec<(String, Shape)> {
        self.columns.iter().map(|(name, shape, _)| (name.clone(), *shape)).collect()
    }

    fn target_columns(&self) -> Vec<(String, Target)> {
        Vec::new()
    }

    fn gather_input(&self, input: usize, rows: &[usize], values: &mut [f32]) {
        let (_, shape, array) = &self.columns[input];
        let length = shape.len();
        for (row, values) in rows.iter().zip(values.chunks_exact_mut(length.max(1))) {
            let sample = array.index_axis(Axis(0), *row);
            match sample.as_slice() {
                Some(sample) => values.copy_from_slice(sample),
                None => values.iter_mut().zip(&sample).for_each(|(value, found)| *value = *found),
            }
        }
    }

    fn gather_target(&self, _target: usize, _rows: &[usize], _values: &mut [f32]) {}
}

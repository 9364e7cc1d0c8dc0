//! Moving averages of weights (Polyak and Juditsky 1992): `use_ema` of all optimizers.

use super::arithmetic::flush;
use super::options::OptimizerOptions;
use super::step::Step;
use crate::error::{Error, Result};
use crate::kernels::aligned_buffer::AlignedBuffer;
use crate::kernels::parallel;
use crate::kernels::simd::{self, vectorized};
use crate::shape::Shape;
use crate::tape::{ParamId, Params};

/// The moving averages of the trainable parameters; none without `use_ema`. The parameters can be exchanged with them: then the
/// parameters are the averages, and the arrays are the trained values.
#[derive(Clone, Debug, Default)]
pub(super) struct Averages {
    pub(super) arrays: Vec<(ParamId, AlignedBuffer)>,
    /// Whether the parameters are exchanged with the averages.
    exchanged: bool,
}

/// Elements for one thread, and the nanoseconds to average them. Chunks never change a result.
const CHUNK: usize = 1 << 15;
const NANOSECONDS: usize = 8_000;

impl Averages {
    /// Creates the averages before the first step, which are the values of the parameters.
    pub(super) fn new(options: &OptimizerOptions, params: &Params) -> Averages {
        let average = |id: ParamId| {
            let mut average = AlignedBuffer::filled(0.0, params.shape(id).len());
            average.copy_from_slice(params.values(id));
            (id, average)
        };
        let trainable = params.ids().filter(|id| options.use_ema && params.trainable(*id));
        Averages { arrays: trainable.map(average).collect(), exchanged: false }
    }

    /// The arrays with their names in files and their shapes. A file in which parameters and averages are exchanged has arrays of
    /// other names.
    pub(super) fn named<'a>(&'a self, params: &'a Params) -> impl Iterator<Item = (String, Shape, &'a [f32])> {
        let kind = if self.exchanged { EXCHANGED } else { AVERAGE };
        self.arrays.iter().map(move |(id, average)| (name(kind, params, *id), params.shape(*id), &**average))
    }

    /// Sets all arrays from those of a file, which `stored` finds by name. Returns their number.
    pub(super) fn assign<'a>(
        &mut self,
        params: &Params,
        stored: impl Fn(&str) -> Option<&'a (Shape, Vec<f32>)>,
    ) -> Result<usize> {
        let first = self.arrays.first().map(|(id, _)| name(EXCHANGED, params, *id));
        self.exchanged = first.is_some_and(|first| stored(&first).is_some());
        let kind = if self.exchanged { EXCHANGED } else { AVERAGE };
        for (id, average) in &mut self.arrays {
            let name = name(kind, params, *id);
            let Some((_, values)) = stored(&name).filter(|(shape, _)| *shape == params.shape(*id)) else {
                let problem = format!("its optimizer's array {name} is missing or has a different shape");
                return Err(Error::other(problem));
            };
            average.copy_from_slice(values);
        }
        Ok(self.arrays.len())
    }

    /// Copies the averages of the parameters that have the same names in `other`.
    pub(super) fn copy_from(&mut self, params: &Params, other: &Averages, others: &Params) {
        self.exchanged = other.exchanged && !self.arrays.is_empty();
        for (id, average) in &mut self.arrays {
            let named = other.arrays.iter().find(|(other, _)| others.name(*other) == params.name(*id));
            named.into_iter().for_each(|(_, known)| average.clone_from(known));
        }
    }

    /// average ← momentum · average + (1 − momentum) · w after a step; the first average is w. With `ema_overwrite_frequency`,
    /// the parameters become the averages in steps whose number is a multiple of it.
    pub(super) fn update(&mut self, options: &OptimizerOptions, step: Step, params: &mut Params) {
        let momentum = if step.number == 1 { 0.0 } else { options.ema_momentum };
        let overwrites = options.ema_overwrite_frequency.is_some_and(|steps| step.number.is_multiple_of(steps as u64));
        let level = simd::current();
        for (id, average) in &mut self.arrays {
            parallel::for_each_pair((params.values(*id), CHUNK), (average, CHUNK), NANOSECONDS, |_, value, average| {
                running_average(level, momentum, value, average);
            });
            if overwrites {
                params.values_mut(*id).copy_from_slice(average);
            }
        }
    }

    /// Exchanges the parameters with the averages, unless they are already (not) exchanged.
    pub(super) fn exchange(&mut self, params: &mut Params, exchanged: bool) {
        if self.exchanged != exchanged && !self.arrays.is_empty() {
            self.exchanged = exchanged;
            for (id, average) in &mut self.arrays {
                params.values_mut(*id).swap_with_slice(average);
            }
        }
    }

    /// Replaces the parameters by the averages, which stay.
    pub(super) fn finish(&mut self, params: &mut Params) {
        self.exchange(params, true);
        self.exchanged = false;
        self.arrays.iter_mut().for_each(|(id, average)| average.copy_from_slice(params.values(*id)));
    }
}

/// The first part of the names of arrays in files: of averages, and of trained values that are exchanged with them.
const AVERAGE: &str = "average";
const EXCHANGED: &str = "trained";

/// The name of the array of a parameter in files.
fn name(kind: &str, params: &Params, id: ParamId) -> String {
    format!("{kind}/{}", params.name(id))
}

vectorized! {
    fn running_average<F: Fma>(momentum: f32, value: &[f32], average: &mut [f32]) {
        for (average, w) in average.iter_mut().zip(value) {
            *average = flush(F::fma(1.0 - momentum, *w, momentum * *average));
        }
    }
}

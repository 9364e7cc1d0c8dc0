//! Random factors of regularization layers, which may be shared along axes.

use crate::error::{Error, Result};
use crate::shape::Shape;
use crate::sizes;
use crate::tape::{Mode, Var};

/// Multipliers of dropout for `x`: 0 with probability `rate`, otherwise 1 / (1 − rate). Their sizes are those of `noise_shape`,
/// or of `x` where it is 0.
pub(super) fn multipliers<'r>(x: Var<'r>, rate: f32, noise_shape: &[usize]) -> Var<'r> {
    let shape = match shape_of(x.shape(), noise_shape) {
        Ok(shape) => shape,
        Err(error) => {
            x.recorder().fail(error.at(|| x.recorder().current_scope(), &[x.shape()]));
            x.shape()
        }
    };
    // Shared by all rows of a batch if its first size is given as 1.
    ones(x, shape).dropout_by(rate, noise_shape.first() != Some(&1))
}

/// An array of ones on the recorder of `x`. One that exceeds memory is an error of the recording.
pub(super) fn ones<'r>(x: Var<'r>, shape: Shape) -> Var<'r> {
    match sizes::check_fits_memory::<f32>(shape.sizes()) {
        Ok(length) => x.recorder().constant_values(shape, vec![1.0; length]),
        Err(error) => {
            x.recorder().fail(error.at(|| x.recorder().current_scope(), &[]));
            x
        }
    }
}

/// Dropout with multipliers of this shape in training.
pub(super) fn dropped<'r>(x: Var<'r>, rate: f32, noise_shape: &[usize]) -> Var<'r> {
    match x.recorder().mode() {
        Mode::Inference => x,
        Mode::Training => x * multipliers(x, rate, noise_shape),
    }
}

/// Checks that numbers of this shape can be shared in samples of that shape.
///
/// # Errors
/// Another number of axes, or sizes that are neither 0, 1 nor that of the axis.
pub(super) fn check_noise_shape(sample: Shape, noise_shape: &[usize]) -> Result<()> {
    // The first size is that of the batch, which is not known.
    let batch = noise_shape.first().copied().filter(|rows| *rows > 0).unwrap_or(1);
    shape_of(sample.batch(batch)?, noise_shape).map(|_| ())
}

fn shape_of(x: Shape, noise_shape: &[usize]) -> Result<Shape> {
    let pairs = || noise_shape.iter().zip(x.sizes());
    if noise_shape.len() != x.rank() || !pairs().all(|(noise, size)| [0, 1, *size].contains(noise)) {
        let expected = format!("an input of the sizes of noise_shape = {noise_shape:?}, in which 0 and 1 fit any size");
        return Err(Error::expected(expected));
    }
    let sizes: Vec<usize> = pairs().map(|(noise, size)| if *noise == 0 { *size } else { *noise }).collect();
    Shape::new(&sizes)
}

#[cfg(test)]
mod tests {
    use crate::Key;
    use crate::layers::{AlphaDropout, Cursor, Dropout, GaussianDropout, GaussianNoise, Layer, SpatialDropout1d};
    use crate::tape::{Mode, Params, Recorder};

    /// The outputs for `rows` rows of ones, the first of which is row `first_row` of the batch.
    fn run(layer: &dyn Layer, rows: usize, first_row: usize) -> Vec<f32> {
        let (recorder, params) = (Recorder::new(Mode::Training), Params::new());
        let x = recorder.input([rows, 3, 70]);
        let y = layer.record(&mut Cursor::new(&recorder, &params, &[]), &[x])[0].id();
        let x = x.id();
        let mut tape = recorder.finish().unwrap();
        tape.input_mut(x).fill(1.0);
        tape.run_rows(&params, Key::from_seed(3), first_row).unwrap();
        tape.view(y).data().to_vec()
    }

    #[test]
    fn parts_of_a_batch_draw_what_the_whole_batch_draws() {
        let layers: [Box<dyn Layer>; 6] = [
            Box::new(Dropout::new(0.4)),
            Box::new(Dropout::new(0.4).noise_shape(vec![1, 3, 70])),
            Box::new(AlphaDropout::new(0.4)),
            Box::new(SpatialDropout1d::new(0.4)),
            Box::new(GaussianDropout::new(0.4)),
            Box::new(GaussianNoise::new(0.4)),
        ];
        for layer in layers {
            let parts = [(1, 0), (25, 1), (14, 26)].map(|(rows, first_row)| run(&*layer, rows, first_row));
            assert_eq!(parts.concat(), run(&*layer, 40, 0), "{layer:?}");
        }
    }
}

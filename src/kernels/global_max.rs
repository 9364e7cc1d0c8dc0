//! The maximum of each channel over all pixels of an image, and its gradient.

use crate::kernels::parallel;

/// y = the maximum of each channel of each image; NaN if the channel contains NaN.
pub(crate) fn forward(x: &[f32], channels: usize, image: usize, y: &mut [f32]) {
    parallel::for_each_pair((x, image), (y, channels), image, |_, x, y| {
        y.fill(f32::NEG_INFINITY);
        for pixel in x.chunks_exact(channels) {
            y.iter_mut().zip(pixel).for_each(|(y, x)| *y = if *x > *y || x.is_nan() { *x } else { *y });
        }
    });
}

/// dx = dy / n at each of the n elements that equal the maximum of their channel, 0 elsewhere.
pub(crate) fn backward(x: &[f32], channels: usize, image: usize, y: &[f32], dy: &[f32], dx: &mut [f32]) {
    parallel::for_each_pair((x, image), (dx, image), 2 * image, |i, x, dx| {
        for channel in 0..channels {
            let (y, dy) = (y[i * channels + channel], dy[i * channels + channel]);
            let column = || x.iter().skip(channel).step_by(channels);
            let share = dy / column().filter(|x| **x == y).count() as f32;
            let gradients = dx.iter_mut().skip(channel).step_by(channels);
            gradients.zip(column()).for_each(|(dx, x)| *dx = if *x == y { share } else { 0.0 });
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::samples;

    #[test]
    fn equal_maxima_share_the_gradient_and_nan_is_propagated() {
        let (mut y, mut dx) = ([0.0; 2], [f32::NAN; 6]);
        let x = [1.0, 5.0, 3.0, 5.0, 3.0, -1.0];
        forward(&x, 2, 6, &mut y);
        backward(&x, 2, 6, &y, &[4.0, 6.0], &mut dx);
        assert_eq!((y, dx), ([3.0, 5.0], [0.0, 3.0, 2.0, 3.0, 2.0, 0.0]));
        forward(&[1.0, 1.0, f32::NAN, 2.0, 7.0, 0.0], 2, 6, &mut y);
        assert!(y[0].is_nan() && y[1] == 2.0);
    }

    #[test]
    fn bits_do_not_depend_on_threads() {
        let (channels, image) = (5, 5 * 3000);
        let (x, dy) = (samples::values(1, 7 * image), samples::values(2, 7 * channels));
        let run = || {
            let [mut y, mut dx] = [samples::unset(dy.len()), samples::unset(x.len())];
            forward(&x, channels, image, &mut y);
            backward(&x, channels, image, &y, &dy, &mut dx);
            [y, dx].concat()
        };
        let expected = run();
        samples::in_pools(|| samples::assert_same_bits(&run(), &expected, "threads"));
    }
}

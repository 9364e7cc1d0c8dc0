//! Loops over a function of each element and its derivative, split into chunks for threads.

use crate::kernels::parallel;
use crate::kernels::simd::{self, Fma, vectorized};

/// A function of one number. Its settings are the fields.
///
/// The methods are compiled into the loops of each instruction set, so they must be `#[inline(always)]`.
pub(crate) trait Unary: Copy + Send + Sync + 'static {
    /// Name in errors and printed tapes.
    const NAME: &'static str;

    /// Nanoseconds per thousand elements on one thread, to decide about forks.
    const COST: usize;

    /// y = f(x)
    fn value<F: Fma>(self, x: f32) -> f32;

    /// dy · f′(x), where y = f(x).
    fn gradient<F: Fma>(self, dy: f32, x: f32, y: f32) -> f32;
}

/// Minimum number of elements for one thread. Chunks never change a result.
const CHUNK: usize = 8192;

/// y = f(x), elementwise.
pub(crate) fn forward<U: Unary>(function: U, x: &[f32], y: &mut [f32]) {
    assert_eq!(x.len(), y.len(), "a function of elements keeps their number");
    let level = simd::current();
    let nanoseconds = U::COST * CHUNK / 1000;
    parallel::for_each_pair((x, CHUNK), (y, CHUNK), nanoseconds, |_, x, y| forward_piece(level, function, x, y));
}

/// dx = dy · f′(x), elementwise.
pub(crate) fn backward<U: Unary>(function: U, x: &[f32], y: &[f32], dy: &[f32], dx: &mut [f32]) {
    assert!(x.len() == dx.len() && y.len() == dx.len() && dy.len() == dx.len(), "gradients of as many elements");
    let level = simd::current();
    let nanoseconds = U::COST * CHUNK / 1000;
    parallel::for_each_chunk(dx, CHUNK, nanoseconds, |i, dx| {
        let [x, y, dy] = [x, y, dy].map(|all| &all[i * CHUNK..][..dx.len()]);
        backward_piece(level, function, x, y, dy, dx);
    });
}

vectorized! {
    fn forward_piece<F: Fma>(function: impl Unary, x: &[f32], y: &mut [f32]) {
        y.iter_mut().zip(x).for_each(|(y, x)| *y = function.value::<F>(*x));
    }
}

vectorized! {
    fn backward_piece<F: Fma>(function: impl Unary, x: &[f32], y: &[f32], dy: &[f32], dx: &mut [f32]) {
        for (((dx, x), y), dy) in dx.iter_mut().zip(x).zip(y).zip(dy) {
            *dx = function.gradient::<F>(*dy, *x, *y);
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::kernels::samples;

    /// Checks a function: its bits are equal for all instruction sets, chunks and numbers of threads, and NaN is
    /// propagated.
    pub(crate) fn check<U: Unary>(function: U) {
        let x: Vec<f32> = samples::values(3, 50_003).iter().map(|v| 9.0 * v).chain([0.0, -0.0, 1e-30]).collect();
        let dy = samples::values(4, x.len());
        let run = || {
            let [mut y, mut dx] = [samples::unset(x.len()), samples::unset(x.len())];
            forward(function, &x, &mut y);
            backward(function, &x, &y, &dy, &mut dx);
            [y, dx]
        };
        let [y, dx] = run();
        samples::in_pools(|| {
            run().iter().zip([&y, &dx]).for_each(|(found, right)| samples::assert_same_bits(found, right, U::NAME))
        });
        for level in samples::levels() {
            let [mut found_y, mut found_dx] = [samples::unset(x.len()), samples::unset(x.len())];
            forward_piece(level, function, &x, &mut found_y);
            backward_piece(level, function, &x, &y, &dy, &mut found_dx);
            samples::assert_same_bits(&found_y, &y, U::NAME);
            samples::assert_same_bits(&found_dx, &dx, U::NAME);
        }
        let mut hidden = [0.0; 9];
        forward(function, &[f32::NAN; 9], &mut hidden);
        assert!(hidden.iter().all(|y| y.is_nan()), "{} hides NaN", U::NAME);
    }
}

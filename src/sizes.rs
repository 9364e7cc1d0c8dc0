//! Arithmetic on sizes that cannot overflow, and arrays whose memory is asked for before it is taken.
//!
//! Sizes come from settings, shapes and files, so their products may be larger than any array. An operation works out its
//! sizes here while it is recorded, and what does not fit is an error instead of a panic.

use crate::error::{Error, Result, check_setting};
use crate::shape::{MAX_RANK, Shape};
use std::borrow::Cow;

/// The largest step between the elements that a window reads, or between windows: a stride or a dilation rate.
pub(crate) const MAX_STEP: usize = i32::MAX as usize;

/// Checks strides or dilation rates.
pub(crate) fn check_steps(owner: impl Into<Cow<'static, str>>, name: &'static str, steps: &[usize]) -> Result<()> {
    match steps.iter().find(|step| !(1..=MAX_STEP).contains(*step)) {
        None => Ok(()),
        Some(step) => check_setting(false, owner, name, *step as f64, "1 ≤ steps ≤ 2³¹ − 1"),
    }
}

/// The product of sizes.
///
/// # Errors
/// [`Error::TooLarge`] beyond what `usize` holds.
pub(crate) fn product(sizes: &[usize]) -> Result<usize> {
    if sizes.contains(&0) {
        return Ok(0);
    }
    sizes.iter().try_fold(1, |product: usize, size| product.checked_mul(*size)).ok_or_else(|| too_large(sizes))
}

/// The sum of sizes.
///
/// # Errors
/// [`Error::TooLarge`] beyond what `usize` holds.
pub(crate) fn sum(sizes: &[usize]) -> Result<usize> {
    sizes.iter().try_fold(0, |sum: usize, size| sum.checked_add(*size)).ok_or_else(|| too_large(&[usize::MAX]))
}

/// The product of sizes for an estimate of work: `usize::MAX` where it is larger.
pub(crate) fn work(sizes: &[usize]) -> usize {
    sizes.iter().fold(1, |product: usize, size| product.saturating_mul(*size))
}

/// Zeros, as many as the product of `sizes`.
///
/// # Errors
/// [`Error::TooLarge`] where memory does not hold them.
pub(crate) fn zeros(sizes: &[usize]) -> Result<Vec<f32>> {
    filled(0.0, sizes)
}

/// Copies of `value`, as many as the product of `sizes`.
///
/// # Errors
/// [`Error::TooLarge`] where memory does not hold them.
pub(crate) fn filled<T: Clone>(value: T, sizes: &[usize]) -> Result<Vec<T>> {
    let length = product(sizes)?;
    check_room::<T>(length, sizes)?;
    Ok(vec![value; length]) // zeros of `vec!` take no memory before they are written
}

/// What `value(0)`, `value(1)` … give, as many as the product of `sizes`.
///
/// # Errors
/// [`Error::TooLarge`] where memory does not hold them.
pub(crate) fn collect<T>(sizes: &[usize], value: impl FnMut(usize) -> T) -> Result<Vec<T>> {
    let length = product(sizes)?;
    check_room::<T>(length, sizes)?;
    Ok((0..length).map(value).collect())
}

fn check_room<T>(length: usize, sizes: &[usize]) -> Result<()> {
    Vec::<T>::new().try_reserve_exact(length).map_err(|_| too_large(sizes))
}

/// An array of these sizes does not fit; the recorder adds the place.
fn too_large(sizes: &[usize]) -> Error {
    let shape = Shape::new(&sizes[..sizes.len().min(MAX_RANK)]).unwrap_or(Shape::SCALAR);
    Error::TooLarge { place: String::new(), shape }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HUGE: [usize; 4] = [usize::MAX, usize::MAX / 2, isize::MAX as usize, 1 << 62];

    #[test]
    fn products_and_sums_that_overflow_are_errors() {
        for huge in HUGE {
            assert!(product(&[huge, 5]).is_err() && product(&[5, huge]).is_err(), "{huge}");
            assert_eq!(product(&[huge, 5, 0]).unwrap(), 0);
            assert!(sum(&[huge, usize::MAX]).is_err());
            assert_eq!(work(&[huge, huge]), usize::MAX);
        }
        assert_eq!((product(&[3, 4, 5]).unwrap(), sum(&[3, 4, 5]).unwrap(), work(&[3, 4])), (60, 12, 12));
        assert_eq!((product(&[]).unwrap(), sum(&[]).unwrap()), (1, 0));
    }

    #[test]
    fn arrays_that_no_memory_holds_are_errors() {
        for huge in HUGE {
            assert!(
                zeros(&[huge]).is_err() && filled([0u8; 16], &[huge]).is_err() && collect(&[huge], |at| at).is_err()
            );
        }
        assert_eq!(zeros(&[2, 3]).unwrap(), [0.0; 6]);
        assert_eq!(collect(&[2, 2], |at| 2 * at).unwrap(), [0, 2, 4, 6]);
    }

    #[test]
    fn steps_are_at_least_one_and_fit_32_bits() {
        assert!(check_steps("Conv2d", "strides", &[1, MAX_STEP]).is_ok());
        for step in [0, MAX_STEP + 1, usize::MAX] {
            let error = check_steps("Conv2d", "strides", &[1, step]).unwrap_err().to_string();
            assert_eq!(error, format!("Conv2d: strides {} is not in 1 ≤ steps ≤ 2³¹ − 1", step as f64));
        }
    }
}

//! Checked arithmetic on sizes, and fallible allocation.
//!
//! Sizes come from settings, shapes and files, so their products may overflow. Operations compute sizes with these functions
//! when they are recorded, so that an overflow is an error instead of a panic.

use crate::error::{Error, Result, check_setting};
use crate::shape::{MAX_RANK, Shape};
use std::borrow::Cow;

/// Maximum stride or dilation rate.
pub(crate) const MAX_STEP: usize = i32::MAX as usize;

/// Checks strides or dilation rates.
pub(crate) fn check_steps(owner: impl Into<Cow<'static, str>>, name: &'static str, steps: &[usize]) -> Result<()> {
    match steps.iter().find(|step| !(1..=MAX_STEP).contains(*step)) {
        None => Ok(()),
        Some(step) => check_setting(false, owner, name, *step, "≥ 1 and < 2³¹"),
    }
}

/// The product of sizes.
///
/// # Errors
/// [`Error::TooLarge`] when it overflows.
pub(crate) fn product(sizes: &[usize]) -> Result<usize> {
    if sizes.contains(&0) {
        return Ok(0);
    }
    sizes.iter().try_fold(1, |product: usize, size| product.checked_mul(*size)).ok_or_else(|| too_large(sizes))
}

/// The sum of sizes.
///
/// # Errors
/// [`Error::TooLarge`] when it overflows.
pub(crate) fn sum(sizes: &[usize]) -> Result<usize> {
    sizes.iter().try_fold(0, |sum: usize, size| sum.checked_add(*size)).ok_or_else(|| too_large(&[usize::MAX]))
}

/// The saturating product of sizes, for estimates of work.
pub(crate) fn work(sizes: &[usize]) -> usize {
    sizes.iter().fold(1, |product: usize, size| product.saturating_mul(*size))
}

/// Allocates zeros; their number is the product of `sizes`.
///
/// # Errors
/// [`Error::TooLarge`] when they do not fit in memory.
pub(crate) fn zeros(sizes: &[usize]) -> Result<Vec<f32>> {
    filled(0.0, sizes)
}

/// Allocates copies of `value`; their number is the product of `sizes`.
///
/// # Errors
/// [`Error::TooLarge`] when they do not fit in memory.
pub(crate) fn filled<T: Clone>(value: T, sizes: &[usize]) -> Result<Vec<T>> {
    let length = check_fits_memory::<T>(sizes)?;
    Ok(vec![value; length]) // `vec!` allocates zeros lazily
}

/// Collects `value(0)`, `value(1)` and so on; their number is the product of `sizes`.
///
/// # Errors
/// [`Error::TooLarge`] when they do not fit in memory.
pub(crate) fn collect<T>(sizes: &[usize], value: impl FnMut(usize) -> T) -> Result<Vec<T>> {
    let length = check_fits_memory::<T>(sizes)?;
    Ok((0..length).map(value).collect())
}

/// Returns the product of `sizes`, after checking that an array of this number of elements of type `T` fits in memory.
///
/// # Errors
/// [`Error::TooLarge`] if it does not.
pub(crate) fn check_fits_memory<T>(sizes: &[usize]) -> Result<usize> {
    let length = product(sizes)?;
    Vec::<T>::new().try_reserve_exact(length).map_err(|_| too_large(sizes))?;
    Ok(length)
}

/// The error about an array of these sizes. The recorder adds the place.
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
    fn arrays_larger_than_memory_are_errors() {
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
            let error = check_steps("Conv2d", "strides", &[1, step]).unwrap_err();
            assert!(matches!(error, Error::Setting { name: "strides", value, .. } if value == step.into()), "{error}");
        }
    }
}

//! Splitting a dataset into training rows and validation rows.

use super::batches::order;
use super::{Dataset, Rows};
use crate::error::{Error, Result, check_setting};
use crate::random::{Key, Purpose};

/// Returns the first validation row when the last `fraction` of `rows` rows is for validation: ⌊rows · (1 − fraction)⌋, as
/// in Keras.
///
/// ```
/// assert_eq!(gradus::data::validation_start(60_000, 0.1)?, 54_000);
/// # Ok::<(), gradus::Error>(())
/// ```
///
/// # Errors
/// [`Error::Setting`] unless 0 < `fraction` < 1; [`Error::Empty`] when one of the parts has no row.
pub fn validation_start(rows: usize, fraction: f64) -> Result<usize> {
    let inside = fraction > 0.0 && fraction < 1.0;
    check_setting(inside, "validation_split", "fraction", fraction, "> 0 and < 1")?;
    let start = (rows as f64 * (1.0 - fraction)).floor() as usize;
    let empty = |part| {
        let what = format!("the {part} part of a dataset of length {rows} split with fraction {fraction}");
        Err(Error::Empty { what: what.into() })
    };
    match start {
        0 => empty("training"),
        start if start >= rows => empty("validation"),
        start => Ok(start),
    }
}

/// Splits a dataset into training rows and validation rows, which are the last `fraction` of the rows in order, as
/// `validation_split` does in Keras. For rows sorted by class, use [`train_validation_split`].
///
/// ```
/// use gradus::data::{Arrays, Dataset, validation_split};
/// use ndarray::{Array1, Array2};
///
/// let data = Arrays::new(Array2::<f32>::zeros((10, 3)), Array1::<u8>::zeros(10))?;
/// let (train, validation) = validation_split(&data, 0.25)?;
/// assert_eq!((train.len(), validation.len()), (7, 3));
/// # Ok::<(), gradus::Error>(())
/// ```
///
/// # Errors
/// [`Error::Setting`] unless 0 < `fraction` < 1; [`Error::Empty`] when one of the parts has no row.
pub fn validation_split(dataset: &dyn Dataset, fraction: f64) -> Result<(Rows<'_>, Rows<'_>)> {
    let start = validation_start(dataset.len(), fraction)?;
    Ok((Rows::range(dataset, ..start)?, Rows::range(dataset, start..)?))
}

/// Splits a dataset at random into training rows and validation rows. `key` determines the split. The number of validation
/// rows is the same as with [`validation_split`].
///
/// ```
/// use gradus::Key;
/// use gradus::data::{Arrays, Dataset, train_validation_split};
/// use ndarray::{Array1, Array2};
///
/// let data = Arrays::new(Array2::<f32>::zeros((10, 3)), Array1::<u8>::zeros(10))?;
/// let (train, validation) = train_validation_split(&data, 0.25, Key::from_seed(1))?;
/// assert_eq!((train.len(), validation.len()), (7, 3));
/// # Ok::<(), gradus::Error>(())
/// ```
///
/// # Errors
/// [`Error::Setting`] unless 0 < `fraction` < 1; [`Error::Empty`] when one of the parts has no row; [`Error::TooLarge`] with
/// 2³² rows or more.
pub fn train_validation_split(dataset: &dyn Dataset, fraction: f64, key: Key) -> Result<(Rows<'_>, Rows<'_>)> {
    let start = validation_start(dataset.len(), fraction)?;
    let mut train = order(dataset.len())?;
    key.purpose(Purpose::Partition).draws(0).shuffle(&mut train);
    let validation = train.split_off(start);
    Ok((Rows::chosen(dataset, train)?, Rows::chosen(dataset, validation)?))
}

#[cfg(test)]
mod tests {
    use super::super::Arrays;
    use super::*;
    use ndarray::{Array1, Array2};

    fn numbers(rows: usize) -> Arrays {
        Arrays::new(Array2::<f32>::zeros((rows, 1)), Array1::from_iter(0..rows)).unwrap()
    }

    fn labels(rows: &Rows<'_>) -> Vec<usize> {
        rows.targets().unwrap().iter().map(|&label| label as usize).collect()
    }

    #[test]
    fn the_last_rows_are_for_validation() {
        let data = numbers(10);
        let (train, validation) = validation_split(&data, 0.25).unwrap();
        assert_eq!(labels(&train), [0, 1, 2, 3, 4, 5, 6]);
        assert_eq!(labels(&validation), [7, 8, 9]);
    }

    #[test]
    fn every_row_is_in_one_part_that_the_key_determines() {
        let data = numbers(100);
        let parts = |seed| {
            let (train, validation) = train_validation_split(&data, 0.2, Key::from_seed(seed)).unwrap();
            (labels(&train), labels(&validation))
        };
        let (train, validation) = parts(7);
        assert_eq!((train.len(), validation.len()), (80, 20));
        let mut all = [train.clone(), validation.clone()].concat();
        all.sort_unstable();
        assert_eq!(all, (0..100).collect::<Vec<_>>());
        assert_eq!(parts(7), (train, validation.clone()));
        assert_ne!(parts(8).1, validation);
    }

    #[test]
    fn parts_without_rows_are_rejected() {
        let message = |rows, fraction| validation_start(rows, fraction).unwrap_err().to_string();
        let text =
            "the training part of a dataset of length 1 split with fraction 0.5 is empty; it needs at least one row";
        assert_eq!(message(1, 0.5), text);
        let text = "the validation part of a dataset of length 3 split with fraction 0.00000000000000001 is empty; it needs at least one row";
        assert_eq!(message(3, 1e-17), text);
        assert_eq!(message(3, 1.0), "validation_split: fraction must be > 0 and < 1, got 1");
        assert_eq!(message(3, f64::NAN), "validation_split: fraction must be > 0 and < 1, got NaN");
        assert!(message(0, 0.5).starts_with("the training part of a dataset of length 0"));
    }
}

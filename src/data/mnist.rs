//! The MNIST database of handwritten digits, or one in the same four files.

use super::{Arrays, idx, to_categorical};
use crate::error::{Error, Result};
use ndarray::{Array1, Array2, Array3, s};
use std::path::{Path, PathBuf};

/// The environment variable that names the folder of the files.
pub const FOLDER_VARIABLE: &str = "GRADUS_DATA";

const TRAIN_IMAGES: &str = "train-images-idx3-ubyte";
const TRAIN_LABELS: &str = "train-labels-idx1-ubyte";
const TEST_IMAGES: &str = "t10k-images-idx3-ubyte";
const TEST_LABELS: &str = "t10k-labels-idx1-ubyte";
const FILES: [&str; 4] = [TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS];

/// Images of digits with their labels, to train on and to test on.
#[derive(Clone, Debug)]
pub struct Mnist {
    /// 60,000 digits.
    pub train: Digits,
    /// 10,000 digits by other hands.
    pub test: Digits,
}

/// Images of digits with their labels.
#[derive(Clone, Debug)]
pub struct Digits {
    /// Count × height × width, 28 × 28 in MNIST; 0 is the paper, 255 the ink.
    pub images: Array3<u8>,
    /// The digit in each image.
    pub labels: Array1<u8>,
}

/// Reads the four files, each as `name.gz` or plain `name`.
///
/// They are looked for in `folder` alone when it is given. Otherwise in the folder that the environment variable
/// `GRADUS_DATA` names, then in this crate's own copy: the first one that holds any of the files must hold them all.
///
/// ```
/// use gradus::data::mnist;
///
/// let digits = mnist::load(None)?;
/// assert_eq!(digits.train.images.shape(), [60_000, 28, 28]);
/// assert_eq!(digits.train.labels[0], 5);
/// # Ok::<(), gradus::Error>(())
/// ```
///
/// # Errors
/// [`Error::Missing`] names every place tried; [`Error::Rows`] when images and labels differ in number; those of
/// [`idx::read`] when a file is not what it should be.
pub fn load(folder: Option<&Path>) -> Result<Mnist> {
    match folder {
        Some(folder) => load_from(&[folder.into()]),
        None => {
            let named = std::env::var_os(FOLDER_VARIABLE).filter(|name| !name.is_empty());
            let own = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/data/mnist"));
            let own = own.is_dir().then(|| own.into());
            load_from(&named.map(PathBuf::from).into_iter().chain(own).collect::<Vec<_>>())
        }
    }
}

/// Reads from the first of the folders that holds any of the files.
fn load_from(folders: &[PathBuf]) -> Result<Mnist> {
    let holds_any = |folder: &&PathBuf| FILES.iter().flat_map(|name| places(folder, name)).any(|place| place.exists());
    if folders.is_empty() {
        let tried = vec![format!("{FOLDER_VARIABLE}, which is not set").into()];
        return Err(Error::Missing { name: TRAIN_IMAGES.into(), tried });
    }
    let folders = match folders.iter().position(|folder| holds_any(&folder)) {
        Some(place) => &folders[..=place],
        None => folders,
    };
    let find = |name: &str| find(folders, name);
    let [train_images, train_labels] = [find(TRAIN_IMAGES)?, find(TRAIN_LABELS)?];
    let [test_images, test_labels] = [find(TEST_IMAGES)?, find(TEST_LABELS)?];
    let train = Digits::read(&train_images, &train_labels)?;
    let test = Digits::read(&test_images, &test_labels)?;
    Ok(Mnist { train, test })
}

fn places(folder: &Path, name: &str) -> [PathBuf; 2] {
    [folder.join(format!("{name}.gz")), folder.join(name)]
}

/// The file of this name; all folders but the last hold none of the files.
fn find(folders: &[PathBuf], name: &str) -> Result<PathBuf> {
    let tried: Vec<PathBuf> = folders.iter().flat_map(|folder| places(folder, name)).collect();
    match tried.iter().find(|place| place.exists()) {
        Some(place) => Ok(place.clone()),
        None => Err(Error::Missing { name: name.into(), tried }),
    }
}

impl Digits {
    /// Reads images and labels from their IDX files, and checks that there are as many.
    ///
    /// # Errors
    /// As [`idx::read_images`] and [`idx::read_labels`]; [`Error::Rows`] when there are more of the one.
    pub fn read(images: &Path, labels: &Path) -> Result<Digits> {
        let digits = Digits { images: idx::read_images(images)?, labels: idx::read_labels(labels)? };
        let (images, labels) = (digits.images.len_of(ndarray::Axis(0)), digits.labels.len());
        match images == labels {
            true => Ok(digits),
            false => Err(Error::Rows { first: ("images", images), second: ("labels", labels) }),
        }
    }

    /// The number of digits.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The first `count` digits, or all where there are fewer.
    #[must_use]
    pub fn first(&self, count: usize) -> Digits {
        let images = self.images.slice(s![..count.min(self.images.dim().0), .., ..]).to_owned();
        let labels = self.labels.slice(s![..count.min(self.labels.len())]).to_owned();
        Digits { images, labels }
    }

    /// A dataset of the images as floats in 0 to 1 (each byte divided by 255), with integer labels.
    /// `.reshaped([784])` makes rows of them, `.one_hot(10)` one-hot targets.
    ///
    /// # Errors
    /// As [`Arrays::new`], when the fields were changed to have different numbers of rows, or none.
    pub fn normalized(&self) -> Result<Arrays> {
        Ok(self.raw()?.normalized())
    }

    /// A dataset of the images as floats in 0 to 255, with integer labels.
    ///
    /// # Errors
    /// As [`normalized`](Digits::normalized).
    pub fn raw(&self) -> Result<Arrays> {
        Arrays::new(&self.images, &self.labels)
    }

    /// The labels as class numbers.
    pub fn classes(&self) -> Vec<usize> {
        self.labels.iter().map(|label| usize::from(*label)).collect()
    }

    /// The labels as one-hot rows, count × 10.
    ///
    /// # Errors
    /// [`Error::Label`] for a label above 9, [`Error::Empty`] without digits.
    pub fn one_hot(&self) -> Result<Array2<f32>> {
        to_categorical(&self.labels, Some(10))
    }
}

#[cfg(test)]
mod tests {
    use super::super::scratch::{Scratch, gzip};
    use super::super::{Dataset, Target};
    use super::*;
    use crate::shape::Shape;

    /// Four small files: three digits to train on, two to test on.
    fn small() -> Scratch {
        let folder = Scratch::new();
        let images = |count: u8| {
            [&[0, 0, 8, 3, 0, 0, 0, count, 0, 0, 0, 1, 0, 0, 0, 2], &[count; 6][..2 * usize::from(count)]].concat()
        };
        let labels = |labels: &[u8]| [&[0, 0, 8, 1, 0, 0, 0, labels.len() as u8], labels].concat();
        folder.write(TRAIN_IMAGES, &images(3));
        folder.write("train-labels-idx1-ubyte.gz", &gzip(&labels(&[1, 2, 3])));
        folder.write("t10k-images-idx3-ubyte.gz", &gzip(&images(2)));
        folder.write(TEST_LABELS, &labels(&[4, 5]));
        folder
    }

    fn sum(bytes: &Array3<u8>) -> u64 {
        bytes.iter().map(|&byte| u64::from(byte)).sum()
    }

    fn counts(labels: &Array1<u8>) -> Vec<usize> {
        (0..10).map(|digit| labels.iter().filter(|&&label| label == digit).count()).collect()
    }

    #[test]
    fn the_digits_are_the_real_ones() {
        let Mnist { train, test } = load(Some(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/data/mnist")))).unwrap();
        assert_eq!((train.images.dim(), test.images.dim()), ((60_000, 28, 28), (10_000, 28, 28)));
        assert_eq!((sum(&train.images), sum(&test.images)), (1_567_298_545, 264_923_200));
        assert_eq!(sum(&train.first(1).images), 27_525);
        assert_eq!(train.labels.as_slice().unwrap()[..10], [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]);
        assert_eq!(test.labels.as_slice().unwrap()[..10], [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]);
        assert_eq!(counts(&train.labels), [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]);
        assert_eq!(counts(&test.labels), [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]);

        let data = train.normalized().unwrap();
        assert_eq!((data.len(), data.input_shape(), data.target()), (60_000, Shape::from([28, 28]), Target::LABEL));
        assert!(data.clone().one_hot(10).is_ok() && data.clone().one_hot(9).is_err());
        let first = data.rows(..1).unwrap().inputs().unwrap();
        assert_eq!(first.shape(), [1, 28, 28]);
        assert_eq!(first[[0, 5, 12]], 3.0 / 255.0);
        let data = train.raw().unwrap().reshaped([784]).unwrap().one_hot(10).unwrap();
        assert_eq!((data.input_shape(), data.target()), (Shape::from([784]), Target::Values(Shape::from([10]))));
        let first = data.rows(..1).unwrap();
        assert_eq!(first.inputs().unwrap()[[0, 5 * 28 + 12]], 3.0);
        assert_eq!(first.targets().unwrap(), train.first(1).one_hot().unwrap().into_dyn());
        assert_eq!(train.one_hot().unwrap().row(0).to_vec(), [0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0]);
    }

    #[test]
    fn packed_and_plain_files_may_stand_side_by_side() {
        let folder = small();
        let Mnist { train, test } = load(Some(folder.path())).unwrap();
        assert_eq!((train.labels.to_vec(), test.labels.to_vec()), (vec![1, 2, 3], vec![4, 5]));
        assert_eq!((train.images.dim(), test.images.dim()), ((3, 1, 2), (2, 1, 2)));
        assert_eq!((train.first(2).len(), train.first(9).len(), train.first(0).is_empty()), (2, 3, true));
        assert_eq!(
            train.first(0).raw().unwrap_err().to_string(),
            "the array of inputs is empty; it needs at least one row"
        );
    }

    #[test]
    fn the_first_folder_with_files_counts_and_sets_are_not_mixed() {
        let (nothing, all) = (Scratch::new(), small());
        let folders = [nothing.path().to_path_buf(), all.path().to_path_buf()];
        assert_eq!(load_from(&folders).unwrap().train.len(), 3);
        let part = small();
        std::fs::remove_file(part.path().join(TEST_LABELS)).unwrap();
        let error = load_from(&[part.path().to_path_buf(), all.path().to_path_buf()]).unwrap_err();
        let [packed, plain] = places(part.path(), TEST_LABELS).map(|place| place.display().to_string());
        assert_eq!(error.to_string(), format!("t10k-labels-idx1-ubyte was not found; tried {packed} and {plain}"));
    }

    #[test]
    fn every_place_that_was_tried_is_named() {
        let (one, two) = (Scratch::new(), Scratch::new());
        let error = load_from(&[one.path().to_path_buf(), two.path().to_path_buf()]).unwrap_err();
        let Error::Missing { name, tried } = error else { panic!("{error}") };
        assert_eq!(name, TRAIN_IMAGES);
        assert_eq!(tried, [places(one.path(), TRAIN_IMAGES), places(two.path(), TRAIN_IMAGES)].concat());
        // A folder that is given is the only one.
        let Err(Error::Missing { tried, .. }) = load(Some(one.path())) else { panic!("found") };
        assert_eq!(tried, places(one.path(), TRAIN_IMAGES));
        let text = "train-images-idx3-ubyte was not found; tried GRADUS_DATA, which is not set";
        assert_eq!(load_from(&[]).unwrap_err().to_string(), text);
    }

    #[test]
    fn images_without_labels_are_refused() {
        let folder = small();
        folder.write(TEST_LABELS, &[0, 0, 8, 1, 0, 0, 0, 1, 4]);
        let error = load(Some(folder.path())).unwrap_err();
        assert!(error.to_string().starts_with("images have 2 rows and labels have 1;"), "{error}");
        folder.write(TRAIN_IMAGES, b"\0\0\x08\x01\0\0\0\0");
        let error = load(Some(folder.path())).unwrap_err();
        assert!(error.to_string().ends_with("expected 0x00000803 (images); is this the label file?"), "{error}");
    }
}

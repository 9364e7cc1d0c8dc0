//! The MNIST database of handwritten digits, and datasets of the same file format.

use super::{Arrays, idx, to_categorical};
use crate::error::{Error, Result};
use ndarray::{ArcArray, Array1, Array2, Array3, Ix3, s};
use std::path::{Path, PathBuf};

/// The environment variable with the folder of the files.
pub const FOLDER_VARIABLE: &str = "GRADUS_DATA";

const TRAIN_IMAGES: &str = "train-images-idx3-ubyte";
const TRAIN_LABELS: &str = "train-labels-idx1-ubyte";
const TEST_IMAGES: &str = "t10k-images-idx3-ubyte";
const TEST_LABELS: &str = "t10k-labels-idx1-ubyte";
const FILES: [&str; 4] = [TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS];

/// Training and test images of digits with their labels.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Mnist {
    /// The training set: 60,000 digits in MNIST.
    pub train: Digits,
    /// The test set: 10,000 digits of other writers in MNIST.
    pub test: Digits,
}

/// Images of digits with their labels.
///
/// ```
/// use gradus::data::{Dataset, mnist::Digits};
/// let digits = Digits::new(ndarray::Array3::zeros((10, 28, 28)), ndarray::Array1::zeros(10))?;
/// assert_eq!(digits.first(4).normalized()?.input_shape().sizes(), [28, 28]);
/// assert_eq!(digits.first(4).one_hot()?.shape(), [4, 10]);
/// # Ok::<(), gradus::Error>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Digits {
    /// The images, count × height × width, 28 × 28 in MNIST. Paper is 0, ink is 255. Clones and datasets share them.
    pub images: ArcArray<u8, Ix3>,
    /// The digit of each image.
    pub labels: Array1<u8>,
}

/// Reads the four files, each as `name.gz` or `name`.
///
/// If `folder` is given, only that folder is searched. Otherwise the folder in the environment variable `GRADUS_DATA` is
/// searched first, then the copy in this crate. The first folder with any of the files must have all of them.
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
/// [`Error::Missing`] with every path tried, [`Error::Rows`] when the numbers of images and labels differ, and the errors of
/// [`idx::read`] for invalid files.
pub fn load(folder: Option<&Path>) -> Result<Mnist> {
    match folder {
        Some(folder) => load_from(&[folder.into()]),
        None => {
            let named = std::env::var_os(FOLDER_VARIABLE).filter(|name| !name.is_empty());
            let included = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/data/mnist"));
            let included = included.is_dir().then(|| included.into());
            load_from(&named.map(PathBuf::from).into_iter().chain(included).collect::<Vec<_>>())
        }
    }
}

/// Reads from the first folder with any of the files.
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

/// Finds the file of this name. All folders but the last have none of the files.
fn find(folders: &[PathBuf], name: &str) -> Result<PathBuf> {
    let tried: Vec<PathBuf> = folders.iter().flat_map(|folder| places(folder, name)).collect();
    match tried.iter().find(|place| place.exists()) {
        Some(place) => Ok(place.clone()),
        None => Err(Error::Missing { name: name.into(), tried }),
    }
}

impl Digits {
    /// Creates digits from images, count × height × width, and one label for each image.
    ///
    /// # Errors
    /// [`Error::Rows`] when the numbers of images and labels differ.
    pub fn new(images: Array3<u8>, labels: Array1<u8>) -> Result<Digits> {
        let (of_images, of_labels) = (images.len_of(ndarray::Axis(0)), labels.len());
        match of_images == of_labels {
            true => Ok(Digits { images: images.into_shared(), labels }),
            false => Err(Error::Rows { first: ("images", of_images), second: ("labels", of_labels) }),
        }
    }

    /// Reads images and labels from their IDX files.
    ///
    /// # Errors
    /// The errors of [`idx::read_images`] and [`idx::read_labels`], and [`Error::Rows`] when the numbers differ.
    pub fn read(images: &Path, labels: &Path) -> Result<Digits> {
        Digits::new(idx::read_images(images)?, idx::read_labels(labels)?)
    }

    /// The number of digits.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether the set is empty.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the first `count` digits, or all if there are fewer. Does not copy the images.
    #[must_use]
    pub fn first(&self, count: usize) -> Digits {
        let images = self.images.clone().slice_move(s![..count.min(self.images.dim().0), .., ..]);
        let labels = self.labels.slice(s![..count.min(self.labels.len())]).to_owned();
        Digits { images, labels }
    }

    /// Returns a dataset of the images as floats from 0 to 1 (bytes divided by 255), with integer labels.
    /// [`reshaped([784])`](Arrays::reshaped) flattens the images, [`one_hot(10)`](Arrays::one_hot) makes one-hot targets.
    ///
    /// # Errors
    /// [`Error::Rows`] or [`Error::Empty`] when the fields were changed to different numbers of rows, or to none.
    pub fn normalized(&self) -> Result<Arrays> {
        Ok(self.raw()?.normalized())
    }

    /// Returns a dataset of the images as floats from 0 to 255, with integer labels.
    ///
    /// # Errors
    /// [`Error::Rows`] or [`Error::Empty`] when the fields were changed to different numbers of rows, or to none.
    pub fn raw(&self) -> Result<Arrays> {
        Arrays::new(&self.images, &self.labels)
    }

    /// Returns the labels as class numbers.
    pub fn classes(&self) -> Vec<usize> {
        self.labels.iter().map(|label| usize::from(*label)).collect()
    }

    /// Returns the labels as one-hot rows, count × 10.
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

    /// Four small files: three training digits, two test digits.
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

    fn sum(bytes: &ArcArray<u8, Ix3>) -> u64 {
        bytes.iter().map(|&byte| u64::from(byte)).sum()
    }

    fn counts(labels: &Array1<u8>) -> Vec<usize> {
        (0..10).map(|digit| labels.iter().filter(|&&label| label == digit).count()).collect()
    }

    #[test]
    fn the_included_digits_are_those_of_mnist() {
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
    fn gzipped_and_plain_files_can_be_mixed() {
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
    fn all_files_are_read_from_the_first_folder_with_any() {
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
    fn missing_files_list_every_path_tried() {
        let (one, two) = (Scratch::new(), Scratch::new());
        let error = load_from(&[one.path().to_path_buf(), two.path().to_path_buf()]).unwrap_err();
        let Error::Missing { name, tried } = error else { panic!("{error}") };
        assert_eq!(name, TRAIN_IMAGES);
        assert_eq!(tried, [places(one.path(), TRAIN_IMAGES), places(two.path(), TRAIN_IMAGES)].concat());
        // A given folder is the only one.
        let Err(Error::Missing { tried, .. }) = load(Some(one.path())) else { panic!("found") };
        assert_eq!(tried, places(one.path(), TRAIN_IMAGES));
        let text = "train-images-idx3-ubyte was not found; tried GRADUS_DATA, which is not set";
        assert_eq!(load_from(&[]).unwrap_err().to_string(), text);
    }

    #[test]
    fn images_without_labels_are_rejected() {
        let folder = small();
        folder.write(TEST_LABELS, &[0, 0, 8, 1, 0, 0, 0, 1, 4]);
        let error = load(Some(folder.path())).unwrap_err();
        assert!(error.to_string().starts_with("images have 2 rows and labels have 1;"), "{error}");
        folder.write(TRAIN_IMAGES, b"\0\0\x08\x01\0\0\0\0");
        let error = load(Some(folder.path())).unwrap_err();
        assert!(error.to_string().ends_with("expected 0x00000803 (images); is this the label file?"), "{error}");
    }
}

//! The program `gradus` with models whose inputs have open axes.

use crate::folder::Folder;
use gradus::formats::{keras, npy, npz, onnx};
use gradus::layers::{Activation, Conv2d, Dense, GlobalAveragePool2d, GlobalMaxPool2d};
use gradus::losses::MeanSquaredError;
use gradus::ops::Padding;
use gradus::optimizers::Sgd;
use gradus::{Compile, Model, SampleShape, Sequential};
use ndarray::{Array3, Array4, ArrayD, Axis, concatenate};

fn file(name: &str) -> String {
    format!("{}/tests/faults/{name}", env!("CARGO_MANIFEST_DIR"))
}

fn array(file_name: &str, key: &str) -> ArrayD<f32> {
    npz::read(file(file_name)).unwrap().remove(key).unwrap().into_floats()
}

#[track_caller]
fn check_close(found: &ArrayD<f32>, expected: &ArrayD<f32>) {
    assert_eq!(found.shape(), expected.shape());
    assert!(found.iter().zip(expected).all(|(a, b)| (a - b).abs() <= 1e-5), "{found}, expected {expected}");
}

#[test]
fn a_model_of_keras_for_any_length_predicts_and_converts() {
    let (folder, path) = (Folder::new(), file("any_length.h5"));
    let (x, y) = ["x", "y"].map(|key| array("any_length.npz", key)).into();
    let longer = concatenate(Axis(1), &[x.view(), x.view()]).unwrap();
    npy::write(folder.path("x.npy"), &x).unwrap();
    npy::write(folder.path("longer.npy"), &longer).unwrap();
    let model = keras::load_architecture(&path).unwrap().into_model().unwrap();
    assert_eq!(model.input_shapes(), [SampleShape::from((None, 4))]);
    check_close(&model.predict(&x).unwrap(), &y);
    check_close(&folder.predicted(&[&path, "x.npy"]), &y);
    let of_longer = folder.predicted(&[&path, "longer.npy"]);
    assert_eq!(of_longer, model.predict(&longer).unwrap());
    for to in ["to.safetensors", "to.keras", "to.h5"] {
        folder.shown(&["convert", &path, to]);
        let shown = folder.shown(&["inspect", to]);
        assert!(shown.contains("(None, None, 3)"), "{shown}");
        check_close(&folder.predicted(&[to, "x.npy"]), &y);
        assert_eq!(folder.predicted(&[to, "longer.npy"]), of_longer);
    }
    npy::write(folder.path("wrong.npy"), &Array3::<f32>::zeros((3, 4, 20))).unwrap();
    let message = folder.error_message(&["predict", &path, "wrong.npy"], 1);
    let expected = "wrong.npy: its array is 3 × 4 × 20, expected rows × None × 4, or None × 4 for one sample; use --layout \
                    channels_first";
    assert_eq!(message, expected);
}

#[test]
fn a_model_of_keras_for_images_of_any_size_predicts_and_converts() {
    let (folder, path) = (Folder::new(), file("any_image.keras"));
    for to in ["to.safetensors", "to.h5", "to.onnx"] {
        folder.shown(&["convert", &path, to]);
    }
    for name in ["even", "odd"] {
        npy::write(folder.path("x.npy"), &array("any_image.npz", name)).unwrap();
        for model in [&*path, "to.safetensors", "to.h5", "to.onnx"] {
            folder.shown(&["predict", model, "x.npy", "--out", "y.npz"]);
            let mut found = npz::read(folder.path("y.npz")).unwrap();
            for output in ["scores", "maps"] {
                let expected = array("any_image.npz", &format!("{name}_{output}"));
                check_close(&found.remove(output).unwrap().into_floats(), &expected);
            }
        }
    }
    assert!(folder.shown(&["inspect", "to.onnx"]).contains("(None, None, None, 4)"));
}

#[test]
fn images_of_any_size_predict_and_convert() {
    let folder = Folder::new();
    let network = Sequential::new((None, None, 3))
        .add(Conv2d::new(4, 3).strides(2).padding(Padding::Same))
        .add(Activation::Relu)
        .add(Conv2d::new(5, 3).padding(Padding::Same));
    let pooled = network.clone().add(GlobalMaxPool2d::new()).add(Dense::new(2));
    let model = pooled.compile(Compile::new(Sgd::new(0.1), MeanSquaredError::new()).seed(2)).unwrap();
    model.save(folder.path("model.safetensors")).unwrap();
    for to in ["model.onnx", "model.keras", "again.safetensors"] {
        folder.shown(&["convert", "model.safetensors", to]);
    }
    folder.shown(&["convert", "model.onnx", "of_onnx.safetensors"]);
    for (height, width) in [(1, 1), (8, 6), (7, 13)] {
        let images =
            Array4::from_shape_fn((2, height, width, 3), |(n, i, j, k)| ((n + 2 * i + 3 * j + k) % 7) as f32 / 7.0);
        npy::write(folder.path("x.npy"), &images.clone().into_dyn()).unwrap();
        let expected = model.predict(&images).unwrap();
        for file in ["model.safetensors", "model.onnx", "model.keras", "again.safetensors", "of_onnx.safetensors"] {
            assert_eq!(folder.predicted(&[file, "x.npy"]), expected, "{file}, {height} × {width}");
        }
    }
    // A picture binds the axes to its size.
    let picture = file("rgb6x8.png");
    assert_eq!(folder.predicted(&["model.onnx", &picture]).shape(), [1, 2]);
    assert_eq!(folder.predicted(&["model.onnx", &picture]), folder.predicted(&["model.keras", &picture]));
    // Open axes of outputs.
    let model = network.architecture(1).unwrap().into_model().unwrap();
    onnx::export(&model, folder.path("open.onnx")).unwrap();
    let shown = folder.shown(&["inspect", "open.onnx"]);
    assert!(
        shown.contains("(None, None, None, 5)") && shown.contains("input (rows × input_0 × input_1 × 3)"),
        "{shown}"
    );
    let imported = onnx::import(folder.path("open.onnx")).unwrap().architecture().unwrap();
    assert_eq!(imported.outputs()[0].shape(), SampleShape::from((None, None, 5)));
    let image = Array4::from_elem((1, 5, 9, 3), 0.5);
    assert_eq!(imported.into_model().unwrap().predict(&image).unwrap(), model.predict(&image).unwrap());
    // A fixed size.
    folder.shown(&["convert", "open.onnx", "fixed.safetensors", "--shape", "8,6,3"]);
    let fixed = Model::load(folder.path("fixed.safetensors")).unwrap();
    assert_eq!(fixed.input_shapes(), [SampleShape::from([8, 6, 3])]);
}

#[test]
fn evaluation_takes_rows_of_any_size() {
    let folder = Folder::new();
    let network = Sequential::new((None, None, 1)).add(Conv2d::new(2, 3)).add(GlobalAveragePool2d::new());
    let model = network.compile(Compile::new(Sgd::new(0.1), MeanSquaredError::new())).unwrap();
    model.save(folder.path("model.safetensors")).unwrap();
    let mut data = gradus::tape::Params::new();
    data.add("x", &Array4::<f32>::ones((3, 4, 5, 1))).unwrap();
    data.add("y", &ndarray::Array2::<f32>::zeros((3, 2))).unwrap();
    npz::write_params(folder.path("data.npz"), &data).unwrap();
    assert!(folder.shown(&["evaluate", "model.safetensors", "data.npz"]).contains("loss: "));
}

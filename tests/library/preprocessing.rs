//! Models with preprocessing of strings.

use gradus::layers::{Dense, Embedding, Flatten};
use gradus::losses::MeanSquaredError;
use gradus::optimizers::Sgd;
use gradus::preprocessing::{Preprocessing, StringLookup};
use gradus::{Compile, FromSpec, Model, Result, Sequential, Settings, Shape, Spec, save::Registry};
use ndarray::{arr1, arr2};
use tempfile::tempdir;

fn model() -> Model {
    let network = Sequential::new([2]).add(Embedding::new(5, 3)).add(Flatten).add(Dense::new(1));
    network.compile(Compile::new(Sgd::new(0.1), MeanSquaredError::new()).seed(3)).unwrap()
}

/// A custom part with state: the number of listed words in a text, and its length.
#[derive(Debug)]
struct CountWords {
    words: Vec<String>,
}

impl Preprocessing for CountWords {
    fn output_shape(&self, _strings: Shape) -> Result<Shape> {
        Ok(Shape::from([2]))
    }

    fn write(&self, strings: &[&str], numbers: &mut [f32]) -> Result<()> {
        numbers[0] = strings[0].split(' ').filter(|word| self.words.iter().any(|known| known == word)).count() as f32;
        numbers[1] = strings[0].len().min(4) as f32;
        Ok(())
    }

    fn spec(&self) -> Spec {
        Spec::new(Self::CLASS).with("words", gradus::SpecValue::Strs(self.words.clone()))
    }
}

impl FromSpec for CountWords {
    const CLASS: &'static str = "CountWords";

    fn from_spec(settings: &mut Settings<'_>) -> Result<CountWords> {
        Ok(CountWords { words: settings.strs("words")? })
    }
}

#[test]
fn a_loaded_model_predicts_equal_values_for_strings() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    let mut model = model();
    model.save(&path).unwrap();
    let without = std::fs::read(&path).unwrap();
    assert!(!String::from_utf8_lossy(&without).contains("preprocessing"), "other models' files are as before");
    let lookup = StringLookup::new().mask_token("").vocabulary(["good \"film\"", "böse", "1.5"]).unwrap();
    model.set_preprocessing("input", lookup.clone()).unwrap();
    let texts = arr2(&[["good \"film\"", ""], ["?", "böse"]]);
    let numbers = model.preprocess("input", &texts).unwrap();
    assert_eq!(numbers, arr2(&[[2.0, 0.0], [1.0, 3.0]]).into_dyn());
    model.save(&path).unwrap();
    let loaded = Model::load(&path).unwrap();
    assert_eq!(loaded.preprocessing("input").unwrap().spec(), lookup.spec());
    let predictions = |model: &Model| model.predict(&model.preprocess("input", &texts).unwrap()).unwrap();
    assert_eq!(predictions(&loaded), predictions(&model));
}

#[test]
fn custom_preprocessing_is_saved() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    for words in [vec!["good".to_owned()], vec![]] {
        let mut model = model();
        model.set_preprocessing("input", CountWords { words }).unwrap();
        let texts = arr1(&["a good film", "bad", "good good"]);
        model.save(&path).unwrap();
        let unknown = Model::load(&path).unwrap_err().to_string();
        let expected =
            "CountWords: unknown preprocessing; available: StringLookup; add custom ones with Registry::preprocessing";
        assert!(unknown.ends_with(expected), "{unknown}");
        let loaded = Model::load_with(&path, &Registry::new().preprocessing::<CountWords>()).unwrap();
        let [numbers, again] = [&model, &loaded].map(|model| model.preprocess("input", &texts).unwrap());
        assert_eq!((numbers.shape(), &again), (&[3, 2][..], &numbers));
    }
}

#[test]
fn mistakes_name_the_input_and_the_remedy() {
    let mut model = model();
    let lookup = || StringLookup::new().vocabulary(["a"]).unwrap();
    let message = |error: gradus::Error| error.to_string();
    let unset = message(model.preprocess("input", &arr2(&[["a", "b"]])).unwrap_err());
    assert!(unset.contains("input \"input\"") && unset.ends_with("add it with Model::set_preprocessing"), "{unset}");
    let unknown = message(model.set_preprocessing("words", lookup()).unwrap_err());
    assert!(unknown.contains("\"words\"") && unknown.ends_with("input"), "{unknown}");
    let empty = message(model.set_preprocessing("input", StringLookup::new()).unwrap_err());
    assert!(empty.starts_with("StringLookup: the vocabulary is empty"), "{empty}");
    model.set_preprocessing("input", lookup()).unwrap();
    let shape = message(model.preprocess("input", &arr2(&[["a", "b", "c"]])).unwrap_err());
    let expected =
        "strings for input \"input\": found shape 3, expected 2, the model's input, as the output of StringLookup";
    assert_eq!(shape, expected);
    let none = message(model.preprocess("input", &ndarray::arr0("a")).unwrap_err());
    assert!(none.contains("expected rows of strings"), "{none}");
}

fn indices(lookup: &StringLookup, strings: &[&str]) -> Result<Vec<f32>> {
    let mut numbers = vec![f32::NAN; strings.len()];
    lookup.write(strings, &mut numbers).map(|()| numbers)
}

/// The examples of Keras' documentation.
#[test]
fn indices_are_those_of_keras() {
    let data = arr2(&[["a", "c", "d"], ["d", "z", "b"]]);
    let adapted = StringLookup::new().adapt(&data).unwrap();
    assert_eq!(indices(&adapted, &["a", "c", "d", "d", "z", "b"]).unwrap(), [5.0, 3.0, 1.0, 1.0, 2.0, 4.0]);
    let masked = StringLookup::new().mask_token("").vocabulary(["", "[UNK]", "a", "b"]).unwrap();
    assert_eq!(indices(&masked, &["", "b", "z", "a"]).unwrap(), [0.0, 3.0, 1.0, 2.0]);
    assert_eq!((masked.get_vocabulary().join(","), masked.vocabulary_size()), (",[UNK],a,b".into(), 4));
    let few = StringLookup::new().max_tokens(3).adapt(&data).unwrap();
    assert_eq!(few.get_vocabulary(), ["[UNK]", "d", "z"]);
    let special = arr2(&[["[UNK]", "", "b"]]);
    assert_eq!(StringLookup::new().mask_token("").adapt(&special).unwrap().get_vocabulary(), ["", "[UNK]", "b"]);
}

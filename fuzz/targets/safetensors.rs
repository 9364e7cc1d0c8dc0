//! Reads safetensors files as arrays, and as models and checkpoints with a corrected checksum.

#![no_main]

use gradus::save::{Registry, SafeTensors};
use gradus::tape::Params;
use gradus::{Architecture, Checkpoint, Model};
use gradus_fuzz::{archive, files};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    files::read("a.safetensors", bytes, |path| Params::load(path));
    let Some(mut contents) = files::read("a.safetensors", bytes, |path| SafeTensors::read(path)) else { return };
    archive::correct_safetensors(&mut contents);
    let path = files::folder().join("b.safetensors");
    contents.write(&path).expect("contents that were read can be written");
    let corrected = std::fs::read(&path).expect("the file was written");
    files::read("b.safetensors", &corrected, |path| SafeTensors::read(path)).expect("what was written can be read");
    let registry = Registry::new().memory_limit(48 << 20);
    files::read("b.safetensors", &corrected, |path| Architecture::load(path, &registry));
    files::read("b.safetensors", &corrected, |path| Checkpoint::load(path));
    let model = files::read("b.safetensors", &corrected, |path| Model::load_with(path, &registry));
    if let Some(model) = model {
        let path = files::folder().join("c.safetensors");
        model.save(&path).expect("a model that was read can be written");
        let again = Model::load_with(&path, &registry).expect("a model that was written can be read");
        assert_eq!(again.params().sha256(), model.params().sha256());
    }
});

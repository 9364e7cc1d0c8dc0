//! The lists of fuzz targets agree.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

#[test]
fn every_fuzz_target_is_built_and_run() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz");
    // The published package does not contain them.
    let Ok(targets) = fs::read_dir(folder.join("targets")) else { return };
    let names = targets.map(|file| file.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned());
    let names: BTreeSet<String> = names.collect();
    let text = |file: &str| fs::read_to_string(folder.join(file)).unwrap();
    let (manifest, script, seeds) = (text("Cargo.toml"), text("run"), text("src/seeds.rs"));
    let list = script.split_once("all=(").and_then(|(_, rest)| rest.split_once(')')).unwrap().0;
    assert_eq!(list.split(' ').map(str::to_owned).collect::<BTreeSet<_>>(), names);
    for name in names {
        assert!(manifest.contains(&format!("path = \"targets/{name}.rs\"")), "{name} is not in fuzz/Cargo.toml");
        assert!(seeds.contains(&format!("\"{name}\",")), "{name} has no first inputs in fuzz/src/seeds.rs");
    }
}

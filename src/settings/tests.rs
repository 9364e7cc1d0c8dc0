//! Tests of reading settings.

use super::*;

#[derive(Debug)]
struct Part;

impl FromSpec for Part {
    const CLASS: &'static str = "Part";
    fn from_spec(settings: &mut Settings<'_>) -> Result<Part> {
        settings.uint("units")?;
        settings.one_of("padding", &[("same", 1), ("valid", 2)])?;
        settings.pair("strides").map(|_| Part)
    }
}

fn message(spec: Spec) -> String {
    spec.make::<Part>().unwrap_err().to_string()
}

#[test]
fn messages_name_the_setting_and_the_expected_value() {
    let units = || Spec::new("Part").with("units", 3);
    let padded = || units().with("padding", "same");
    assert!(padded().with("strides", &[1, 2][..]).make::<Part>().is_ok());
    assert_eq!(message(Spec::new("Other")), "Other: expected class Part");
    assert_eq!(message(Spec::new("Part")), "Part: missing setting \"units\"");
    assert_eq!(message(Spec::new("Part").with("units", true)), "Part: units is true, expected an integer ≥ 0");
    assert_eq!(message(units().with("padding", "all")), "Part: unknown padding \"all\"; available: same, valid");
    assert_eq!(message(padded().with("strides", &[1][..])), "Part: strides is [1], expected two integers ≥ 0");
    let axis = |spec: Spec| {
        spec.read(&BUILT_IN, |settings| settings.or("axis", -1, Settings::axis), Vec::new).map_err(|e| e.to_string())
    };
    assert_eq!(axis(Spec::new("Part")), Ok(-1));
    assert_eq!(axis(Spec::new("Part").with("axis", 2)), Ok(2));
    assert_eq!(axis(Spec::new("Part").with("axis", SpecValue::axis(-3))), Ok(-3));
    assert_eq!(axis(Spec::new("Part").with("axis", 0.5)), Err("Part: axis is 0.5, expected an integer".into()));
    let more = padded().with("strides", &[1, 2][..]).with("rate", 0.5);
    assert_eq!(message(more), "Part: unknown setting \"rate\"");
}

#[test]
fn all_problems_of_the_settings_are_reported() {
    use crate::layers::{Dense, Layer};
    let message = |spec: &Spec| spec.make::<Dense>().unwrap_err().to_string();
    let spec = Dense::new(3).spec();
    assert_eq!(message(&spec.clone().with("units", 4)), "Dense: setting \"units\" is given twice");
    let several = spec.with("units", 4).with("rate", 0.5).with("depth", 2);
    let start =
        "Dense: setting \"units\" is given twice; unknown setting \"rate\"; unknown setting \"depth\"; available: ";
    assert!(message(&several).starts_with(start), "{}", message(&several));
    let typo = message(&Spec::new("Dense").with("unit", 3).with("use_bias", true));
    let start = "Dense: missing setting \"units\"; unknown setting \"unit\"; available: units, ";
    assert!(typo.starts_with(start), "{typo}");
    let frozen = message(&Dense::new(3).frozen().spec());
    let start = "Dense: unknown setting \"trainable\"; Registry::make_layer makes frozen layers; available: ";
    assert!(frozen.starts_with(start), "{frozen}");
}

#[test]
fn empty_lists_are_lists_of_any_type() {
    for empty in [SpecValue::UInts(Vec::new()), SpecValue::Floats(Vec::new())] {
        let spec = Spec::new("Part").with("list", empty);
        let numbers = spec.read(&BUILT_IN, |settings| settings.floats("list").map(<[f32]>::to_vec), Vec::new);
        assert_eq!(numbers.unwrap(), [0.0; 0]);
    }
    let spec = Spec::new("Part").with("list", &[1, 2][..]);
    let sizes = spec.read(&BUILT_IN, |settings| settings.floats("list").map(<[f32]>::to_vec), Vec::new);
    assert_eq!(sizes.unwrap_err().to_string(), "Part: list is [1, 2], expected a list of numbers");
}

//! The check that the outputs of a graph have a first axis of rows. It compares the facts of the graph for two numbers of rows.

use super::check::{Checked, Fact};

/// Describes an output or weight whose shape depends on the number of rows in another way than by a first axis of rows.
/// The checks have `rows` rows and one row.
pub(super) fn rows_problem(outputs: &[String], [checked, one]: [&Checked; 2], rows: usize) -> Option<String> {
    if let [node, ..] = &one.unsupported[..] {
        return Some(format!("it cannot be computed for 1 row: {node}"));
    }
    for name in outputs {
        let fact = |checked: &Checked| checked.facts.get(name).and_then(Fact::rows_first);
        let (Some((shape, order)), Some((of_one, _))) = (fact(checked), fact(one)) else { continue };
        let fits = [shape.axis(0), of_one.axis(0)] == [rows, 1];
        if !fits || shape.sample() != of_one.sample() {
            let size = |axis: usize| match order.iter().position(|stored| *stored == axis) {
                Some(place) if shape.sizes().get(place) == of_one.sizes().get(place) => shape.axis(place).to_string(),
                _ => "rows".to_owned(),
            };
            let sizes = (0..order.len()).map(size).collect::<Vec<_>>().join(" × ");
            return Some(format!("its output \"{name}\" has shape {sizes}"));
        }
    }
    let keys = |checked: &Checked| checked.weights.iter().map(|weight| weight.key.clone()).collect::<Vec<_>>();
    let differ = keys(checked).into_iter().zip(keys(one)).find(|(a, b)| a != b);
    differ.map(|(key, _)| format!("the shape of constant \"{}\" depends on the number of rows", key.constant))
}

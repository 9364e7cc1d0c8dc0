//! Summaries of models, in the format of Keras.

use super::{Architecture, LayerInstance};
use crate::sample_shape::SampleShape;
use crate::tape::Params;

/// The minimum positions of the second and the third column and of the end of the third.
const COLUMNS: [usize; 3] = [29, 55, 65];

impl Architecture {
    /// Returns a table of the layers in the format of Keras, with the number of weights, and for a graph the connections of
    /// each layer.
    pub fn summary(&self) -> String {
        table(self)
    }
}

/// Maximum width of a column, as formatting panics at a width of 65536. Longer texts move the columns after them.
const MAX_COLUMN: usize = 1000;

/// The table, without a final newline. The table of a graph has a fourth column with the connections of each layer.
fn table(architecture: &Architecture) -> String {
    let chain = architecture.is_chain();
    let inputs = architecture.inputs().iter().filter(|_| !chain);
    let inputs =
        inputs.map(|input| [format!("{} (InputLayer)", input.name), batch_of(input.shape), "0".into(), "-".into()]);
    let layers = architecture.layers().map(|layer| {
        let count = layer.arrays().map(|array| array.shape().len()).fold(0, usize::saturating_add);
        let title = format!("{} ({})", layer.name(), layer.spec().class());
        [title, batches_of(layer.output_shapes()), thousands(count), connections(architecture, layer)]
    });
    let rows: Vec<[String; 4]> = inputs.chain(layers).collect();
    let longest = |column: usize| {
        let widths = rows.iter().map(|row| row[column].chars().count() + 2);
        widths.max().unwrap_or(0).min(MAX_COLUMN)
    };
    let first = longest(0).max(COLUMNS[0]);
    let second = longest(1).max(COLUMNS[1] - COLUMNS[0]);
    let third = if chain { COLUMNS[2] - COLUMNS[1] } else { longest(2).max(COLUMNS[2] - COLUMNS[1]) };
    let fourth = if chain { 0 } else { longest(3).max("Connected to".len()) };
    let width = first + second + third + fourth;
    let line = |[a, b, c, d]: [&str; 4]| {
        let fourth = if chain { "" } else { d };
        format!(" {a:<first$}{b:<second$}{c:<third$}{fourth}").trim_end().to_owned()
    };
    let name = if chain { "sequential" } else { "functional" };
    let mut lines = vec![format!("Model: \"{name}\""), "_".repeat(width)];
    lines.push(line(["Layer (type)", "Output Shape", "Param #", "Connected to"]));
    lines.push("=".repeat(width));
    lines.extend(rows.iter().map(|[a, b, c, d]| line([a, b, c, d])));
    lines.push("=".repeat(width));
    lines.extend(totals(architecture.params()));
    lines.push("_".repeat(width));
    lines.join("\n")
}

/// The inputs of a layer, call by call, in the notation of Keras: `dense[1][0]` is the first output of the second call of
/// `dense`.
fn connections(architecture: &Architecture, layer: LayerInstance<'_>) -> String {
    let name = |value: &usize| match architecture.call_of(*value) {
        None => format!("{}[0][0]", architecture.inputs()[*value].name()),
        Some((call, position)) => {
            let source = architecture.layer(architecture.calls()[call].layer());
            let number = source.calls().iter().position(|other| *other == call).unwrap_or(0);
            format!("{}[{number}][{position}]", source.name())
        }
    };
    let inputs = layer.calls().iter().flat_map(|call| architecture.calls()[*call].inputs());
    inputs.map(name).collect::<Vec<_>>().join(", ")
}

fn totals(params: &Params) -> [String; 3] {
    let (all, trainable) = (params.count(false), params.count(true));
    [("Total", all), ("Trainable", trainable), ("Non-trainable", all - trainable)]
        .map(|(what, count)| format!("{what} params: {} ({})", thousands(count), bytes(4 * count)))
}

/// The shapes of the outputs of a layer: `(None, 8)`, or `[(None, 4, 8), (None, 8)]` for several outputs.
fn batches_of(samples: &[SampleShape]) -> String {
    match samples {
        [one] => batch_of(*one),
        several => format!("[{}]", several.iter().map(|sample| batch_of(*sample)).collect::<Vec<_>>().join(", ")),
    }
}

/// The shape of a batch of any size: `(None, 13, 13, 6)`, or `(None, None, 6)` with an open axis.
fn batch_of(sample: SampleShape) -> String {
    let size = |size: &Option<usize>| size.map_or_else(|| "None".to_owned(), |size| size.to_string());
    let sizes: Vec<String> = sample.sizes().iter().map(size).collect();
    format!("(None, {})", sizes.join(", "))
}

/// A number with separators: `44,300`.
fn thousands(count: usize) -> String {
    let digits = count.to_string();
    let groups: Vec<&str> = digits.as_bytes().rchunks(3).rev().filter_map(|group| str::from_utf8(group).ok()).collect();
    groups.join(",")
}

/// A number of bytes with a unit, as in Keras a power of 1024: `173.05 KB`.
fn bytes(count: usize) -> String {
    let mut value = count as f64;
    for unit in ["B", "KB", "MB"] {
        if value < 1024.0 {
            return format!("{value:.2} {unit}");
        }
        value /= 1024.0;
    }
    format!("{value:.2} GB")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Sequential;
    use crate::layers::{BatchNorm, Dense};

    #[test]
    fn numbers_are_formatted_as_in_keras() {
        assert_eq!(
            ["0", "850", "44,300", "1,000,000"],
            [0, 850, 44_300, 1_000_000].map(thousands).each_ref().map(|s| s.as_str())
        );
        assert_eq!(bytes(4 * 44_300), "173.05 KB");
        assert_eq!(bytes(0), "0.00 B");
    }

    #[test]
    fn running_statistics_are_not_trainable() {
        let table = Sequential::new([4]).add(BatchNorm::new()).add(Dense::new(3)).summary().unwrap();
        let words: Vec<Vec<&str>> = table.lines().map(|line| line.split_whitespace().collect()).collect();
        assert_eq!(words[4], ["batch_normalization", "(BatchNormalization)", "(None,", "4)", "16"]);
        assert_eq!(words[7..10].iter().map(|line| line[2]).collect::<Vec<_>>(), ["31", "23", "8"]);
        assert_eq!(table.lines().nth(4).unwrap().find("(None"), table.lines().nth(5).unwrap().find("(None"));
    }
}

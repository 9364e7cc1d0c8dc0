//! y = x where x > 0 and negative_slope · x elsewhere (Maas et al. 2013); dx = dy, and negative_slope · dy elsewhere.

use crate::ops::unary::unary;

unary! {
    /// The rectifier that leaks; as an activation Keras' slope is 0.2, as a layer 0.3.
    LeakyRelu = leaky_relu(negative_slope: f32 = 0.2), 1 ns;
    y = |x| if x > 0.0 { x } else { negative_slope * x };
    dx = |dy, x, _y| if x > 0.0 { dy } else { negative_slope * dy };
}

#[cfg(test)]
pub(in crate::ops) mod tests {
    use crate::testing::Sample;

    pub(crate) fn samples() -> Vec<Sample> {
        vec![
            Sample::new(|x| x[0].leaky_relu(0.2)).variable([3, 5]),
            Sample::new(|x| x[0].leaky_relu(0.0)).variable([1]),
        ]
    }
}

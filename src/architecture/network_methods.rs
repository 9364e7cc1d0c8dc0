//! The methods that [`Sequential`](super::Sequential) and [`Graph`](super::Graph) share.

/// Implements the methods that make an architecture from the `connections()` and the `layers` of a network.
macro_rules! network_methods {
    ($Network:ident) => {
        impl $Network {
            /// Returns a table of the layers in the format of Keras, with the number of weights.
            ///
            /// # Errors
            /// The errors of [`architecture`](Self::architecture).
            pub fn summary(&self) -> $crate::error::Result<String> {
                Ok(self.architecture(0)?.summary())
            }

            /// Builds the network with initial weights, which are equal to those of [`compile`](Self::compile) for an equal
            /// seed.
            ///
            /// # Errors
            /// Layers that do not fit their inputs; nodes of other graphs; names that occur twice; inputs, layers or
            /// outputs of layers that are not used; settings out of range.
            pub fn architecture(&self, seed: u64) -> $crate::error::Result<$crate::architecture::Architecture> {
                let key = $crate::random::Key::from_seed(seed).purpose($crate::random::Purpose::Init);
                let source = $crate::layers::Source::Init(key);
                let layers = self.layers.clone();
                let architecture = $crate::architecture::Architecture::build(self.connections(), layers, source)?;
                architecture.check()?;
                Ok(architecture)
            }

            /// Builds the network with given weights. Each layer finds its arrays under the names `layer/weight`, such as
            /// `dense_1/kernel`, and shares them with `params`.
            ///
            /// The layers decide which arrays are trained, see [`Layer::frozen`](crate::layers::Layer::frozen) and
            /// [`Model::set_trainable`](crate::Model::set_trainable). Whether an array is trainable in `params` has no
            /// effect.
            ///
            /// ```
            /// use gradus::tape::Params;
            /// use gradus::{Sequential, layers::Dense};
            /// let network = Sequential::new([2]).add_named("scores", Dense::new(1).use_bias(false));
            /// let mut params = Params::new();
            /// params.add("scores/kernel", &ndarray::arr2(&[[2.0], [-1.0]]))?;
            /// let model = network.with_params(&params)?.into_model()?;
            /// assert_eq!(model.predict(&ndarray::arr2(&[[3.0, 4.0]]))?, ndarray::arr2(&[[2.0]]).into_dyn());
            ///
            /// params.add("scores/bias", &ndarray::arr1(&[0.5]))?;
            /// let message = network.with_params(&params).unwrap_err().to_string();
            /// assert!(message.starts_with("arrays of the layers: declared by no layer: scores/bias; "));
            /// # Ok::<(), gradus::Error>(())
            /// ```
            ///
            /// # Errors
            /// The errors of [`architecture`](Self::architecture), with all wrong names and connections;
            /// [`Error::Arrays`](crate::Error::Arrays) with all arrays that are missing, that no layer declares, or whose
            /// shape differs.
            pub fn with_params(
                &self,
                params: &$crate::tape::Params,
            ) -> $crate::error::Result<$crate::architecture::Architecture> {
                $crate::architecture::Architecture::with_params(self.connections(), self.layers.clone(), params)
            }

            /// Returns the names and shapes of the weights that the layers declare, in order: the arrays that
            /// [`with_params`](Self::with_params) requires. Does not allocate the weights.
            ///
            /// ```
            /// use gradus::{Graph, layers::Dense};
            /// let mut graph = Graph::new();
            /// let x = graph.input("x", [2]);
            /// let y = graph.apply(Dense::new(3), x);
            /// graph.output("y", y);
            /// let declared = graph.declared()?;
            /// assert_eq!((declared[0].name(), declared[0].shape().sizes()), ("dense/kernel", &[2, 3][..]));
            /// # Ok::<(), gradus::Error>(())
            /// ```
            ///
            /// # Errors
            /// The errors of [`architecture`](Self::architecture).
            pub fn declared(&self) -> $crate::error::Result<Vec<$crate::layers::DeclaredWeight>> {
                $crate::architecture::params::declared(self.connections(), self.layers.clone())
            }
        }
    };
}

pub(super) use network_methods;

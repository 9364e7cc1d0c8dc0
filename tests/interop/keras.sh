# Keras loads models of gradus and continues training, and gradus does so with models of Keras. Called by run.
set -euo pipefail

echo "== models of gradus in Keras"
cargo test --quiet --test formats -- --ignored --exact interop::keras::models_for_keras
cargo test --quiet --test formats -- --ignored --exact interop::keras::models_back_to_keras
"$PYTHON" tests/interop/keras_models.py back "$GRADUS_INTEROP/back"
"$PYTHON" tests/interop/keras_models.py check "$GRADUS_INTEROP"

echo "== every layer, optimizer and metric of Keras 2 and 3 in gradus"
for library in tf_keras keras; do
    "$PYTHON" tests/interop/layer_models.py "$library" "$GRADUS_INTEROP/layers/$library"
done
cargo test --quiet --test formats -- --ignored --exact interop::keras_layers::whole_models_of_every_layer --nocapture

echo "== random models of Keras in gradus"
"$PYTHON" tests/interop/keras_models.py make "$GRADUS_INTEROP/keras" 200
cargo test --quiet --test formats -- --ignored --exact interop::keras::models_of_keras --nocapture

echo "== networks of keras.applications"
"$PYTHON" tests/interop/keras_models.py applications "$GRADUS_INTEROP/applications"
cargo test --quiet --test formats -- --ignored --exact interop::keras::applications_of_keras --nocapture
"$PYTHON" tests/interop/keras_models.py back "$GRADUS_INTEROP/applications/back"

echo "== models of Keras with recurrent layers in gradus, and back"
"$PYTHON" tests/interop/recurrent_models.py "$GRADUS_INTEROP/recurrent" 200
cargo test --quiet --test formats -- --ignored --exact interop::keras::recurrent_models_of_keras --nocapture
"$PYTHON" tests/interop/keras_models.py back "$GRADUS_INTEROP/recurrent_back"

# onnxruntime, PyTorch and NumPy load models of gradus, and the tests of single nodes of ONNX run in gradus. Called by run.
set -euo pipefail

echo "== models of gradus in onnxruntime, PyTorch and NumPy"
cargo run --quiet --example basic_nn -- --steps 200 --limit 6000 --quiet --out "$GRADUS_INTEROP/basic_nn" >/dev/null
cargo test --quiet --test formats -- --ignored --exact interop::onnx::models_for_onnxruntime
cargo test --quiet --lib -- --ignored --exact formats::onnx::tests::layers_for_onnxruntime
"$PYTHON" tests/interop/onnx_models.py "$GRADUS_INTEROP"

echo "== ONNX' tests of single nodes"
nodes=$("$PYTHON" -c 'import onnx, pathlib; print(pathlib.Path(onnx.__file__).parent / "backend/test/data/node")')
GRADUS_ONNX_NODES=$nodes cargo test --quiet --test formats -- onnx_nodes --nocapture

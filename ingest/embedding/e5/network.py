"""The layers of multilingual-e5-small as a graph for ONNX Runtime, with products of eight-bit integers.

A weight matrix has one scale for each output and seven bits: eight would overflow on processors that have AVX2 and no
VNNI. What a layer is given has one scale for each token, so a vector does not depend on the other texts of its batch.
The cosine to the vector of float32 is at least 0.998, at twice the speed (docs/decisions/0014).
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

from ingest.embedding.e5.weights import EPSILON, HEADS, INNER, LAYERS, WIDTH

_OPSET, _IR_VERSION = 18, 9
_FUSED = "com.microsoft"
"""The operators of ONNX Runtime itself: https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md"""
_WEIGHT_MAX, _INPUT_MAX = 63, 127
_SMALLEST_SCALE = 1e-9


class LayerWeights(Protocol):
    """The weights of the layers, by the names of the model's file."""

    def matrix(self, name: str, columns: int) -> np.ndarray:
        """Returns a matrix as float32, shape (rows, columns)."""
        ...

    def vector(self, name: str) -> np.ndarray:
        """Returns a tensor of one dimension as float32."""
        ...


class Network:
    """The loaded layers. Safe to call from several threads."""

    def __init__(self, weights: LayerWeights, threads: int) -> None:
        """Takes one second. `threads` is how many processors one call may use."""
        # The import takes 15 MB. Processes that only count tokens should not pay for it.
        import onnxruntime  # type: ignore[import-untyped]

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        # Threads that wait would otherwise spin, and take time from whoever else works on this machine.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        # Memory that is kept for the longest batch would never be given back.
        options.enable_cpu_mem_arena = False
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(
            _Graph(weights).serialized(), options, providers=["CPUExecutionProvider"]
        )

    def __call__(self, hidden: np.ndarray, lengths: np.ndarray) -> np.ndarray:
        """Returns the last layer's output: float32, the shape of `hidden` (texts, tokens, WIDTH).

        `lengths` says how many tokens of each text are not padding.
        """
        output: np.ndarray = self._session.run(["output"], {"hidden": hidden, "lengths": lengths.astype(np.int32)})[0]
        return output


class _Graph:
    """Collects nodes and stored tensors. Each method adds nodes and returns the name of what they give."""

    def __init__(self, weights: LayerWeights) -> None:
        from onnx import helper, numpy_helper

        self._make: Any = helper
        self._from_array = numpy_helper.from_array
        self._weights = weights
        self._nodes: list[Any] = []
        self._stored: list[Any] = []
        self._quantised: dict[str, tuple[str, str]] = {}

    def serialized(self) -> bytes:
        """Returns the whole network as an ONNX model."""
        for name, number in (("one", 1.0), ("per_step", 1 / _INPUT_MAX), ("smallest", _SMALLEST_SCALE)):
            self._store(name, np.array(number, dtype=np.float32))
        self._store("middle", np.array(128, dtype=np.uint8))
        self._store("last_axis", np.array([-1], dtype=np.int64))
        hidden = "hidden"
        for number in range(LAYERS):
            hidden = self._layer(hidden, f"l{number}.")
        self._node("Identity", [hidden], "output")
        make = self._make
        shape = ["texts", "tokens", WIDTH]
        float32, int32 = (make.np_dtype_to_tensor_dtype(np.dtype(name)) for name in ("float32", "int32"))
        inputs = [
            make.make_tensor_value_info("hidden", float32, shape),
            make.make_tensor_value_info("lengths", int32, ["texts"]),
        ]
        outputs = [make.make_tensor_value_info("output", float32, shape)]
        graph = make.make_graph(self._nodes, "e5", inputs, outputs, self._stored)
        opsets = [make.make_opsetid("", _OPSET), make.make_opsetid(_FUSED, 1)]
        model = make.make_model(graph, opset_imports=opsets, ir_version=_IR_VERSION)
        serialized: bytes = model.SerializeToString()
        return serialized

    def _layer(self, hidden: str, layer: str) -> str:
        """Attention and a feed-forward network. Each result is added to its input and then normalised."""
        together = self._linear(hidden, [f"{layer}{name}" for name in ("q", "k", "v")], WIDTH)
        parts = [f"{layer}query", f"{layer}key", f"{layer}value"]
        self._nodes.append(self._make.make_node("Split", [together], parts, axis=2, num_outputs=3))
        attended = f"{layer}attended"
        self._node("MultiHeadAttention", [*parts, "", "lengths"], attended, _FUSED, num_heads=HEADS)
        joined = self._linear(attended, [f"{layer}ao"], WIDTH)
        middle = self._added_and_normalised(hidden, joined, f"{layer}aln")
        widened = self._node("Gelu", [self._linear(middle, [f"{layer}fi"], WIDTH)], f"{layer}widened", _FUSED)
        narrowed = self._linear(widened, [f"{layer}fo"], INNER)
        return self._added_and_normalised(middle, narrowed, f"{layer}oln")

    def _linear(self, given: str, names: list[str], columns: int) -> str:
        """Multiplies by the matrices of these names, side by side, and adds their biases."""
        matrix = np.concatenate([self._weights.matrix(f"{name}.w", columns) for name in names])
        scales = np.maximum(matrix.max(axis=1), -matrix.min(axis=1)) / _WEIGHT_MAX
        matrix /= scales[:, None]  # in its place: some MB for each copy take longer than the arithmetic
        steps = np.rint(matrix, out=matrix).astype(np.int8)
        name = names[0]
        self._store(f"{name}.steps", np.ascontiguousarray(steps.T))
        self._store(f"{name}.scales", scales.astype(np.float32))
        self._store(f"{name}.bias", np.concatenate([self._weights.vector(f"{part}.b") for part in names]))
        integers, per_token = self._in_eight_bits(given)
        factors = [integers, f"{name}.steps", "one", f"{name}.scales", "middle"]
        product = self._node("MatMulIntegerToFloat", factors, f"{name}.product", _FUSED)
        scaled = self._node("Mul", [product, per_token], f"{name}.scaled")
        return self._node("Add", [scaled, f"{name}.bias"], f"{name}.output")

    def _in_eight_bits(self, given: str) -> tuple[str, str]:
        """Gives the input as unsigned bytes around 128, and the scale of each token."""
        if given not in self._quantised:
            largest = self._node("ReduceMax", [self._node("Abs", [given], f"{given}.abs"), "last_axis"], f"{given}.max")
            scale = self._node("Mul", [largest, "per_step"], f"{given}.scale")
            scale = self._node("Max", [scale, "smallest"], f"{given}.scale_above_0")
            steps = self._node("Div", [given, scale], f"{given}.steps")
            integers = self._node("QuantizeLinear", [steps, "one", "middle"], f"{given}.integers")
            self._quantised[given] = (integers, scale)
        return self._quantised[given]

    def _added_and_normalised(self, one: str, other: str, name: str) -> str:
        parameters = [self._store(f"{name}.{part}", self._weights.vector(f"{name}.{part}")) for part in ("w", "b")]
        inputs = [one, other, *parameters]
        return self._node("SkipLayerNormalization", inputs, f"{name}.output", _FUSED, epsilon=EPSILON)

    def _node(self, operator: str, inputs: list[str], output: str, domain: str = "", **attributes: Any) -> str:
        self._nodes.append(self._make.make_node(operator, inputs, [output], domain=domain, **attributes))
        return output

    def _store(self, name: str, tensor: np.ndarray) -> str:
        self._stored.append(self._from_array(tensor, name))
        return name

#!/usr/bin/env python3
"""Build the weight-less ONNX graph of a sentence encoder by hand.

The graph holds structure only. Every weight is an external initializer that points into the
model's own ``model.safetensors`` by byte offset, so the published weights file is used unchanged
and the graph is a few tens of kilobytes that can be committed and reviewed.

Inputs:  ``input_ids``, ``attention_mask``, int64 [batch, sequence]
Output:  ``last_hidden_state``, float32 [batch, sequence, hidden] (pooling is left to the caller)

Only standard operators of opset 17 are used. Hidden states stay two-dimensional,
[batch * sequence, hidden], so that each linear layer is one ``Gemm`` with ``transB=1`` on the
weight as stored, [out, in], and nothing is transposed when a session is made.

The BERT graph has no ``token_type_ids`` input: sentences are always segment 0, so row 0 of that
embedding is added as a constant. The MPNet relative position buckets are a constant table made in
integer arithmetic. The same inputs give the same bytes. Needs numpy and onnx.

    build_graphs.py --model all-MiniLM-L6-v2 --model-dir DIR --output all-MiniLM-L6-v2.onnx
"""

import argparse
import json
import math
import struct
from pathlib import Path

import numpy as np
from onnx import TensorProto, helper, numpy_helper

WEIGHTS = "model.safetensors"
OPSET = 17
IR_VERSION = 8
MASKED = float(np.finfo(np.float32).min)
ATTENTION = {  # names of query, key, value and output layer and of the norm, within a layer
    "bert": ["self.query", "self.key", "self.value", "output.dense", "output.LayerNorm"],
    "mpnet": ["attn.q", "attn.k", "attn.v", "attn.o", "LayerNorm"],
}
MODELS = {"all-MiniLM-L6-v2": "bert", "all-mpnet-base-v2": "mpnet"}


class Graph:
    """Collects nodes and initializers; names follow from the order of the calls."""

    def __init__(self, weights):
        with open(weights, "rb") as file:
            (size,) = struct.unpack("<Q", file.read(8))
            self.header = json.loads(file.read(size))
        self.data_start = 8 + size
        self.nodes = []
        self.initializers = {}
        self.constants = {}

    def op(self, kind, *inputs, output=None, **attributes):
        """Append a node with one output and return that output's name."""
        output = output or f"{kind}_{len(self.nodes) + 1}"
        self.nodes.append(helper.make_node(kind, list(inputs), [output], **attributes))
        return output

    def constant(self, value, dtype):
        """Name of a small inline constant; equal constants are stored once."""
        value = np.asarray(value, dtype)
        key = (value.dtype.str, value.shape, value.tobytes())
        if key not in self.constants:
            name = f"const_{len(self.constants)}"
            self.constants[key] = name
            self.initializers[name] = numpy_helper.from_array(value, name)
        return self.constants[key]

    def i64(self, *values):
        """Name of a one-dimensional int64 constant."""
        return self.constant(values, np.int64)

    def weight(self, name, row=None):
        """Name of an external initializer: the tensor ``name``, or one row of it."""
        entry = self.header[name]
        if entry["dtype"] != "F32":
            raise ValueError(f"{name} is {entry['dtype']}, expected F32")
        shape, (start, end) = entry["shape"], entry["data_offsets"]
        if row is not None:
            width = (end - start) // shape[0]
            name, shape = f"{name}[{row}]", shape[1:]
            start, end = start + row * width, start + (row + 1) * width
        if name not in self.initializers:
            tensor = TensorProto(name=name, data_type=TensorProto.FLOAT, dims=shape)
            tensor.data_location = TensorProto.EXTERNAL
            place = {"location": WEIGHTS, "offset": self.data_start + start, "length": end - start}
            for key, value in place.items():
                tensor.external_data.add(key=key, value=str(value))
            self.initializers[name] = tensor
        return name

    def linear(self, x, layer):
        """x [rows, in] times the stored weight [out, in] transposed, plus the bias."""
        return self.op("Gemm", x, self.weight(f"{layer}.weight"), self.weight(f"{layer}.bias"), transB=1)


def position_bucket(distance):
    """MPNet's bucket of a key's position minus the query's (32 buckets, maximum distance 128).

    The reference takes 8 + floor(8 * log(d / 8) / log(16)) of the distance d from 8 on, which is
    floor(2 * log2(d)) + 2, that is the bit length of d squared, plus 1.
    """
    side, d = (16 if distance > 0 else 0), abs(distance)
    return side + (d if d < 8 else min((d * d).bit_length() + 1, 15))


def mpnet_position_bias(g, sequence, positions):
    """Additive attention bias [1, heads, sequence, sequence] from the relative positions."""
    table = [position_bucket(d) for d in range(1 - positions, positions)]
    steps = g.op("Range", g.constant(0, np.int64), g.op("Squeeze", sequence), g.constant(1, np.int64))
    distance = g.op("Sub", g.op("Unsqueeze", steps, g.i64(0)), g.op("Unsqueeze", steps, g.i64(1)))
    index = g.op("Add", distance, g.constant(positions - 1, np.int64))
    bucket = g.op("Cast", g.op("Gather", g.constant(table, np.uint8), index), to=TensorProto.INT64)
    bias = g.op("Gather", g.weight("encoder.relative_attention_bias.weight"), bucket)
    return g.op("Unsqueeze", g.op("Transpose", bias, perm=[2, 0, 1]), g.i64(0))


def build(kind, config, weights):
    """Return the ONNX model of a ``bert`` or ``mpnet`` encoder over the file ``weights``."""
    g = Graph(weights)
    hidden, heads = config["hidden_size"], config["num_attention_heads"]
    size = hidden // heads

    def norm(x, layer):
        """Layer normalisation, spelt out: ONNX Runtime 1.28 runs LayerNormalization a number at a time, a tenth of the whole
        time; these operators use vector units. (d * d and the reciprocal keep its optimiser from joining them again.)"""
        d = g.op("Sub", x, g.op("ReduceMean", x, axes=[-1]))
        variance = g.op("ReduceMean", g.op("Mul", d, d), axes=[-1])
        deviation = g.op("Sqrt", g.op("Add", variance, g.constant(config["layer_norm_eps"], np.float32)))
        scaled = g.op("Mul", g.op("Mul", d, g.op("Reciprocal", deviation)), g.weight(f"{layer}.weight"))
        return g.op("Add", scaled, g.weight(f"{layer}.bias"))

    # Embeddings.
    ids_shape = g.op("Shape", "input_ids")
    sequence = g.op("Shape", "input_ids", start=1, end=2)
    x = g.op("Gather", g.weight("embeddings.word_embeddings.weight"), "input_ids")
    table = g.weight("embeddings.position_embeddings.weight")
    if kind == "mpnet":
        # Positions count the tokens that are not padding, from the padding id + 1 on.
        pad = g.constant(config["pad_token_id"], np.int64)
        real = g.op("Cast", g.op("Not", g.op("Equal", "input_ids", pad)), to=TensorProto.INT64)
        count = g.op("Mul", g.op("CumSum", real, g.constant(1, np.int64)), real)
        position = g.op("Gather", table, g.op("Add", count, pad))
    else:
        first = g.op("Slice", table, g.i64(0), sequence, g.i64(0))
        position = g.op("Add", first, g.weight("embeddings.token_type_embeddings.weight", row=0))
    x = norm(g.op("Add", x, position), "embeddings.LayerNorm")

    # What is added to every attention score: a huge negative number where a key is masked.
    mask = g.op("Cast", "attention_mask", to=TensorProto.FLOAT)
    off = g.op("Sub", g.constant(1, np.float32), mask)
    bias = g.op("Unsqueeze", g.op("Mul", off, g.constant(MASKED, np.float32)), g.i64(1, 2))
    if kind == "mpnet":
        longest = config["max_position_embeddings"] - config["pad_token_id"] - 1
        bias = g.op("Add", mpnet_position_bias(g, sequence, longest), bias)

    split = g.op("Concat", ids_shape, g.i64(heads, size), axis=0)
    rows = g.i64(-1, hidden)
    scale = g.constant(1 / math.sqrt(size), np.float32)
    x = g.op("Reshape", x, rows)
    for number in range(config["num_hidden_layers"]):
        layer = f"encoder.layer.{number}"
        query, key, value, output, attention_norm = (f"{layer}.attention.{n}" for n in ATTENTION[kind])
        q, k, v = (
            g.op("Transpose", g.op("Reshape", g.linear(x, n), split), perm=perm)
            for n, perm in ((query, [0, 2, 1, 3]), (key, [0, 2, 3, 1]), (value, [0, 2, 1, 3]))
        )
        score = g.op("Add", g.op("Mul", g.op("MatMul", q, k), scale), bias)
        mixed = g.op("MatMul", g.op("Softmax", score, axis=-1), v)
        mixed = g.op("Reshape", g.op("Transpose", mixed, perm=[0, 2, 1, 3]), rows)
        x = norm(g.op("Add", g.linear(mixed, output), x), attention_norm)
        # The exact gelu: f * (1 + erf(f / sqrt(2))) / 2.
        f = g.linear(x, f"{layer}.intermediate.dense")
        erf = g.op("Erf", g.op("Div", f, g.constant(math.sqrt(2), np.float32)))
        twice = g.op("Mul", f, g.op("Add", erf, g.constant(1, np.float32)))
        f = g.op("Mul", twice, g.constant(0.5, np.float32))
        x = norm(g.op("Add", g.linear(f, f"{layer}.output.dense"), x), f"{layer}.output.LayerNorm")
    shape = g.op("Concat", ids_shape, g.i64(hidden), axis=0)
    result = g.op("Reshape", x, shape, output="last_hidden_state")

    info = helper.make_tensor_value_info
    inputs = [info(n, TensorProto.INT64, ["batch", "sequence"]) for n in ("input_ids", "attention_mask")]
    outputs = [info(result, TensorProto.FLOAT, ["batch", "sequence", hidden])]
    graph = helper.make_graph(g.nodes, kind, inputs, outputs, list(g.initializers.values()))
    opset = helper.make_opsetid("", OPSET)
    return helper.make_model(graph, opset_imports=[opset], producer_name="build_graphs", ir_version=IR_VERSION)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--model", required=True, choices=MODELS, help="which encoder to build")
    parser.add_argument("--model-dir", required=True, type=Path, help=f"folder with config.json and {WEIGHTS}")
    parser.add_argument("--output", required=True, type=Path, help="the ONNX file to write")
    args = parser.parse_args()
    kind = MODELS[args.model]
    config = json.loads((args.model_dir / "config.json").read_text(encoding="utf-8"))
    if config["model_type"] != kind or config["hidden_act"] != "gelu":
        parser.error(f"{args.model_dir / 'config.json'} does not describe {args.model}")
    model = build(kind, config, args.model_dir / WEIGHTS)
    args.output.write_bytes(model.SerializeToString(deterministic=True))
    print(f"{args.output}: {len(model.graph.node)} nodes, {args.output.stat().st_size} bytes")


if __name__ == "__main__":
    main()

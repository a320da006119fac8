#!/usr/bin/env python3
"""Build the weight-less int8 graph of all-MiniLM-L6-v2, and the reference vectors that it is held against.

    build_int8.py --model-dir DIR [--tensors FILE]

Reads `all-MiniLM-L6-v2.int8.json` beside it, the table of calibrate_int8.py, and writes there

- `all-MiniLM-L6-v2.int8.onnx`, the graph;
- `all-MiniLM-L6-v2.int8.known.json`, token ids with their vectors, for the test that the program makes of itself;

and `tests/it/golden/encoder/all-MiniLM-L6-v2.int8.f32`, the vectors of the golden texts (make_encoder_goldens.py has the
format). Vectors are those of the numpy reference, not of ONNX Runtime.

The graph holds structure only: every number is an external initializer that points into the file of tensors which
routecal makes on first use from the published `model.safetensors` and the table. That file is made here too, to print its
size and sha256, which src/encode/int8 pins.

Input:   ``input_ids``, int64 [batch, sequence], texts of one length
Output:  ``sentence_embedding``, float32 [batch, 384], mean pooled and of length 1

There is no mask and nothing to pad: without one ONNX Runtime computes attention block by block, which is quicker, and a text
meets the same operators in whatever batch it comes. (With masks where they are needed and none elsewhere, a text's numbers
would depend on its batch: the two ways differ in last digits, which rounding to uint8 multiplies to 3e-3.)

Activations become uint8 with one fixed scale and zero point a tensor, so that a text's numbers do not depend on its batch;
`MatMulIntegerToFloat` and `MultiHeadAttention` are of ONNX Runtime's own domain, `Gelu` of opset 20. Hidden states stay
two-dimensional, [batch * sequence, hidden]: ONNX Runtime fuses the three-dimensional add and normalise into one operator
which is slower. Layer normalisation is written out for the same reason: the operator's loops are scalar, and took a quarter
of the time. The same inputs give the same graph.

Needs numpy==2.4.6, scipy==1.17.1, onnx==1.23.2 and tokenizers==0.23.3, and the model's folder.
"""

import argparse
import hashlib
import json
import sys
from pathlib import Path

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from int8_model import EPSILON, HEADS, LAYERS, WIDTH, int8_products, layout, quantise, read_safetensors, run, to_bytes
from tokenizers import Tokenizer

HERE = Path(__file__).resolve().parent
GOLDENS = HERE.parents[2] / "tests/it/golden/encoder"
MODEL = "all-MiniLM-L6-v2"
TENSORS = "tensors.bin"
KNOWN = ["river", "How many eggs do I need for a cake with three layers?", "for (i = 0; i < n; ++i) { sum += v[i]; }", "\u96e8\u306e\u65e5\u306e\u7269\u8a9e"]
OPSET, IR_VERSION = 20, 9
RUNTIME = "com.microsoft"


class Graph:
    """Collects nodes and initializers; names follow from the order of the calls."""

    def __init__(self, tensors):
        self.tensors = tensors
        self.offsets, _ = layout(tensors)
        self.nodes, self.initializers = [], {}

    def op(self, kind, *inputs, output=None, domain="", **attributes):
        """Append a node with one output and return that output's name."""
        output = output or f"{kind}_{len(self.nodes) + 1}"
        self.nodes.append(helper.make_node(kind, list(inputs), [output], domain=domain, **attributes))
        return output

    def i64(self, *values):
        """Name of a one-dimensional int64 constant."""
        name = "const_" + "_".join(str(v) for v in values)
        self.initializers[name] = numpy_helper.from_array(np.array(values, np.int64), name)
        return name

    def f32(self, name, value):
        """Name of a constant number."""
        self.initializers[name] = numpy_helper.from_array(np.float32(value), name)
        return name

    def tensor(self, name):
        """Name of an external initializer: the tensor `name` of the file."""
        if name not in self.initializers:
            array = self.tensors[name]
            kind = helper.np_dtype_to_tensor_dtype(array.dtype)
            tensor = TensorProto(name=name, data_type=kind, dims=array.shape, data_location=TensorProto.EXTERNAL)
            for key, value in {"location": TENSORS, "offset": self.offsets[name], "length": array.nbytes}.items():
                tensor.external_data.add(key=key, value=str(value))
            self.initializers[name] = tensor
        return name

    def norm(self, x, name):
        """Layer normalisation of the rows, written out."""
        last = self.i64(-1)
        centred = self.op("Sub", x, self.op("ReduceMean", x, last))
        variance = self.op("ReduceMean", self.op("Mul", centred, centred), last)
        deviation = self.op("Sqrt", self.op("Add", variance, self.f32("epsilon", EPSILON)))
        x = self.op("Mul", centred, self.op("Reciprocal", deviation))
        return self.op("Add", self.op("Mul", x, self.tensor(f"{name}.weight")), self.tensor(f"{name}.bias"))

    def uint8(self, x, name):
        """x as uint8, in the fixed range of the product `name`."""
        if f"{name}.unsmooth" in self.tensors:
            x = self.op("Mul", x, self.tensor(f"{name}.unsmooth"))
        return self.op("QuantizeLinear", x, self.tensor(f"{name}.in_scale"), self.tensor(f"{name}.in_zero"))

    def product(self, x, name, part="", bias=True):
        """The uint8 x times the int8 weight, as fp32, with the bias if it has one here."""
        inputs = [x, self.tensor(f"{name}{part}.weight"), self.tensor(f"{name}.in_scale"), self.tensor(f"{name}{part}.scale")]
        inputs += [self.tensor(f"{name}.in_zero"), ""] + ([self.tensor(f"{name}.bias")] if bias else [])
        return self.op("MatMulIntegerToFloat", *inputs, domain=RUNTIME)


def build(tensors):
    """Return the ONNX model over the tensors."""
    g = Graph(tensors)
    ids_shape, sequence = g.op("Shape", "input_ids"), g.op("Shape", "input_ids", start=1, end=2)
    rows, spread = g.i64(-1, WIDTH), g.op("Concat", ids_shape, g.i64(WIDTH), axis=0)
    x = g.op("Cast", g.op("Gather", g.tensor("words"), "input_ids"), to=TensorProto.FLOAT)
    x = g.op("Mul", x, g.op("Unsqueeze", g.op("Gather", g.tensor("words.scale"), "input_ids"), g.i64(-1)))
    x = g.op("Add", x, g.op("Slice", g.tensor("positions"), g.i64(0), sequence, g.i64(0)))
    x = g.op("Reshape", g.norm(x, "norm"), rows)
    for layer in range(LAYERS):
        name = f"{layer}.qkv"
        narrow = g.uint8(x, name)
        parts = [g.op("Reshape", g.product(narrow, name, part, bias=False), spread) for part in "qkv"]
        mixed = g.op("MultiHeadAttention", *parts, g.tensor(f"{name}.bias"), domain=RUNTIME, num_heads=HEADS)
        mixed = g.op("Reshape", mixed, rows)
        name = f"{layer}.o"
        x = g.norm(g.op("Add", g.product(g.uint8(mixed, name), name), x), f"{layer}.norm1")
        name = f"{layer}.f1"
        inner = g.op("Gelu", g.product(g.uint8(x, name), name))
        units = g.op("Gelu", g.op("Gemm", x, g.tensor(f"{layer}.units.in"), g.tensor(f"{layer}.units.bias")))
        name = f"{layer}.f2"
        outer = g.op("Add", g.product(g.uint8(inner, name), name), g.op("MatMul", units, g.tensor(f"{layer}.units.out")))
        x = g.norm(g.op("Add", outer, x), f"{layer}.norm2")
    # The sum: a mean's divisor cancels in the normalisation. As a product, since ReduceSum takes one text in another order than many.
    ones = helper.make_tensor("one", TensorProto.FLOAT, [1], [1.0])
    ones = g.op("ConstantOfShape", g.op("Concat", g.i64(1, 1), sequence, axis=0), value=ones)
    pooled = g.op("Squeeze", g.op("MatMul", ones, g.op("Reshape", x, spread)), g.i64(1))
    result = g.op("LpNormalization", pooled, output="sentence_embedding", axis=-1, p=2)

    info = helper.make_tensor_value_info
    inputs = [info("input_ids", TensorProto.INT64, ["batch", "sequence"])]
    outputs = [info(result, TensorProto.FLOAT, ["batch", WIDTH])]
    graph = helper.make_graph(g.nodes, "bert-int8", inputs, outputs, list(g.initializers.values()))
    opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid(RUNTIME, 1)]
    return helper.make_model(graph, opset_imports=opsets, producer_name="build_int8", ir_version=IR_VERSION)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--model-dir", required=True, type=Path, help="folder with model.safetensors and tokenizer.json")
    parser.add_argument("--tensors", type=Path, help="also write the file of tensors here")
    args = parser.parse_args()
    weights = args.model_dir / "model.safetensors"
    table = json.loads((HERE / f"{MODEL}.int8.json").read_text(encoding="utf-8"))
    if hashlib.sha256(weights.read_bytes()).hexdigest() != table["weights_sha256"]:
        sys.exit(f"{weights} is not the file that the table was made for")
    tensors = quantise(read_safetensors(weights), table)
    raw = to_bytes(tensors)
    if args.tensors:
        args.tensors.write_bytes(raw)
    print(f"tensors: {len(raw)} bytes, sha256 {hashlib.sha256(raw).hexdigest()}")
    graph = build(tensors)
    (HERE / f"{MODEL}.int8.onnx").write_bytes(graph.SerializeToString(deterministic=True))
    print(f"graph: {len(graph.graph.node)} nodes")

    tokenizer = Tokenizer.from_file(str(args.model_dir / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(256)

    def vectors(texts):
        ids = [encoding.ids for encoding in tokenizer.encode_batch(texts)]
        return ids, run(tensors, ids, int8_products(tensors))

    ids, known = vectors(KNOWN)
    known = [[round(float(x), 4) for x in row] for row in known]
    (HERE / f"{MODEL}.int8.known.json").write_text(json.dumps({"ids": ids, "vectors": known}) + "\n", newline="\n")
    _, goldens = vectors(json.loads((GOLDENS / "texts.json").read_text(encoding="utf-8")))
    (GOLDENS / f"{MODEL}.int8.f32").write_bytes(goldens.astype("<f4").tobytes())


if __name__ == "__main__":
    main()

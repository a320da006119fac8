"""What calibrate_int8.py and build_int8.py share: the model in numpy, and the rule by which its tensors become int8.

The model is all-MiniLM-L6-v2: 6 layers, 384 wide, 12 heads, 1,536 feed-forward units. In each layer four products
take int8: `qkv` (query, key and value from the hidden states), `o` (attention output), `f1` and `f2` (the two sides of
the feed-forward part).

`quantise` is the reference of src/encode/int8/quantise.rs: single precision throughout, one IEEE operation at a time,
so that both give the same bytes on every processor.
"""

import json
import struct

import numpy as np
from scipy.special import erf

LAYERS, WIDTH, HEADS, UNITS, POSITIONS = 6, 384, 12, 1536, 256
EPSILON = 1e-12
# Each tensor begins at a multiple of this many bytes.
ALIGNMENT = 64
f32 = np.float32


def read_safetensors(path):
    """Every tensor of the file as an array."""
    raw = path.read_bytes()
    (size,) = struct.unpack("<Q", raw[:8])
    header = json.loads(raw[8 : 8 + size])
    header.pop("__metadata__", None)
    tensors = {}
    for name, entry in header.items():
        start, end = entry["data_offsets"]
        if entry["dtype"] == "F32":
            data = np.frombuffer(raw, "<f4", (end - start) // 4, 8 + size + start)
            tensors[name] = data.reshape(entry["shape"])
    return tensors


def names(layer):
    """The linear layers behind the four products of a layer."""
    at = f"encoder.layer.{layer}"
    return {
        "qkv": [f"{at}.attention.self.{n}" for n in ("query", "key", "value")],
        "o": [f"{at}.attention.output.dense"],
        "f1": [f"{at}.intermediate.dense"],
        "f2": [f"{at}.output.dense"],
    }


def weights_of(tensors, layer, kind):
    """Weight [in, out] and bias [out] of one product."""
    parts = names(layer)[kind]
    weight = np.concatenate([tensors[f"{n}.weight"] for n in parts]).T
    return weight, np.concatenate([tensors[f"{n}.bias"] for n in parts])


# --- The rule -------------------------------------------------------------------------------------------------------


def int8_columns(weight):
    """weight [in, out] as int8 and one scale a column.

    The scale is the least that brings the column into -127 ... 127 and that keeps |a| + |b| <= 128 for the two weights of
    rows 2i and 2i + 1 where they have one sign: a processor without VNNI adds the two products with activations of up to
    255 in 16 bits, and 255 * 128 still fits.
    """
    weight = np.ascontiguousarray(weight, f32)
    first, second = weight[0::2], weight[1::2]
    same = np.signbit(first) == np.signbit(second)
    pair = np.where(same, np.abs(first) + np.abs(second), f32(0)).max(0)
    scale = np.maximum(np.abs(weight).max(0) / f32(127), pair / f32(127.4)).astype(f32)
    scale[scale == 0] = 1
    while True:
        whole = np.clip(np.rint(weight / scale), f32(-127), f32(127))
        first, second = whole[0::2], whole[1::2]
        over = ((first * second > 0) & (np.abs(first) + np.abs(second) > 128)).any(0)
        if not over.any():
            return whole.astype(np.int8), scale
        scale[over] = scale[over] * f32(1.002)


def int8_rows(table):
    """table [rows, width] as int8 and one scale a row."""
    scale = (np.abs(table).max(1) / f32(127)).astype(f32)
    scale[scale == 0] = 1
    return np.clip(np.rint(table / scale[:, None]), f32(-127), f32(127)).astype(np.int8), scale


def quantise(tensors, table):
    """The tensors of the int8 graph, by name, in the order in which they lie in the file."""
    out = {}
    words, scales = int8_rows(tensors["embeddings.word_embeddings.weight"])
    out["words"], out["words.scale"] = words, scales
    segment = tensors["embeddings.token_type_embeddings.weight"][0]
    out["positions"] = tensors["embeddings.position_embeddings.weight"][:POSITIONS] + segment
    out["norm.weight"] = tensors["embeddings.LayerNorm.weight"]
    out["norm.bias"] = tensors["embeddings.LayerNorm.bias"]
    for layer, constants in enumerate(table["layers"]):
        at = f"encoder.layer.{layer}"
        product = {kind: weights_of(tensors, layer, kind) for kind in names(layer)}
        mixed = np.array(constants["o"]["smooth"], f32)
        units = constants["f2"]["fp32_units"]

        # The attention output's smoothing is divided out of the values that it mixes.
        weight, bias = (a.copy() for a in product["qkv"])
        weight[:, 2 * WIDTH :] /= mixed
        bias[2 * WIDTH :] /= mixed
        smooth = np.array(constants["qkv"]["smooth"], f32)
        put(out, f"{layer}.qkv", weight * smooth[:, None], bias, constants["qkv"], split=True)
        weight, bias = product["o"]
        put(out, f"{layer}.o", weight * mixed[:, None], bias, constants["o"])
        out[f"{layer}.norm1.weight"] = tensors[f"{at}.attention.output.LayerNorm.weight"]
        out[f"{layer}.norm1.bias"] = tensors[f"{at}.attention.output.LayerNorm.bias"]

        # The units with the largest activations go past the int8 products: there they are zero.
        weight, bias = (a.copy() for a in product["f1"])
        back, back_bias = (a.copy() for a in product["f2"])
        out[f"{layer}.units.in"], out[f"{layer}.units.bias"] = weight[:, units], bias[units]
        out[f"{layer}.units.out"] = back[units]
        weight[:, units], bias[units], back[units] = 0, 0, 0
        smooth = np.array(constants["f1"]["smooth"], f32)
        put(out, f"{layer}.f1", weight * smooth[:, None], bias, constants["f1"])
        put(out, f"{layer}.f2", back, back_bias, constants["f2"])
        out[f"{layer}.norm2.weight"] = tensors[f"{at}.output.LayerNorm.weight"]
        out[f"{layer}.norm2.bias"] = tensors[f"{at}.output.LayerNorm.bias"]
    return {name: np.ascontiguousarray(array).reshape(np.shape(array)) for name, array in out.items()}


def put(out, name, weight, bias, constants, split=False):
    """Adds the tensors of one product: what its input is multiplied by and quantised with, then the weights."""
    if "smooth" in constants and not name.endswith(".o"):
        out[f"{name}.unsmooth"] = f32(1) / np.array(constants["smooth"], f32)
    out[f"{name}.in_scale"] = np.array(constants["scale"], f32)
    out[f"{name}.in_zero"] = np.array(constants["zero_point"], np.uint8)
    whole, scale = int8_columns(weight)
    parts = [("q", 0), ("k", 1), ("v", 2)] if split else [("", None)]
    for part, third in parts:
        columns = slice(None) if third is None else slice(third * WIDTH, (third + 1) * WIDTH)
        out[f"{name}{part}.weight"] = whole[:, columns]
        out[f"{name}{part}.scale"] = scale[columns]
    out[f"{name}.bias"] = bias


def layout(tensors):
    """Offset of each tensor, and the size of the file."""
    offsets, end = {}, 0
    for name, array in tensors.items():
        offsets[name] = end = -(-end // ALIGNMENT) * ALIGNMENT
        end += array.nbytes
    return offsets, end


def to_bytes(tensors):
    """The file: each tensor little-endian and row-major at its offset, zeros between."""
    offsets, size = layout(tensors)
    raw = bytearray(size)
    for name, array in tensors.items():
        data = array.astype(array.dtype.newbyteorder("<")).tobytes()
        raw[offsets[name] : offsets[name] + len(data)] = data
    return bytes(raw)


# --- The model ------------------------------------------------------------------------------------------------------


def norm(x, weight, bias):
    """Layer normalisation of the rows, and each row's variance."""
    variance = x.var(1, keepdims=True)
    return (x - x.mean(1, keepdims=True)) / np.sqrt(variance + f32(EPSILON)) * weight + bias, variance[:, 0]


def gelu(x):
    """The exact one."""
    return (x * (erf(x / np.sqrt(2)) + 1) * 0.5).astype(f32)


def attend(qkv, ends):
    """Multi-head attention within each sequence; rows [tokens, 3 * width], `ends` the sequences' last rows + 1."""
    size = WIDTH // HEADS
    out = np.empty((len(qkv), WIDTH), f32)
    for start, end in zip([0, *ends[:-1]], ends):
        q, k, v = (part.reshape(-1, HEADS, size).transpose(1, 0, 2) for part in np.split(qkv[start:end], 3, 1))
        score = q @ k.transpose(0, 2, 1) / f32(np.sqrt(size))
        score = np.exp(score - score.max(2, keepdims=True))
        mixed = (score / score.sum(2, keepdims=True)) @ v
        out[start:end] = mixed.transpose(1, 0, 2).reshape(-1, WIDTH)
    return out


def plain(tensors):
    """The fp32 model's embeddings and norms under the names of `quantise`."""
    words = tensors["embeddings.word_embeddings.weight"]
    kept = {"words": words, "words.scale": np.ones(len(words), f32)}
    kept["positions"] = tensors["embeddings.position_embeddings.weight"] + tensors["embeddings.token_type_embeddings.weight"][0]
    norms = {"norm": "embeddings.LayerNorm"}
    for layer in range(LAYERS):
        norms[f"{layer}.norm1"] = f"encoder.layer.{layer}.attention.output.LayerNorm"
        norms[f"{layer}.norm2"] = f"encoder.layer.{layer}.output.LayerNorm"
    for ours, theirs in norms.items():
        kept[f"{ours}.weight"], kept[f"{ours}.bias"] = tensors[f"{theirs}.weight"], tensors[f"{theirs}.bias"]
    return kept


def run(kept, sequences, linear, see_variance=lambda layer, kind, variance: None):
    """Unit vectors [sequences, width] of sequences of token ids, each alone.

    `kept` are the tensors of `plain` or `quantise`; `linear(layer, kind, x)` is one of the four products, bias included.
    """
    ends = np.cumsum([len(s) for s in sequences])
    ids = np.concatenate(sequences)
    places = np.concatenate([np.arange(len(s)) for s in sequences])
    x = kept["words"][ids].astype(f32) * kept["words.scale"][ids, None] + kept["positions"][places]
    x, _ = norm(x, kept["norm.weight"], kept["norm.bias"])
    for layer in range(LAYERS):
        x1 = linear(layer, "o", attend(linear(layer, "qkv", x), ends)) + x
        x, variance = norm(x1, kept[f"{layer}.norm1.weight"], kept[f"{layer}.norm1.bias"])
        see_variance(layer, "o", variance)
        x1 = linear(layer, "f2", gelu(linear(layer, "f1", x))) + x
        if f"{layer}.units.in" in kept:
            units = gelu(x @ kept[f"{layer}.units.in"] + kept[f"{layer}.units.bias"])
            x1 = x1 + units @ kept[f"{layer}.units.out"]
        x, variance = norm(x1, kept[f"{layer}.norm2.weight"], kept[f"{layer}.norm2.bias"])
        see_variance(layer, "f2", variance)
    sums = np.add.reduceat(x, [0, *ends[:-1]])
    return sums / np.linalg.norm(sums, axis=1, keepdims=True)


def int8_products(tensors):
    """The four products over the tensors of `quantise`, with exact sums of whole numbers."""

    def linear(layer, kind, x):
        name = f"{layer}.{kind}"
        x = x * tensors[f"{name}.unsmooth"] if f"{name}.unsmooth" in tensors else x
        scale, zero = tensors[f"{name}.in_scale"], float(tensors[f"{name}.in_zero"])
        narrow = np.clip(np.rint(x / scale) + zero, 0, 255) - zero
        parts = [f"{name}{p}" for p in ("qkv" if kind == "qkv" else [""])]
        # Whole numbers below 2^53 are exact in double precision, whatever the order of the sum.
        sums = [narrow.astype(float) @ tensors[f"{p}.weight"].astype(float) for p in parts]
        scales = np.concatenate([tensors[f"{p}.scale"] for p in parts]) * scale
        return np.concatenate(sums, 1).astype(f32) * scales + tensors[f"{name}.bias"]

    return linear

"""Makes nested.parquet: columns of every kind that the Hugging Face hub has beside a text and a label. pyarrow 22.0.0."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

N = 3
message = pa.struct([("role", pa.string()), ("content", pa.string())])
table = pa.table(
    {
        "prompt": [f"prompt {i}" for i in range(N)],
        "label": ["coding", "creative", "none"],
        "messages": pa.array([[{"role": "user", "content": "hi"}]] * N, pa.list_(message)),
        "image": pa.array([{"bytes": b"x", "path": "p"}] * N),
        "when": pa.array([1] * N, pa.timestamp("us")),
        "day": pa.array([1] * N, pa.date32()),
        "price": pa.array([None] * N, pa.decimal128(10, 2)),
        "half": pa.array([None] * N, pa.float16()),
        "pair": pa.array([[1, 2]] * N, pa.list_(pa.int32(), 2)),
        "small": pa.array([1] * N, pa.int8()),
        "map": pa.array([[("a", 1)]] * N, pa.map_(pa.string(), pa.int32())),
    }
)
pq.write_table(table, Path(__file__).with_name("nested.parquet"))

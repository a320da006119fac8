"""Makes chats.parquet, chats as the Hugging Face hub has them with times and small numbers, and chats.jsonl, the same rows as text.

pyarrow 26.0.1.
"""

import json
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

HERE = Path(__file__).resolve().parent
WORDS = {"coding": "rust loop array", "creative": "poem ocean verse", "factual": "capital river year", "none": "shoes sofa dinner"}
START = datetime(2026, 11, 23, 22, 30, 0, 250_000, tzinfo=timezone.utc)


def chat(i, prompt):
    """A chat whose last message of the user is the prompt: with a system prompt, with turns before it, and answered."""
    messages = [{"role": "system", "content": "You are terse."}] if i % 2 else []
    if i % 3 == 0:
        messages += [{"role": "user", "content": "Hello"}, {"role": "assistant", "content": "Hello! What shall it be?"}]
    messages.append({"role": "user", "content": prompt})
    return messages + ([{"role": "assistant", "content": None}] if i % 4 == 0 else [])


rows = []
for i in range(16):
    label, words = list(WORDS.items())[i % 4]
    when = START + timedelta(hours=7 * i)
    split = "calibration" if i % 8 < 4 else "test"
    rows.append({"messages": chat(i, f"{words} {i}"), "label": label, "split": split, "time": when, "day": when.date(), "level": i % 3 - 1})
# Where one chat has no message of the user.
for i, row in enumerate(rows):
    row["mute"] = chat(1, "x")[: 1 if i == 7 else 2]

# Roles by a dictionary, as pandas has categories.
message = pa.struct([("role", pa.dictionary(pa.int8(), pa.string())), ("content", pa.string())])
schema = pa.schema(
    [
        ("messages", pa.list_(message)),
        ("label", pa.string()),
        ("split", pa.string()),
        ("time", pa.timestamp("us", tz="UTC")),
        ("day", pa.date32()),
        ("level", pa.int8()),
        ("mute", pa.list_(message)),
    ]
)
# Groups of five rows: the last has one.
pq.write_table(pa.Table.from_pylist(rows, schema), HERE / "chats.parquet", row_group_size=5)
with (HERE / "chats.jsonl").open("w", newline="\n") as file:
    for row in rows:
        time = row["time"].isoformat(timespec="milliseconds").replace("+00:00", "Z")
        file.write(json.dumps(row | {"time": time, "day": row["day"].isoformat(), "level": str(row["level"])}) + "\n")

"""Repositories as the hub has them: synthetic rows in the true native schemas, laid out in the true kinds of files."""

from __future__ import annotations

import io
import json
import random
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

WORDS = ("river", "stone", "light", "winter", "garden", "music", "letter", "engine", "harbour", "copper", "lantern")
SLIMPAJAMA_GROUPS = {
    "RedPajamaCommonCrawl": 54,
    "RedPajamaC4": 29,
    "RedPajamaGithub": 4,
    "RedPajamaBook": 4,
    "RedPajamaArXiv": 3,
    "RedPajamaWikipedia": 3,
    "RedPajamaStackExchange": 3,
}

Row = dict[str, Any]


def text(draw: random.Random, words: int) -> str:
    return " ".join(draw.choice(WORDS) for _ in range(words)) + "."


def openhermes_rows(count: int) -> list[Row]:
    """Chats whose columns are mostly null or missing; some with a system turn, some with an empty answer."""
    draw = random.Random(1)
    rows = []
    for number in range(count):
        turns = [{"from": "system", "value": "You are helpful.", "weight": None}] if number % 10 == 0 else []
        turns.append({"from": "human", "value": f'{number}: {text(draw, 8)}\n"Why?" é {{[', "weight": None})
        turns.append({"from": "gpt", "value": "" if number % 100 == 50 else text(draw, 30), "weight": None})
        row: Row = {"conversations": turns, "source": "airoboros2.2", "category": None, "system_prompt": None}
        if number % 50 == 0:  # types that change from row to row
            row |= {"idx": number if number % 100 else str(number), "views": 2.5, "custom_instruction": False}
        rows.append(row | {"id": f"row-{number}"} if number % 3 else row)
    return rows


def cosmopedia_rows(config: str, count: int) -> list[Row]:
    draw = random.Random(config)
    return [
        {
            "prompt": f"Write a {config} text about {text(draw, 3)}",
            "text_token_length": 40,
            "text": f"{config} {number}: {text(draw, 40)}",
            "seed_data": config,
            "format": "textbook",
            "audience": "general",
        }
        for number in range(count)
    ]


def magpie_rows(count: int) -> list[Row]:
    draw = random.Random(3)
    return [
        {
            "uuid": f"uuid-{number}",
            "conversations": [
                {"from": "human", "value": text(draw, 6)},
                {"from": "gpt", "value": text(draw, 40)},
            ],
        }
        for number in range(count)
    ]


def fineweb_rows(count: int) -> list[Row]:
    draw = random.Random(4)
    return [
        {
            "text": f"{number}: {text(draw, 60)}",
            "id": f"<urn:uuid:{number}>",
            "dump": "CC-MAIN-2024-10",
            "url": f"https://example.org/{number}",
            "file_path": "s3://commoncrawl/a.warc.gz",
            "language": "en",
            "language_score": 0.97,
            "token_count": 61,
            "score": 3.1,
            "int_score": 3,
        }
        for number in range(count)
    ]


def slimpajama_rows(count: int) -> list[Row]:
    draw = random.Random(5)
    names = draw.choices(list(SLIMPAJAMA_GROUPS), list(SLIMPAJAMA_GROUPS.values()), k=count)
    return [
        {"text": f"{number}: {text(draw, 30)}", "meta": {"redpajama_set_name": name}, "__index_level_0__": number}
        for number, name in enumerate(names)
    ]


def finemath_rows(count: int) -> list[Row]:
    draw = random.Random(6)
    fields = {"language": "en", "score": 4.2, "int_score": 4, "token_count": 33, "char_count": 180, "metadata": "{}"}
    return [{"url": f"https://example.org/{number}", "text": text(draw, 30), **fields} for number in range(count)]


def parquet(rows: list[Row], rows_per_group: int) -> bytes:
    out = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows), out, row_group_size=rows_per_group)
    return out.getvalue()


def shards(rows: list[Row], folder: str, files: int, rows_per_group: int, split: str = "train") -> dict[str, bytes]:
    """{path: content} of rows cut into Parquet files, named as the hub names them."""
    size = -(-len(rows) // files)
    return {
        f"{folder}/{split}-{number:05d}-of-{files:05d}.parquet": parquet(
            rows[number * size : (number + 1) * size], rows_per_group
        )
        for number in range(files)
    }


def card(configs: dict[str, str], default: str | None = None) -> bytes:
    """A README whose header names the files of each configuration."""
    lines = ["---", "license: odc-by", "configs:"]
    for name, pattern in configs.items():
        lines += [f"- config_name: {name}", *(["  default: true"] if name == default else [])]
        lines += ["  data_files:", "  - split: train", f"    path: {pattern}"]
    return "\n".join([*lines, "---", "# A dataset", ""]).encode()


def openhermes(count: int = 1500) -> dict[str, bytes]:
    return {"README.md": b"# OpenHermes 2.5\n", "openhermes2_5.json": json.dumps(openhermes_rows(count)).encode()}


COSMOPEDIA_CONFIGS = (
    *("auto_math_text", "khanacademy", "openstax", "stanford"),
    *("stories", "web_samples_v1", "web_samples_v2", "wikihow"),
)


def cosmopedia(count: int = 600) -> dict[str, bytes]:
    files = {"README.md": card({name: f"data/{name}/train-*" for name in COSMOPEDIA_CONFIGS})}
    for name in COSMOPEDIA_CONFIGS:
        files |= shards(cosmopedia_rows(name, count), f"data/{name}", 2, 100)
    return files


def magpie(count: int = 900) -> dict[str, bytes]:
    return {"README.md": card({"default": "data/train-*"}), **shards(magpie_rows(count), "data", 3, 100)}


def fineweb(count: int = 2000) -> dict[str, bytes]:
    configs = {"default": "data/*/*", "sample-10BT": "sample/10BT/*", "CC-MAIN-2024-10": "data/CC-MAIN-2024-10/*"}
    rows = fineweb_rows(count)
    sample = {f"sample/10BT/{number:03d}_00000.parquet": parquet(rows[number::4], 50) for number in range(4)}
    crawl = {"data/CC-MAIN-2024-10/000_00000.parquet": parquet(rows[:100], 50)}
    return {"README.md": card(configs, default="default"), **sample, **crawl}


def slimpajama(count: int = 2000) -> dict[str, bytes]:
    rows = slimpajama_rows(count)
    test = shards(rows[:20], "data", 1, 100, "test")
    return {**shards(rows, "data", 4, 100), **shards(rows[:20], "data", 1, 100, "validation"), **test}


def finemath(count: int = 300) -> dict[str, bytes]:
    configs = ("finemath-3plus", "finemath-4plus", "infiwebmath-3plus", "infiwebmath-4plus")
    files = {"README.md": card({name: f"{name}/train-*" for name in configs})}
    for name in configs:
        files |= shards(finemath_rows(count), name, 1, 100)
    return files


REPOSITORIES: dict[str, Callable[[], dict[str, bytes]]] = {
    "teknium/OpenHermes-2.5": openhermes,
    "HuggingFaceTB/cosmopedia": cosmopedia,
    "Magpie-Align/Magpie-Pro-300K-Filtered": magpie,
    "HuggingFaceFW/fineweb-edu": fineweb,
    "DKYoon/SlimPajama-6B": slimpajama,
    "HuggingFaceTB/finemath": finemath,
}

import json

import pyarrow as pa
import pyarrow.parquet as pq

from emulsion.data.describe import describe_documents


def test_a_source_is_described_by_its_text_and_not_by_its_rows(tmp_path):
    metadata = {"kind": "text", "fields": json.dumps(["id", "text", "url"])}
    schema = pa.schema([("id", pa.string()), ("text", pa.string())], metadata=metadata)
    texts = ["one", "one two", "één twee drie"]
    pq.write_table(pa.Table.from_pydict({"id": list("abc"), "text": texts}, schema=schema), tmp_path / "d.parquet")
    described = describe_documents(pq.ParquetFile(tmp_path / "d.parquet"))
    assert described["documents"] == 3
    assert described["words"] == 6
    assert described["bytes"] == 3 + 7 + 15
    assert described["words_per_document"]["quantiles"]["0.5"] == 2
    assert described["words_per_document"]["mean"] == 2
    assert described["fields"] == ["id", "text", "url"]
    assert described["schema"] == "text"

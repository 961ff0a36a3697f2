"""What the configuration says of sources."""

from emulsion.study.catalogue import sources_to_probe


def test_only_sources_on_the_hub_are_probed():
    web = {"kind": "hub", "text_field": "text", "hub": {"id": "owner/web", "documents": 9}}
    notes = {"kind": "local", "local": {"files": ["notes/*.txt"]}}
    asked = {"web": {"kind": "hub", "id": "owner/web", "documents": 9, "text_field": "text"}}
    assert sources_to_probe({"sources": {"notes": notes, "web": web}}) == asked

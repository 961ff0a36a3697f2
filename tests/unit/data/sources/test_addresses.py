"""Addresses of the web: what is refused of them, and what their files are called here."""

import pytest

from emulsion.data.sources.addresses import local_name
from emulsion.errors import UserError


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://x.test/tasks/task1.json", "00003-task1.json"),
        ("https://x.test/a/../../etc/passwd.json", "00003-passwd.json"),
        ("https://x.test/a/..%2F..%2Fout.json", "00003-out.json"),
        ("https://x.test/a/..%5C..%5Cout.jsonl.gz?raw=1#x", "00003-out.jsonl.gz"),
        ("https://x.test/a/%2e%2e.json", "00003.json"),
        ("https://x.test/a/sp%20ace%00.csv", "00003-sp-ace.csv"),
        ("http://127.0.0.1:1/x.parquet", "00003-x.parquet"),
        ("https://[::1]:8443/x.csv", "00003-x.csv"),
        ("https://bücher.test/é.jsonl", "00003.jsonl"),
        ("https://x.test/a.json?author=poe", "00003-a.json"),
    ],
)
def test_a_name_is_what_is_harmless_of_an_address(url, name):
    assert local_name("sources.s.files[3]", 3, url) == name


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("http://x.test/a.json", "is not an https address"),
        ("file:///etc/passwd.json", "is not an https address"),
        ("https://me:secret@x.test/a.json", "must not hold a password"),
        ("ftp://me:secret@x.test/a.json", "must not hold a password"),
        *(
            (f"https://x.test/a.json?{key}=secret", f"must not be signed, .* has '{key}'")
            for key in ("access_key", "auth", "jwt")
        ),
        ("https://x.test/a.json?X-Amz-Signature=secret", "must not be signed, for it is recorded"),
        ("https://x.test/a.json?v=1&sig=secret&x=2", "must not be signed, for it is recorded"),
        ("https://x.test/a.json?v=1#access_token=secret", "must not be signed, for it is recorded"),
        ("ftp://x.test/a.json#key=secret", "is not an https address"),
        ("ftp://x.test/a.json?key=secret", "is not an https address"),
        ("https://x.test/weights.pkl", "is not one of"),
        ("https://x.test/tasks/", "is not one of"),
        *(
            (f"{address}?key=secret", "is no address: what comes behind '//' must be the name or number of a host")
            for address in (
                *("https://[x/a.jsonl", "https://[x]/a.jsonl", "https://[::1]x/a.jsonl", "https:///a.jsonl"),
                *("https://h:port/a.jsonl", "https://h:99999/a.jsonl", "https://:443/a.jsonl", "https://h h/a.jsonl"),
                *("https://a..b/a.jsonl", f"https://{'x' * 64}.test/a.jsonl", "https://x.test/a\n.jsonl"),
                "https://me:secret@[x/a.jsonl",
            )
        ),
    ],
)
def test_an_address_that_is_refused(url, told):
    with pytest.raises(UserError, match=told) as error:
        local_name("sources.s.files[3]", 3, url)
    assert "sources.s.files[3]" in str(error.value)
    assert "secret" not in str(error.value)
    assert "\n" not in str(error.value)

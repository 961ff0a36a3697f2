"""A small made-up corpus, the same every time."""

WORDS = {
    "alpha": "red green blue amber violet the of and",
    "beta": "one two three four five six seven the of",
    "gamma": "do re mi fa sol la si the and of to",
}


def corpus(source: str, documents: int = 300) -> tuple[list[str], list[str]]:
    """(ids, texts) of a small made-up source, the same every time."""
    words = WORDS[source].split()
    texts = [" ".join(words[(n * 7 + k * k) % len(words)] for k in range(20 + n % 30)) for n in range(documents)]
    return [f"{source}-{number}" for number in range(documents)], texts

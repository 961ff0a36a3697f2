"""Small made-up inputs in the form of the workflow's files."""

from typing import Any


def capabilities(scores: dict[str, float], half: float = 0.05, items: int = 40) -> dict[str, Any]:
    """The content of a capabilities.json: the same interval half-width and item count everywhere."""
    cells = {
        name: {"score": score, "interval": [score - half, score + half], "items": items, "chance": None}
        for name, score in scores.items()
    }
    mean = sum(scores.values()) / len(scores)
    rows = [
        {"suite": "s", "id": f"{name}-{number}", "capability": name, "score": float(number < score * items)}
        for name, score in scores.items()
        for number in range(items)
    ]
    return {"capabilities": cells, "mean": {"score": mean, "interval": [mean - half, mean + half]}, "items": rows}


def info(
    ratios: dict[str, float], realised: dict[str, float] | None = None, epochs: dict[str, float] | None = None
) -> dict[str, Any]:
    """The content of an info.json; realised shares are as configured and epochs 1 unless given."""
    return {
        "mixing_ratios": ratios,
        "realised_shares": realised or ratios,
        "epochs_per_source": epochs or dict.fromkeys(ratios, 1.0),
    }

"""Published results of other models, as people write them down: resources/published/small_models.yaml."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from emulsion.errors import UserError
from emulsion.fields import TEXT, WHOLE, Form, checked, entries, is_number, read_yaml

FIELDS: Mapping[str, Form] = {"caveat": TEXT, "models": ("a list", lambda value: True)}
MODEL_FIELDS: Mapping[str, Form] = {
    "name": TEXT,
    "parameters": WHOLE,
    "tokens": WHOLE,
    "source": TEXT,
    "url": TEXT,
    "results": ("numbers by name", lambda value: isinstance(value, Mapping) and bool(value)),
}


def load_published(path: Path | str) -> dict[str, Any]:
    """{"caveat", "models": [{"name", "parameters", "source", "url", "results", and "tokens" where it is known}]}.

    Raises UserError where a row has no source, or anything is missing, unknown or of another form.
    """
    values = checked(read_yaml(Path(path)), FIELDS, tuple(FIELDS), str(path))
    models = []
    for place, entry in enumerate(entries(values["models"], f"{path}: models")):
        where = f"{path}: models[{place}]"
        model = checked(entry, MODEL_FIELDS, ("name", "parameters", "source", "url", "results"), where)
        for name, value in model["results"].items():
            if not is_number(value):
                raise UserError(f"{where}.results.{name}: should be a number, but is {value!r}.")
        models.append(model)
    return {"caveat": " ".join(values["caveat"].split()), "models": models}

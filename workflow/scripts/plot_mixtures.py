"""Draw the configured and realised mixtures of several strategies from their info.json."""

from emulsion.figures.command import main
from emulsion.figures.mixtures import mixtures
from emulsion.files import read_json

if __name__ == "__main__":
    raise SystemExit(main(__doc__, read_json, mixtures))

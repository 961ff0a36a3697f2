"""Draw the capability radar of several runs from their capabilities.json."""

from emulsion.figures.command import main
from emulsion.figures.radar import capability_radar
from emulsion.files import read_json

if __name__ == "__main__":
    raise SystemExit(main(__doc__, read_json, capability_radar))

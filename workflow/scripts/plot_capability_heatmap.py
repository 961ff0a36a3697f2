"""Draw the capability heatmap of several runs from their capabilities.json."""

from emulsion.figures.command import main
from emulsion.figures.heatmap import capability_heatmap
from emulsion.files import read_json

if __name__ == "__main__":
    raise SystemExit(main(__doc__, read_json, capability_heatmap))

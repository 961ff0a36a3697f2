"""Compare the columns of each source on the hub with what the configuration expects, before any download."""

import sys

from emulsion import command
from emulsion.command import Json
from emulsion.data.sources.hub import AS_EXPECTED, probe, table


def main(
    *,
    sources: Json,
) -> None:
    """
    :param sources: {name: what to fetch, with its schema and text_field} of those on the hub, as JSON
    """
    findings = [probe(name, source) for name, source in sources.items()]
    text = table(findings) if findings else "No source of this configuration is on the hub."
    print(text)
    if any(finding.verdict != AS_EXPECTED for finding in findings):
        print(text, file=sys.stderr)  # the log of a failed job is what its user sees
        sys.exit(1)


if __name__ == "__main__":
    command.run(main)

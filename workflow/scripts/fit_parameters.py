"""Compare a method's matrix of effects with the one fitted to branches, per trunk."""

from pathlib import Path

from emulsion import command
from emulsion.command import AtMostOne, Json
from emulsion.files import read_object, write_json
from emulsion.laws.study.parameters import method_parameters
from emulsion.laws.study.rows import read_result


def main(
    *,
    experiment: str,
    method: str,
    settings: Json,
    matrix: AtMostOne[Path] = (),
    static: Path,
    dynamic: Path,
    output: Path,
) -> None:
    """
    :param experiment: name of the experiment
    :param method: name of the method
    :param settings: {"kind", "branches"} of the method, JSON
    :param matrix: {group: {source: effect}} of a method of kind given
    :param static: static_law.json
    :param dynamic: dynamic_law.json
    :param output: {method}_parameters.json
    """
    laws = (read_result(static, experiment), read_result(dynamic, experiment))
    given = next(map(read_object, matrix), None)
    write_json(output, method_parameters(method, settings, *laws, given))


if __name__ == "__main__":
    command.run(main)

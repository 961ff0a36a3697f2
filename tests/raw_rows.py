"""The rows of raw files, as tests look at them."""

from emulsion.data.sources.formats import read_file


def read_rows(files):
    """The native rows of several files, in order; those that cannot be read are Malformed."""
    for file in files:
        yield from read_file(file)

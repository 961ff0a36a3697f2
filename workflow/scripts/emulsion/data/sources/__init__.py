"""Sources: fetch a named data group in its native schema, and read it back row by row.

`data/raw/{source}/` holds files as the source has them, and `provenance.json`: what was asked for, what was got, and a
checksum of every file.
"""

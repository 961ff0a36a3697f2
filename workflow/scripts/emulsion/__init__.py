"""Emulsion: find the data mixture a language model should be trained on.

The modules stand on floors and import only from floors below their own:

5  figures                         what people look at
3  training, evaluation            the two things that run a model
1  sources, synthetic, normalize, tokenizers, tokens, sampling, models
0  mixture, schedule, files, seeds, errors, configuration, experiments

No module imports Snakemake: the rules call thin scripts, the scripts call this library.
"""

__version__ = "0.1.0"

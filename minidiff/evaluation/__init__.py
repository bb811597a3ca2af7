"""Is it any good? Measures of generated pictures, each with what real pictures score beside it.

A loss says how well noise is predicted, not what pictures look like. Here a small classifier (`classifier.py`,
`learning.py`) looks at pictures and turns each into features; two distances (`distances.py`) compare the features of
samples with those of real pictures that were never trained on; and the nearest training picture of each sample
(`nearest.py`) shows whether the network has learned or memorised. `measure.py` puts them into one table, `evaluate.py`
makes it for a run, and `ablation.py` for runs that differ from the recipe in one thing each.
"""

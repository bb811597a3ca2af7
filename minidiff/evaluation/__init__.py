"""Is it any good? Measures of generated images, each with what real images score beside it.

A loss says how well noise is predicted, not what images look like. Here a small classifier (`classifier.py`,
`learning.py`) looks at images and turns each into features; two distances (`distances.py`) compare the features of
samples with those of real images that were never trained on; and the nearest training image of each sample
(`nearest.py`) shows whether the network has learned or memorized. `measure.py` puts them into one table, `evaluate.py`
makes it for a run, and `ablation.py` for runs that differ from the recipe in one thing each.
"""

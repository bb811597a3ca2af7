"""Quality of generated images: metrics, each beside the score of real images.

The training loss measures the prediction, not the quality of the images. Here a small classifier (`classifier.py`,
`classifier_training.py`) serves as a feature extractor (`extractor.py`). Two distances (`distances.py`) compare the
features of samples with those of real images that were not trained on. The nearest training image of each sample
(`nearest.py`) shows whether the network generalizes or memorizes. `measure.py` collects these metrics, `evaluate.py`
computes them for a run, `quality.py` for every sampler, and `ablation.py` for runs that differ in one setting each.
"""

"""Quality of generated images: metrics, each beside the score of real images.

The training loss measures the prediction, not the quality of the images. Here small classifiers (`classifier.py`,
`classifier_training.py`) measure it. One reads single parts of synthetic images, whose attributes are known, and counts
how often the parts agree (`agreement.py`). One tells whole images from two that were joined (`splices.py`). One
recognizes classes and rotations (`recognition.py`). The last two are also the feature extractor (`extractor.py`): two
distances (`distances.py`), precision and recall (`precision.py`) compare the features of samples with those of real
images that were not trained on. The nearest training image of each sample (`nearest.py`) shows whether the network
generalizes or memorizes.

`measure.py` collects these metrics, `evaluate.py` computes them for a run, `quality.py` for every sampler,
`ablation.py` for runs that differ in one setting each, and `metrics_table.py` for real images with a known fault. No
network that measures is used in training or sampling.
"""

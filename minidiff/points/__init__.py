"""Points in the plane: a data set and a network for experiments in two dimensions.

An image is a point in a space of H x W x C dimensions. Here there are two. Schedules, targets, samplers, guidance and
the trainer are the same; arrays of shape (N, H, W, C) become (N, 2). Training takes seconds, trajectories can be drawn
as lines, and the network's predictions as a field of arrows.

    points = draw_points("moons")
    network = PointNetwork(PointNetworkConfig(num_classes=points.num_classes))
    trainer = Trainer(network, network.create_parameters(), points, POINT_TRAINING, workers)
    for step in trainer.train(): ...
    generate(trainer.denoiser(), (1000, 2), sampler="heun", steps=20)
"""

from minidiff.points.data import SETS, Points, draw_points
from minidiff.points.network import PointNetwork, PointNetworkConfig
from minidiff.training_config import TrainingConfig

__all__ = ["POINT_TRAINING", "SETS", "PointNetwork", "PointNetworkConfig", "Points", "draw_points"]

POINT_TRAINING = TrainingConfig(
    epochs=60, batch_size=64, microbatch_size=64, optimizer="adamw", learning_rate=5e-3, time_distribution="uniform"
)

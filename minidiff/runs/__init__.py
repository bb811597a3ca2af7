"""The folder of a run: configuration, history, checkpoints, and training that stops and resumes without loss."""

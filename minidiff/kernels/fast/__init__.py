"""The fast kernels, with the same functions as `kernels/plain`: vectors, blocks, fused passes and reused memory."""

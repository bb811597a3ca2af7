"""Speed and memory of minidiff, alone and side by side with the same network in PyTorch.

Only `torch_unet.py` and `against_torch.py` need PyTorch. They are imported only when a comparison is requested.
"""

"""A complete diffusion model in one file of NumPy: data, noise, network, gradients, training, sampling.

    python tutorials/one_file.py            # some minutes on one core; writes one_file.png

It draws images of shapes, 16 x 16 x 3, in three classes, adds noise to them, and trains a small U-Net to predict
y = eps - x0, the target of flow matching ("flow" in the library). Then it samples new shapes from noise. Every gradient
is written by hand: each layer is a function, and the function below it is its backward pass. The same network in the
library is

    UNetConfig(16, 16, 3, channels=(32, 64), blocks_per_level=1, attention_levels=0, time_channels=64, num_classes=3)

and every section names the module that does its part there. Names follow the papers: x0 is a clean image, eps standard
normal noise, z the noised image, t a timestep, x0_hat and eps_hat predictions. A batch of images is (N, H, W, C).
"""

import itertools
import struct
import time
import zlib

import numpy as np

T = 1000  # timesteps
GROUPS = 8  # of group normalization
CLASSES = ("disc", "square", "triangle")


# Data (minidiff/data/synthetic/shapes.py). A signed distance is negative inside of a shape.
def draw_shapes(rng, count):
    """Random shapes: images float32 (count, 16, 16, 3) with pixels in [-1, 1], and labels int (count,)."""
    labels = rng.integers(0, len(CLASSES), count)
    center, radius = rng.uniform(-0.3, 0.3, (2, count, 1, 1)), rng.uniform(0.4, 0.7, (count, 1, 1))
    background, color = (rng.uniform(-1, -0.5, (count, 1, 1, 3)), rng.uniform(-0.2, 1, (count, 1, 1, 3)))
    axis = (np.arange(16) + 0.5) / 8 - 1
    x, y = axis[None, None, :] - center[0], axis[None, :, None] - center[1]  # (count, 16, 16)
    disc = np.hypot(x, y) - radius
    square = np.maximum(np.abs(x), np.abs(y)) - 0.8 * radius
    triangle = np.maximum(0.87 * np.abs(x) + 0.5 * -y - 0.5 * radius, y - 0.6 * radius)  # sine, cosine of 60 degrees
    distance = np.choose(labels[:, None, None], [disc, square, triangle])
    coverage = np.clip(0.5 - 8 * distance, 0, 1)[..., None]  # soft edges, one pixel (1/8) wide
    return (background + coverage * (color - background)).astype(np.float32), labels


# Schedule (minidiff/schedule.py): z = signal[t] x0 + noise[t] eps, here on a straight line (flow matching). At t = T a
# signal of 0.01 is left, because log_sigma = log(noise / signal), which the network gets, must be finite.
signal = 1 - 0.99 * np.arange(T + 1) / T
noise = 0.99 * np.arange(T + 1) / T


def column(values):
    """One value for each image, shaped to multiply images (N, H, W, C)."""
    return np.asarray(values, np.float32)[:, None, None, None]


def solve(z, y_hat, t):
    """x0_hat and eps_hat from z = signal x0 + noise eps and y = eps - x0."""
    return z - noise[t] * y_hat, z + signal[t] * y_hat  # since signal + noise = 1


# Layers (minidiff/layers/, minidiff/kernels/plain/). p holds the parameters, g collects their gradients. Every layer
# returns its output and a cache, which its backward pass needs. dy is the gradient of the loss with respect to y.
def linear(p, name, x):
    """y = x W + b on vectors (N, C)."""
    return x @ p[name + ".weight"] + p[name + ".bias"], x


def linear_backward(p, g, name, x, dy):
    g[name + ".weight"] += x.T @ dy
    g[name + ".bias"] += dy.sum(axis=0)
    return dy @ p[name + ".weight"].T


def conv(p, name, x, stride=1):
    """A convolution as one matrix product: the k x k x C inputs of every output pixel form a row of `rows`."""
    w = p[name + ".weight"]  # (k, k, C, K)
    border = len(w) // 2
    padded = np.pad(x, ((0, 0), (border, border), (border, border), (0, 0)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, w.shape[:2], axis=(1, 2))[:, ::stride, ::stride]
    N, H, W = windows.shape[:3]  # of (N, H, W, C, k, k)
    rows = windows.transpose(0, 1, 2, 4, 5, 3).reshape(N * H * W, -1)  # of k x k x C inputs, in the order of w
    y = rows @ w.reshape(-1, w.shape[3]) + p[name + ".bias"]
    return y.reshape(N, H, W, -1), (rows, padded.shape, stride)


def conv_backward(p, g, name, cache, dy):
    w, (rows, padded_shape, stride) = p[name + ".weight"], cache
    k, (N, H, W, K) = len(w), dy.shape
    dy_rows = dy.reshape(-1, K)
    g[name + ".weight"] += (rows.T @ dy_rows).reshape(w.shape)
    g[name + ".bias"] += dy_rows.sum(axis=0)
    drows = (dy_rows @ w.reshape(-1, K).T).reshape(N, H, W, k, k, -1)
    dpadded = np.zeros(padded_shape, dy.dtype)
    for i in range(k):
        for j in range(k):  # every copied input receives its gradient
            dpadded[:, i : i + stride * H : stride, j : j + stride * W : stride] += drows[:, :, :, i, j]
    return dpadded[:, k // 2 : padded_shape[1] - k // 2, k // 2 : padded_shape[2] - k // 2]


def silu(u):
    """y = u sigmoid(u), and dy/du."""
    s = 1 / (1 + np.exp(-u))
    return u * s, s * (1 + u * (1 - s))


def norm(p, name, x, a=0.0, b=0.0):
    """SiLU((x_hat gamma + beta)(1 + a) + b); x_hat has mean 0 and variance 1 in each group, a and b are (N, 1, 1, C)."""
    N, H, W, C = x.shape
    groups = x.reshape(N, H * W, GROUPS, C // GROUPS)
    inverse_std = 1 / np.sqrt(groups.var(axis=(1, 3), keepdims=True) + 1e-5)
    x_hat = ((groups - groups.mean(axis=(1, 3), keepdims=True)) * inverse_std).reshape(x.shape)
    v = x_hat * p[name + ".gamma"] + p[name + ".beta"]
    y, slope = silu(v * (1 + a) + b)
    return y, (x_hat, inverse_std, v, a, slope)


def norm_backward(p, g, name, cache, dy):
    """dx, and da and db, each (N, C)."""
    x_hat, inverse_std, v, a, slope = cache
    du = dy * slope
    dv = du * (1 + a)
    g[name + ".gamma"] += (dv * x_hat).sum(axis=(0, 1, 2))
    g[name + ".beta"] += dv.sum(axis=(0, 1, 2))
    N, H, W, C = dy.shape
    shape = (N, H * W, GROUPS, C // GROUPS)
    dx_hat, x_hat = (dv * p[name + ".gamma"]).reshape(shape), x_hat.reshape(shape)
    through_mean = dx_hat.mean(axis=(1, 3), keepdims=True)
    through_std = x_hat * (dx_hat * x_hat).mean(axis=(1, 3), keepdims=True)
    dx = (dx_hat - through_mean - through_std) * inverse_std
    return dx.reshape(dy.shape), (du * v).sum(axis=(1, 2)), du.sum(axis=(1, 2))


# Residual block (minidiff/layers/block.py): y = x + conv(norm(conv(norm(x)))), with a and b from the time vector (FiLM).
# Where the number of channels changes, a 1x1 convolution takes the place of x.
def block(p, name, x, time_vector):
    h, cache1 = norm(p, name + ".norm1", x)
    h, cache2 = conv(p, name + ".conv1", h)
    a_b, cache3 = linear(p, name + ".film", time_vector)
    a, b = np.split(a_b[:, None, None, :], 2, axis=3)
    h, cache4 = norm(p, name + ".norm2", h, a, b)
    h, cache5 = conv(p, name + ".conv2", h)
    shortcut, cache6 = conv(p, name + ".carry", x) if name + ".carry.weight" in p else (x, None)
    return h + shortcut, (cache1, cache2, cache3, cache4, cache5, cache6)


def block_backward(p, g, name, cache, dy):
    """dx and the gradient with respect to the time vector."""
    cache1, cache2, cache3, cache4, cache5, cache6 = cache
    dshortcut = conv_backward(p, g, name + ".carry", cache6, dy) if cache6 else dy
    dh = conv_backward(p, g, name + ".conv2", cache5, dy)
    dh, da, db = norm_backward(p, g, name + ".norm2", cache4, dh)
    dtime_vector = linear_backward(p, g, name + ".film", cache3, np.concatenate([da, db], axis=1))
    dh = conv_backward(p, g, name + ".conv1", cache2, dh)
    dx, _, _ = norm_backward(p, g, name + ".norm1", cache1, dh)
    return dx + dshortcut, dtime_vector


# Time vector (minidiff/layers/time.py): noise level and class as one vector. 1.4 = sqrt(2): a variance of about 1.
def embed(p, t, labels):
    frequencies = np.geomspace(0.25, 16, 32)
    angles = np.log(noise[t] / signal[t])[:, None] * frequencies  # (N, 32)
    features = (1.4 * np.concatenate([np.sin(angles), np.cos(angles)], axis=1)).astype(np.float32)
    h, cache1 = linear(p, "time.linear1", features)
    h, slope1 = silu(h)
    h, cache2 = linear(p, "time.linear2", h)
    time_vector, slope2 = silu(h + p["time.classes.table"][labels])
    return time_vector, (cache1, slope1, cache2, labels, slope2)


def embed_backward(p, g, cache, dtime_vector):
    cache1, slope1, cache2, labels, slope2 = cache
    dh = dtime_vector * slope2
    np.add.at(g["time.classes.table"], labels, dh)  # unlike +=, it adds all gradients of a repeated label
    dh = linear_backward(p, g, "time.linear2", cache2, dh)
    linear_backward(p, g, "time.linear1", cache1, dh * slope1)


# U-Net (minidiff/unet.py): 16 x 16 with 32 channels, down to 8 x 8 with 64, and up again beside the skip connection.
def network(p, z, t, labels):
    """The prediction y_hat (N, 16, 16, 3), and the caches."""
    z = z * column(1 / np.hypot(signal[t], noise[t]))  # signal^2 + noise^2 = 1 at every noise level
    time_vector, cache1 = embed(p, t, labels)
    h, cache2 = conv(p, "conv_in", z)
    skip, cache3 = block(p, "down0.block0", h, time_vector)
    h, cache4 = conv(p, "down0.downsample", skip, stride=2)  # (N, 8, 8, 64)
    h, cache5 = block(p, "down1.block0", h, time_vector)
    h, cache6 = block(p, "middle.block1", h, time_vector)
    h, cache7 = block(p, "middle.block2", h, time_vector)
    h, cache8 = conv(p, "up0.upsample.convolution", h)  # 1 x 1: from 64 to 32 channels
    h = np.concatenate([h.repeat(2, axis=1).repeat(2, axis=2), skip], axis=3)  # (N, 16, 16, 32 + 32)
    h, cache9 = block(p, "up0.block0", h, time_vector)
    h, cache10 = norm(p, "norm_out", h)
    prediction, cache11 = conv(p, "conv_out", h)
    return prediction, (cache1, cache2, cache3, cache4, cache5, cache6, cache7, cache8, cache9, cache10, cache11)


def network_backward(p, g, caches, dprediction):
    """The same lines in reverse order."""
    cache1, cache2, cache3, cache4, cache5, cache6, cache7, cache8, cache9, cache10, cache11 = caches
    dh = conv_backward(p, g, "conv_out", cache11, dprediction)
    dh, _, _ = norm_backward(p, g, "norm_out", cache10, dh)
    dh, dtime9 = block_backward(p, g, "up0.block0", cache9, dh)
    dh, dskip = np.split(dh, 2, axis=3)
    N, H, W, C = dh.shape
    dh = dh.reshape(N, H // 2, 2, W // 2, 2, C).sum(axis=(2, 4))  # a repeated pixel receives the sum
    dh = conv_backward(p, g, "up0.upsample.convolution", cache8, dh)
    dh, dtime7 = block_backward(p, g, "middle.block2", cache7, dh)
    dh, dtime6 = block_backward(p, g, "middle.block1", cache6, dh)
    dh, dtime5 = block_backward(p, g, "down1.block0", cache5, dh)
    dskip = dskip + conv_backward(p, g, "down0.downsample", cache4, dh)
    dh, dtime3 = block_backward(p, g, "down0.block0", cache3, dskip)
    conv_backward(p, g, "conv_in", cache2, dh)
    embed_backward(p, g, cache1, dtime3 + dtime5 + dtime6 + dtime7 + dtime9)


def create_parameters(rng):
    """Weights uniform in +-1 / sqrt(inputs); but zero for conv2, film and conv_out, so that the network predicts 0."""
    shapes = {"time.linear1": (64, 64), "time.linear2": (64, 64), "conv_in": (3, 3, 3, 32)}
    p = {"time.classes.table": rng.normal(0, 0.5, (len(CLASSES) + 1, 64))}  # the last row, "no class", is not used here
    blocks = dict.fromkeys(("down1.block0", "middle.block1", "middle.block2"), (64, 64))
    blocks |= {"down0.block0": (32, 32), "up0.block0": (64, 32)}
    for name, (C, K) in blocks.items():
        shapes |= {name + ".conv1": (3, 3, C, K), name + ".conv2": (3, 3, K, K), name + ".film": (64, 2 * K)}
        shapes |= {name + ".carry": (1, 1, C, K)} if C != K else {}
        p |= {name + ".norm1.gamma": np.ones(C), name + ".norm1.beta": np.zeros(C)}
        p |= {name + ".norm2.gamma": np.ones(K), name + ".norm2.beta": np.zeros(K)}
    p |= {"norm_out.gamma": np.ones(32), "norm_out.beta": np.zeros(32)}
    shapes |= {"down0.downsample": (3, 3, 32, 64), "up0.upsample.convolution": (1, 1, 64, 32)}
    shapes |= {"conv_out": (3, 3, 32, 3)}
    for name, shape in shapes.items():
        bound = 0 if name.endswith(("conv2", "film", "conv_out")) else np.prod(shape[:-1]) ** -0.5
        p |= {name + ".weight": rng.uniform(-bound, bound, shape), name + ".bias": np.zeros(shape[-1])}
    return {name: value.astype(np.float32) for name, value in p.items()}


# Training (minidiff/examples.py, minidiff/training.py, minidiff/optim.py): Adam and averaged parameters.
def loss_and_gradient(p, x0, labels, t, eps):
    """The mean squared error of y_hat, and its gradient."""
    g = {name: np.zeros_like(value) for name, value in p.items()}
    prediction, caches = network(p, column(signal[t]) * x0 + column(noise[t]) * eps, t, labels)  # the forward process
    error = prediction - (eps - x0)
    network_backward(p, g, caches, 2 / error.size * error)
    return np.square(error).mean(), g


def train(steps=1500, batch=32, peak=2e-3, seed=0):
    rng = np.random.default_rng(seed)
    p = create_parameters(rng)
    average = {name: value.copy() for name, value in p.items()}
    m, v = ({name: np.zeros_like(value) for name, value in p.items()} for _ in range(2))
    start, recent = time.time(), []
    for step in range(1, steps + 1):
        x0, labels = draw_shapes(rng, batch)
        t = rng.integers(1, T + 1, batch)
        loss, g = loss_and_gradient(p, x0, labels, t, rng.standard_normal(x0.shape, np.float32))
        learning_rate = peak * min(step / 100, 0.5 + 0.5 * np.cos(np.pi * step / steps))  # warmup, cosine decay
        for name in p:
            m[name] += 0.1 * (g[name] - m[name])  # beta1 = 0.9
            v[name] += 0.05 * (g[name] ** 2 - v[name])  # beta2 = 0.95
            p[name] -= learning_rate * (m[name] / (1 - 0.9**step)) / (np.sqrt(v[name] / (1 - 0.95**step)) + 1e-8)
            average[name] += max(0.005, 9 / (9 + step)) * (p[name] - average[name])  # weight 0.005, more at first
        recent.append(loss)
        if step % 100 == 0:
            print(f"step {step:5}  loss {np.mean(recent[-100:]):.4f}  {time.time() - start:4.0f} s")
    return average


# Sampling (minidiff/samplers.py, minidiff/sampling.py): DDIM (Song et al., 2021, eq. 12).
def sample(p, z, labels, steps=50):
    """Images from standard normal noise z, by `steps` evaluations of the network."""
    z = np.float32(noise[T]) * z  # as at the end of the forward process
    times = np.linspace(T, 0, steps + 1).round().astype(int)
    for t, s in itertools.pairwise(times):
        y_hat, _ = network(p, z, np.full(len(z), t), labels)
        x0_hat, eps_hat = solve(z, y_hat, t)
        z = (signal[s] * x0_hat + noise[s] * eps_hat).astype(np.float32)
    return z


def save_png(path, images, columns):
    """Images (N, H, W, 3) in [-1, 1] as one sheet, each pixel shown as 4 x 4."""
    H, W, C = images.shape[1:]
    sheet = images.reshape(-1, columns, H, W, C).swapaxes(1, 2).reshape(-1, columns * W, C)
    pixels = np.clip(127.5 * (sheet + 1) + 0.5, 0, 255).astype(np.uint8).repeat(4, axis=0).repeat(4, axis=1)
    height, width = pixels.shape[:2]
    rows = np.concatenate([np.zeros((height, 1), np.uint8), pixels.reshape(height, -1)], axis=1)  # 0: no filter

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)  # 8 bits per channel, RGB
    chunks = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    with open(path, "wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n" + chunks)


if __name__ == "__main__":
    p = train()
    rng = np.random.default_rng(1)
    save_png("one_file.png", sample(p, rng.standard_normal((48, 16, 16, 3), np.float32), np.arange(48) % 3), columns=12)

"""Answers to the exercises of notebook 06: wrong ones, each with words of its hint, and right ones in other styles."""

from fractions import Fraction

import numpy as np

BORDER = ((0, 0), (1, 1), (1, 1), (0, 0))


def windows(x, mode="constant"):
    """The nine shifted images of a 3x3 filter: (i, j, image)."""
    _, H, W, _ = x.shape
    padded = np.pad(x, BORDER, mode=mode)
    return [(i, j, padded[:, i : i + H, j : j + W]) for i in range(3) for j in range(3)]


def forward(x, weight, mode="constant"):
    return sum(window * weight[i, j] for i, j, window in windows(x, mode))


def back(x, dy):
    return np.array([(window * dy).sum(axis=(0, 1, 2)) for _, _, window in windows(x)]).reshape(3, 3, -1)


def rolled(x, weight):
    y = np.zeros_like(x)
    for i in range(3):
        for j in range(3):
            y += np.roll(x, (i - 1, j - 1), axis=(1, 2)) * weight[i, j]
    return y


def rolled_the_right_way(x, weight):
    y = np.zeros_like(x)
    for i in range(3):
        for j in range(3):
            y += np.roll(x, (1 - i, 1 - j), axis=(1, 2)) * weight[i, j]
    return y


def flipped(weight):
    return weight[::-1, ::-1]


def gradients(change_dx=None, change_dweight=None):
    def backward(x, weight, dy):
        dx = change_dx(x, weight, dy) if change_dx else forward(dy, flipped(weight))
        return dx, change_dweight(x, weight, dy) if change_dweight else back(x, dy)

    return backward


def edge(corners=True, rows=True, columns=True):
    def backward(dpadded):
        dx = dpadded.copy()
        if not corners:
            dx[:, [0, 0, -1, -1], [0, -1, 0, -1]] = 0
        if rows:
            dx[:, 1] += dx[:, 0]
            dx[:, -2] += dx[:, -1]
        if columns:
            dx[:, :, 1] += dx[:, :, 0]
            dx[:, :, -2] += dx[:, :, -1]
        return dx[:, 1:-1, 1:-1]

    return backward


def mean_of_copies(dpadded):
    dx = edge()(dpadded)
    dx[:, [0, -1]] /= 2
    dx[:, :, [0, -1]] /= 2
    return dx


A_T = np.array([[1, 1, 1, 0], [0, 1, -1, 1]])
G = np.array([[-1, 0, 0], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0, 0, 1]])
B_T = np.array([[-1, 0, 1, 0], [0, 1, 1, 0], [0, -1, 1, 0], [0, -1, 0, 1]])
F = np.array([[-1], [2], [2], [1]])


def intensity(operations, elements, size=4):
    def answer(N, H, W, C, K, k):
        P, w = N * H * W, k * k * C * K
        return operations * P * w / (size * elements(P, C, K, w))

    return answer


def intensity_of_a_row(N, H, W, C, K, k):
    P, w = N * H * W, k * C * K
    return 2 * P * w / (4 * (P * (C + K) + w))


def depthwise_in_loops(x, weight):
    N, H, W, C = x.shape
    y = np.empty((N, H, W, C))
    for n, h, w, c in np.ndindex(N, H, W, C):
        total = 0.0
        for i in range(3):
            for j in range(3):
                if 0 <= h + i - 1 < H and 0 <= w + j - 1 < W:
                    total += x[n, h + i - 1, w + j - 1, c] * weight[i, j, c]
        y[n, h, w, c] = total
    return y


def depthwise_by_windows(x, weight):
    view = np.lib.stride_tricks.sliding_window_view(np.pad(x, BORDER), (3, 3), axis=(1, 2))  # (N, H, W, C, 3, 3)
    return np.einsum("nhwcij,ijc->nhwc", view, weight)


def depthwise_by_frequencies(x, weight):
    _, H, W, _ = x.shape
    sizes, axes = (H + 2, W + 2), (1, 2)
    spectrum = np.fft.fft2(x, sizes, axes) * np.fft.fft2(weight[None, ::-1, ::-1], sizes, axes)
    return np.fft.ifft2(spectrum, axes=axes).real[:, 1:-1, 1:-1]


def gradients_in_loops(x, weight, dy):
    _, H, W, _ = x.shape
    dx, dweight = np.zeros(x.shape), np.zeros(weight.shape)
    for h in range(H):
        for w in range(W):
            for i in range(3):
                for j in range(3):
                    if 0 <= h + i - 1 < H and 0 <= w + j - 1 < W:
                        dx[:, h + i - 1, w + j - 1] += dy[:, h, w] * weight[i, j]
                        dweight[i, j] += np.sum(x[:, h + i - 1, w + j - 1] * dy[:, h, w], axis=0)
    return [dx, dweight]


def edge_by_indices(dpadded):
    N, H, W, C = dpadded.shape
    dx = np.zeros((N, H - 2, W - 2, C))
    rows, columns = np.clip(np.arange(H) - 1, 0, H - 3), np.clip(np.arange(W) - 1, 0, W - 3)
    np.add.at(dx, (slice(None), rows[:, None], columns), dpadded)
    return dx


def edge_by_matrices(dpadded):
    def copies(size):
        return np.pad(np.eye(size - 2), ((1, 1), (0, 0)), mode="edge")

    return np.einsum("nhwc,hi,wj->nijc", dpadded, copies(dpadded.shape[1]), copies(dpadded.shape[2]))


def edge_in_loops(dpadded):
    N, H, W, C = dpadded.shape
    dx = np.zeros((N, H - 2, W - 2, C))
    for h in range(H):
        for w in range(W):
            dx[:, min(max(h - 1, 0), H - 3), min(max(w - 1, 0), W - 3)] += dpadded[:, h, w]
    return dx.tolist()


def other_points():
    """F(2, 3) from the points 0, 2, -1/2 and infinity, in fractions."""
    half = Fraction(1, 2)
    A_transposed = [[1, 1, 1, 0], [0, 2, -half, 1]]
    weights = [[1, 0, 0], [1, 2, 4], [1, -half, half**2], [0, 0, 1]]
    powers = [[point**i for i in range(4)] for point in (0, 2, -0.5)]
    return A_transposed, weights, np.linalg.inv([*powers, [0, 0, 0, 1]]).T


WRONG = {
    "ex06_1": [
        (rolled, "two things"),
        (rolled_the_right_way, "periodic: pad"),
        (lambda x, weight: forward(x, flipped(weight)), "flipped"),
        (lambda x, weight: forward(x, weight.transpose(1, 0, 2)), "exchanged"),
        (lambda x, weight: forward(x, weight, "edge"), "border pixels"),
        (lambda x, weight: forward(x, weight)[:, 1:-1, 1:-1], "padding is missing"),
        (lambda x, weight: forward(x, weight).sum(axis=-1, keepdims=True) + 0 * x, "channels are summed"),
        (lambda x, weight: x * weight.sum(axis=(0, 1)), "shifted"),
        (lambda x, weight: forward(x, weight) / 9, "factor"),
        (lambda x, weight: forward(x[:, :5, :7], weight) if x.shape[1:3] == (5, 7) else 0 * x, "zero everywhere"),
        (lambda x, weight: forward(x, weight[..., :1] + 0 * weight), "not right"),
    ],
    "ex06_2": [
        (gradients(lambda x, weight, dy: forward(dy, weight)), "as it is"),
        (gradients(lambda x, weight, dy: forward(dy, flipped(weight), "wrap")), "should be zero"),
        (gradients(lambda x, weight, dy: forward(dy, flipped(weight).transpose(1, 0, 2))), "exchanged"),
        (gradients(lambda x, weight, dy: dy * weight[1, 1]), "nine outputs"),
        (gradients(lambda x, weight, dy: dy * weight.sum(axis=(0, 1))), "nine pixels"),
        (gradients(change_dweight=lambda x, weight, dy: flipped(back(x, dy))), "pairs dy"),
        (gradients(change_dweight=lambda x, weight, dy: back(x, dy) / len(x)), "over the images"),
        (gradients(change_dweight=lambda x, weight, dy: back(x, dy) / dy[..., 0].size), "over the pixels"),
        (gradients(change_dweight=lambda x, weight, dy: 0 * weight), "zero everywhere"),
        (lambda x, weight, dy: forward(dy, flipped(weight)), "2 things"),
        (
            gradients(change_dweight=lambda x, weight, dy: back(x, dy).sum(axis=-1, keepdims=True) + 0 * weight),
            "its own",
        ),
    ],
    "ex06_3": [
        (lambda dpadded: dpadded[:, 1:-1, 1:-1].copy(), "padding with zeros"),
        (edge(corners=False), "corners are lost"),
        (mean_of_copies, "mean over the copies"),
        (edge(columns=False), "left and right"),
        (edge(rows=False), "above and below"),
        (lambda dpadded: np.pad(dpadded, BORDER, mode="edge"), "pads once more"),
        (lambda dpadded: edge()(dpadded)[:, :4, :3], "shape"),
        (lambda dpadded: edge()(dpadded) * 0, "zero everywhere"),
    ],
    "ex06_4": [
        ((A_T, F * G, B_T), "missing in G"),
        ((A_T, G, B_T / F), "missing in B'"),
        ((A_T, F * F * G, B_T), "wrong side"),
        ((A_T, G, B_T.T), "once too often"),
        ((A_T, G[:, ::-1], B_T), "filter is flipped"),
        ((A_T[::-1], G, B_T), "outputs are exchanged"),
        ((A_T.T, G, B_T), "transpose it"),
        ((A_T, G, np.eye(4)), "identity"),
        ((A_T, G), "3 things"),
        ((A_T, G * [1, 0, 1], B_T), "not right"),
        ((np.zeros((2, 4)), G, B_T), "zero everywhere"),
        ("A' G B'", "3 things"),
    ],
    "ex06_5": [
        (lambda m, r: m * r / (m + r - 1), "one dimension"),
        (lambda m, r: ((m + r - 1) / (m * r)) ** 2, "inverted"),
        (lambda m, r: (m * r / (m + r)) ** 2, "m + r - 1"),
        (lambda m, r: (m + r - 1) ** 2, "that are left"),
        (lambda m, r: 4, "any m and r"),
        (lambda m, r: r**2, "for each output"),
        (lambda m, r: (3 * m / (m + 2)) ** 2, "3 x 3 weights only"),
        (lambda m, r: m * m * r * r, "of the direct method"),
        (lambda m, r: 225 / 49, "not right"),
    ],
    "ex06_6": [
        (intensity(1, lambda P, C, K, w: P * (C + K), 1), "three things"),
        (intensity(2, lambda P, C, K, w: P * (C + K) + w, 1), "four"),
        (intensity(1, lambda P, C, K, w: P * (C + K) + w), "two operations"),
        (intensity(2, lambda P, C, K, w: P * (C + K)), "the weight goes"),
        (intensity(2, lambda P, C, K, w: P * C + w), "y is written"),
        (intensity(2, lambda P, C, K, w: P * K + w), "x is read"),
        (lambda N, H, W, C, K, k: 1 / intensity(2, lambda P, C, K, w: P * (C + K) + w)(N, H, W, C, K, k), "inverted"),
        (lambda N, H, W, C, K, k: intensity(2, lambda P, C, K, w: P * (C + K) + w)(N, H, W, C, K, 3), "3 only"),
        (intensity_of_a_row, "k * k weights"),
        (lambda N, H, W, C, K, k: intensity(2, lambda P, C, K, w: P * (C + K) + N * w)(N, H, W, C, K, k), "not right"),
    ],
}


RIGHT = {
    "ex06_1": [depthwise_in_loops, depthwise_by_windows, depthwise_by_frequencies],
    "ex06_2": [
        gradients_in_loops,
        lambda x, weight, dy: (depthwise_by_windows(dy, flipped(weight)), back(x, dy)),
        lambda x, weight, dy: (forward(dy, flipped(weight)).tolist(), back(x, dy).tolist()),
    ],
    "ex06_3": [edge_by_indices, edge_by_matrices, edge_in_loops],
    "ex06_4": [
        [A_T.tolist(), G.tolist(), B_T.tolist()],
        (-2 * A_T, G / 2, -B_T),
        (A_T, np.vectorize(Fraction)(F * G), B_T / F),
        other_points(),
    ],
    "ex06_5": [
        lambda m, r: Fraction(m * r, m + r - 1) ** 2,
        lambda m, r: m**2 * r**2 / (m + r - 1) ** 2,
        lambda m, r: np.float32(m * m * r * r) / np.square(m + r - 1),
    ],
    "ex06_6": [
        lambda N, H, W, C, K, k: Fraction(N * H * W * k**2 * C * K, 2 * (N * H * W * (C + K) + k**2 * C * K)),
        lambda N, H, W, C, K, k: 0.5 / (1 / (k * k * K) + 1 / (k * k * C) + 1 / (N * H * W)),
        lambda *sizes: np.array([intensity(2, lambda P, C, K, w: P * C + P * K + w)(*sizes)]),
    ],
}

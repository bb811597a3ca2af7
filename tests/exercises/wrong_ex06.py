"""Typical wrong answers to the exercises of notebook 06, each with words of its hint."""

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
    ],
    "ex06_3": [
        (lambda dpadded: dpadded[:, 1:-1, 1:-1].copy(), "padding with zeros"),
        (edge(corners=False), "corners are lost"),
        (mean_of_copies, "mean over the copies"),
        (edge(columns=False), "left and right"),
        (edge(rows=False), "above and below"),
        (lambda dpadded: np.pad(dpadded, BORDER, mode="edge"), "pads once more"),
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
    ],
    "ex06_5": [
        (lambda m, r: m * r / (m + r - 1), "one dimension"),
        (lambda m, r: ((m + r - 1) / (m * r)) ** 2, "inverted"),
        (lambda m, r: (m * r / (m + r)) ** 2, "m + r - 1"),
        (lambda m, r: (m + r - 1) ** 2, "that are left"),
        (lambda m, r: 4, "any m and r"),
        (lambda m, r: r**2, "for each output"),
    ],
    "ex06_6": [
        (intensity(1, lambda P, C, K, w: P * (C + K), 1), "three things"),
        (intensity(2, lambda P, C, K, w: P * (C + K) + w, 1), "four"),
        (intensity(1, lambda P, C, K, w: P * (C + K) + w), "two operations"),
        (intensity(2, lambda P, C, K, w: P * (C + K)), "the weight goes"),
        (intensity(2, lambda P, C, K, w: P * C + w), "y is written"),
        (intensity(2, lambda P, C, K, w: P * K + w), "x is read"),
        (lambda N, H, W, C, K, k: 1 / intensity(2, lambda P, C, K, w: P * (C + K) + w)(N, H, W, C, K, k), "inverted"),
    ],
}

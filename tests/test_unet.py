"""The whole network: gradients, shapes, layout of the parameters, and independence of batch, thread and other calls."""

import hashlib
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

from minidiff.errors import MinidiffError
from minidiff.gradient_check import check_layer, directional_derivative, random_parameters, relative_error
from minidiff.layers import leaves
from minidiff.unet import Level, UNet, UNetConfig

# A small network with all features: three levels, attention at two of them, classes, H and W different
SMALL = UNetConfig(
    height=8, width=12, image_channels=3, channels=(4, 6, 8), blocks_per_level=2, attention_levels=2, time_channels=6,
    num_groups=2, head_channels=2, num_classes=3,
)  # fmt: skip
CONFIGS = [
    pytest.param(SMALL, id="color-classes"),
    pytest.param(replace(SMALL, image_channels=1, num_classes=0, attention_levels=0), id="gray-no-attention"),
    pytest.param(replace(SMALL, channels=(4, 6), attention_levels=1, film=False), id="shift-only"),
    pytest.param(replace(SMALL, entry_levels=2), id="two-sizes"),
    pytest.param(
        replace(SMALL, channels=(4,), blocks_per_level=1, height=5, width=7, attention_levels=1), id="one-level"
    ),
]


def random_problem(config, rng, count=2, dtype=np.float64):
    """A network, random parameters, and inputs for `count` images."""
    network = UNet(config)
    p = random_parameters(network, rng, dtype)
    z = rng.normal(size=(count, config.height, config.width, config.image_channels)).astype(dtype)
    labels = rng.integers(0, config.num_classes + 1, count) if config.num_classes else None
    return network, p, (z, rng.normal(size=count), labels)


@pytest.mark.parametrize("config", CONFIGS)
def test_gradient_of_every_parameter(rng, config):
    """Some elements of each, and of the noisy images."""
    network, p, inputs = random_problem(config, rng)
    errors = check_layer(network, *inputs, rng=rng, entries=2)
    assert set(errors) == {"input 0", *p.shapes}
    assert {name: error for name, error in errors.items() if not error < 1e-6} == {}


@pytest.mark.parametrize("config", CONFIGS)
def test_gradient_along_random_directions(rng, config):
    """All elements of all parameters at once, and all of the noisy images."""
    network, p, (z, log_sigma, labels) = random_problem(config, rng)
    y, cache = network.forward(p, z, log_sigma, labels)
    upstream = rng.normal(size=y.shape)
    g = p.zeros_like()
    dz = network.backward(p, g, cache, upstream.copy())

    def loss():
        return np.sum(upstream * network.forward(p, z, log_sigma, labels)[0])

    for array, gradient in ((p.vector, g.vector), (z, dz)):
        for _ in range(3):
            direction = rng.normal(size=array.shape)
            measured = directional_derivative(loss, array, direction, step=1e-6)
            error = abs(measured - np.sum(gradient * direction))
            assert error < 1e-6 * np.linalg.norm(gradient) * np.linalg.norm(direction) / array.size**0.5


def enters_at(network, level):
    """The modules that an image passes which enters at a level."""
    levels = len(network.config.channels) - 1
    names = [f"conv_in{level or ''}", *(f"{way}{i}." for way in ("down", "up") for i in range(level, levels))]
    return (*names, "time.", "middle.", f"down{levels}.", f"norm_out{level or ''}.", f"conv_out{level or ''}.")


@pytest.mark.parametrize("level", [1, 2])
def test_the_gradient_for_images_of_half_the_size(rng, level):
    """They pass the coarser levels only, so the other parameters get no gradient."""
    network, p, (z, log_sigma, labels) = random_problem(replace(SMALL, entry_levels=3), rng)
    z = z[:, :: 2**level, :: 2**level].copy()
    errors = check_layer(network, z, log_sigma, labels, rng=rng, entries=2)
    assert {name: error for name, error in errors.items() if not error < 1e-6} == {}
    y, cache = network.forward(p, z, log_sigma, labels)
    assert y.shape == z.shape
    g = p.zeros_like()
    network.backward(p, g, cache, rng.normal(size=y.shape))
    passed = enters_at(network, level)
    for name in p.shapes:
        touched = np.any(g[name] != 0)
        assert touched == any(f"{name}.".startswith(part) for part in passed), name


@pytest.mark.parametrize(("sigma", "level"), [(0.0, 0), (0.99, 0), (1.0, 1), (1.99, 1), (2.0, 2), (3.9, 2), (1e3, 2)])
def test_images_enter_one_level_lower_for_each_doubling_of_sigma(sigma, level):
    config = replace(SMALL, entry_levels=3)
    with np.errstate(divide="ignore"):
        assert config.entry_level(float(np.log(sigma))) == level
    assert replace(config, entry_levels=1).entry_level(5.0) == 0


def test_images_of_another_dtype_are_converted(rng):
    """Arithmetic on noise may give float64, such as slerp; the parameters decide."""
    network, p, (z, log_sigma, labels) = random_problem(SMALL, rng, dtype=np.float32)
    expected, _ = network.forward(p, z, log_sigma, labels)
    found, _ = network.forward(p, z.astype(np.float64), log_sigma, labels)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, expected)


def test_float32_agrees_with_float64(rng):
    network, p, (z, log_sigma, labels) = random_problem(SMALL, rng)
    upstream = rng.normal(size=z.shape)
    results = []
    for dtype in (np.float32, np.float64):
        q = network.create_parameters(dtype=dtype)
        q.vector[:] = p.vector
        g = q.zeros_like()
        y, cache = network.forward(q, z.astype(dtype), log_sigma, labels)
        dz = network.backward(q, g, cache, upstream.astype(dtype))
        assert y.dtype == dz.dtype == dtype
        results.append((y, dz, *(g[name] for name in p.shapes)))
    for single, double in zip(*results, strict=True):
        assert relative_error(single, double) < 1e-3


def test_a_new_network_predicts_zero(rng):
    network = UNet(replace(SMALL, num_classes=0))
    p = network.create_parameters(seed=3)
    z = rng.normal(size=(2, 8, 12, 3)).astype(np.float32)
    y, _ = network.forward(p, z, rng.normal(size=2))
    assert y.dtype == np.float32
    np.testing.assert_array_equal(y, 0)


def test_new_parameters_depend_on_the_seed():
    network = UNet(SMALL)
    first, again, other = (network.create_parameters(seed).vector for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert np.any(first != other)


def test_a_batch_gives_the_results_of_its_images(rng):
    """Three images at once and one by one: the same predictions, and the sum of the gradients."""
    network, p, (z, log_sigma, labels) = random_problem(SMALL, rng, count=3)
    upstream = rng.normal(size=z.shape)
    g, g_single = p.zeros_like(), p.zeros_like()
    y, cache = network.forward(p, z, log_sigma, labels)
    dz = network.backward(p, g, cache, upstream)
    for n in range(3):
        one = slice(n, n + 1)
        y_single, cache = network.forward(p, z[one], log_sigma[one], labels[one])
        dz_single = network.backward(p, g_single, cache, upstream[one])
        np.testing.assert_allclose(y_single, y[one], rtol=0, atol=1e-11)
        np.testing.assert_allclose(dz_single, dz[one], rtol=0, atol=1e-10)
    assert relative_error(g_single.vector, g.vector) < 1e-12


@pytest.mark.parametrize("shape", [(16, 16, 3, (24, 40)), (12, 20, 1, (32,))])
def test_a_prediction_is_bit_for_bit_identical_in_any_batch(rng, shape):
    """So samples do not depend on how many are generated, nor on the number of threads."""
    height, width, image_channels, channels = shape
    network = UNet(
        UNetConfig(height, width, image_channels, channels, attention_levels=1, head_channels=8, num_classes=3)
    )
    p = network.create_parameters()
    p.vector[:] = rng.normal(0, 0.1, p.size)
    z = rng.normal(size=(11, height, width, image_channels)).astype(np.float32)
    log_sigma, labels = rng.normal(size=11), np.arange(11) % 4
    whole = network.forward(p, z, log_sigma, labels, keep=False)[0]
    for size in (1, 2, 3, 4, 8):
        for first in range(0, 11, size):
            part = slice(first, first + size)
            y = network.forward(p, z[part], log_sigma[part], labels[part], keep=False)[0]
            np.testing.assert_array_equal(y, whole[part])


def test_backward_adds_to_the_gradient(rng):
    network, p, inputs = random_problem(SMALL, rng)
    upstream = rng.normal(size=inputs[0].shape)
    once, twice = p.zeros_like(), p.zeros_like()
    for g, times in ((once, 1), (twice, 2)):
        for _ in range(times):
            network.backward(p, g, network.forward(p, *inputs)[1], upstream)
    assert np.abs(once.vector).max() > 0
    assert relative_error(twice.vector, 2 * once.vector) < 1e-14


def test_a_second_forward_leaves_the_first_cache_alone(rng):
    """Memory is reused, but not while a cache needs it."""
    network, p, inputs = random_problem(SMALL, rng, dtype=np.float32)
    _, _, other_inputs = random_problem(SMALL, rng, dtype=np.float32)
    upstream = rng.normal(size=inputs[0].shape).astype(np.float32)
    g, g_expected = p.zeros_like(), p.zeros_like()
    y_expected, cache = network.forward(p, *inputs)
    y_expected = y_expected.copy()
    dz_expected = network.backward(p, g_expected, cache, upstream).copy()

    y, cache = network.forward(p, *inputs)
    y_other, cache_other = network.forward(p, *other_inputs)
    network.backward(p, p.zeros_like(), cache_other, y_other)
    dz = network.backward(p, g, cache, upstream)
    np.testing.assert_array_equal(y, y_expected)
    np.testing.assert_array_equal(dz, dz_expected)
    np.testing.assert_array_equal(g.vector, g_expected.vector)


def test_two_threads_share_a_network(rng):
    """Two different batches at the same time, again and again: results are bit-for-bit identical to one thread."""
    config = replace(SMALL, height=16, width=24)
    network, p, first = random_problem(config, rng, dtype=np.float32)
    batches = first, random_problem(config, rng, dtype=np.float32)[2]
    upstream = rng.normal(size=first[0].shape).astype(np.float32)

    def work(inputs):
        g = p.zeros_like()
        y, cache = network.forward(p, *inputs)
        dz = network.backward(p, g, cache, upstream)
        return y.copy(), dz.copy(), g.vector

    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)  # the threads alternate as often as possible
    try:
        with ThreadPoolExecutor(2) as pool:
            results = list(pool.map(work, batches * 20))
    finally:
        sys.setswitchinterval(usual)
    expected = [work(inputs) for inputs in batches] * 20
    for result, truths in zip(results, expected, strict=True):
        for array, truth in zip(result, truths, strict=True):
            np.testing.assert_array_equal(array, truth)


def test_the_prediction_depends_on_noise_level_and_class(rng):
    network, p, (z, log_sigma, _) = random_problem(SMALL, rng)
    y = network.forward(p, z, log_sigma, np.array([0, 0]))[0]
    assert relative_error(network.forward(p, z, log_sigma + 1, np.array([0, 0]))[0], y) > 1e-3
    assert relative_error(network.forward(p, z, log_sigma, np.array([1, 1]))[0], y) > 1e-3
    null_class = network.forward(p, z, log_sigma, np.array([3, 3]))[0]
    np.testing.assert_array_equal(network.forward(p, z, log_sigma)[0], null_class)


def test_every_pixel_affects_every_pixel(rng):
    """Through the coarse levels and attention, a change in one corner affects the opposite one."""
    network, p, (z, log_sigma, labels) = random_problem(SMALL, rng, count=1)
    y = network.forward(p, z, log_sigma, labels)[0].copy()
    z[0, 0, 0] += 1
    changed = network.forward(p, z, log_sigma, labels)[0]
    assert np.abs(changed - y)[0, -1, -1].min() > 1e-9


def layout(config):
    """Name, shape and offset of every parameter in the flat vector, one per line."""
    p = UNet(config).create_parameters()
    return [f"{name} {'x'.join(map(str, shape))} {p.slices[name].start}" for name, shape in p.shapes.items()]


@pytest.mark.parametrize(
    ("config", "count", "digest", "rows"),
    [
        pytest.param(
            UNetConfig(num_classes=8), 207, "1294eb4d9ff7b4c5b4354c4629a099c8fdee3a5cc08bc0f591cef6965d082388",
            [
                "time.linear1.weight 64x128 0",
                "time.classes.table 9x128 24832",
                "conv_in.weight 3x3x3x32 25984",
                "down0.downsample.bias 64 99072",
                "down1.block0.film.weight 128x128 136192",
                "down2.attention.qkv.weight 128x384 1011904",
                "middle.block1.film.weight 128x256 2030784",
                "middle.attention.qkv.weight 128x384 2211904",
                "up1.block0.carry.weight 1x1x128x64 3663360",
                "up0.upsample.convolution.weight 1x1x64x32 3762240",
                "up0.block0.carry.weight 1x1x64x32 3800480",
                "conv_out.bias 3 3830368",
            ],
            id="default",
        ),
        pytest.param(
            UNetConfig(16, 16, 1, (8, 16), 1, attention_levels=1, num_groups=4, head_channels=8, film=False),
            72, "da6a4f01112c1812670e1d45b99a8dd2bf76760789dabe9111d791a5d073bad4",
            [
                "time.linear1.weight 64x128 0",
                "conv_in.weight 3x3x1x8 24832",
                "down0.downsample.bias 16 28296",
                "down1.block0.film.weight 128x16 30664",
                "middle.block1.film.weight 128x16 37432",
                "middle.attention.qkv.weight 16x48 41880",
                "up0.upsample.convolution.weight 1x1x16x8 49736",
                "up0.block0.carry.weight 1x1x16x8 52696",
                "conv_out.bias 1 52920",
            ],
            id="shift-only",
        ),
    ],
)  # fmt: skip
def test_layout_of_the_parameters_is_that_of_existing_checkpoints(config, count, digest, rows):
    """A checkpoint stores the flat vector alone, so no parameter may move or change its shape."""
    lines = layout(config)
    assert len(lines) == count
    assert [line for line in lines if line in rows] == rows
    assert hashlib.sha256("\n".join(lines).encode()).hexdigest() == digest


@pytest.mark.parametrize("config", CONFIGS)
def test_children_contain_all_layers_with_parameters(config):
    network = UNet(config)
    names = [layer.name for layer in leaves(network)]
    assert len(set(names)) == len(names)
    owned = [(layer.name, parameter) for layer in leaves(network) for parameter in layer.shapes()]
    assert [parameter for _, parameter in owned] == list(network.create_parameters().shapes)
    assert all(parameter.startswith(f"{name}.") for name, parameter in owned)


@pytest.mark.parametrize("config", CONFIGS)
def test_summary_adds_up(config):
    network = UNet(config)
    lines = network.summary()
    end = -config.entry_levels  # one line more for each smaller size
    total = lines[end].replace(",", "").split()
    levels = [child for child in network.children if isinstance(child, Level)]
    assert len(lines) == len(network.children) - len(levels) + sum(len(level.children) for level in levels) + 1 - end
    assert int(total[-2]) == network.create_parameters().size
    (last_layer,) = [line for line in lines if line.startswith("conv_out ")]
    assert f"{config.height} x {config.width} x {config.image_channels}" in last_layer
    assert all("conv_in" in line and "conv_out" in line for line in lines[len(lines) + end + 1 :])


def test_config_round_trip_through_json():
    assert UNetConfig.from_dict(SMALL.as_dict()) == SMALL
    assert isinstance(SMALL.as_dict()["channels"], list)
    shift_only = replace(SMALL, film=False)
    assert UNetConfig.from_dict(shift_only.as_dict()) == shift_only


def test_a_config_without_film_means_scale_and_shift():
    old = SMALL.as_dict()
    del old["film"]
    assert UNetConfig.from_dict(old) == SMALL


@pytest.mark.parametrize(("channels", "head_channels"), [((32, 64), 32), ((16, 32), 16), ((24, 48), 8), ((64, 16), 16)])
def test_default_heads_fit_any_channels(channels, head_channels):
    config = UNetConfig.for_images(16, 16, 3, channels=channels)
    assert config.head_channels == head_channels
    UNet(config)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"height": 10}, "height 10 cannot be halved 2 times; choose 8 or 12"),
        ({"width": 3}, "width 3 cannot be halved 2 times; choose 4"),
        ({"image_channels": 4}, "1 or 3 channels, not 4"),
        ({"attention_levels": 4}, "attention_levels must be 0 to 3, not 4"),
        ({"attention_levels": -1}, "attention_levels must be 0 to 3, not -1"),
        ({"num_groups": 4}, "6 channels cannot be split into 4 equal groups"),
        ({"head_channels": 4}, "6 channels cannot be split into heads of 4"),
        ({"blocks_per_level": 0}, "blocks_per_level must be at least 1 and at most 64, not 0"),
        ({"num_groups": 0}, "num_groups must be at least 1 and at most 4,096, not 0"),
        ({"channels": (4, 0, 8)}, r"channels\[1\] must be at least 1 and at most 4,096, not 0"),
        ({"channels": ()}, "at least one level"),
        ({"film": "no"}, "film must be true or false, not 'no'"),
    ],
)
def test_an_invalid_config_is_rejected(change, message):
    with pytest.raises(MinidiffError, match=message):
        UNet(replace(SMALL, **change))


@pytest.mark.parametrize(
    ("z_shape", "noise_shape", "labels", "message"),
    [
        ((2, 12, 8, 3), (2,), [0, 1], r"takes images of shape \(N, 8, 12, 3\), not \(2, 12, 8, 3\)"),
        ((2, 3, 8, 12), (2,), [0, 1], r"takes images of shape \(N, 8, 12, 3\)"),
        ((2, 8, 12, 1), (2,), [0, 1], r"takes images of shape \(N, 8, 12, 3\)"),
        ((8, 12, 3), (2,), [0, 1], r"takes images of shape \(N, 8, 12, 3\)"),
        ((2, 8, 12, 3), (3,), [0, 1], r"log_sigma must have shape \(2,\), one value per image"),
        ((2, 8, 12, 3), (), [0, 1], r"log_sigma must have shape \(2,\), one value per image"),
        ((2, 8, 12, 3), (2,), [0], r"labels must have shape \(2,\), one value per image"),
        ((2, 8, 12, 3), (2,), [0, 4], r"outside 0 \.\. 3"),
    ],
)
def test_inputs_of_other_shapes_are_rejected(z_shape, noise_shape, labels, message):
    network = UNet(SMALL)
    p = network.create_parameters()
    with pytest.raises(MinidiffError, match=message):
        network.forward(p, np.zeros(z_shape, np.float32), np.zeros(noise_shape), np.array(labels))


def test_repr_has_no_arrays():
    assert repr(UNet(SMALL)) == f"UNet({SMALL})"

"""Hard questions: gradients by hand, and the finer points of samplers."""

from minidiff.quiz.question import Choice, Question

HARD = (
    Question(
        name="conv_backward",
        level="hard",
        topic="backpropagation",
        text=(
            "y is the convolution of x with a 3x3 kernel w, one channel, zeros around. What is the gradient of "
            "a loss by x, given dy?"
        ),
        code="import numpy as np\nfrom minidiff.kernels.convolution import convolve_naive, convolve_naive_backward\n"
        "rng = np.random.default_rng(0)\nx, dy = rng.normal(size=(2, 1, 6, 6, 1))\n"
        "w = rng.normal(size=(3, 3, 1, 1))\n"
        "dx, dw, db = convolve_naive_backward(x, w, 1, dy)\n"
        "turned = convolve_naive(dy, w[::-1, ::-1], np.zeros(1), 1)\n",
        choices=(
            Choice(
                "The convolution of dy with the same kernel, since a convolution is linear",
                False,
                "It has the right shape. But pixel (i, j) of x went to output (i - 1, j - 1) through w[2, 2], so its "
                "gradient comes back from there, with that weight: the kernel is met in reverse.",
            ),
            Choice("dy divided by w", False, "A gradient is never divided by what the input was multiplied with."),
            Choice(
                "The convolution of x with dy",
                False,
                "That is the gradient by the kernel: it collects which x met which dy.",
            ),
            Choice(
                "The convolution of dy with the kernel turned by half a circle",
                True,
                "Every path from an x to a y is walked back with its own weight.",
            ),
        ),
        hint="Follow one pixel of x to all outputs it reaches, and note the weight of each way.",
        explanation=(
            "y[i, j] = sum over a, b of w[a, b] x[i + a - 1, j + b - 1].",
            "So x[i, j] takes part in y[i - a + 1, j - b + 1], with weight w[a, b].",
            "dx[i, j] = sum over a, b of w[a, b] dy[i - a + 1, j - b + 1]: the same sum with the offsets reversed.",
            "As a matrix: y = M x gives dx = M' dy, and transposing this M reverses the kernel.",
        ),
        mistakes=(
            "To forget to reverse the kernel: symmetric kernels hide it.",
            "With several channels, to forget that they swap roles too.",
        ),
        module="minidiff/kernels/convolution.py",
    ),
    Question(
        name="upstream_of_ones",
        level="hard",
        topic="backpropagation",
        text=(
            "A gradient check of a normalisation layer, y = (x - mean) / deviation, uses an upstream gradient "
            "dy of ones. Why does it prove nothing?"
        ),
        code="import numpy as np\nx = np.random.default_rng(0).normal(size=100)\n"
        "y = (x - x.mean()) / x.std()\n"
        "total = y.sum()  # the loss whose gradient by y is all ones\n",
        choices=(
            Choice(
                "Because the sum of y is 0 for every x, so that the right gradient is 0 and a wrong layer that "
                "returns 0 passes",
                True,
                "The loss is a constant. All terms that could be wrong cancel.",
            ),
            Choice(
                "Because ones are too large for finite differences", False, "The size of dy only scales both sides."
            ),
            Choice(
                "Because the deviation could be 0",
                False,
                "Not for this x; and a random dy would not help against that.",
            ),
            Choice(
                "Because gradients are checked in float32",
                False,
                "float64 is wise, but with dy of ones even exact arithmetic proves nothing.",
            ),
        ),
        hint="What is the loss, if its gradient by y is 1 everywhere? How does it depend on x?",
        explanation=(
            "dy = 1 everywhere belongs to the loss sum(y).",
            "Normalised numbers have mean 0, so sum(y) = 0 whatever x is, and its gradient by x is 0.",
            "A backward that forgets the mean and deviation terms, or returns zeros, may agree with that.",
            "A random dy asks about all directions at once.",
        ),
        mistakes=(
            "To check at zero parameters, where other terms vanish.",
            "To compare signed sums of errors, which cancel.",
        ),
        module="minidiff/gradient_check.py",
    ),
    Question(
        name="last_step",
        level="hard",
        topic="samplers",
        text="An ancestral sampler adds fresh noise in every step, the last one included. What does one see?",
        code="import numpy as np\nrng = np.random.default_rng(0)\n"
        "x0_hat = np.zeros(10_000)  # the finished picture, before the last line\n"
        "z = x0_hat + 0.1 * rng.standard_normal(x0_hat.shape)\n"
        "grain = float(z.std())\n",
        choices=(
            Choice(
                "Other pictures than without, but as clean",
                False,
                "Noise in earlier steps changes the picture and is cleaned later. After the last step nothing cleans.",
            ),
            Choice(
                "Nothing: so little noise cannot be seen",
                False,
                "A tenth of half the range is 13 of 255 grey levels: clearly visible.",
            ),
            Choice("A fine grain over every picture", True, "No step follows that would take this noise away."),
            Choice("Blurred pictures", False, "Blur comes from averaging; this adds detail, of the wrong kind."),
        ),
        hint="Who removes the noise of a step?",
        explanation=(
            "The noise added in a step is seen and removed by the network in the steps after it.",
            "After the step to t = 0 there is none.",
            "So the posterior's deviation at the last step must be 0, and the result is x0_hat itself.",
        ),
        mistakes=("To write the loop without a special case, with a variance that is not 0 at t = 1.",),
        module="minidiff/samplers.py",
    ),
    Question(
        name="order_of_convergence",
        level="hard",
        topic="samplers",
        text="Heun's method asks the network twice in every step, Euler's once. When is Heun worth it?",
        choices=(
            Choice(
                "Never: it is twice as slow", False, "Per step it is. But its error falls faster as steps are added."
            ),
            Choice(
                "When a small error is wanted: it falls with the square of the steps",
                True,
                "Halving the step halves Euler's error and quarters Heun's.",
            ),
            Choice(
                "Always: it asks the network twice in every step and so is twice as exact",
                False,
                "With very few steps it can be worse: a parabola drawn through two bad guesses.",
            ),
            Choice(
                "Only for networks that predict the noise",
                False,
                "A sampler sees x0_hat and eps_hat, whatever was predicted.",
            ),
        ),
        hint="What happens to each error when the number of steps doubles?",
        explanation=(
            "Euler's error is proportional to 1 / steps, Heun's to 1 / steps^2.",
            "At equal cost, Heun has half the steps: c1 / n against 4 c2 / n^2, so that beyond some n it wins.",
            "DPM-Solver++(2M) reaches order 2 with one call a step, by remembering the call before.",
        ),
        mistakes=("To compare samplers at equal steps instead of equal calls of the network.",),
        module="minidiff/benchmark/convergence.py",
    ),
    Question(
        name="average",
        level="hard",
        topic="training",
        text="Pictures are drawn with a moving average of the parameters. What does it do?",
        code="import numpy as np\nrng = np.random.default_rng(0)\n"
        "wandering = 1 + 0.3 * rng.standard_normal(5000)  # a parameter that jitters around 1\n"
        "average = 0.0\nfor step, value in enumerate(wandering):\n"
        "    keep = min(0.999, (1 + step) / (10 + step))\n"
        "    average = keep * average + (1 - keep) * value\n",
        choices=(
            Choice(
                "It makes training faster",
                False,
                "Training never uses it: the gradient is taken at the parameters themselves.",
            ),
            Choice("It keeps the parameters small", False, "That is weight decay. An average around 1 stays at 1."),
            Choice(
                "It replaces the decay of the learning rate, which may then stay as high as it was",
                False,
                "The two overlap, which is why the average helps most in the middle of a training. But it is "
                "not why it is there: it does not change what is learnt.",
            ),
            Choice(
                "It takes out the jitter that single batches put into the parameters",
                True,
                "Over a thousand steps the jitter averages out, and what remains is where the parameters point.",
            ),
        ),
        hint="What do 0.3 and 0.999 do to `average`?",
        explanation=(
            "Every batch is a few pictures at a few noise levels, so each step goes a little astray.",
            "The average over many steps has the same mean and far less of that jitter.",
            "At the beginning `keep` is smaller, so that the first values, which know nothing, are forgotten quickly.",
        ),
        mistakes=(
            "To save only the parameters, and to draw with them after a resume.",
            "To start the average at 0 without the warm-up.",
        ),
        module="minidiff/optim.py",
    ),
)

"""Medium questions: reading short code, and what goes wrong."""

from minidiff.quiz.question import Choice, Question

MEDIUM = (
    Question(
        name="noisy_line",
        level="medium",
        topic="schedule",
        text="What does `guess` hold?",
        code="import numpy as np\nrng = np.random.default_rng(0)\n"
        "image = rng.uniform(-1, 1, (8, 8, 3))\nnoise_level = 5.0\n"
        "noise = rng.standard_normal(image.shape)\n"
        "noisy = image + noise_level * noise\n"
        "predicted_noise = noise  # what a perfect network would say\n"
        "guess = noisy - noise_level * predicted_noise\n",
        choices=(
            Choice("The image again, since the prediction is perfect", True, "image + 5 noise - 5 noise is the image."),
            Choice(
                "The noise, five times as strong",
                False,
                "That is what was taken away. Mind which of the two terms is left.",
            ),
            Choice(
                "A blurred image",
                False,
                "A network that is unsure answers with an average, which is blurred. This one is not unsure.",
            ),
            Choice(
                "Numbers near 0, since the noise outweighs the image",
                False,
                "Noise outweighs the image in `noisy`, but it is subtracted to the last digit.",
            ),
        ),
        hint="Put the third line from below into the last one.",
        explanation=(
            "`noisy` is the variance-exploding mixture: signal 1, noise 5.",
            "Subtracting 5 times the very same noise undoes it.",
            "A real network only estimates the noise, so that `guess` is an estimate: x0_hat.",
        ),
        mistakes=(
            "To forget the factor `noise_level` when subtracting.",
            "To believe that strong noise destroys the image for good, even if the noise is known.",
        ),
        module="minidiff/schedule.py",
    ),
    Question(
        name="mismatch",
        level="medium",
        topic="training",
        text="Why does the loss of this training not fall below that of guessing 0?",
        code="import numpy as np\nfrom minidiff import Schedule\n"
        "rng = np.random.default_rng(0)\nschedule = Schedule('cosine', 100)\n"
        "x0 = rng.choice([-1.0, 1.0], (500, 1))\n"
        "t = rng.integers(1, 101, 500)\n"
        "z = schedule.add_noise(x0, rng.standard_normal(x0.shape), t)\n"
        "eps = rng.standard_normal(x0.shape)  # the target\n"
        "correlation = np.corrcoef(z[:, 0], eps[:, 0])[0, 1]\n",
        choices=(
            Choice(
                "The noise level is not told to the network",
                False,
                "That makes learning harder, but a network can still see in z how noisy it is.",
            ),
            Choice(
                "The learning rate is too small",
                False,
                "No learning rate helps: what is asked for cannot be known from z.",
            ),
            Choice(
                "The pictures have only the values -1 and 1",
                False,
                "That makes it easier: there are only two pictures to tell apart.",
            ),
            Choice(
                "The target is other noise than that in z",
                True,
                "Noise is drawn twice. The best answer about numbers that one knows nothing of is their mean, 0.",
            ),
        ),
        hint="How many times is noise drawn?",
        explanation=(
            "`add_noise` gets noise from one call of `standard_normal`, and the target comes from another.",
            "The two are independent: their correlation with z is about 0.",
            "The best prediction of something independent is its mean. The loss stays at the variance of the noise, 1.",
            "Repair: draw eps once, before, and use it in both places.",
        ),
        mistakes=(
            "To look for the fault in the network when the data is wrong.",
            "To redraw noise for the target because its mean and deviation are right.",
        ),
        module="minidiff/training.py",
    ),
    Question(
        name="end_in_noise",
        level="medium",
        topic="schedule",
        text=(
            "A linear schedule made for T = 1000 is used with its first 50 steps only. Training goes well. "
            "What is wrong with the samples?"
        ),
        code="from minidiff import Schedule\nschedule = Schedule('linear', 1000)\n"
        "signal_left = float(schedule.signal[50])\n",
        choices=(
            Choice(
                "Nothing: 50 steps are enough for good pictures",
                False,
                "50 steps can be enough if they reach from noise to picture. These reach only from slight noise.",
            ),
            Choice("They are too sharp", False, "If anything they keep grain, for noise is not recognised as such."),
            Choice(
                "Sampling starts from pure noise, which training has never shown to the network",
                True,
                "At step 50 almost all of the signal is left. Pure noise is nothing the network knows.",
            ),
            Choice(
                "They repeat training pictures",
                False,
                "That is memorising, and comes from too few pictures and too long a training.",
            ),
        ),
        hint="How much of the picture is left at step 50?",
        explanation=(
            "The schedule was made so that signal is nearly 0 at step 1000. At step 50 it is still above 0.9.",
            "In training the network always saw pictures with some noise, never noise alone.",
            "Sampling begins at noise alone. The network sees pale pictures in it, with wrong brightness and colour.",
            "A schedule must end in noise, for every T: scale it in continuous time, do not cut it off.",
        ),
        mistakes=(
            "To copy the constants of a paper and change T only.",
            "To judge by the loss, which is even lower since little noise is easy.",
        ),
        module="minidiff/curves.py",
    ),
    Question(
        name="ddim_sign",
        level="medium",
        topic="samplers",
        text="This is one step of DDIM with a fault in it. Which?",
        code="import numpy as np\nfrom minidiff import Schedule\n"
        "schedule = Schedule('cosine', 100)\nrng = np.random.default_rng(0)\n"
        "x0, eps = rng.uniform(-1, 1, 1000), rng.standard_normal(1000)\n"
        "z = schedule.signal[80] * x0 + schedule.noise[80] * eps\n"
        "z_next = schedule.signal[60] * x0 - schedule.noise[60] * eps\n"
        "right = schedule.signal[60] * x0 + schedule.noise[60] * eps\n",
        choices=(
            Choice(
                "The noise is mixed in with the wrong sign",
                True,
                "The next z must lie on the line from this noise to this picture, with less of the same noise.",
            ),
            Choice(
                "Fresh noise should be drawn for the next step",
                False,
                "That is what makes ancestral sampling (DDPM). DDIM without eta reuses the noise it sees.",
            ),
            Choice(
                "The step goes from 80 to 60 and so leaves out 19 steps",
                False,
                "Leaving out steps is what DDIM is for: its step is exact if x0 and eps are.",
            ),
        ),
        hint="Compare the last two lines.",
        explanation=(
            "DDIM keeps the picture and the noise that the network sees, and changes only their weights.",
            "So z_next = signal[60] x0 + noise[60] eps.",
            "With a minus the noise is mirrored at every step. Its strength is right, so pictures look "
            "plausible but do not converge.",
        ),
        mistakes=("To test a sampler by the deviation of its results alone: a flipped sign leaves it unchanged.",),
        module="minidiff/samplers.py",
    ),
    Question(
        name="guidance",
        level="medium",
        topic="guidance",
        text=(
            "Guidance computes eps = eps_u + w (eps_c - eps_u), from an unconditional and a conditional "
            "prediction. What do w = 0, 1 and 3 mean?"
        ),
        choices=(
            Choice(
                "No noise, some noise, much noise",
                False,
                "w does not change how much noise there is, but in which direction the prediction is moved.",
            ),
            Choice(
                "0: only the label counts; 1: both alike; 3: only the picture counts",
                False,
                "Put 0 in: what is left is eps_u, which knows nothing of the label.",
            ),
            Choice(
                "0: the label is ignored; 1: the plain conditional prediction; 3: the effect of the label, exaggerated",
                True,
                "w = 1 cancels eps_u, and above 1 one goes past eps_c.",
            ),
        ),
        hint="Put the three numbers into the formula.",
        explanation=(
            "w = 0 leaves eps_u.",
            "w = 1 gives eps_u + eps_c - eps_u = eps_c.",
            "w = 3 goes three times as far from eps_u as eps_c does: the label shows more clearly, and the "
            "pictures vary less.",
        ),
        mistakes=(
            "To mix up two conventions: some papers call our w = 1 zero.",
            "To train without leaving out labels now and then: there is no eps_u then.",
        ),
        module="minidiff/denoiser.py",
    ),
)

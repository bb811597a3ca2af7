"""Easy questions: what the parts of a diffusion model do."""

from minidiff.quiz.question import Choice, Question

EASY = (
    Question(
        name="start",
        level="easy",
        topic="generation",
        text="A trained model is to draw a new picture. What does it begin with?",
        choices=(
            Choice(
                "A training picture, chosen by lot",
                False,
                "It tempts because training begins with one. Generation must do without: nothing of the training "
                "pictures is kept but what the parameters have learnt from them.",
            ),
            Choice(
                "A picture that is grey all over",
                False,
                "Grey is the average of many pictures, but it is always the same: every picture drawn from it would "
                "be the same too.",
            ),
            Choice(
                "Noise and nothing else",
                True,
                "Each noise leads to a picture of its own, and the model has learnt to see pictures in noise.",
            ),
            Choice(
                "The name of a class",
                False,
                "A label can steer where the drawing goes, but there is nothing in it to be denoised. Models "
                "without classes draw as well.",
            ),
        ),
        hint="Generation runs the forward process backwards. How does the forward process end?",
        explanation=(
            "The forward process mixes a picture with more and more noise, until at t = T only noise is left.",
            "Generation goes the same way back, from t = T to t = 0.",
            "So it begins where the forward process ends: at noise from a random number generator.",
        ),
        mistakes=(
            "To think that the network makes the picture in one go.",
            "To forget that another seed gives another picture.",
        ),
        module="minidiff/sampling.py",
    ),
    Question(
        name="training",
        level="easy",
        topic="training",
        text="What happens in one step of training?",
        choices=(
            Choice(
                "Pictures get noise, the network predicts, and its parameters move to err less",
                True,
                "Since we put the noise there ourselves, we know what the right answer would have been.",
            ),
            Choice(
                "The network draws pictures from noise, which are compared with the training pictures",
                False,
                "A drawn picture corresponds to no training picture, so there is nothing to compare it with. And "
                "it would cost as many passes through the network as there are steps.",
            ),
            Choice(
                "Pictures are denoised step by step from T to 1, and the last one is compared with the original",
                False,
                "That is what sampling looks like. In training each example jumps to one random t at once.",
            ),
            Choice(
                "A second network judges whether the pictures look real",
                False,
                "That is how adversarial networks are trained; diffusion needs no judge.",
            ),
        ),
        hint="Which picture can be compared with a right answer, number by number?",
        explanation=(
            "A step t is drawn at random, and noise eps.",
            "z = signal[t] x0 + noise[t] eps is computed at once, without going through the steps below t.",
            "The network sees z and t, and predicts. The mean square of its error is the loss.",
            "The gradient of the loss moves the parameters a little.",
        ),
        mistakes=(
            "To simulate all t steps of the forward process for one example.",
            "To take the same t for a whole epoch.",
        ),
        module="minidiff/training.py",
    ),
    Question(
        name="predicts",
        level="easy",
        topic="targets",
        text="The network was trained to predict the noise eps in z = signal x0 + noise eps. "
        "How does one get the picture it believes in?",
        choices=(
            Choice(
                "It cannot be had: the network has learnt nothing about pictures",
                False,
                "To tell noise from picture one has to know both. Whoever knows one of two parts of a sum knows "
                "the other.",
            ),
            Choice(
                "By subtracting the prediction from z",
                False,
                "Right only where signal = noise = 1. In general the two parts have weights.",
            ),
            Choice("By running a second network", False, "The equation for z holds everything that is needed."),
            Choice(
                "By solving that equation: (z - noise eps_hat) / signal",
                True,
                "z, signal and noise are known, and eps_hat is the prediction.",
            ),
        ),
        hint="It is one equation with one unknown.",
        explanation=(
            "z = signal x0 + noise eps holds with numbers that are all known but x0 and eps.",
            "With eps_hat in place of eps, x0_hat = (z - noise eps_hat) / signal.",
            "Where signal is nearly 0 this divides by nearly 0: there another target, such as the velocity, is "
            "better behaved.",
        ),
        mistakes=(
            "To leave out the division by signal.",
            "To take x0_hat at high noise for the final picture: it is a blurred guess.",
        ),
        module="minidiff/schedule.py",
    ),
    Question(
        name="direction",
        level="easy",
        topic="schedule",
        text="What does this line print, and what does it say about t?",
        code="from minidiff import Schedule\nschedule = Schedule('flow', 10)\n"
        "print(schedule.signal[0], round(float(schedule.noise[10]), 2))\n",
        choices=(
            Choice(
                "0.0 0.99: t counts how much of the picture is there",
                False,
                "Some papers count that way round. Here, and in most code, index 0 is the clean picture.",
            ),
            Choice(
                "1.0 0.99: at t = 0 there is only picture, at t = T almost only noise",
                True,
                "signal falls from 1, and noise rises towards 1, as t grows.",
            ),
            Choice(
                "1.0 0.1: ten steps in all, and each of them adds a tenth of the noise",
                False,
                "`noise[t]` is the noise that z_t holds altogether, not what one step adds.",
            ),
        ),
        hint="Index 0 is the clean picture.",
        explanation=(
            "`signal[t]` and `noise[t]` are the weights of picture and noise in z_t.",
            "At t = 0 nothing has happened yet: signal 1, noise 0.",
            "At t = T the flow schedule has noise 0.99 and signal 0.01.",
        ),
        mistakes=("To read the arrays from the wrong end.", "To take `noise[t]` for the noise added from t - 1 to t."),
        module="minidiff/schedule.py",
    ),
    Question(
        name="order",
        level="easy",
        topic="generation",
        text="In which order are these done to draw a picture?",
        choices=(
            Choice(
                "Ask the network, draw noise, mix with less noise, and again",
                False,
                "There is nothing to ask the network about before there is noise.",
            ),
            Choice(
                "Draw noise; then, again and again: ask the network, mix its picture with less noise",
                True,
                "Each turn lowers t, until the last one leaves the picture alone.",
            ),
            Choice(
                "Draw noise, mix with less noise again and again, and ask the network at the end",
                False,
                "To mix with less noise one needs to know what is picture: that is what the network is asked.",
            ),
        ),
        hint="What does each part need that another one makes?",
        explanation=(
            "z_T is noise.",
            "The network says what picture x0_hat and what noise eps_hat it sees in z_t.",
            "z at the next, lower t is the same mixture with more x0_hat and less eps_hat.",
            "At t = 0 what is left is the picture.",
        ),
        mistakes=("To add fresh noise after the last step.", "To count t upwards."),
        module="minidiff/samplers.py",
    ),
)

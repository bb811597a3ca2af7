"""The quiz: every question is whole, every snippet runs and does what its answer says, the terminal asks and counts."""

from pathlib import Path

import numpy as np
import pytest

import minidiff
from minidiff import Schedule
from minidiff.cli import main
from minidiff.errors import MinidiffError
from minidiff.quiz import LEVELS, PRACTICE, QUESTIONS, choose
from minidiff.quiz.terminal import ask_all
from minidiff.steps import choose_steps

ROOT = Path(minidiff.__file__).parents[1]
NAMES = [question.name for question in QUESTIONS]


def check_direction(space, printed):
    assert printed == ["1.0 0.99"]
    assert (np.diff(space["schedule"].signal) < 0).all()


def check_noisy_line(space, printed):
    np.testing.assert_allclose(space["guess"], space["image"], atol=1e-12)


def check_mismatch(space, printed):
    assert abs(space["correlation"]) < 0.15  # of 500 independent pairs
    own = (space["z"] - space["schedule"].signal[space["t"]][:, None] * space["x0"])[:, 0]
    assert np.corrcoef(space["z"][:, 0], own)[0, 1] > 0.3  # the noise that is really in z


def check_end_in_noise(space, printed):
    assert space["signal_left"] > 0.9
    assert Schedule("linear", 50).signal[-1] < 0.01  # scaled in continuous time, fifty steps do end in noise


def check_ddim_sign(space, printed):
    assert np.std(space["z_next"]) == pytest.approx(np.std(space["right"]), rel=0.1)  # the deviation hides it
    assert np.abs(space["z_next"] - space["right"]).max() > 1


def check_conv_backward(space, printed):
    np.testing.assert_allclose(space["turned"], space["dx"], atol=1e-12)
    from minidiff.kernels.convolution import convolve_naive

    same = convolve_naive(space["dy"], space["w"], np.zeros(1), 1)
    assert np.abs(same - space["dx"]).max() > 0.1


def check_upstream_of_ones(space, printed):
    assert abs(space["total"]) < 1e-10


def check_last_step(space, printed):
    assert space["grain"] * 127.5 == pytest.approx(13, abs=0.5)


def check_average(space, printed):
    assert abs(space["average"] - 1) < 0.05
    assert np.std(space["wandering"]) > 0.25


CHECKS = {
    "direction": check_direction,
    "noisy_line": check_noisy_line,
    "mismatch": check_mismatch,
    "end_in_noise": check_end_in_noise,
    "ddim_sign": check_ddim_sign,
    "conv_backward": check_conv_backward,
    "upstream_of_ones": check_upstream_of_ones,
    "last_step": check_last_step,
    "average": check_average,
}


def test_every_snippet_has_a_check():
    assert set(CHECKS) == {question.name for question in QUESTIONS if question.code}


@pytest.mark.parametrize("question", [q for q in QUESTIONS if q.code], ids=lambda q: q.name)
def test_snippets_run_and_do_what_the_answer_says(question, capsys):
    space = {}
    exec(compile(question.code, question.name, "exec"), space)
    CHECKS[question.name](space, capsys.readouterr().out.splitlines())


@pytest.mark.parametrize("question", QUESTIONS, ids=NAMES)
def test_questions_are_whole(question):
    assert question.level in LEVELS
    assert [choice.right for choice in question.choices].count(True) == 1
    assert 3 <= len(question.choices) <= 8
    assert len({choice.text for choice in question.choices}) == len(question.choices)
    for choice in question.choices:
        assert choice.why.endswith(".")
    assert question.hint
    assert len(question.explanation) >= 3
    assert question.mistakes
    assert (ROOT / question.module).is_file()


def test_there_are_enough_of_each_level_with_different_names():
    assert len(set(NAMES)) == len(QUESTIONS) >= 12
    for level in LEVELS:
        assert len(choose(level)) >= 4


def test_neither_place_nor_length_gives_the_answer_away():
    places = [[choice.right for choice in question.choices].index(True) for question in QUESTIONS]
    assert len(set(places)) >= 4
    assert max(map(places.count, places)) <= len(QUESTIONS) / 2
    longest = [max(question.choices, key=lambda choice: len(choice.text)).right for question in QUESTIONS]
    assert sum(longest) <= len(QUESTIONS) / 3


def test_a_seed_shuffles_and_keeps_everything():
    first, again, other = choose(seed=1), choose(seed=1), choose(seed=2)
    assert first == again != other
    assert {q.name for q in first} == set(NAMES)
    for question in first:
        original = next(q for q in QUESTIONS if q.name == question.name)
        assert set(question.choices) == set(original.choices)
    with pytest.raises(MinidiffError, match="easy, medium, hard"):
        choose("impossible")


def play(answers, **options):
    lines, answers = [], iter(answers)

    def read(prompt):
        try:
            return next(answers)
        except StopIteration as stop:
            raise EOFError from stop

    return ask_all(choose(**options), read, lines.append), "\n".join(lines)


def letters_of(questions, right):
    return ["abcdefgh"[[choice.right for choice in q.choices].index(right)] for q in questions]


def test_right_answers_score_and_wrong_ones_are_explained():
    questions = choose("easy")
    result, said = play(letters_of(questions, True), level="easy")
    assert result == (len(questions), len(questions))
    assert said.count("Right. ") == len(questions)
    result, said = play(letters_of(questions, False), level="easy")
    assert result == (len(questions), 0)
    for question in questions:
        assert next(choice.text for choice in question.choices if choice.right) in said
        assert all(step in said for step in question.explanation)


def test_hints_nonsense_and_stopping():
    result, said = play(["h", "zebra", "", "q"])
    assert result == (0, 0)
    assert QUESTIONS[0].hint in said
    assert "'zebra' is not an answer" in said
    result, said = play(letters_of(QUESTIONS[:2], True))  # the input ends
    assert result == (2, 2)
    assert said.endswith(f"Score: 2 right of 2 answered, {len(QUESTIONS)} asked for.")


def test_the_command_asks(monkeypatch, capsys):
    monkeypatch.setattr("builtins.input", lambda prompt: "q")
    assert main(["quiz", "--level", "hard", "--seed", "3", "--count", "2"]) == 0
    assert "Question 1 of 2, hard" in capsys.readouterr().out
    assert main(["quiz", "--level", "silly"]) == 2
    assert "easy, medium, hard" in capsys.readouterr().err


def schedule_and_arrays():
    rng = np.random.default_rng(0)
    return Schedule("cosine", 40), rng.normal(size=(2, 4, 4, 3)), rng.normal(size=(2, 4, 4, 3))


def practise_add_noise(f):
    schedule, x0, eps = schedule_and_arrays()
    return f(schedule, x0, eps, 7), schedule.add_noise(x0, eps, 7)


def practise_x0_from_noise(f):
    schedule, z, eps_hat = schedule_and_arrays()
    return f(schedule, z, eps_hat, 9), schedule.solve("noise", z, eps_hat, 9)[0]


def practise_ddim_step(f):
    schedule, x0_hat, eps_hat = schedule_and_arrays()
    return f(schedule, x0_hat, eps_hat, 5), schedule.add_noise(x0_hat, eps_hat, 5)


def practise_guide(f):
    from minidiff import Guided, MixtureDenoiser

    denoiser = MixtureDenoiser(Schedule("flow", 20), ((0.5, 0.0), (-0.5, 0.2)), 0.2)
    z, labels = np.array([[0.3, -0.1]]), np.array([1])
    plain, conditional = denoiser(z, 8, None)[1], denoiser(z, 8, labels)[1]
    return f(plain, conditional, 3.0), Guided(denoiser, 3.0)(z, 8, labels)[1]


def practise_trailing(f):
    return f(1000, 8), [t for t, _ in choose_steps(Schedule("flow", 1000), 8)]


def practise_linear_backward(f):
    from minidiff.layers import Linear

    layer, rng = Linear("l", 3, 2), np.random.default_rng(0)
    p = minidiff.Parameters(layer.shapes(), np.float64)
    layer.initialise(p, rng)
    x, dy, g = rng.normal(size=(5, 3)), rng.normal(size=(5, 2)), p.zeros_like()
    dx = layer.backward(p, g, layer.forward(p, x)[1], dy)
    found = f(x, p["l.weight"], dy)
    return np.concatenate([np.ravel(a) for a in found]), np.concatenate([dx.ravel(), g["l.weight"].ravel()])


@pytest.mark.parametrize("task", PRACTICE, ids=lambda task: task.name)
def test_solutions_agree_with_the_library_and_starting_code_does_not(task):
    for code, right in ((task.solution, True), (task.starting_code, False)):
        space = {}
        exec(compile(code, task.name, "exec"), space)
        found, expected = globals()[f"practise_{task.name}"](space[task.name])
        agrees = np.shape(found) == np.shape(expected) and np.allclose(found, expected, atol=1e-6)
        assert agrees == right

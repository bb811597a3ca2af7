"""The quiz: complete questions, programs that confirm the right answers, and the dialog in the terminal."""

from pathlib import Path

import numpy as np
import pytest

import minidiff
from minidiff import Schedule
from minidiff.cli import main
from minidiff.errors import MinidiffError
from minidiff.quiz import LEVELS, PRACTICE, QUESTIONS, choose
from minidiff.quiz.reading import read
from minidiff.quiz.terminal import ask_all
from minidiff.sampling import choose_steps

ROOT = Path(minidiff.__file__).parents[1]
NAMES = [question.name for question in QUESTIONS]


def check_direction(space, printed):
    assert printed == ["1.0 0.99"]
    assert (np.diff(space["schedule"].signal) < 0).all()


def check_noisy_line(space, printed):
    np.testing.assert_allclose(space["guess"], space["image"], atol=1e-12)


def late_loss(code, name):
    space = {}
    exec(compile(code, name, "exec"), space)
    return np.mean(space["losses"][len(space["losses"]) // 2 :])


def question_named(name):
    return next(question for question in QUESTIONS if question.name == name)


def check_mismatch(space, printed):
    assert np.mean(space["losses"][-2000:]) == pytest.approx(1, abs=0.1)
    code = question_named("mismatch").code
    noise, drawn = "rng.standard_normal()\n", "    eps = rng.standard_normal()  # the target\n"
    repaired = code.replace(drawn, "").replace(noise, "eps\n").replace("    z =", f"{drawn}    z =")
    assert repaired != code
    assert late_loss(repaired, "repaired") < 0.5  # as the third answer says


def check_wrong_level(space, printed):
    code = question_named("wrong_level").code
    again = "    t = rng.integers(1, 11)\n    error"
    assert again in code
    wrong, right = late_loss(code, "wrong_level"), late_loss(code.replace(again, "    error"), "repaired")
    assert 0.5 < wrong < 0.65
    assert wrong > 1.15 * right
    assert np.ptp(space["weight"][1:]) < 0.3  # the same compromise at all levels


def check_target_at_the_end(space, printed):
    errors = space["errors"]
    assert errors["noise"] == pytest.approx(9.9)
    assert max(errors["image"], errors["velocity"], errors["flow"]) < 0.101


def check_end_in_noise(space, printed):
    assert space["signal_left"] > 0.9
    assert Schedule("linear", 50).signal[-1] < 0.01  # scaled in continuous time, 50 timesteps end in noise


def check_ddim_sign(space, printed):
    assert np.std(space["z_next"]) == pytest.approx(np.std(space["right"]), rel=0.1)  # the standard deviation is right
    assert np.abs(space["z_next"] - space["right"]).max() > 1


def check_conv_backward(space, printed):
    np.testing.assert_allclose(space["flipped"], space["dx"], atol=1e-12)
    from minidiff.kernels.plain.convolution import convolve_naive

    same = convolve_naive(space["dy"], space["w"], np.zeros(1), 1)
    assert np.abs(same - space["dx"]).max() > 0.1


def check_upstream_of_ones(space, printed):
    assert abs(space["total"]) < 1e-10


def check_last_step(space, printed):
    assert space["grain"] * 127.5 == pytest.approx(13, abs=0.5)


def check_average(space, printed):
    assert abs(space["average"] - 1) < 0.05
    assert np.std(space["parameter"]) > 0.25


CHECKS = {
    "direction": check_direction,
    "noisy_line": check_noisy_line,
    "mismatch": check_mismatch,
    "wrong_level": check_wrong_level,
    "target_at_the_end": check_target_at_the_end,
    "end_in_noise": check_end_in_noise,
    "ddim_sign": check_ddim_sign,
    "conv_backward": check_conv_backward,
    "upstream_of_ones": check_upstream_of_ones,
    "last_step": check_last_step,
    "average": check_average,
}


def test_every_program_has_a_check():
    assert set(CHECKS) == {question.name for question in QUESTIONS if question.code}


@pytest.mark.parametrize("question", [q for q in QUESTIONS if q.code], ids=lambda q: q.name)
def test_programs_run_and_confirm_the_right_answer(question, capsys):
    space = {}
    exec(compile(question.code, question.name, "exec"), space)
    CHECKS[question.name](space, capsys.readouterr().out.splitlines())


def check_references(entry):
    assert (ROOT / entry.module).is_file()
    assert (Path(__file__).parents[2] / entry.tutorial).is_file()


@pytest.mark.parametrize("question", QUESTIONS, ids=NAMES)
def test_questions_are_complete(question):
    assert question.level in LEVELS
    assert [choice.right for choice in question.choices].count(True) == 1
    assert 3 <= len(question.choices) <= 8
    assert len({choice.text for choice in question.choices}) == len(question.choices)
    for choice in question.choices:
        assert choice.why.endswith(".")
    assert question.hint
    assert len(question.explanation) >= 3
    assert question.mistakes
    check_references(question)


def test_every_level_has_enough_questions_with_unique_names():
    assert len(set(NAMES)) == len(QUESTIONS) >= 12
    for level in LEVELS:
        assert len(choose(level)) >= 4


def test_neither_position_nor_length_reveals_the_answer():
    positions = [question.answer for question in QUESTIONS]
    assert len(set(positions)) >= 4
    assert max(map(positions.count, positions)) <= len(QUESTIONS) / 2
    longest = [max(question.choices, key=lambda choice: len(choice.text)).right for question in QUESTIONS]
    assert sum(longest) <= len(QUESTIONS) / 3


def test_a_seed_shuffles_questions_and_choices():
    first, again, other = choose(seed=1), choose(seed=1), choose(seed=2)
    assert first == again != other
    assert {q.name for q in first} == set(NAMES)
    for question in first:
        original = next(q for q in QUESTIONS if q.name == question.name)
        assert set(question.choices) == set(original.choices)
    with pytest.raises(MinidiffError, match="unknown level 'impossible'; choose from easy, medium, hard"):
        choose("impossible")


def test_a_count_keeps_questions_of_all_levels_in_order_of_their_level():
    few = [choose(seed=seed, count=2) for seed in range(20)]
    assert {question.level for questions in few for question in questions} == set(LEVELS)
    for questions in few:
        first, second = (LEVELS.index(question.level) for question in questions)
        assert first <= second


@pytest.fixture
def play(monkeypatch, capsys):
    """A function that answers questions; it returns the score and the output."""

    def answer_all(answers, level=None):
        remaining = iter(answers)

        def read(prompt):
            try:
                return next(remaining)
            except StopIteration as stop:
                raise EOFError from stop

        monkeypatch.setattr("builtins.input", read)
        return ask_all(choose(level)), capsys.readouterr().out

    return answer_all


def letters_of(questions, right):
    return ["abcdefgh"[[choice.right for choice in q.choices].index(right)] for q in questions]


def test_right_answers_count_and_wrong_ones_are_explained(play):
    questions = choose("easy")
    result, output = play(letters_of(questions, True), level="easy")
    assert result == (len(questions), len(questions))
    assert output.count("Right. ") == len(questions)
    result, output = play(letters_of(questions, False), level="easy")
    assert result == (len(questions), 0)
    for question in questions:
        assert next(choice.text for choice in question.choices if choice.right) in output
        assert all(step in output for step in question.explanation)
        assert all(choice.why in output for choice in question.choices)
        assert all(mistake in output for mistake in question.mistakes)
        assert question.module in output
        assert question.tutorial in output


def test_hints_unknown_answers_and_stopping(play):
    result, output = play(["h", "zebra", "", "q"])
    assert result == (0, 0)
    assert QUESTIONS[0].hint in output
    assert "unknown answer 'zebra'; choose a letter from a to d" in output
    result, output = play(letters_of(QUESTIONS[:2], True))  # the input ends
    assert result == (2, 2)
    assert output.endswith(f"Score: 2 right of 2 answered, {len(QUESTIONS)} in all.\n")


def test_the_quiz_command(monkeypatch, capsys):
    monkeypatch.setattr("builtins.input", lambda prompt: "q")
    assert main(["quiz", "--level", "hard", "--seed", "3", "--count", "2"]) == 0
    assert "Question 1 of 2, hard" in capsys.readouterr().out
    for more in ([], ["--practice"]):
        assert main(["quiz", "--level", "silly", *more]) == 2
    assert "easy, medium, hard" in capsys.readouterr().err


def test_practice_prints_hints_and_solutions_on_request(monkeypatch, capsys):
    answers = iter(["h", "?", "s", "n", "q"])
    monkeypatch.setattr("builtins.input", lambda prompt: next(answers))
    assert main(["quiz", "--practice", "--level", "easy"]) == 0
    output = capsys.readouterr().out
    assert PRACTICE[0].hint in output
    assert PRACTICE[0].solution.splitlines()[-1] in output
    assert PRACTICE[1].text in output
    assert PRACTICE[1].solution.splitlines()[-1] not in output


@pytest.mark.parametrize(
    ("wrong", "name"),
    [
        ("## a\n\neasy, x\n\nText.\n\nHint: h\n\nModule: m\n", "tutorial"),
        ("## a\n\neasy, x\n\nText.\n\n- [x] no reason\n\nHint: h\n\nModule: m\n\nTutorial: t\n", "shorter"),
        ("## a\n\neasy\n\nText.\n\nHint: h\n\nModule: m\n\nTutorial: t\n", "unpack"),
        ("## a\n", "index"),
    ],
)
def test_an_incomplete_entry_is_named(wrong, name):
    with pytest.raises(ValueError, match=f"the entry 'a' is incomplete.*{name}"):
        read(wrong)


def test_continuation_lines_are_joined():
    text = "intro\n## a\n\neasy, x\n\nOne\ntwo.\n\nThree.\n\n```python\n# 1\n\n- [x] = 2\n```\n\n- [x] yes\n  and\n"
    text += "  - be\n    cause\n- [ ] no\n  - not\n\nHint: h\n  i\n\n1. p\n   q\n2. r\n\n"
    text += "Mistake: m\n\nModule: n\n\nTutorial: t\n"
    (question,), practice = read(text)
    assert practice == ()
    assert question.text == "One two.\n\nThree."
    assert question.code == "# 1\n\n- [x] = 2\n"
    assert [(c.text, c.right, c.why) for c in question.choices] == [("yes and", True, "be cause"), ("no", False, "not")]
    assert (question.hint, question.explanation, question.mistakes) == ("h i", ("p q", "r"), ("m",))
    assert (question.module, question.tutorial, question.level, question.topic) == ("n", "t", "easy", "x")


def schedule_and_arrays():
    rng = np.random.default_rng(0)
    return Schedule("cosine", 40), rng.normal(size=(2, 4, 4, 3)), rng.normal(size=(2, 4, 4, 3))


def practice_add_noise(f):
    schedule, x0, eps = schedule_and_arrays()
    return f(schedule, x0, eps, 7), schedule.add_noise(x0, eps, 7)


def practice_x0_from_noise(f):
    schedule, z, eps_hat = schedule_and_arrays()
    return f(schedule, z, eps_hat, 9), schedule.solve("noise", z, eps_hat, 9)[0]


def practice_ddim_step(f):
    schedule, x0_hat, eps_hat = schedule_and_arrays()
    return f(schedule, x0_hat, eps_hat, 5), schedule.add_noise(x0_hat, eps_hat, 5)


def practice_guide(f):
    from minidiff import Guided, MixtureDenoiser

    denoiser = MixtureDenoiser(Schedule("flow", 20), ((0.5, 0.0), (-0.5, 0.2)), 0.2)
    z, labels = np.array([[0.3, -0.1]]), np.array([1])
    plain, conditional = denoiser(z, 8, None)[1], denoiser(z, 8, labels)[1]
    return f(plain, conditional, 3.0), Guided(denoiser, 3.0)(z, 8, labels)[1]


def practice_trailing(f):
    return f(1000, 8), [t for t, _ in choose_steps(Schedule("flow", 1000), 8)]


def practice_linear_backward(f):
    from minidiff.layers import Linear

    layer, rng = Linear("l", 3, 2), np.random.default_rng(0)
    p = minidiff.Parameters(layer.shapes(), np.float64)
    layer.initialize(p, rng)
    x, dy, g = rng.normal(size=(5, 3)), rng.normal(size=(5, 2)), p.zeros_like()
    dx = layer.backward(p, g, layer.forward(p, x)[1], dy)
    found = f(x, p["l.weight"], dy)
    return np.concatenate([np.ravel(a) for a in found]), np.concatenate([dx.ravel(), g["l.weight"].ravel()])


@pytest.mark.parametrize("task", PRACTICE, ids=lambda task: task.name)
def test_solutions_agree_with_the_library_and_starting_code_does_not(task):
    for code, right in ((task.solution, True), (task.starting_code, False)):
        space = {}
        exec(compile(code, task.name, "exec"), space)
        found, expected = globals()[f"practice_{task.name}"](space[task.name])
        agrees = np.shape(found) == np.shape(expected) and np.allclose(found, expected, atol=1e-6)
        assert agrees == right


@pytest.mark.parametrize("task", PRACTICE, ids=lambda task: task.name)
def test_the_check_of_a_task_accepts_the_solution_only(task, capsys):
    for code, output in ((task.solution, "right"), (task.starting_code, "not yet")):
        exec(compile(code + task.check, task.name, "exec"), {})
        assert capsys.readouterr().out == output + "\n"
    check_references(task)

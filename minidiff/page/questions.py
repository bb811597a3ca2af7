"""The sections of the key insight, the quiz and the programming exercises."""

from minidiff.page.markup import Child, Markup, element, section, with_code
from minidiff.quiz import LEVELS, PRACTICE, QUESTIONS, Practice, Question


def render_insight() -> Markup:
    """The section of the key insight."""
    paragraphs = [
        element("strong", "The network is not trained to generate images. It is trained to separate image and noise."),
        "That is enough to generate images: start from noise, predict the image, move a small step toward the "
        "prediction, and repeat. No single prediction has to be exact. Each has to be a little more accurate than the "
        "one before, and it can be, since there is less noise in its input.",
        "The noise of every training example is known, because it was added. So each image provides any number of "
        "training examples with a known target, and the mean squared error is a sufficient loss.",
    ]
    return section(
        "insight",
        element("div", [element("p", paragraph) for paragraph in paragraphs], class_="insight"),
    )


def render_quiz() -> Markup:
    """The section of all questions; `page.js` checks the answers and counts the score."""
    controls = element(
        "p",
        element("label", "Level", for_="level"),
        element("select", [element("option", name, value=name) for name in ("all", *LEVELS)], id="level"),
        element("output", f"0 right of 0 answered, {len(QUESTIONS)} in all", id="score"),
        element("button", "Start again", type="button", id="again"),
        class_="controls",
    )
    return section(
        "quiz",
        element("p", with_code("Choose an answer and check it. `minidiff quiz` has the same questions.")),
        controls,
        [question_form(number, question) for number, question in enumerate(QUESTIONS, start=1)],
    )


def question_form(number: int, question: Question) -> Markup:
    """A question with its answers, and the explanation that is shown after one of them was checked."""
    name = f"question-{question.name}"
    answers, reasons = [], []
    for i, choice in enumerate(question.choices):
        radio = element("input", type="radio", name=name, value=i, data_right=choice.right)
        text, why = with_code(choice.text), with_code(choice.why)
        answers.append(element("label", radio, element("span", text)))
        reasons.append(element("li", element("q", text), " ", why, class_="right" if choice.right else None))
    explanation = element(
        "div",
        element("h3", "Step by step"),
        element("ol", [element("li", with_code(step)) for step in question.explanation]),
        element("h3", "The answers"),
        element("ul", reasons),
        element("h3", "Common mistakes"),
        element("ul", [element("li", with_code(mistake)) for mistake in question.mistakes]),
        read_more(question),
        class_="explanation",
        hidden=True,
    )
    legend = element("legend", f"{number}. ", with_code(question.text))
    return element(
        "form",
        element("p", f"{question.level} · {question.topic}", class_="kind"),
        element("fieldset", legend, code_block(question.code) if question.code else None, answers),
        folded("Hint", element("p", with_code(question.hint))),
        element("button", "Check", type="submit"),
        element("p", class_="feedback", role="status", tabindex="-1"),
        explanation,
        class_="question",
        data_level=question.level,
        id=name,
    )


def render_practice() -> Markup:
    """The section of the programming exercises."""
    tasks = [
        element(
            "article",
            element("h3", f"{number}. ", with_code(task.text)),
            element("p", task.level, class_="kind"),
            code_block(task.starting_code),
            folded(
                "How to check it",
                element("p", "Run this after your code. It prints “right” if the code is correct."),
                code_block(task.check),
            ),
            folded("Hint", element("p", with_code(task.hint))),
            folded("Solution", code_block(task.solution), read_more(task)),
            class_="task",
        )
        for number, task in enumerate(PRACTICE, start=1)
    ]
    return section(
        "practice",
        element(
            "p",
            with_code(
                "Copy the code into Python or a notebook in which minidiff is installed, and correct it. "
                "`minidiff quiz --practice` shows the same tasks in a terminal, and checks the answers."
            ),
        ),
        tasks,
    )


def read_more(entry: Question | Practice) -> Markup:
    """The module and the notebook about the topic."""
    return element("p", with_code(f"Read more: `{entry.module}` and `{entry.tutorial}`"), class_="read-more")


def folded(title: str, *children: Child) -> Markup:
    """A details element, closed at first."""
    return element("details", element("summary", title), *children)


def code_block(text: str) -> Markup:
    """A program."""
    return element("pre", element("code", text), tabindex="0")

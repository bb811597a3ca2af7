"""Key insight, quiz and practice."""

from minidiff.page.markup import element, section, with_code
from minidiff.quiz import LEVELS, PRACTICE, QUESTIONS
from minidiff.quiz.terminal import sort_by_level


def render_insight():
    """What to take away."""
    return section(
        "insight",
        "The key insight",
        element(
            "div",
            element(
                "p", element("strong", "The network is never taught to draw. It is taught to tell image from noise.")
            ),
            element(
                "p",
                "Whoever can do that at every noise level can draw: begin with noise, ask what image might be in "
                "it, go a small step towards the answer, and ask again. No step has to be right. Each only has to be a "
                "little better informed than the one before, since there is less noise in its way.",
            ),
            element(
                "p",
                "And because we put the noise there ourselves, every training image comes with any number of "
                "questions whose right answer we know. That is why so simple a loss is enough.",
            ),
            class_="insight",
        ),
    )


def render_quiz():
    """All questions; `page.js` checks the answers and keeps the score."""
    choice = element(
        "p",
        element("label", "Level", for_="level"),
        element("select", [element("option", name, value=name) for name in ("all", *LEVELS)], id="level"),
        element("output", f"0 right of 0 answered, {len(QUESTIONS)} in all", id="score"),
        element("button", "Start again", type="button", id="again"),
        class_="controls",
    )
    forms = [question_form(number, question) for number, question in enumerate(sort_by_level(QUESTIONS), start=1)]
    return section(
        "quiz",
        "Quiz",
        element(
            "p",
            "Choose an answer and check it. The same questions are asked by ",
            element("code", "minidiff quiz"),
            ".",
        ),
        choice,
        forms,
    )


def question_form(number, question):
    """A question with its answers, and what is shown once one of them was checked."""
    name = f"question-{question.name}"
    answers = [
        element(
            "label",
            element("input", type="radio", name=name, value=i, data_right=choice.right),
            element("span", with_code(choice.text)),
        )
        for i, choice in enumerate(question.choices)
    ]
    reasons = [
        element(
            "li",
            element("q", with_code(choice.text)),
            " ",
            with_code(choice.why),
            class_="right" if choice.right else None,
        )
        for choice in question.choices
    ]
    explanation = element(
        "div",
        element("h3", "Step by step"),
        element("ol", [element("li", with_code(step)) for step in question.explanation]),
        element("h3", "The answers"),
        element("ul", reasons),
        element("h3", "Usual mistakes"),
        element("ul", [element("li", with_code(mistake)) for mistake in question.mistakes]),
        pointer(question),
        class_="explanation",
        hidden=True,
    )
    legend = element("legend", f"{number}. ", with_code(question.text))
    return element(
        "form",
        element("p", f"{question.level} · {question.topic}", class_="kind"),
        element(
            "fieldset",
            legend,
            code(question.code) if question.code else None,
            answers,
        ),
        element("details", element("summary", "Hint"), element("p", with_code(question.hint))),
        element("button", "Check", type="submit"),
        element("p", class_="feedback", role="status", tabindex="-1"),
        explanation,
        class_="question",
        data_level=question.level,
        id=name,
    )


def pointer(entry):
    """Where to read more."""
    return element(
        "p", "Read more: ", element("code", entry.module), " and ", element("code", entry.tutorial), class_="pointer"
    )


def render_practice():
    """Small pieces of code to write."""
    tasks = []
    for number, task in enumerate(PRACTICE, start=1):
        tasks.append(
            element(
                "article",
                element("h3", f"{number}. ", with_code(task.text)),
                element("p", task.level, class_="kind"),
                code(task.starting_code),
                folded(
                    "How to check it",
                    element("p", "Run this after your code. It prints “right” when it is."),
                    code(task.check),
                ),
                folded("Hint", element("p", with_code(task.hint))),
                folded("Solution", code(task.solution), pointer(task)),
                class_="task",
            )
        )
    return section(
        "practice",
        "Practice",
        element("p", "Copy the code into Python or a notebook where minidiff is installed, and change it."),
        tasks,
    )


def folded(title, *children):
    """Something that is shown when asked for."""
    return element("details", element("summary", title), *children)


def code(text):
    """A program."""
    return element("pre", element("code", text), tabindex="0")

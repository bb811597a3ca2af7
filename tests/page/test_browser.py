"""The page in headless Chromium, from Debian's packages `chromium` and `chromium-driver`.

Not run by default, since not everybody has them: `pytest -m browser` runs these tests.
"""

import json

import pytest

from minidiff.page import write_report
from minidiff.parallel import Workers
from minidiff.quiz import LEVELS, QUESTIONS
from tests.page import browser
from tests.page.browser import THEMES, WIDTHS
from tests.page.pages import LONG, evil_run

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    """The page of a run with names that contain HTML, and with names that are too long for a line."""
    with Workers(1) as workers:
        run, data = evil_run(tmp_path_factory.mktemp("runs") / LONG, workers)
        with run:
            return write_report(run, workers, dataset=data)


@pytest.fixture(scope="module")
def driver():
    with browser.chromium() as found:
        yield found


@pytest.fixture
def show(driver, file):
    """A function that opens the page. After the test: no console messages and no network requests."""
    for kind in ("browser", "performance"):
        driver.get_log(kind)

    def open_page(width=1400, theme="light"):
        browser.show(driver, file, width, theme)
        return driver

    yield open_page
    assert driver.get_log("browser") == []
    messages = [json.loads(entry["message"])["message"] for entry in driver.get_log("performance")]
    fetched = [m["params"]["request"]["url"] for m in messages if m["method"] == "Network.requestWillBeSent"]
    assert file.as_uri() in {url.split("#")[0] for url in fetched}
    assert {url for url in fetched if not url.startswith("data:")} <= {file.as_uri()}


def find(driver, selector):
    return driver.find_element("css selector", selector)


def find_all(driver, selector):
    return driver.find_elements("css selector", selector)


def press(driver, *keys):
    from selenium.webdriver.common.action_chains import ActionChains

    ActionChains(driver).send_keys(*keys).perform()


def visible_frame(driver, animation):
    """The image sources, the text and the slider's text of the visible frame."""
    frames = [frame for frame in find_all(driver, f"#{animation} .frame") if frame.get_attribute("hidden") is None]
    assert len(frames) == 1
    sources = [image.get_attribute("src") for image in frames[0].find_elements("css selector", "img")]
    slider = find(driver, f"#{animation} input")
    label = find(driver, f"#{animation} output").text
    assert slider.get_attribute("aria-valuetext") == label == frames[0].get_attribute("data-label")
    return sources, frames[0].text, label


@pytest.mark.parametrize("animation", ["forward-animation", "denoising-animation"])
def test_the_keyboard_moves_the_slider_through_all_frames(show, animation):
    from selenium.webdriver.common.keys import Keys

    driver = show()
    slider = find(driver, f"#{animation} input")
    driver.execute_script("arguments[0].focus()", slider)
    press(driver, Keys.HOME)
    seen = [visible_frame(driver, animation)]
    for _ in range(int(slider.get_attribute("max"))):
        press(driver, Keys.ARROW_RIGHT)
        seen.append(visible_frame(driver, animation))
    assert len({label for _, _, label in seen}) == len(seen) > 10
    assert len({tuple(sources) for sources, _, _ in seen}) == len(seen)
    assert all(len(sources) >= 3 for sources, _, _ in seen)
    press(driver, Keys.HOME)
    assert visible_frame(driver, animation) == seen[0]


def test_values_and_dots_follow_the_slider(show):
    from selenium.webdriver.common.keys import Keys

    driver = show()
    driver.execute_script("arguments[0].focus()", find(driver, "#forward-animation input"))
    places = []
    for key in (Keys.HOME, Keys.END):
        press(driver, key)
        text = visible_frame(driver, "forward-animation")[1].split("\n")
        dots = find_all(driver, "#forward-animation .dot")
        assert all(dot.is_displayed() for dot in dots)
        places.append((text, [(float(dot.get_attribute("cx")), float(dot.get_attribute("cy"))) for dot in dots]))
    (clean, start), (noisy, end) = places
    assert clean == ["signal", "1.000", "noise", "0.000", "log-SNR", "∞"]
    assert noisy[:4] == ["signal", "0.010", "noise", "0.990"]
    assert start[0][0] == start[1][0] < end[0][0] == end[1][0]
    assert start[0][1] < end[0][1]  # signal falls, and y points down
    assert start[1][1] > end[1][1]


def test_play_runs_to_the_last_frame_and_stops(show):
    from selenium.webdriver.support.ui import WebDriverWait

    driver = show()
    slider, button = find(driver, "#denoising-animation input"), find(driver, "#denoising-animation .play")
    driver.execute_script("arguments[0].click()", button)
    assert button.text == "Stop"
    WebDriverWait(driver, 30).until(lambda _: button.text == "Play")
    assert slider.get_attribute("value") == slider.get_attribute("max")


def answer(form, right):
    """Chooses a right or wrong answer and checks it, with the keyboard."""
    from selenium.webdriver.common.keys import Keys

    radios = form.find_elements("css selector", "input")
    chosen = next(radio for radio in radios if (radio.get_attribute("data-right") is not None) == right)
    chosen.send_keys(Keys.SPACE)
    form.find_element("css selector", "[type=submit]").send_keys(Keys.ENTER)


def test_the_quiz_checks_answers_explains_them_and_counts_the_score(show):
    driver = show()
    forms, score = find_all(driver, ".question"), find(driver, "#score")
    assert score.text == f"0 right of 0 answered, {len(QUESTIONS)} in all"
    for form in forms:
        assert not form.find_element("css selector", ".explanation").is_displayed()
    for i, form in enumerate(forms):
        answer(form, right=i > 0)
        said = form.find_element("css selector", ".feedback")
        assert said.get_attribute("role") == "status"
        solution = form.find_element("css selector", "label.right").text
        assert said.text == ("Right." if i else f"Not right. The right answer: {solution}")
        assert form.find_element("css selector", ".explanation").is_displayed()
        assert not any(radio.is_enabled() for radio in form.find_elements("css selector", "input"))
        assert len(form.find_elements("css selector", "label.right")) == 1
    assert score.text == f"{len(QUESTIONS) - 1} right of {len(QUESTIONS)} answered, {len(QUESTIONS)} in all"
    driver.execute_script("arguments[0].click()", find(driver, "#again"))
    assert score.text == f"0 right of 0 answered, {len(QUESTIONS)} in all"
    answer(forms[0], right=True)
    assert score.text == f"1 right of 1 answered, {len(QUESTIONS)} in all"


def test_nothing_is_counted_before_an_answer_is_chosen(show):
    driver = show()
    form = find(driver, ".question")
    driver.execute_script("arguments[0].click()", form.find_element("css selector", "[type=submit]"))
    assert form.find_element("css selector", ".feedback").text == "Choose an answer first."
    assert find(driver, "#score").text.startswith("0 right of 0")


def test_a_level_can_be_chosen(show):
    from selenium.webdriver.support.ui import Select

    driver = show()
    for level in LEVELS:
        Select(find(driver, "#level")).select_by_value(level)
        shown = [form for form in find_all(driver, ".question") if form.is_displayed()]
        expected = [question for question in QUESTIONS if question.level == level]
        assert {form.get_attribute("data-level") for form in shown} == {level}
        assert find(driver, "#score").text == f"0 right of 0 answered, {len(expected)} in all"
    Select(find(driver, "#level")).select_by_value("all")
    assert find(driver, "#score").text.endswith(f"{len(QUESTIONS)} in all")


def background(driver):
    color = driver.execute_script("return getComputedStyle(document.body).backgroundColor")
    return sum(map(int, color.strip("rgb()").split(",")))


@pytest.mark.parametrize("theme", THEMES)
def test_the_theme_follows_the_system_until_it_is_toggled(show, theme):
    driver = show(theme=theme)
    button = find(driver, "#theme")
    assert (background(driver) < 200) == (theme == "dark")
    assert button.get_attribute("aria-pressed") == str(theme == "dark").lower()
    button.click()
    assert (background(driver) < 200) == (theme == "light")
    assert button.get_attribute("aria-pressed") == str(theme == "light").lower()
    button.click()
    assert (background(driver) < 200) == (theme == "dark")


OVERFLOWING = """
const wide = document.documentElement.clientWidth, found = [];
if (document.documentElement.scrollWidth > wide) found.push("the page");
for (const element of document.querySelectorAll("body *")) {
  const scrolls = element.closest("pre:not(.wrap), .scroll");
  const box = element.getBoundingClientRect();
  if (!box.width || element.matches(".skip") || scrolls && scrolls !== element) continue;
  if (box.left < -0.5 || box.right > wide + 0.5) found.push(element.outerHTML.slice(0, 80));
  if (element.namespaceURI.endsWith("svg")) continue;
  const clipped = element.scrollWidth > element.clientWidth + 1 && getComputedStyle(element).display !== "inline";
  if (clipped && !scrolls) found.push("clipped: " + element.outerHTML.slice(0, 80));
}
for (const text of document.querySelectorAll("svg text")) {
  const box = text.getBoundingClientRect(), around = text.closest("svg").getBoundingClientRect();
  const inside = box.left >= around.left && box.right <= around.right && box.bottom <= around.bottom + 1;
  if (!inside) found.push("in a chart: " + text.textContent);
}
return found;
"""
TABLES = "return [...document.querySelectorAll('.scroll')].filter((e) => e.scrollWidth > e.clientWidth + 1).length"


@pytest.mark.parametrize("width", WIDTHS)
def test_no_text_overflows(show, width):
    driver = show(width)
    driver.execute_script("for (const d of document.querySelectorAll('details')) d.open = true")
    driver.execute_script("for (const e of document.querySelectorAll('.explanation')) e.hidden = false")
    found = driver.execute_script(OVERFLOWING)
    assert found == [], "\n".join(found)
    assert driver.execute_script(TABLES) == 0  # no table needs to scroll
    probe = "const p = document.createElement('p'); p.textContent = 'x'.repeat(999); p.style.whiteSpace = 'pre';"
    driver.execute_script(probe + "p.style.overflowWrap = 'normal'; document.querySelector('main').append(p)")
    assert driver.execute_script(OVERFLOWING) != []  # the check detects overflow


CONTRAST = """
const context = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
const light = (color) => {
  context.fillStyle = color;
  context.fillRect(0, 0, 1, 1);
  const [r, g, b] = [...context.getImageData(0, 0, 1, 1).data].map((c) => c / 255)
    .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const behind = (element) => {
  for (; element; element = element.parentElement) {
    const color = getComputedStyle(element).backgroundColor;
    if (color !== "rgba(0, 0, 0, 0)") return color;
  }
};
let least = 99, where = "";
for (const element of document.querySelectorAll("body *")) {
  const ownText = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
  if (!ownText || !element.getClientRects().length || element.matches("script, option")) continue;
  const style = getComputedStyle(element), svg = element.namespaceURI.endsWith("svg");
  const [a, b] = [light(svg ? style.fill : style.color), light(behind(element))];
  const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  if (ratio < least) [least, where] = [ratio, element.outerHTML.slice(0, 90)];
}
return [least, where];
"""


@pytest.mark.parametrize("theme", THEMES)
def test_all_text_has_the_contrast_that_accessibility_requires(show, theme):
    driver = show(theme=theme)
    driver.execute_script("for (const d of document.querySelectorAll('details')) d.open = true")
    for i, form in enumerate(find_all(driver, ".question")[:2]):
        answer(form, right=i == 0)
    least, where = driver.execute_script(CONTRAST)
    assert least >= 4.5, where  # WCAG 2.2, 1.4.3


def test_names_from_data_are_escaped(show):
    from selenium.common.exceptions import NoAlertPresentException

    driver = show()
    with pytest.raises(NoAlertPresentException):
        _ = driver.switch_to.alert
    assert len(find_all(driver, "script")) == 1
    assert "<script>alert(1)</script>" in find(driver, "#provenance").text


def test_the_first_tab_stop_skips_the_navigation(show):
    from selenium.webdriver.common.keys import Keys

    driver = show()
    press(driver, Keys.TAB)
    assert driver.switch_to.active_element.text == "Skip to the content"
    assert driver.switch_to.active_element.is_displayed()
    assert driver.execute_script("return getComputedStyle(document.activeElement).outlineStyle") == "solid"


def test_everything_is_shown_without_javascript(show):
    driver = show()
    driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        driver.refresh()
        root = driver.execute_cdp_cmd("DOM.getDocument", {})["root"]["nodeId"]
        for selector, least in ((".frame", 30), (".explanation", len(QUESTIONS)), ("noscript p", 1)):
            nodes = driver.execute_cdp_cmd("DOM.querySelectorAll", {"nodeId": root, "selector": selector})["nodeIds"]
            assert len(nodes) >= least
            for node in nodes:
                assert driver.execute_cdp_cmd("DOM.getBoxModel", {"nodeId": node})["model"]["height"] > 0
    finally:
        driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("width", WIDTHS)
def test_the_page_and_the_answered_quiz_are_accessible(show, width, theme):
    driver = show(width, theme)
    driver.execute_script("""
        for (const details of document.querySelectorAll("details")) details.open = true;
        for (const [i, form] of document.querySelectorAll("form.question").entries()) {
            const answers = form.querySelectorAll("input");
            answers[i % answers.length].click();
            form.querySelector("button").click();
        }""")
    assert browser.violations(driver) == []

"""The page of a running training in headless Chromium: it loads itself again and keeps its place."""

import time

import pytest

from minidiff.page.render import Live, render
from minidiff.page.report_data import collect
from minidiff.parallel import Workers
from tests.page import browser
from tests.page.pages import evil_run

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    with Workers(1) as workers:
        run, data = evil_run(tmp_path_factory.mktemp("runs") / "run", workers)
        with run:
            yield collect(run, workers, data)


@pytest.fixture
def driver():
    with browser.chromium() as found:
        yield found


def wait_for_reload(driver, seconds=20):
    driver.execute_script("window.sameLoad = true")
    end = time.monotonic() + seconds
    while driver.execute_script("return Boolean(window.sameLoad) || document.readyState !== 'complete'"):
        if time.monotonic() > end:
            return False
        time.sleep(0.1)
    time.sleep(0.2)
    return True


def text_of(driver, selector):
    return driver.find_element("css selector", selector).text


STATE = """
const section = document.getElementById("quiz");
return {
  top: Math.round(section.getBoundingClientRect().top),
  slider: document.getElementById("denoising-animation-slider").value,
  label: document.querySelector("#denoising-animation output").textContent,
  theme: document.documentElement.dataset.theme,
  open: document.querySelector("#provenance details").open,
  score: document.getElementById("score").textContent,
  checked: [...document.querySelectorAll("form input:checked")].map((input) => input.name + input.value),
  level: document.getElementById("level").value,
};
"""


def test_a_running_page_loads_itself_again_and_keeps_its_place(report, driver, tmp_path):
    file = tmp_path / "report.html"
    write = lambda live: file.write_text(render(report, live), encoding="utf-8")  # noqa: E731
    write(Live("running, epoch 1 of 20, 9 min left", 3, time.time()))
    browser.show(driver, file, 1000, "light")
    assert text_of(driver, "#status") == "running, epoch 1 of 20, 9 min left"
    driver.execute_script(
        """
        const slider = document.getElementById("denoising-animation-slider");
        slider.value = 3;
        slider.dispatchEvent(new Event("input"));
        document.getElementById("level").value = "easy";
        document.getElementById("level").dispatchEvent(new Event("change"));
        const [first, second] = document.querySelectorAll(".question:not([hidden])");
        first.querySelector("input[data-right]").click();
        first.requestSubmit();
        second.querySelector("input").click();
        document.querySelector("#provenance details").open = true;
        document.getElementById("theme").click();
        scrollTo({top: document.getElementById("quiz").offsetTop + 321, behavior: "instant"});
        """
    )
    before = driver.execute_script(STATE)
    assert before["top"] < 0
    assert before["score"].startswith("1 right of 1 answered")
    write(Live("running, epoch 7 of 20, 4 min left", 3, time.time()))
    assert wait_for_reload(driver)
    assert text_of(driver, "#status") == "running, epoch 7 of 20, 4 min left"
    assert driver.execute_script(STATE) == before
    file.write_text(render(report), encoding="utf-8")  # the training has finished
    assert wait_for_reload(driver)
    assert not driver.find_elements("css selector", "#status")
    assert driver.execute_script(STATE) | {"top": 0} == before | {"top": 0}
    assert abs(driver.execute_script(STATE)["top"] - before["top"]) <= 2
    assert not wait_for_reload(driver, seconds=5)  # it is final
    assert driver.get_log("browser") == []


def test_a_page_without_news_says_so(report, driver, tmp_path):
    file = tmp_path / "report.html"
    file.write_text(render(report, Live("running, epoch 1 of 20", 3, time.time() - 600)), encoding="utf-8")
    browser.show(driver, file, 360, "dark")
    assert text_of(driver, "#status") == "running, epoch 1 of 20; no news for 10 min, so it may have been stopped"
    assert not wait_for_reload(driver, seconds=5)

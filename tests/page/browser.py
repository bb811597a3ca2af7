"""Headless Chromium for the tests of the page. As a program, it takes screenshots:

python -m tests.page.browser RUN/report.html FOLDER      all sections, narrow and wide, light and dark
python -m tests.page.browser RUN/report.html FILE.png    the image in tutorials/using.md
"""

import base64
import contextlib
import os
import shutil
import sys
import tempfile
from importlib.resources import files
from pathlib import Path

FLAGS = (
    "headless", "no-sandbox", "disable-gpu", "disable-quic", "no-first-run", "disable-background-networking",
    "disable-component-update", "disable-sync", "force-color-profile=srgb", "hide-scrollbars",
)  # fmt: skip
WIDTHS, THEMES = (360, 1400), ("light", "dark")
SHOWN = ("#forward", 1000, "light")  # in tutorials/using.md: section, width, theme


@contextlib.contextmanager
def chromium():
    """A Selenium driver that records console messages and network requests."""
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    browser, program = shutil.which("chromium"), shutil.which("chromedriver")
    assert browser, "Chromium is missing; apt-get install chromium chromium-driver"
    assert program, "chromedriver is missing; apt-get install chromium chromium-driver"
    options = webdriver.ChromeOptions()
    options.binary_location = browser
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        for flag in (*FLAGS, f"user-data-dir={folder}"):
            options.add_argument(f"--{flag}")
        driver = webdriver.Chrome(options, Service(program))
        try:
            yield driver
        finally:
            driver.quit()


def show(driver, file, width, theme):
    """Opens a page with a screen width and a color scheme."""
    screen = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
    scheme = {"name": "prefers-color-scheme", "value": theme}
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})
    driver.get(Path(file).resolve().as_uri())


def screenshot(driver, selector):
    """A PNG file, as bytes, of an element over the full width of the page."""
    box = "const b = arguments[0].getBoundingClientRect(); return [b.top + scrollY, b.height, innerWidth]"
    top, height, width = driver.execute_script(box, driver.find_element("css selector", selector))
    clip = {"x": 0, "y": top, "width": width, "height": height, "scale": 1}
    found = driver.execute_cdp_cmd("Page.captureScreenshot", {"captureBeyondViewport": True, "clip": clip})
    return base64.b64decode(found["data"])


def violations(driver):
    """What axe-core finds wrong with the accessibility of the open page: the rules and the elements.

    The environment variable AXE names the file axe.min.js of a newer version (`npm pack axe-core`).
    """
    axe = Path(os.environ["AXE"]) if "AXE" in os.environ else files("axe_core_python") / "axe.min.js"
    # a color that is still changing has a contrast that nobody sees
    still = "document.head.insertAdjacentHTML('beforeend', '<style>* { transition: none !important; }</style>')"
    driver.execute_script(still)
    driver.execute_script(axe.read_text(encoding="utf-8"))
    driver.set_script_timeout(120)
    found = driver.execute_async_script("axe.run().then(arguments[0])")["violations"]
    return [(rule["id"], [node["html"] for node in rule["nodes"]]) for rule in found]


def take_screenshots(file, out):
    """Writes screenshots of all sections to the folder `out`, or the one in tutorials/using.md to the file `out`."""
    with chromium() as driver:
        if out.suffix == ".png":
            selector, width, theme = SHOWN
            show(driver, file, width, theme)
            out.write_bytes(screenshot(driver, selector))
            return
        out.mkdir(parents=True, exist_ok=True)
        for width in WIDTHS:
            for theme in THEMES:
                show(driver, file, width, theme)
                sections = [section.get_attribute("id") for section in driver.find_elements("css selector", "section")]
                for selector in ("header", *(f"#{name}" for name in sections)):
                    target = out / f"{selector.strip('#')}_{width}_{theme}.png"
                    target.write_bytes(screenshot(driver, selector))


if __name__ == "__main__":
    take_screenshots(Path(sys.argv[1]), Path(sys.argv[2]))

"""The report of a run: one HTML file with images, charts, sliders and a quiz.

`report_data.py` collects what is shown as plain data, and generates images with the network. One file per group of
sections turns the data into HTML: `stages.py`, `forward.py`, `training.py`, `denoising.py`, `samples.py`,
`questions.py` and `provenance.py`; `markup.py`, `charts.py` and `animation.py` are their tools. `render.py` joins the
sections with `style.css` and `page.js`. `live.py` writes the page while a run is trained. Images are embedded in the
file, and nothing is fetched over the network.
"""

from minidiff.page.live import run_with_report
from minidiff.page.render import REPORT, write_report

__all__ = ["REPORT", "run_with_report", "write_report"]

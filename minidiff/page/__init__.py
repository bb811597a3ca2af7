"""The page of a run: one HTML file that shows what was measured, to look at, to play with, and to be quizzed on.

`collect.py` gathers facts from the run's folder as plain data, and lets the network draw. One file for each group of
sections turns them into HTML: `stages.py`, `forward.py`, `progress.py`, `denoising.py`, `samples.py`, `questions.py`
and `making.py`, with `markup.py`, `charts.py` and `film.py` as their tools. `render.py` puts all of it into one page
with `style.css` and `page.js`. The images are in the file itself, and nothing is fetched from anywhere.
"""

from minidiff.page.render import write_report

__all__ = ["write_report"]

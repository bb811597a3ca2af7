"""The figures of the notebooks, so that the cells contain the idea and not its drawing.

A module for each notebook, and `axes.py` for what they share. Each function takes arrays and returns a matplotlib
figure, which `show_figure` shows with a description:

    show_figure(log_snr_curves(schedules), "The log-SNR of five schedules over time.")

Curves differ in style as well as in color, so that they can be told apart in gray.
"""

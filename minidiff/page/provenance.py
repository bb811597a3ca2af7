"""How the run was made: command, data, configuration, versions, machine, training time."""

from collections.abc import Mapping

from minidiff.page.markup import Markup, element, section, table
from minidiff.page.report_data import ReportData

# name -> key of the run's config.json
ENTRIES = {
    "license": "license", "minidiff": "version", "Python": "python", "NumPy": "numpy", "Numba": "numba",
    "machine": "machine",
}  # fmt: skip


def render(report: ReportData) -> Markup:
    """The section."""
    config = report.config
    made = [
        ("data", f"{config['name']}: {report.source}"),
        ("classes", ", ".join(report.class_names) or "none"),
        *((name, config[key]) for name, key in ENTRIES.items()),
        ("parameters", f"{report.num_parameters:,}"),
    ]
    if report.history:
        last = report.history[-1]
        epochs = f"{last['epoch']} of {report.training.epochs} epochs, {last['step']:,} optimizer steps"
        time = f"{last['seconds']:,.0f} seconds, {last['images_per_second']:.1f} images per second in the last epoch"
        made += [("trained", epochs), ("time", time)]
    return section(
        "provenance",
        element("pre", element("code", config["command"]), class_="wrap"),
        table(None, made, "The run"),
        element(
            "details",
            element("summary", "The complete configuration"),
            table(None, rows(report.network.as_dict()), "The network"),
            table(None, rows(report.training.as_dict()), "The training"),
        ),
    )


def rows(options: Mapping[str, object]) -> list[tuple[str, str]]:
    """Names and values of a configuration as rows of a table."""
    return [
        (name, ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value))
        for name, value in options.items()
    ]

"""How this run was made: command, data, configuration, versions, machine, seconds."""

from minidiff.page.markup import element, section, table


def render(facts):
    """The section."""
    config = facts.config
    made = [
        ("data", f"{config.get('name', 'unknown')}: {config.get('source') or config['data']['spec']}"),
        ("license", config.get("license", "unknown")),
        ("classes", ", ".join(facts.class_names) or "none"),
        ("minidiff", config.get("version", "unknown")),
        ("Python", config.get("python", "unknown")),
        ("NumPy", config.get("numpy", "unknown")),
        ("Numba", config.get("numba", "unknown")),
        ("machine", config.get("machine", "unknown")),
        ("parameters", f"{facts.num_parameters:,}"),
    ]
    if facts.history:
        last = facts.history[-1]
        made.append(("trained", f"{last['epoch']} of {facts.training.epochs} epochs, {last['step']:,} steps"))
        made.append(
            ("time", f"{last['seconds']:,.0f} seconds, {last['images_per_second']:.1f} images a second at the end")
        )
    network, training = facts.network.as_dict(), facts.training.as_dict()
    return section(
        "making",
        "How this run was made",
        element("pre", element("code", config.get("command", "unknown")), class_="wrap"),
        table(None, made, "The run"),
        element(
            "details",
            element("summary", "The whole configuration"),
            table(None, rows(network), "The network"),
            table(None, rows(training), "The training"),
        ),
    )


def rows(settings):
    """Names and values."""
    return [
        (name, ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else value)
        for name, value in settings.items()
    ]

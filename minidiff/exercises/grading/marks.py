"""From results to marks: what `minidiff grade` writes and prints."""

from minidiff.exercises.checking import find


def marks(results):
    """The marks of all hand-ins, as they are written to JSON.

    Args:
        results: name -> {exercise's name -> `Result`}, as `grade` gives them.

    Returns:
        list of dicts with "name", "points", "possible" and "exercises", a list of dicts with "exercise", "title",
        "points", "possible", "result" and "hint".
    """
    found = []
    for name, outcomes in results.items():
        rows = []
        for exercise, result in ((find(one), result) for one, result in outcomes.items()):
            points = exercise.points if result.outcome == "right" else 0
            row = {"exercise": exercise.name, "title": exercise.title, "points": points, "possible": exercise.points}
            rows.append(row | {"result": result.outcome, "hint": result.hint})
        totals = {total: sum(row[total] for row in rows) for total in ("points", "possible")}
        found.append({"name": name, **totals, "exercises": rows})
    return found


def as_table(found):
    """The marks as lines: a row for each hand-in, and in it each exercise that is not right.

    Args:
        found: as `marks` gives them.

    Returns:
        list of strings.
    """
    width = max(len("name"), *(len(row["name"]) for row in found))
    lines = [f"{'name':{width}}  points  not right"]
    for row in found:
        others = ", ".join(f"{one['exercise']} {one['result']}" for one in row["exercises"] if one["result"] != "right")
        points = f"{row['points']}/{row['possible']}"
        lines.append(f"{row['name']:{width}}  {points:>6}  {others or '-'}")
    return lines

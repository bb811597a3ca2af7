"""Marks from results: what `minidiff grade` writes and prints."""

from minidiff.exercises.checking import find
from minidiff.exercises.exercise import Result


def marks(results: dict[str, dict[str, Result]]) -> list[dict]:
    """The marks of all hand-ins, for a JSON file, from the results of `grade`."""
    found = []
    for name, outcomes in results.items():
        rows: list[dict] = []
        for exercise, result in ((find(one), result) for one, result in outcomes.items()):
            points = exercise.points if result.outcome == "right" else 0
            row = {"exercise": exercise.name, "title": exercise.title, "points": points, "possible": exercise.points}
            rows.append({**row, "result": result.outcome, "hint": result.hint})
        totals = {total: sum(row[total] for row in rows) for total in ("points", "possible")}
        found.append({"name": name, **totals, "exercises": rows})
    return found


def as_table(found: list[dict]) -> list[str]:
    """The lines of a table of marks: one row for each hand-in, with the exercises that are not right."""
    width = max(len("name"), *(len(row["name"]) for row in found))
    lines = [f"{'name':{width}}  points  not right"]
    for row in found:
        others = ", ".join(f"{one['exercise']} {one['result']}" for one in row["exercises"] if one["result"] != "right")
        points = f"{row['points']}/{row['possible']}"
        lines.append(f"{row['name']:{width}}  {points:>6}  {others or '-'}")
    return lines

"""Solutions of the exercises, folded away: `solution("ex05_1")` shows one. Try first."""

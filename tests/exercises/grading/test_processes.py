"""The processes of a hand-in are found, measured and ended."""

import math
import os
import subprocess
import sys
import time

import pytest

from minidiff.exercises.grading.processes import Family, adopting_orphans, children, processes

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows ends a tree of processes by itself")
SLEEP = "import time; time.sleep(600)"
WITH_CHILD = f"import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', {SLEEP!r}]); time.sleep(600)"


def start(program):
    siblings = children()
    return Family(subprocess.Popen([sys.executable, "-c", program], start_new_session=True), siblings)


def wait_for(condition):
    for _ in range(500):
        if condition():
            return
        time.sleep(0.02)
    raise AssertionError("nothing happened")


def test_the_time_that_a_family_computes_is_measured():
    family = start("while True: pass")
    wait_for(lambda: 0.1 < family.seconds() < math.inf)
    family.end()
    assert family.seconds() == math.inf


def test_this_process_is_among_the_running_ones():
    found = processes()[os.getpid()]
    assert found.parent == os.getppid()
    assert found.memory > 10**6
    assert found.seconds > 0


def test_a_family_is_ended_with_its_children():
    family = start(WITH_CHILD)
    wait_for(lambda: len(family.members()) == 2)
    assert family.memory() > 10**6
    family.end()
    assert family.members() == {}
    family.end()  # again does no harm


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux adopts processes that have lost theirs")
def test_orphans_in_a_group_of_their_own_belong_to_the_family():
    orphan = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {SLEEP!r}], start_new_session=True)"
    with adopting_orphans():
        family = start(orphan)
        wait_for(lambda: len(family.members()) == 1 and family._leader.poll() is not None)
        family.end()
        assert family.members() == {}
        assert children() == family._siblings  # nothing waits for its parent


def test_other_processes_are_left():
    other = subprocess.Popen([sys.executable, "-c", SLEEP])
    try:
        family = start(SLEEP)
        assert other.pid not in family.members()
        family.end()
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()

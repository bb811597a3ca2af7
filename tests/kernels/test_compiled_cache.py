"""Where compiled kernels are kept if Numba finds no folder."""

import logging
import os

import numba
import pytest
from numba.core import config

from minidiff.kernels import cache


@pytest.fixture
def messages(monkeypatch, caplog):
    monkeypatch.setattr(config, "CACHE_DIR", "")
    caplog.set_level(logging.WARNING, "minidiff")
    return caplog


def test_usually_numba_finds_a_folder(messages):
    assert cache.find_cache() is None
    assert config.CACHE_DIR == ""
    assert messages.records == []


def test_without_a_folder_there_is_a_temporary_one_and_a_warning(messages, monkeypatch):
    """As in a read-only installation whose user has no home."""

    def njit(**options):
        def refuse(function):
            raise RuntimeError("cannot cache function: no locator available")

        return refuse

    monkeypatch.setattr(numba, "njit", njit)
    folder = cache.find_cache()
    assert folder.name == config.CACHE_DIR
    assert "set NUMBA_CACHE_DIR" in messages.text
    assert len(messages.records) == 1
    folder.cleanup()
    assert not os.path.exists(config.CACHE_DIR)


@pytest.mark.parametrize("writable", [True, False])
def test_where_the_home_is_unknown_numba_is_not_asked(messages, monkeypatch, writable):
    """It would make a folder "~" in the working directory."""
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)
    monkeypatch.setattr(os, "access", lambda path, mode: writable)
    monkeypatch.setattr(numba, "njit", None)
    folder = cache.find_cache()
    assert (folder is None) == writable
    if folder:
        folder.cleanup()

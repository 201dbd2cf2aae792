from __future__ import annotations

import subprocess
import sys

import pytest

from nbproj.errors import SourceError
from nbproj.sources.registry import detect, fetch

PLUGIN = """
from pathlib import Path
from nbproj.sources.source import Checkout

class Shelf:
    def __init__(self, uri):
        self.uri = uri

    @classmethod
    def detect(cls, uri):
        if uri.startswith("broken://"):
            raise RuntimeError("out of order")
        return cls(uri) if uri.startswith("shelf://") else None

    def fetch(self, version, progress, credentials=None):
        return Checkout(Path("/"), self.uri)
"""


@pytest.fixture
def plugin(tmp_path, monkeypatch):
    (tmp_path / "shelf_source.py").write_text(PLUGIN)
    info = tmp_path / "shelf_source-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: shelf-source\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[nbproj.sources]\nshelf = shelf_source:Shelf\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield
    sys.modules.pop("shelf_source", None)


@pytest.mark.usefixtures("plugin")
def test_sources_of_other_packages_are_asked_when_no_built_in_one_fits(tmp_path):
    with fetch("shelf://a/b") as checkout:
        assert checkout.uri == "shelf://a/b"
    assert type(detect(str(tmp_path))).__name__ == "LocalSource"
    assert "shelf_source" in sys.modules
    with pytest.raises(SourceError, match="the scheme 'else' is not understood"):
        detect("else://a")


@pytest.mark.usefixtures("plugin")
def test_a_broken_source_of_another_package_is_named():
    with pytest.raises(SourceError, match="the source 'shelf' failed on broken://a: RuntimeError: out of order"):
        detect("broken://user:s3cret@a")


def test_other_packages_are_not_looked_for_when_a_built_in_source_fits(tmp_path):
    code = f"import sys, nbproj.sources.registry as r; r.detect({str(tmp_path)!r}); print('git' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60).stdout == "False\n"

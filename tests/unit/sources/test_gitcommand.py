"""One git command: nothing of what it prints is lost."""

from __future__ import annotations

import os
import selectors
import shutil
import time

from nbproj.sources.gitcommand import GitError, git


def test_how_far_git_was_is_no_reason():
    said = "remote: Enumerating objects: 4, done.\nremote: Counting objects:  25% (1/4)\rremote: Total 4 (delta 0)\nReceiving objects:  50% (2/4)\r"
    assert GitError(128, f"{said}fatal: write error: No space left on device\nfatal: fetch-pack: invalid index-pack output\n").reason == (
        "write error: No space left on device; fetch-pack: invalid index-pack output"
    )
    assert GitError(128, said).reason == "git ended with code 128"


def test_what_git_prints_with_its_last_breath_is_heard(tmp_path, monkeypatch):
    slow = tmp_path / "bin" / "git"
    slow.parent.mkdir()
    slow.write_text(f'#!/bin/sh\n[ "$1" = version ] || sleep 0.4\nexec {shutil.which("git")} "$@"\n')
    slow.chmod(0o755)
    monkeypatch.setenv("PATH", f"{slow.parent}{os.pathsep}{os.environ['PATH']}")

    class Dozing(selectors.DefaultSelector):
        """Who is held up right after a look that showed nothing: by then git has printed all it has to say, and ended."""

        def select(self, timeout=None):
            ready = super().select(timeout)
            if not ready:
                time.sleep(1)
            return ready

    monkeypatch.setattr(selectors, "DefaultSelector", Dozing)
    assert git("--version").startswith(b"git version ")

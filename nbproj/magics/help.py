"""What `%mlrun?` and its sisters say."""

from __future__ import annotations

from typing import Final

__all__ = ["FORM_HELP", "PROJECT_HELP", "RUN_HELP"]

RUN_HELP: Final = """Run an entry point of a project, and show what came out.

%mlrun [URI] [-e ENTRY] [-P NAME=VALUE]... and the other options of `nbproj run` (`%mlrun --help` lists them).

URI is a folder, a Git address, a zip file or a notebook. Without it this notebook runs, as it is saved, in a kernel of its own: its main or only
entry point, or the one named by -e. A file that is older than what was run here is refused; save it, or add --stale-ok.
The cell waits until the run has ended; Interrupt ends the run cleanly.
A value that is wholly in braces is an expression of this notebook: `-P alpha={best.alpha}` hands over the object itself.
Nothing else in the line is expanded.

    %mlrun -e train -P alpha=0.5
    %mlrun . -e report
    run = %mlrun https://example.org/team/wine.git#train -v v2 -P alpha={alpha}

Returns the Run. A run that fails stops Run All with one line.
"""

PROJECT_HELP: Final = """Show what a project is, or declare it in YAML.

%mlproject [URI]

shows entry points and parameters of this notebook, or of the folder, Git address, zip file or notebook that is named. Nothing is executed.

%%mlproject

as the first line of a cell makes the cell a part of the notebook's project file: the keys of an MLproject file, in YAML.

    %%mlproject
    entry_points:
      train:
        parameters:
          alpha: {type: float, min: 0, max: 1}
"""

FORM_HELP: Final = """Show a form for the parameters of an entry point. Not there yet in this version of nbproj."""

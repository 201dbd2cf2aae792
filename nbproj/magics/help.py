"""What `%mlrun?` and its sisters say."""

from __future__ import annotations

from typing import Final

__all__ = ["BATCH_HELP", "FORM_HELP", "PROJECT_HELP", "RUNS_HELP", "RUN_HELP"]

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

BATCH_HELP: Final = """Run an entry point once for every combination of parameters, several at a time, and show what came out.

%mlbatch [URI] [-e ENTRY] [-P NAME=VALUES]... [-j WORKERS] and the other options of `nbproj batch` (`%mlbatch --help` lists them).

Without URI this notebook runs, as it is saved. A value may be a list of this notebook, wholly in braces, or a form: range(10), linspace(0,1,5),
logspace(-4,0,9), choice(a,b). A name that comes again adds values.
The cell waits until the batch has ended, with --detach it returns at once; Interrupt ends all runs cleanly. The same line again does only what has
not finished yet.

    %mlbatch -e train -P 'alpha=logspace(-4,0,10)' -P 'seed=range(20)' --metric rmse
    batch = %mlbatch . -e train -P alpha={alphas} -j 2
    batch.to_frame()

Returns the Batch. Points that fail are named in it, and do not stop Run All.
"""

PROJECT_HELP: Final = """Show what a project is, or declare it in YAML.

%mlproject [--edit] [URI]

shows entry points and parameters of this notebook, or of the folder, Git address, zip file or notebook that is named. Nothing is executed.
With --edit they stand in a table that can be changed; what would be written is shown first.

%%mlproject

as the first line of a cell makes the cell a part of the notebook's project file: the keys of an MLproject file, in YAML.

    %%mlproject
    entry_points:
      train:
        parameters:
          alpha: {type: float, min: 0, max: 1}
"""

FORM_HELP: Final = """Show a form for the parameters of an entry point.

%mlform [URI] [-e ENTRY] [-v VERSION]

Without URI the form is this notebook's, as it is saved; without -e all declared entry points can be chosen. Each parameter gets a control that fits
its type, checked as you type. Run starts a run and leaves the kernel free; its card appears below and fills in.

    %mlform -e train
    form = %mlform https://example.org/team/wine.git#train

Returns the Form: `form.value` holds the values, `form.set(alpha=0.3)` sets one, `form.runs` the runs it has started.
"""

RUNS_HELP: Final = """Show the runs of a tracking store in a table that lives.

%mlruns [--experiment NAME] [--filter CONDITIONS] [--columns NAME,...] [--sort COLUMN] [--ascending] [--by-batch]

Find by words, filter in MLflow's language, sort by any column, choose columns, put the runs of a batch below it; select some to compare them:
values, curves, pictures, notebooks. What changes in the store appears by itself.

    %mlruns --experiment wine --filter "metrics.rmse < 60" --sort metrics.rmse --ascending
    panel = %mlruns

Returns the Panel: `panel.selected` holds the runs that are selected, `panel.to_frame()` and `panel.to_csv()` what the table shows.
"""

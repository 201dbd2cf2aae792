"""What a program writes down about its own run: metrics, parameters, tags, files and figures.

The functions are `nbproj.log_metric` and its like. Where nbproj is not installed, the kernel of a notebook is given this very package (see
`nbproj.execution.results`): it stands alone, on the standard library of Python 3.8 and later. What is said goes to the driver of the run, which
keeps it; without a driver to MLflow, where a run of it is active; else one line tells what was not recorded, and the program goes on.
"""

from nbproj.logbook.files import log_artifact, log_figure
from nbproj.logbook.values import log_metric, log_metrics, log_param, log_params, set_tag, set_tags

__all__ = ["log_artifact", "log_figure", "log_metric", "log_metrics", "log_param", "log_params", "set_tag", "set_tags"]

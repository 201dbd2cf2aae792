"""`%mlrun` without an address: this notebook, found as the front end tells, in a real Jupyter server and its kernels."""

from __future__ import annotations



LOAD = "%load_ext nbproj"
WHICH = "from nbproj.current.notebook import current_notebook\nprint(current_notebook(get_ipython()).path)"


def test_without_an_address_this_notebook_runs(server, save, store):
    path = save(server.root / "deep" / "train.ipynb", LOAD, "print('trained', 6 * 7)", "%mlrun")
    kernel = server.open("deep/train.ipynb")
    assert kernel(LOAD).status == "ok"
    answer = kernel("run = %mlrun --run-name first\nprint(run.status)", "new")
    assert answer.status == "ok", answer.error
    assert "trained 42" in answer.text
    assert answer.text.endswith("FINISHED\n")
    run = store.search_runs()[0]
    assert run.tags["mlflow.source.name"].startswith(str(path.parent))

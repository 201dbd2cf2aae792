"""Predicts how diabetes progresses with an elastic net, and records how well: the script beside train.ipynb.

`mlflow.start_run()` joins the run that nbproj has opened; started by hand, the script opens one of its own.
"""

import argparse

import mlflow
import mlflow.sklearn
import numpy as np
from matplotlib.figure import Figure
from sklearn.datasets import load_diabetes
from sklearn.linear_model import ElasticNet
from sklearn.metrics import mean_absolute_error, r2_score, root_mean_squared_error
from sklearn.model_selection import train_test_split
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler


def elastic_net(alpha: float, l1_ratio: float) -> Pipeline:
    """Return a model whose penalty treats all measurements alike."""
    return make_pipeline(StandardScaler(), ElasticNet(alpha=alpha, l1_ratio=l1_ratio, max_iter=10_000))


def figure(measured: np.ndarray, predicted: np.ndarray) -> Figure:
    """Return the prediction over the measurement; a perfect model would lie on the line."""
    drawing = Figure(figsize=(5, 5), layout="constrained")
    axes = drawing.subplots()
    axes.axline((measured.mean(), measured.mean()), slope=1, color="0.6", linewidth=1)
    axes.scatter(measured, predicted, s=14, alpha=0.7)
    axes.set(xlabel="progression after a year, measured", ylabel="predicted", aspect="equal")
    return drawing


def train(alpha: float, l1_ratio: float, seed: int) -> None:
    """Fit the model on three quarters of the people, test it on the others, and record both."""
    people, progression = load_diabetes(return_X_y=True, scaled=False)
    people, others, progression, measured = train_test_split(people, progression, random_state=seed)

    with mlflow.start_run():
        # From a penalty that leaves only the mean down to the one asked for: the curve shows whether a weaker one would still help.
        for step, strength in enumerate(np.geomspace(max(alpha, 1e-3) * 100, max(alpha, 1e-3), 20)):
            model = elastic_net(strength, l1_ratio).fit(people, progression)
            mlflow.log_metric("path_rmse", root_mean_squared_error(measured, model.predict(others)), step=step)

        model = elastic_net(alpha, l1_ratio).fit(people, progression)
        predicted = model.predict(others)
        quality = {
            "rmse": root_mean_squared_error(measured, predicted),
            "mae": mean_absolute_error(measured, predicted),
            "r2": r2_score(measured, predicted),
        }
        mlflow.log_metrics(quality)
        mlflow.log_figure(figure(measured, predicted), "predicted.png")
        signature = mlflow.models.infer_signature(others, predicted)
        mlflow.sklearn.log_model(model, name="model", signature=signature, pip_requirements=["scikit-learn"])

    for name, value in quality.items():
        print(f"{name:5} {value:8.3f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--alpha", type=float, default=0.5, help="strength of the penalty on the coefficients")
    parser.add_argument("--l1-ratio", type=float, default=0.5, help="share of the penalty that drops measurements: 0 is ridge, 1 is lasso")
    parser.add_argument("--seed", type=int, default=0, help="chooses the people who are kept aside for the test")
    train(**vars(parser.parse_args()))

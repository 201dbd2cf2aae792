"""Prints what each measurement adds to the prediction, one a line, for the shell tools of the entry point `report`."""

import argparse

from sklearn.datasets import load_diabetes
from sklearn.linear_model import ElasticNet
from sklearn.preprocessing import scale

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--alpha", type=float, default=0.5, help="strength of the penalty on the coefficients")
parser.add_argument("--l1-ratio", type=float, default=0.5, help="share of the penalty that drops measurements: 0 is ridge, 1 is lasso")
arguments = parser.parse_args()

data = load_diabetes(scaled=False)
model = ElasticNet(alpha=arguments.alpha, l1_ratio=arguments.l1_ratio, max_iter=10_000).fit(scale(data.data), data.target)
for name, coefficient in zip(data.feature_names, model.coef_, strict=True):
    print(f"{name:4} {abs(coefficient):8.3f} {'raises' if coefficient > 0 else 'lowers' if coefficient < 0 else 'dropped'}")

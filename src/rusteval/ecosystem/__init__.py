"""The whole workflow around evaluation: dataset and fine-tune by the packages that do this, verdicts by this project."""

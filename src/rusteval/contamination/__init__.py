"""The search of training data for the tasks that a model will be judged by."""

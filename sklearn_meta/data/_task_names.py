"""Names of the tasks, as users, operators and knowledge bases write them."""

CLASSIFICATION = "classification"
REGRESSION = "regression"
TASKS = (CLASSIFICATION, REGRESSION)

"""Names of the tasks in parameters, operators and knowledge bases."""

CLASSIFICATION = "classification"
REGRESSION = "regression"
TASKS = (CLASSIFICATION, REGRESSION)

"""From a question that a picture answers to a data set, classifiers, a report and a predictor."""

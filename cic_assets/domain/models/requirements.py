"""That what training needs is installed; asked before anything is begun that would come to nothing."""

from cic_assets.domain.extras import why_no_training
from cic_assets.domain.models.errors import TrainingUnavailableError


def require_keras(what: str = "training") -> None:
    """See that Keras and its backend are installed, without importing them.

    Args:
        what: needs them, as the subject of a sentence.

    Raises:
        TrainingUnavailableError: they are not; the message says what to install.
    """
    if why := why_no_training(what):
        raise TrainingUnavailableError(why)

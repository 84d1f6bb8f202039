"""What the program is unsure of, as questions to a person: queues, what is open, what an answer decides and changes."""

from cic_assets.domain.review.book import Open, Problem, ReviewBook
from cic_assets.domain.review.changes import Changes
from cic_assets.domain.review.entries import Answer, Entry, GoneError, Queue, ReviewError, called, would_change
from cic_assets.domain.review.openness import count_open
from cic_assets.domain.review.pictures import shown_copy
from cic_assets.domain.review.queues import copies, label_conflicts
from cic_assets.domain.review.tables import Seen

__all__ = [
    "Answer", "Changes", "Entry", "GoneError", "Open", "Problem", "Queue", "ReviewBook", "ReviewError", "Seen",
    "called", "copies", "count_open", "label_conflicts", "shown_copy", "would_change",
]  # fmt: skip

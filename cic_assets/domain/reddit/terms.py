"""What Reddit's terms ask of who reads its API, in the words that we show. No legal advice.

Sources: Reddit Data API Terms, Responsible Builder Policy and Developer Terms, as published in 2025.
"""

TERMS_POINTS = (
    "Access to the Data API needs Reddit's approval of your app and of what you use it for.",
    "At most 100 requests a minute for an app, with a user agent that says who you are.",
    "What its author or a moderator deletes must be deleted here too, within 48 hours.",
    "Posts belong to their authors: training a model on them needs permission.",
    "Pictures must not be published again; lists of post ids may be shared.",
)
"""What the terms ask, a sentence each."""

TERMS_IN_ONE_LINE = (
    "Reddit's live API is used only after you agree to its terms (approval of your app, permission to train on what "
    "people posted, deletion within 48 hours): read the part on terms in the README, then set reddit: "
    "{terms_acknowledged: true} in the problem file"
)
"""What a person is told who has not acknowledged them."""

"""What an exported model calls what goes in and what comes out."""

IMAGE = "image"
"""Pictures (N, side, side, 3), RGB bytes."""
PROBABILITIES = "probabilities"
"""(N, classes), in the order of the card's labels."""
EMBEDDING = "embedding"
"""(N, F): what the last dense layer sees."""
FEATURES = "features"
"""(N, F, height, width): the maps whose means over all places the embedding is; only of nets that average."""
EVIDENCE = "evidence"
"""(N, classes, height, width): what each place says for each class; the softmax of the means over all places is the
probabilities. The class activation map of Zhou et al. (2016); of the nets that have `FEATURES`."""

"""python -m explorer train"""

from explorer.models.toy import train


def run(arguments):
    """Everything after the word is the training's own to understand."""
    return train.main(arguments.rest) or 0

"""keras.ops, imported when first used: the methods can be listed without a framework."""


def __getattr__(name):
    from keras import ops

    return getattr(ops, name)

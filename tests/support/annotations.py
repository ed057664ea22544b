"""Files of boxes, and how they are refused."""

import pytest

from explorer.errors import InputError

OBJECT = "<object><name>{}</name><bndbox><xmin>{}</xmin><ymin>{}</ymin><xmax>{}</xmax><ymax>{}</ymax></bndbox></object>"


def xml(*objects, size="<size><width>100</width><height>60</height><depth>3</depth></size>"):
    return f"<annotation>{size}{''.join(OBJECT.format(*each) for each in objects)}</annotation>"


def refused(read, *arguments, said):
    with pytest.raises(InputError) as caught:
        read(*arguments)
    sentence = str(caught.value)
    assert sentence.endswith(".") and "\n" not in sentence, f"a refusal is one sentence: {sentence!r}"
    assert said in sentence, f"the refusal should say {said!r}: {sentence!r}"


def write(path, held):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(held if isinstance(held, bytes) else held.encode())
    return path

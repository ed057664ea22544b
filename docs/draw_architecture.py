"""Draws docs/pictures/architecture.svg from the import statements of the packages: python docs/draw_architecture.py

A package may import what stands below it. An arrow is as wide as there are modules that import.
"""

import ast
from collections import Counter
from pathlib import Path
from xml.sax.saxutils import escape

ROOT = Path(__file__).resolve().parents[1]
PICTURE = ROOT / "docs" / "pictures" / "architecture.svg"
ABOUT = {  # from the first that is imported to the last
    "errors": "what a person can get wrong",
    "attribution": "the mathematics: arrays in, arrays out",
    "network": "a Keras model seen from outside; the frameworks",
    "models": "where classifiers come from; files from strangers; ToyVGG",
    "engine": "one Question in, one Result out",
    "studies": "experiments around one result",
    "render": "a result as pictures, sentences and files",
    "evaluation": "section 4.3 of the paper on sets of pictures",
    "cli": "python -m explorer",
    "ui": "the page (Gradio)",
}
WIDTH, BOX, HEIGHT, GAP, LEFT = 860, 470, 46, 26, 20


def package_of(path):
    """explorer/engine/run.py -> "engine"; explorer/errors.py -> "errors"."""
    return path.relative_to(ROOT / "explorer").parts[0].removesuffix(".py")


def imported(path):
    """The packages of explorer that a file imports."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "explorer":
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
            yield from {name.split(".")[1] for name in names if "." in name} & ABOUT.keys()


def arrows():
    """{(importing package, imported package): number of modules}."""
    pairs = Counter()
    for path in sorted((ROOT / "explorer").rglob("*.py")):
        package = package_of(path)
        if package in ABOUT:
            pairs.update((package, target) for target in set(imported(path)) if target != package)
    return pairs


def svg(pairs):
    """The picture: the packages as a stack, the last imported at the bottom, and an arc for every pair."""
    order = list(ABOUT)
    height = len(order) * (HEIGHT + GAP) + GAP
    top = {name: height - (place + 1) * (HEIGHT + GAP) for place, name in enumerate(order)}
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="sans-serif">',
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="5" markerHeight="5" orient="auto">'
        '<path d="M0 0 8 4 0 8z" fill="#4f5bd5"/></marker></defs>',
    ]
    for name, about in ABOUT.items():
        y = top[name]
        lines += [
            f'<rect x="{LEFT}" y="{y}" width="{BOX}" height="{HEIGHT}" rx="8" fill="#eef0ff" stroke="#4f5bd5"/>',
            f'<text x="{LEFT + 14}" y="{y + 20}" font-size="16" font-weight="bold">{escape(name)}</text>',
            f'<text x="{LEFT + 14}" y="{y + 38}" font-size="13" fill="#33375f">{escape(about)}</text>',
        ]
    for (package, target), count in sorted(pairs.items()):
        start, end, x = top[package] + HEIGHT / 2, top[target] + HEIGHT / 2, LEFT + BOX
        bend = x + 30 + 0.42 * (end - start)
        width = 1 + min(count, 24) / 6
        lines.append(
            f'<path d="M{x} {start - 6:.0f} C{bend:.0f} {start:.0f} {bend:.0f} {end:.0f} {x + 3} {end + 6:.0f}" '
            f'fill="none" stroke="#4f5bd5" stroke-opacity="0.45" stroke-width="{width:.1f}" marker-end="url(#tip)">'
            f"<title>{package} imports {target}: {count} modules</title></path>"
        )
    return "\n".join([*lines, "</svg>"]) + "\n"


if __name__ == "__main__":
    PICTURE.write_text(svg(arrows()), encoding="utf-8")

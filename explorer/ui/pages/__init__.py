"""The pages: one file each.

KEY is its word in the address, LABEL on the tab, ABOUT what it shows. build() lays it out and returns its places by
name; wire(frame, places) says what happens on it; show(explorer, session, controls, dark, tell) is what it shows of the
result that stands, as values by name. Names of places differ from page to page.
"""

from explorer.ui.pages import baselines, class_contest, evaluate, explore, grad_cam_plus_plus, layers, path, scores

# Every page but Explore, which shows what each question brings
PAGES = (layers, path, baselines, scores, grad_cam_plus_plus, class_contest, evaluate)
OTHERS = {page.KEY: page for page in PAGES}

__all__ = ["OTHERS", "explore"]

"""The pages: one file each.

KEY is its word in the address, LABEL on the tab, ABOUT what it shows. build() lays it out and returns its places by
name; wire(frame, places) says what happens on it; show(explorer, session, controls, dark, tell) is what it shows of the
result that stands, as values by name. Names of places differ from page to page.
"""

from explorer.ui.pages import baselines, contest, evaluate, explore, layers, path, positive, scores

# Every page but Explore, which shows what each question brings
OTHERS = {page.KEY: page for page in (layers, path, baselines, scores, positive, contest, evaluate)}

__all__ = ["OTHERS", "explore"]

"""The paper's evaluation (section 4.3) on any folder of pictures: measures, table, figures and report."""

"""The page: Gradio is imported here and in launch.py only."""

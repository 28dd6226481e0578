"""The scripts beside this are run by the system's Python, which alone has QGIS."""

collect_ignore = ["colours.py", "render.py"]

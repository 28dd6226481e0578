"""The script beside this is run by the system's Python, which alone has QGIS."""

collect_ignore = ["render.py"]

"""Open rasters as QGIS does at first opening: tell the renderer of each and its colours as JSON.

Run by the system's Python: ``colours.py FILE.tif ...``.
"""

import json
import os
import sys

os.environ["QT_QPA_PLATFORM"] = "offscreen"

from qgis.core import QgsApplication, QgsRasterLayer

application = QgsApplication([], False)
application.initQgis()
told = []
for path in sys.argv[1:]:
    layer = QgsRasterLayer(path, "raster")
    renderer = layer.renderer()
    shader = renderer.shader().rasterShaderFunction()
    told.append(
        {
            "valid": layer.isValid(),
            "renderer": renderer.type(),
            "band": layer.bandName(1),
            "items": [[item.value, item.color.name()] for item in shader.colorRampItemList()],
            "ends": [renderer.classificationMin(), renderer.classificationMax()],
        }
    )
    del renderer, shader, layer
sys.stdout.write(json.dumps(told) + "\n")
application.exitQgis()

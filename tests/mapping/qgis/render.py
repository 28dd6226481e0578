"""Open a GeoPackage as QGIS does at its first opening: tell the layers as JSON, draw them.

Run by the system's Python, which is the one that Debian's QGIS belongs to:
``render.py FILE.gpkg PICTURE.png PROJECT.qgz``.
"""

import json
import os
import sqlite3
import sys

os.environ["QT_QPA_PLATFORM"] = "offscreen"

from qgis.core import (
    QgsApplication,
    QgsMapRendererParallelJob,
    QgsMapSettings,
    QgsProject,
    QgsVectorLayer,
)
from qgis.PyQt.QtCore import QSize
from qgis.PyQt.QtGui import QColor
from qgis.PyQt.QtXml import QDomDocument

PIXELS = 1100


def loaded(path, name):
    """A layer with the style the file gives it, and what QGIS made of that."""
    layer = QgsVectorLayer(f"{path}|layername={name}", name, "ogr")
    rules = layer.renderer().rootRule().children()
    known = layer.listStylesInDatabase()
    told = {
        "valid": layer.isValid(),
        "crs": layer.crs().authid(),
        "rows": layer.featureCount(),
        "renderer": layer.renderer().type(),
        "styles": known[0],
        "rules": [
            {
                "label": rule.label(),
                "filter": rule.filterExpression(),
                "rows": len(list(layer.getFeatures(rule.filterExpression() or "TRUE"))),
                "symbols": [one.layerType() for one in rule.symbol().symbolLayers()],
                "colours": [one.color().name() for one in rule.symbol().symbolLayers()],
                "turned": [
                    one.dataDefinedProperties().property(one.PropertyAngle).field()
                    for one in rule.symbol().symbolLayers()
                    if one.layerType() == "SimpleMarker"
                ],
            }
            for rule in rules
        ],
        "labels": layer.labeling().settings().fieldName if layer.labelsEnabled() else None,
        "fields": {field.name(): field.typeName() for field in layer.fields()},
    }
    return layer, told


def read_by_hand(layer):
    """What QGIS makes of the SLD in the file, and of the part of the QML it leaves till asked."""
    path, name = layer.source().split("|layername=")
    with sqlite3.connect(path) as database:
        sld, qml = database.execute(
            "SELECT styleSLD, styleQML FROM layer_styles WHERE f_table_name = ?", [name]
        ).fetchone()
    document = QDomDocument()
    document.setContent(sld, True)
    other = layer.clone()
    is_read = other.readSld(document.documentElement().firstChildElement("NamedLayer"), "")
    renderer = other.renderer()
    rules = renderer.rootRule().children() if renderer.type() == "RuleRenderer" else [renderer]
    document.setContent(qml)
    other.importNamedStyle(document)
    temporal = other.temporalProperties()
    return {
        "sld_rules": len(rules) if is_read else None,
        "time_column": temporal.startField() if temporal.isActive() else None,
    }


def main():
    """Do it."""
    path, picture, project_file = sys.argv[1:]
    application = QgsApplication([], False)
    application.initQgis()
    project = QgsProject.instance()
    whole = QgsVectorLayer(path, "file", "ogr")
    names = [one.split("!!::!!")[1] for one in whole.dataProvider().subLayers()]
    layers, told = [], {}
    for name in names:
        if name == "layer_styles":
            continue
        layer, told[name] = loaded(path, name)
        told[name] |= read_by_hand(layer)
        layers.append(layer)
        project.addMapLayer(layer)
    project.setCrs(layers[0].crs())
    if not project.write(project_file):
        raise SystemExit(f"no project: {project.error()}")
    settings = QgsMapSettings()
    settings.setLayers(layers[::-1])
    settings.setDestinationCrs(layers[0].crs())
    settings.setExtent(layers[0].extent())
    settings.setOutputSize(QSize(PIXELS, PIXELS))
    settings.setOutputDpi(110)
    settings.setBackgroundColor(QColor("white"))
    job = QgsMapRendererParallelJob(settings)
    job.start()
    job.waitForFinished()
    told_errors = [error.message for error in job.errors()]
    if not job.renderedImage().save(picture):
        raise SystemExit("no picture")
    sys.stdout.write(json.dumps({"layers": told, "errors": told_errors, "names": names}))


main()

"""``survey.gpkg``: every layer of a survey with its style, as an OGC GeoPackage."""

from __future__ import annotations

import contextlib
import sqlite3
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyogrio
import pyogrio.raw
import shapely
from pyogrio.errors import DataLayerError, DataSourceError, FeatureError

from mapping.captions import title
from mapping.styles.qml import qml_of
from mapping.styles.sld import sld_of
from mapping.styles.survey_styles import survey_styles
from mapping.vector_layers import NOTICE, vector_layers
from sensors.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyproj

    from mapping.styles.symbols import LayerStyle
    from mapping.survey import Survey
    from mapping.vector_layer import VectorLayer

__all__ = ["write"]

FILE = "survey.gpkg"
VERSION = "1.2"  # the last that programs of 2020 know
UTC = 100  # GDAL's number for it
_IN_USE = ("-wal", "-journal")  # what SQLite leaves beside a file while a program has it open
_STYLES = """
    CREATE TABLE layer_styles (
        id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, f_table_catalog TEXT(256),
        f_table_schema TEXT(256), f_table_name TEXT(256), f_geometry_column TEXT(256),
        styleName TEXT(30), styleQML TEXT, styleSLD TEXT, useAsDefault BOOLEAN, description TEXT,
        owner TEXT(30), ui TEXT(30), update_time DATETIME)
"""


def write(survey: Survey, folder: Path) -> list[Path]:
    """Write `survey.gpkg`.

    The file appears whole or not at all, and the same survey gives the same bytes: times in it
    are those of the flight.

    Parameters
    ----------
    survey : Survey
    folder : Path
        Exists.

    Returns
    -------
    list of Path

    Raises
    ------
    ConfigError
        Another program has the file that stands there open.
    OSError
        The disk refuses.
    """
    path = folder / FILE
    _refuse_in_use(path)
    styles = survey_styles(survey)
    stamp = _stamp(survey)
    with tempfile.TemporaryDirectory(prefix=".gpkg-", dir=folder) as beside:
        partial = Path(beside) / FILE
        try:
            with _written_at(stamp):
                for layer in vector_layers(survey):
                    _write_layer(layer, survey, partial)
            _write_styles(styles, partial, stamp)
        except (DataSourceError, DataLayerError, FeatureError, sqlite3.OperationalError) as error:
            raise OSError(f"{FILE}: {error}") from error
        partial.replace(path)
    return [path]


def _refuse_in_use(path: Path) -> None:
    for suffix in _IN_USE:
        if path.with_name(path.name + suffix).exists():
            raise ConfigError(
                f"{path}: another program has it open ({path.name}{suffix} is beside it); close it "
                "there, in QGIS by removing its layers, or write to another folder"
            )


def _stamp(survey: Survey) -> str:
    """Time of the last reading, which is when all in the file was last changed."""
    return f"{survey.track.time[-1].astype('datetime64[ms]')}Z"


@contextlib.contextmanager
def _written_at(stamp: str) -> Iterator[None]:
    """Let GDAL take a time for now, and not wait for the disk after every layer.

    The file is made aside and renamed: one that was cut off is never taken for whole.
    """
    options = {"OGR_CURRENT_DATE": stamp, "OGR_SQLITE_SYNCHRONOUS": "OFF"}
    before = {name: pyogrio.get_gdal_config_option(name) for name in options}
    pyogrio.set_gdal_config_options(options)
    try:
        yield
    finally:
        pyogrio.set_gdal_config_options(before)


def _write_layer(layer: VectorLayer, survey: Survey, path: Path) -> None:
    about = {
        "title": survey.name,
        "verdict": title(survey),
        "note": NOTICE,
        "software": f"sniffdrone {survey.version}",
    }
    is_first = not path.exists()
    times = {
        name: np.full(len(values), UTC, dtype=np.int16)
        for name, values in layer.columns.items()
        if values.dtype.kind == "M"
    }
    pyogrio.raw.write(
        path,
        geometry=shapely.to_wkb(layer.geometry),
        field_data=list(layer.columns.values()),
        fields=list(layer.columns),
        layer=layer.name,
        driver="GPKG",
        geometry_type=layer.kind,
        crs=_crs_text(survey.domain.crs),
        append=not is_first,
        dataset_metadata=about if is_first else None,
        dataset_options={"VERSION": VERSION} if is_first else None,
        layer_options={"IDENTIFIER": layer.name, "DESCRIPTION": layer.description},
        gdal_tz_offsets=times,
    )


def _crs_text(crs: pyproj.CRS) -> str:
    authority = crs.to_authority()
    return crs.to_wkt() if authority is None else ":".join(authority)


def _write_styles(styles: dict[str, LayerStyle], path: Path, stamp: str) -> None:
    with contextlib.closing(sqlite3.connect(path)) as database, database:
        database.execute(_STYLES)
        for name, style in styles.items():
            database.execute(
                "INSERT INTO layer_styles (f_table_catalog, f_table_schema, f_table_name, "
                "f_geometry_column, styleName, styleQML, styleSLD, useAsDefault, description, "
                "owner, update_time) VALUES ('', '', ?, 'geom', ?, ?, ?, 1, ?, '', ?)",
                (name, name, qml_of(style), sld_of(style, name), f"sniffdrone: {name}", stamp),
            )
        database.execute(
            "INSERT INTO gpkg_contents (table_name, data_type, identifier, description, "
            "last_change, srs_id) VALUES ('layer_styles', 'attributes', 'layer_styles', "
            "'How QGIS and others draw the layers', ?, 0)",
            (stamp,),
        )

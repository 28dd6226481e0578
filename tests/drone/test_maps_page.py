"""The examples of docs/maps.md, run in order as a reader would."""

import contextlib
import io
import re
from pathlib import Path

from tests.drone.tables import as_csv, survey_rows

PAGE = Path(__file__).parents[2] / "docs" / "maps.md"


def test_every_example_of_the_page_runs(tmp_path, monkeypatch):
    (tmp_path / "flight.csv").write_text(as_csv(survey_rows()))
    monkeypatch.chdir(tmp_path)
    examples = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert len(examples) == 4
    names, said = {}, []
    for example in examples:
        with contextlib.redirect_stdout(io.StringIO()) as out:
            exec(compile(example, str(PAGE), "exec"), names)
        said.append(out.getvalue())
    assert said[0] == "('y', 'x') kernel\n"
    assert said[1].split()[1:3] == ["ppb", "at"]
    assert names["layers"].sizes["time"] == 4
    assert said[3].endswith("True\n")

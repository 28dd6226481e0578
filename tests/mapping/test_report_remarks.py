"""Every remark the code can make has a Dutch form that keeps its numbers, names and units."""

import ast
import re
import string
from pathlib import Path

import pytest

import mapping
from mapping.report.remarks import in_language, templates, translated
from mapping.report.words import words_of
from sensors.gases import GASES

ROOT = Path(mapping.__path__[0]).parent
REMARKS, PARTS = templates("nl"), templates("nl", "part")

# What holes of a kind may hold in an example, and how that reads in Dutch
FILLED = {
    "": ('Haven "Zuid" *3*', 'Haven "Zuid" *3*'),
    "n": ("12.5", "12,5"),
    "gas": ("ammonia", "ammoniak"),
    "reading": ("24.5 degC", "24,5 °C"),
    "quoted": ("'abc'", "'abc'"),
    "called": (' "Boer"', ' "Boer"'),
    "name": ("wind.csv", "wind.csv"),
    "part": ("stuck at 55 for 61.5 s", "bleef 61,5 s staan op 55"),
    "clauses": ("; positions from POS", "; posities uit POS"),
    "settings": ("gas = acetone, averaging_time_s = 30.0", "gas aceton, waarden"),
}

EXACT = {
    "clock: gas readings 2026-05-12T09:00:00Z to 2026-05-12T09:14:59Z, +0.000 s added to their "
    "times; the autopilot started 2026-05-12T08:55:00Z by 812 SYSTEM_TIME pairs (spread 0.004 s); "
    "positions from GLOBAL_POSITION_INT": "klok: gasmetingen van 2026-05-12T09:00:00Z tot "
    "2026-05-12T09:14:59Z; bij hun tijden is +0,000 s opgeteld; de stuurautomaat startte om "
    "2026-05-12T08:55:00Z, volgens 812 tijdparen van SYSTEM_TIME (spreiding 0,004 s); "
    "posities uit GLOBAL_POSITION_INT",
    "pid: up to 1.9 ppm above clean air where the drone landed; left out, since handling, rotor "
    "wash and warm-up are smelt there too: if it is none of these, look there first": "pid: tot "
    "1,9 ppm boven schone lucht op de plaats waar de drone landde; weggelaten, want ook "
    "hantering, rotorwind en opwarmen worden daar geroken: is het geen van deze, zoek dan daar "
    "het eerst",
    'known emitter "Spuiterij "De Kwast"" accounts for about 43 % of the gas read (probability '
    "that it emits > 0.99); it is not among the sources sought": 'bekende uitstoter "Spuiterij '
    '"De Kwast"" verklaart ongeveer 43 % van het gemeten gas (kans dat hij iets uitstoot: '
    "> 0,99); hij is niet bij de gezochte bronnen",
    'known.gpkg: feature 3 "Boer: 7": its rate is of "NH3", not of hydrogen sulfide; not used': (
        'known.gpkg: object 3 "Boer: 7": de uitstoot is van "NH3", niet van waterstofsulfide; '
        "niet gebruikt"
    ),
    "map cells are 2.35 m, not 1 m, to stay below 250,000 cells; a smaller --area gives finer "
    "ones": "kaartcellen zijn 2,35 m in plaats van 1 m, om onder 250\xa0000 cellen te blijven; "
    "een kleinere --area geeft fijnere",
    "f.csv line 9: pid_ppb '1e999' is not a number; 1 such cell(s) read as missing, correct or "
    "blank them": "f.csv regel 9: pid_ppb '1e999' is geen getal; 1 dergelijke cel geldt als "
    "ontbrekend, verbeter of wis die",
    "wind: 3 of 90 readings have none (3.5 m/s from 240 degrees)": (
        "wind: 3 van de 90 metingen hebben er geen (3,5 m/s uit 240°)"
    ),
    "the sensor moved only 4 m; fly at least a few lines": (
        "de sensor bewoog slechts 4 m; vlieg ten minste enkele banen"
    ),
}


@pytest.mark.parametrize("english", EXACT)
def test_remarks_read_as_they_should(english):
    assert translated(english, "nl") == EXACT[english]


@pytest.mark.parametrize("template", [*REMARKS, *PARTS], ids=lambda one: one.english[:60])
def test_every_template_keeps_what_stands_in_its_holes(template):
    raw = {name: FILLED[kind][0] for name, kind in template.kinds.items()}
    english = _plain(template.english).format(**raw)
    table = "remark" if template in REMARKS else "part"
    dutch = translated(english, "nl", table=table)
    assert dutch is not None
    chosen = {name for _, name, spec, _ in _holes(template.other) if spec}
    shown = {name for _, name, spec, _ in _holes(template.other) if name and not spec}
    assert chosen <= shown == set(template.kinds)
    for kind in template.kinds.values():
        assert FILLED[kind][1] in dutch
    if table == "remark":
        assert not re.search(r"\b(the|and|are|with|its|left out)\b", _plain(template.other))


def test_one_and_many_take_their_own_words():
    said = "{} readings that no gas can make (a spike of one reading, or more than all of the air) "
    end = "were left out; look at the sensor and its wiring"
    assert "1 meting die" not in str(translated("pid: " + said.format(12) + end, "nl"))
    one = str(translated("pid: " + said.format(1) + end, "nl"))
    assert one.startswith("pid: 1 meting ")
    assert one.count(" is weggelaten") == 1


def test_what_has_no_dutch_is_kept_in_english_and_apart():
    remarks = ["the drone sings", "pid: clipped", "wind: 1 of 2 readings have none (autopilot)"]
    told, in_english = in_language(remarks, "nl")
    assert told == ["wind: 1 van de 2 metingen heeft er geen (schatting van de stuurautomaat)"]
    assert in_english == remarks[:2]
    assert in_language(remarks, "en") == (remarks, [])


def test_a_part_that_nobody_knows_leaves_the_whole_remark_in_english():
    assert translated("pid: left out as faulty (it smells of fish)", "nl") is None


def test_gases_are_named_in_dutch():
    for gas in GASES:
        said = translated(f"mox: cannot see {gas}, so it is read as {gas} equivalents", "nl")
        assert said is not None
        assert words_of("nl").named("gas", gas) in said


# --- the code and the templates say the same -------------------------------------------------

# Tell of other things than a flight that is processed: devices, ports, folders, differences
OTHER = re.compile(
    r"drone/(cli|compare|demonstration|doctor|listen|watch|recover|fly|map|telling|replay|wording)|"
    r"firmware_bridge/(session|following|reader|recorder|bridge|vehicle|mavlink|health|summary)|"
    r"sensors/drivers|detection/source/estimators"
)
LISTS = {"notes", "warnings", "said", "tell", "_complain", "found", "note", "line", "parts"}
LISTS |= {"reason", "reasons", "told", "faults"}
NO_REMARKS = {"drawing maps", "seeking sources", "it has no area", "; It might help"}
TELLING = re.compile(r"note|warning|_fault$|_jumps|_meant|shortage|_clock_line|_clock_statement")
LEAST = 12  # letters of a piece of text between holes that is looked for


def _owner(node):
    """Names by which a string is kept: of the list it is added to, or the variable."""
    if isinstance(node, ast.Call):
        return _owner(node.func)
    if isinstance(node, ast.Attribute):
        inner = _owner(node.value) if node.attr in {"append", "insert", "extend"} else set()
        return {node.attr} | inner
    if isinstance(node, ast.Subscript):
        return _owner(node.value)
    return {node.id} if isinstance(node, ast.Name) else set()


def _said(node):
    """Pieces of text between the holes of all strings below a node, those of errors apart."""
    if isinstance(node, ast.Raise | ast.Compare):
        return
    if isinstance(node, ast.JoinedStr):
        for part in node.values:
            if isinstance(part, ast.Constant):
                yield str(part.value)
            else:
                yield from _said(part)
    elif isinstance(node, ast.Constant):
        if isinstance(node.value, str):
            yield node.value
    else:
        for child in ast.iter_child_nodes(node):
            yield from _said(child)


def _remarks_in(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _owner(node.func) & LISTS:
            for argument in node.args:
                yield from _said(argument)
        elif isinstance(node, ast.Assign | ast.AugAssign | ast.AnnAssign) and node.value:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if any(_owner(target) & LISTS for target in targets):
                yield from _said(node.value)
        elif isinstance(node, ast.FunctionDef) and TELLING.search(node.name):
            for inner in ast.walk(node):
                if isinstance(inner, ast.Return) and inner.value:
                    yield from _said(inner.value)


def _code():
    for package in ("sensors", "firmware_bridge", "detection", "mapping", "drone"):
        for path in sorted((ROOT / package).rglob("*.py")):
            name = path.relative_to(ROOT).as_posix()
            if not OTHER.match(name):
                yield name, ast.parse(path.read_text(encoding="utf-8"))


def test_every_remark_that_the_code_makes_has_a_template():
    known = [_plain(one.english) for one in [*REMARKS, *PARTS]]
    pieces = {
        (name, piece)
        for name, tree in _code()
        for piece in _remarks_in(tree)
        if len(piece.strip()) >= LEAST and " " in piece.strip()
    }
    assert len(pieces) > 100
    lost = {one for one in pieces if not any(one[1].strip("; ") in text for text in known)}
    lost = {one for one in lost if one[1] not in NO_REMARKS}
    assert not lost, sorted(lost)


def test_no_template_is_kept_in_vain():
    code = "\n".join(piece for _, tree in _code() for piece in _said(tree))
    for template in [*REMARKS, *PARTS]:
        if template.english.endswith("[{place}]") or " = " in template.english:
            continue  # in the words of GEOS, and names of settings
        longest = max((literal for literal, *_ in _holes(template.english)), key=len)
        some = [longest[k : k + 14] for k in range(max(1, len(longest) - 13))]
        assert any(one in code for one in some), template.english


def _holes(text):
    return list(string.Formatter().parse(text))


def _plain(text):
    """A template with bare holes."""
    return "".join(
        literal.replace("{", "{{").replace("}", "}}") + ("" if name is None else f"{{{name}}}")
        for literal, name, *_ in _holes(text)
    )

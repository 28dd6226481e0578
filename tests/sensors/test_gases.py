import numpy as np
import pytest

from sensors.errors import ConfigError
from sensors.gas_table import molar_mass_kg_mol
from sensors.gases import (
    GASES,
    channel_sensor,
    mass_concentration,
    pid_factor,
    resolve,
    unseen_by,
    visible,
)

# CAS registry / CRC Handbook molar masses [g/mol], typed from the book, not computed
BOOK = {
    "acetone": 58.08,
    "toluene": 92.14,
    "ammonia": 17.031,
    "dichloromethane": 84.93,
    "hydrogen sulfide": 34.08,
    "carbon dioxide": 44.01,
    "hydrogen chloride": 36.46,
    "bmk": 134.18,
    "pmk": 178.19,
    "safrole": 162.19,
    "phosphine": 33.998,
    "methylamine": 31.057,
}


@pytest.mark.parametrize(("gas", "grams"), BOOK.items())
def test_molar_masses_are_those_of_the_handbook(gas, grams):
    assert GASES[gas].molar_mass_kg_mol * 1e3 == pytest.approx(grams, abs=0.011)


def test_two_letter_elements_are_not_two_elements():
    assert molar_mass_kg_mol("HCl") == pytest.approx(0.036458)


def test_the_table_holds_what_the_work_needs():
    assert len(GASES) >= 25
    for gas in GASES.values():
        assert gas.energy_source
        assert 8 < gas.ionisation_energy_ev < 16
        assert all(factor.factor > 0 and factor.maker for factor in gas.pid_factors)


@pytest.mark.parametrize("gas", ["methanol", "formic acid", "dichloromethane", "hydrogen chloride"])
def test_the_common_lamp_is_blind_to_what_ionises_higher(gas):
    assert not visible(gas, "pid")


def test_a_stronger_lamp_sees_more_but_not_everything():
    assert visible("methanol", "pid", lamp_ev=11.7)
    assert not visible("hydrogen chloride", "pid", lamp_ev=11.7)


def test_metal_oxide_sees_reducing_gases_only():
    assert visible("methane", "mox")
    assert visible("ammonia", "mox")
    assert not visible("carbon dioxide", "mox")
    assert not visible("nitrogen dioxide", "mox")


def test_what_could_not_be_smelt_is_named():
    unseen = unseen_by(["pid"])
    assert {"methane", "methanol", "carbon dioxide", "hydrogen chloride"} <= set(unseen)
    assert not {"acetone", "toluene", "bmk", "pmk", "safrole"} & set(unseen)
    assert "methanol" not in unseen_by(["pid", "mox"])
    assert "carbon dioxide" not in unseen_by(["pid"], named=["CO2"])
    assert unseen_by([]) == list(GASES)


def test_an_unknown_gas_names_the_nearest():
    with pytest.raises(ConfigError, match='did you mean "acetone"'):
        resolve("acetoon")


def test_an_unknown_family_is_the_callers_mistake():
    with pytest.raises(ValueError, match="family"):
        visible("acetone", "nose")


@pytest.mark.parametrize(
    ("channel", "unit", "expected"),
    [
        ("pid", "1e-9", (None, "pid")),
        ("pid2", "1e-9", (None, "pid")),
        ("tvoc", "1e-9", (None, "unknown")),
        ("mox1", "ohm", (None, "mox")),
        ("tgs2620", "ohm", (None, "mox")),
        ("s1", "ohm", (None, "mox")),
        ("co2", "1e-6", ("carbon dioxide", "ndir")),
        ("co2_dry", "1e-6", ("carbon dioxide", "ndir")),
        ("ch4", "1e-6", ("methane", "tdlas")),
        ("nh3", "1e-9", ("ammonia", "electrochemical")),
        ("ethyl_acetate", "1e-9", ("ethyl acetate", "unknown")),
        ("nh3", "ohm", ("ammonia", "mox")),
        ("flux", "1e-6", (None, "unknown")),
    ],
)
def test_a_channels_name_tells_gas_and_sensor(channel, unit, expected):
    assert channel_sensor(channel, unit) == expected


def test_a_pid_reading_is_multiplied_with_the_factor_and_a_named_one_is_not():
    named = mass_concentration(1.0, "1e-6", "ethanol", family="electrochemical")
    generic = mass_concentration(1.0, "1e-6", "ethanol", family="pid")
    assert generic / named == pytest.approx(np.sqrt(10 * 8.7))  # RAE 10, Ion Science 8.7
    assert pid_factor("ethanol", maker="rae") == 10
    assert pid_factor("methanol") is None


def test_mass_concentration_follows_the_gas_law():
    # 1 ppb of a gas of 58.08 g/mol at 0 degrees C and 101325 Pa: 58.08e-3 / 22.414e-3 x 1e-9
    value = mass_concentration(1.0, "1e-9", "acetone", temperature_k=273.15)
    assert float(value) == pytest.approx(58.08 / 22.414 * 1e-9, rel=1e-4)
    warm = mass_concentration(1.0, "1e-9", "acetone", temperature_k=546.3)
    assert float(value / warm) == pytest.approx(2.0)


def test_mass_units_need_no_gas_law():
    assert float(mass_concentration(2.0, "mg m-3", "ammonia")) == 2e-6
    assert float(mass_concentration(-3.0, "ug m-3", "ammonia")) == pytest.approx(-3e-9)


def test_a_resistance_is_no_concentration():
    with pytest.raises(ValueError, match="not a concentration"):
        mass_concentration(1.0, "ohm", "acetone")

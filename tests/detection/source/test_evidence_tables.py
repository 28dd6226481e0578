"""Tables over cells and rates: their sums, their draws, and the cells worth dividing."""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.testing import assert_allclose
from scipy.special import logsumexp

from detection.source.footprint import path_of
from detection.source.lattice import Lattice
from detection.source.likelihood import log_ratio
from detection.source.noise import Noise
from detection.source.prior import Prior, nuisances_at
from detection.source.tables import Evidence, refined, response_of
from tests.naive_source import Source, respond

SOURCE = Source(east=-20.0, north=10.0, rate=1e-3)
BOX = (-60.0, -40.0, 20.0, 40.0)
KNOWN = Prior(
    release_height_m=1e-3, lateral_log_sd=1e-4, vertical_log_sd=1e-4, time_scale_log_sd=1e-4,
    roughness_log_sd=1e-4, wind_bias_sd_deg=1e-3, wind_speed_log_sd=1e-4, wind_error_m_s=1e-4,
    lag_log_sd=1e-4, eddy_log_sd=1e-4, eddy_growth_spread=0.0,
)  # fmt: skip


def test_with_nuisances_known_the_evidence_is_a_plain_sum(survey, posterior_of, first_source):
    """Every cell and rate weighed, none left out, against the coarse-to-fine search."""
    noise = Noise(saturation=1e9, sure=Noise().temper, skewness=1.0)
    flight = survey(SOURCE, response_s=(2.0, 5.0))
    late = respond(flight.concentration, flight.time_s, rise_s=2.0, decay_s=5.0)
    flight = dataclasses.replace(flight, concentration=late)
    posterior = posterior_of(
        flight,
        where=BOX,
        prior=KNOWN,
        noise=noise,
        rates=40,
        fine_cells=2000,
        draws=3000,
        pilots=40,
        hypotheses=60,
    )
    lattice = Lattice.covering(BOX, 2.0)
    nuisances = nuisances_at(
        KNOWN,
        np.zeros(10),
        wind_speed=flight.mean_wind_speed,
        wind_height_m=flight.reference_height_m,
        response_s=(2.0, 5.0),
    )
    kernel = response_of(path_of(flight, BOX, smoothing_s=15.0), lattice, nuisances)
    floor = noise.floor * np.quantile(flight.concentration, 0.995)
    rates = np.geomspace(KNOWN.rate_min, KNOWN.rate_max, 40)
    prior = np.exp(-0.5 * (np.log(rates / KNOWN.rate) / KNOWN.rate_log_sd) ** 2)
    additive = np.hypot(flight.sigma, floor)
    ratio = log_ratio(kernel, flight.concentration, additive, rates, relative=noise.relative)
    weight = noise.temper * ratio + np.log(prior / prior.sum() / lattice.size)
    assert_allclose(posterior.attrs["log_evidence"][1], logsumexp(weight), atol=0.15)
    share = np.exp(weight - logsumexp(weight))
    found = first_source(posterior)
    for axis, centres in zip(("east", "north"), lattice.centres(), strict=True):
        middle = share.sum(axis=1) @ centres
        spread = np.sqrt(share.sum(axis=1) @ (centres - middle) ** 2)
        assert_allclose(found[axis].mean(), middle, atol=0.15 * spread)
        assert_allclose(found[axis].std(), spread, rtol=0.1)
    log_rate = share.sum(axis=0) @ np.log(rates)
    assert_allclose(np.log(found["rate"]).mean(), log_rate, atol=0.05)


def test_probability_of_any_source_follows_from_prior_and_evidence(survey, posterior_of):
    for any_source in (0.5, 0.05):
        posterior = posterior_of(survey(), prior=Prior(any_source=any_source))
        odds = any_source * 0.8 * np.exp(posterior.attrs["log_evidence"][1]) / (1 - any_source)
        given_at_most_one = odds / (1 + odds)
        assert abs(posterior.attrs["p_any_source"] - given_at_most_one) < 0.06 * any_source / 0.5


def test_draws_from_a_table_follow_its_weights(rng):
    weight = rng.gamma(0.5, 1.0, (6, 4))
    weight[2] = 0.0
    with np.errstate(divide="ignore"):
        log_weight = np.log(weight).astype(np.float32)
    table = Evidence(log_weight, float(np.log(weight.sum())), 0.0, (0, 0))
    cells, rates = table.draw(rng, 20000)
    counts = np.zeros_like(weight)
    np.add.at(counts, (cells, rates), 1)
    assert_allclose(counts / 20000, weight / weight.sum(), atol=0.015)
    assert not counts[2].any()
    assert_allclose(np.exp(table.cells()), weight.sum(axis=1), rtol=1e-5)
    assert_allclose(np.exp(table.rates()), weight.sum(axis=0), rtol=1e-5)


def test_the_best_cells_are_divided_and_the_hopeless_left_out():
    coarse = Lattice.covering((0.0, 0.0, 80.0, 40.0), 4.0)
    east, north = coarse.centres()
    log_weight = -((east - 22.0) ** 2 + (north - 14.0) ** 2) / 20.0
    fine = refined(
        coarse, log_weight, domain=(0.0, 0.0, 80.0, 40.0), finest_m=1.0, budget=2000, depth=9.0
    )
    assert fine.cell_m == 1.0
    fine_east, fine_north = fine.centres()
    distance = np.hypot(fine_east - 22.0, fine_north - 14.0)
    assert distance.max() < np.sqrt(9 * 20) + 4 * 4
    kept = np.hypot(east - 22.0, north - 14.0) < np.sqrt(9 * 20)
    inside = {(x // 4, y // 4) for x, y in zip(fine_east, fine_north, strict=True)}
    wanted = {(x // 4, y // 4) for x, y in zip(east[kept], north[kept], strict=True)}
    assert wanted <= inside
    assert fine.size % 16 == 0


def test_evidence_for_two_sources_is_near_the_sum_over_pairs(survey, posterior_of):
    """Labels are left in order, which may halve it, and chains are few."""
    box = (-60.0, -40.0, 20.0, 40.0)
    noise = Noise(saturation=1e9, sure=Noise().temper, chance=np.inf)
    flight = survey(SOURCE, Source(east=-10.0, north=-25.0, rate=1e-3))
    size = {"rates": 8, "coarse_cells": 100, "fine_cells": 100, "finest_m": 8.0}
    told = [
        posterior_of(
            flight, where=box, prior=KNOWN, noise=noise, seed=seed, max_sources=2, **size
        ).attrs["log_evidence"]
        for seed in range(3)
    ]
    lattice = Lattice.covering(box, 8.0)
    nuisances = nuisances_at(
        KNOWN,
        np.zeros(10),
        wind_speed=flight.mean_wind_speed,
        wind_height_m=flight.reference_height_m,
        response_s=(0.0, 0.0),
    )
    kernel = response_of(path_of(flight, box, smoothing_s=15.0), lattice, nuisances)
    rates = np.geomspace(KNOWN.rate_min, KNOWN.rate_max, 8)
    prior = np.exp(-0.5 * (np.log(rates / KNOWN.rate) / KNOWN.rate_log_sd) ** 2)
    log_prior = np.log(prior / prior.sum() / lattice.size)
    floor = noise.floor * np.quantile(flight.concentration, 0.995)
    fixed = (flight.concentration, np.hypot(flight.sigma, floor), rates)

    def log_weight(others):
        ratio = log_ratio(kernel, *fixed, relative=noise.relative, others=others)
        return log_prior + noise.temper * ratio

    first = log_weight(None)
    pairs = [
        first[cell, r] + logsumexp(log_weight(rates[r] * kernel[:, cell].astype(float)))
        for cell in range(lattice.size)
        for r in range(rates.size)
    ]
    one, two = logsumexp(first), logsumexp(pairs)
    assert_allclose(np.mean([found[1] for found in told]), one, atol=0.3)
    assert_allclose(np.mean([found[2] for found in told]), two, atol=1.3)

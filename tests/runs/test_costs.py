import pytest

from clinimcl.runs.costs import Costs, EnergyMeter, Zone, zones


def counter(folder, name, energy, label="package-0"):
    (folder / name).mkdir()
    (folder / name / "name").write_text(label + "\n")
    (folder / name / "energy_uj").write_text(f"{energy}\n")
    (folder / name / "max_energy_range_uj").write_text("999999\n")
    return folder / name / "energy_uj"


def test_packages_are_counted_and_their_parts_are_not(tmp_path):
    counter(tmp_path, "intel-rapl:0", 5)
    counter(tmp_path, "intel-rapl:0:0", 5, "core")
    counter(tmp_path, "intel-rapl:1", 5, "psys")
    assert [zone.counter.parent.name for zone in zones(tmp_path)] == ["intel-rapl:0"]


def test_a_counter_that_cannot_be_read_is_none(tmp_path):
    counter(tmp_path, "intel-rapl:0", "secret")
    assert zones(tmp_path) == [] and EnergyMeter([]).stop() is None


def test_energy_is_what_the_counters_rise_by_though_one_begins_again(tmp_path):
    paths = [counter(tmp_path, f"intel-rapl:{number}", 900_000) for number in range(2)]
    meter = EnergyMeter([Zone(path, 999_999) for path in paths])
    meter.start()
    paths[0].write_text("400000")
    paths[1].write_text("950000")
    assert meter.stop() == pytest.approx(0.5 + 0.05)


def test_each_stage_has_its_seconds_and_is_written(tmp_path):
    costs = Costs()
    with costs.stage("preparation"):
        pass
    costs.write(tmp_path)
    assert list(costs.stages) == ["preparation"] and costs.stages["preparation"]["seconds"] >= 0
    assert "preparation" in (tmp_path / "costs.json").read_text()

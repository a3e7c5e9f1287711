"""Networks refuse datasets with hubs or jets that they do not know, by the parameter's name."""

import pytest

from wavenet import networks
from wavenet.study.tasks import expect_uniform, open_run
from wavenet.study.training import train

RECIPE = """
task = "forward"
cases = 6
split = [0.5, 0.25, 0.25]
[source]
m = [1]
n = [0]
helmholtz = [4.0, 6.0]
mach = [0.1, 0.3]
[microphones]
radius = 3.0
angle_deg = [20.0, 90.0, 5]
"""


@pytest.mark.parametrize(
    ("more", "fault"),
    [
        ("hub = 0.3", r"has cases with hub = 0\.3, a parameter that the network mlp does not know"),
        ("kutta = 1.0", r"has cases with mach_outer = 0,"),
        ("sound_speed_ratio = 0.8", "has cases with mach_outer = 0,"),
    ],
)
def test_networks_refuse_what_they_do_not_know(dataset_file, tmp_path, more, fault):
    path = dataset_file(RECIPE.replace("[microphones]", f"{more}\n[microphones]"))
    with pytest.raises(ValueError, match=fault):
        train("forward", path, tmp_path / "run", model="mlp")
    assert not (tmp_path / "run").exists()


def test_networks_that_are_trained_refuse_it_too(dataset_file):
    text = RECIPE.replace('"forward"', '"derivative"').replace("n = [0]", "n = [0]\nhub = 0.2")
    text = text.partition("[microphones]")[0] + "[grid]\nx = [-1.0, 1.0, 8]\nr = [0.2, 1.8, 8]\n"
    with pytest.raises(
        ValueError, match=r"data\.h5 has cases with hub = 0\.2, a parameter that the network unet does not know"
    ):
        open_run("unet", dataset_file(text))


def test_ducts_in_uniform_flow_are_taken(dataset_file):
    from data.read import read

    dataset = read(dataset_file(RECIPE))
    for name in networks.names("forward"):
        network = networks.get(name)
        expect_uniform(dataset.arrays, "x.h5", network)
        for parameter in ("density_ratio", "kutta"):
            with pytest.raises(ValueError, match=f"x.h5 has cases with {parameter} = 0.5"):
                expect_uniform(dataset.arrays | {parameter: 0 * dataset["mach"] + 0.5}, "x.h5", network)


def test_the_feed_forward_network_takes_hubs(dataset_file):
    from data.read import read

    dataset = read(dataset_file(RECIPE.replace("[microphones]", "hub = 0.3\n[microphones]")))
    expect_uniform(dataset.arrays, "x.h5", networks.get("feedforward"))

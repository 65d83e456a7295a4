"""What the table of an alignment says of numbers that cannot be."""

from datasets.conditions import ideal_conditions
from na64.alignment.tables import alignment_text
from processors.alignment import align_planes
from tests.processors.test_alignment import CONFIG, SETUP, measure


def test_a_wrong_field_is_told() -> None:
    positions, spectrometer = measure(300, 1), SETUP.spectrometers["incoming"]
    texts = [
        alignment_text(
            align_planes(positions, SETUP, ideal_conditions(SETUP), "incoming", CONFIG, field_off=off),
            spectrometer,
        )
        for off in (True, False)
    ]
    assert "MM2 dx of -16" in texts[0]
    assert "times what is believed possible" in texts[0]
    assert "times what is believed possible" not in texts[1]

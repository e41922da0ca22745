import pytest

from watthour.host.metering import warm
from watthour.metrology import windows
from watthour.samples import SAMPLE_TYPES


@pytest.mark.parametrize("sample_type", SAMPLE_TYPES)
def test_the_loops_of_a_type_are_there_before_its_first_sample(sample_type):
    warm(sample_type, lambda _text: None)
    compiled = {str(signature[0].dtype.dtype) for signature in windows.measure_windows.signatures}
    assert sample_type in compiled
